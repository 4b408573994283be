#include "netlink/facts.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vrrpd::netlink {
namespace {

bool may_send_adverts(const Address& address, Family family, std::span<const IpAddress> vips, Scope scope) {
    const IpAddress& candidate = address.prefix.address;
    if (candidate.family() != family || address.mark == our_mark) return false;
    if (family == Family::ipv6) {
        if (address.tentative || candidate.is_loopback()) return false;
        if (candidate.is_link_local() != (scope == Scope::link)) return false;
    }
    return !std::ranges::binary_search(vips, candidate);
}

}  // namespace

void Facts::set_link(const Link& link) {
    const auto [known, added] = links_.try_emplace(link.index, KnownLink{link, reading_});
    known->second.reading = reading_;
    if (!added && known->second.link == link) return;
    forget_name(known->second.link);
    names_[link.name] = link.index;
    known->second.link = link;
    ++version_;
}

void Facts::forget_name(const Link& link) {
    const auto named = names_.find(link.name);
    if (named != names_.end() && named->second == link.index) names_.erase(named);
}

void Facts::remove_link(int index) {
    const auto gone = of_link(index);
    for (const KnownAddress& known : gone) count(known.address);
    const auto from = addresses_.begin() + (gone.data() - addresses_.data());
    addresses_.erase(from, from + std::ssize(gone));
    const auto known = links_.find(index);
    if (known == links_.end()) return;
    forget_name(known->second.link);
    links_.erase(known);
    ++version_;
}

Facts::Addresses::const_iterator Facts::first_from(const Key& key) const {
    return std::ranges::lower_bound(addresses_, key, {},
                                    [](const KnownAddress& known) { return key_of(known.address); });
}

std::span<const Facts::KnownAddress> Facts::of_link(int link) const {
    const auto is_of_link = [link](const KnownAddress& known) { return known.address.link == link; };
    const auto from = first_from({link, Prefix{IpAddress{}, 0}, IpAddress{}});
    return {from, std::find_if_not(from, addresses_.end(), is_of_link)};
}

void Facts::set_address(const Address& address) {
    auto place = first_from(key_of(address));
    const bool added = place == addresses_.end() || key_of(place->address) != key_of(address);
    if (added) place = addresses_.insert(place, {address, next_order_++, reading_});
    KnownAddress& known = addresses_[static_cast<std::size_t>(place - addresses_.begin())];
    if (known.reading != reading_) take_order(known);
    known.reading = reading_;
    if (!added && known.address == address) return;
    count(known.address);
    if (address.mark != known.address.mark) count(address);
    known.address = address;
}

// A reading tells the kernel's order, in which an address that went and came unnoticed has another place.
void Facts::take_order(KnownAddress& known) {
    if (known.address.link != last_read_.link) last_read_ = {known.address.link, 0};
    if (known.order < last_read_.order) count(known.address);
    last_read_.order = known.order;
    known.order = next_order_++;
}

void Facts::remove_address(const Address& address) {
    const auto known = first_from(key_of(address));
    if (known == addresses_.end() || key_of(known->address) != key_of(address)) return;
    count(known->address);
    removed_.push_back(known->address);
    addresses_.erase(known);
}

void Facts::count(const Address& address) {
    if (address.mark != our_mark) ++version_;
}

void Facts::begin_resync() {
    ++reading_;
    last_read_ = {};
}

void Facts::end_resync() {
    const auto is_gone = [this](const KnownAddress& known) { return known.reading != reading_; };
    for (const KnownAddress& known : addresses_) {
        if (!is_gone(known)) continue;
        count(known.address);
        removed_.push_back(known.address);
    }
    std::erase_if(addresses_, is_gone);
    std::vector<int> gone;
    for (const auto& [index, known] : links_) {
        if (known.reading != reading_) gone.push_back(index);
    }
    for (const int index : gone) remove_link(index);
}

const Link* Facts::link(int index) const {
    const auto known = links_.find(index);
    return known == links_.end() ? nullptr : &known->second.link;
}

const Link* Facts::link(std::string_view name) const {
    const auto named = names_.find(name);
    return named == names_.end() ? nullptr : link(named->second);
}

std::vector<Link> Facts::links() const {
    std::vector<Link> result;
    for (const auto& [index, known] : links_) result.push_back(known.link);
    return result;
}

std::vector<Address> Facts::addresses(int link) const {
    return addresses(link, [](const Address&) { return true; });
}

std::vector<Address> Facts::addresses(int link, const std::function<bool(const Address&)>& wanted) const {
    std::vector<const KnownAddress*> known;
    for (const KnownAddress& one : of_link(link)) {
        if (wanted(one.address)) known.push_back(&one);
    }
    std::ranges::sort(known, {}, &KnownAddress::order);
    std::vector<Address> result;
    result.reserve(known.size());
    for (const KnownAddress* one : known) result.push_back(one->address);
    return result;
}

std::vector<Address> Facts::addresses() const {
    std::vector<Address> result;
    result.reserve(addresses_.size());
    while (result.size() < addresses_.size()) {
        const auto of_next_link = addresses(addresses_[result.size()].address.link);
        result.insert(result.end(), of_next_link.begin(), of_next_link.end());
    }
    return result;
}

std::vector<Address> Facts::holders(int link, const IpAddress& address) const {
    std::vector<Address> result;
    for (auto known = first_from({link, Prefix{address, 0}, IpAddress{}});
         known != addresses_.end() && known->address.link == link && known->address.prefix.address == address;
         ++known) {
        result.push_back(known->address);
    }
    return result;
}

std::vector<Address> Facts::holders(const IpAddress& address) const {
    std::vector<Address> result;
    for (const KnownAddress& known : addresses_) {
        if (known.address.prefix.address == address) result.push_back(known.address);
    }
    return result;
}

std::optional<IpAddress> Facts::primary_address(int link, Family family, std::span<const IpAddress> vips,
                                                Scope scope) const {
    std::optional<IpAddress> second_best;
    for (const Address& address : addresses(link)) {
        if (!may_send_adverts(address, family, vips, scope)) continue;
        if (!address.secondary) return address.prefix.address;
        if (!second_best) second_best = address.prefix.address;
    }
    return second_best;
}

std::vector<Address> Facts::take_removed() {
    return std::exchange(removed_, {});
}

bool Facts::take_changed() {
    return std::exchange(told_, version_) != version_;
}

}  // namespace vrrpd::netlink
