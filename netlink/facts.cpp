#include "netlink/facts.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vrrpd::netlink {
namespace {

auto key_of(const Address& address) {
    return std::tuple(address.link, address.prefix, address.peer);
}

// Smaller than the key of any address of this link.
auto before_link(int index) {
    return std::tuple(index, Prefix{IpAddress{}, 0}, IpAddress{});
}

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
    auto entry = addresses_.lower_bound(before_link(index));
    while (entry != addresses_.end() && entry->second.address.link == index) entry = forget(entry);
    const auto known = links_.find(index);
    if (known == links_.end()) return;
    forget_name(known->second.link);
    links_.erase(known);
    ++version_;
}

void Facts::set_address(const Address& address) {
    const auto [known, added] = addresses_.try_emplace(key_of(address), KnownAddress{address, next_order_, reading_});
    known->second.reading = reading_;
    if (!added && known->second.address == address) return;
    if (added) {
        ++next_order_;
        places_.emplace(address.prefix.address, known->first);
    }
    count(known->second.address);
    if (address.mark != known->second.address.mark) count(address);
    known->second.address = address;
}

void Facts::remove_address(const Address& address) {
    const auto known = addresses_.find(key_of(address));
    if (known == addresses_.end()) return;
    removed_.push_back(known->second.address);
    forget(known);
}

Facts::Addresses::iterator Facts::forget(Addresses::iterator known) {
    count(known->second.address);
    places_.erase({known->second.address.prefix.address, known->first});
    return addresses_.erase(known);
}

void Facts::count(const Address& address) {
    if (address.mark != our_mark) ++version_;
}

void Facts::begin_resync() {
    ++reading_;
}

void Facts::end_resync() {
    for (auto entry = addresses_.begin(); entry != addresses_.end();) {
        const bool gone = entry->second.reading != reading_;
        if (gone) removed_.push_back(entry->second.address);
        entry = gone ? forget(entry) : std::next(entry);
    }
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

std::vector<Address> Facts::addresses(int link) const {
    std::vector<const KnownAddress*> known;
    for (auto entry = addresses_.lower_bound(before_link(link));
         entry != addresses_.end() && entry->second.address.link == link; ++entry) {
        known.push_back(&entry->second);
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
    for (auto entry = addresses_.begin(); entry != addresses_.end();) {
        const int link = entry->second.address.link;
        const auto of_link = addresses(link);
        result.insert(result.end(), of_link.begin(), of_link.end());
        std::advance(entry, of_link.size());
    }
    return result;
}

std::vector<Address> Facts::holders(int link, const IpAddress& address) const {
    std::vector<Address> result;
    for (auto entry = addresses_.lower_bound({link, Prefix{address, 0}, IpAddress{}});
         entry != addresses_.end() && entry->second.address.link == link &&
         entry->second.address.prefix.address == address;
         ++entry) {
        result.push_back(entry->second.address);
    }
    return result;
}

std::vector<Address> Facts::holders(const IpAddress& address) const {
    std::vector<Address> result;
    for (auto place = places_.lower_bound({address, before_link(0)}); place != places_.end() && place->first == address;
         ++place) {
        result.push_back(addresses_.at(place->second).address);
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
