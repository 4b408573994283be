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

bool may_send_adverts(const Address& address, Family family, std::span<const IpAddress> vips) {
    const IpAddress& candidate = address.prefix.address;
    if (candidate.family() != family || address.mark == our_mark) return false;
    if (family == Family::ipv6 && (address.tentative || !candidate.is_link_local())) return false;
    return std::ranges::find(vips, candidate) == vips.end();
}

}  // namespace

void Facts::set_link(const Link& link) {
    const auto [known, added] = links_.try_emplace(link.index, KnownLink{link, reading_});
    known->second.reading = reading_;
    if (!added && known->second.link == link) return;
    known->second.link = link;
    changed_ = true;
}

void Facts::remove_link(int index) {
    const auto first = addresses_.lower_bound(before_link(index));
    const auto last =
        std::find_if(first, addresses_.end(), [&](const auto& entry) { return entry.second.address.link != index; });
    if (first != last || links_.contains(index)) changed_ = true;
    addresses_.erase(first, last);
    links_.erase(index);
}

void Facts::set_address(const Address& address) {
    const auto [known, added] = addresses_.try_emplace(key_of(address), KnownAddress{address, next_order_, reading_});
    known->second.reading = reading_;
    if (added) ++next_order_;
    if (!added && known->second.address == address) return;
    known->second.address = address;
    changed_ = true;
}

void Facts::remove_address(const Address& address) {
    if (addresses_.erase(key_of(address)) > 0) changed_ = true;
}

void Facts::begin_resync() {
    ++reading_;
}

void Facts::end_resync() {
    const auto not_said_again = [&](const auto& entry) { return entry.second.reading != reading_; };
    if (std::erase_if(addresses_, not_said_again) > 0) changed_ = true;
    if (std::erase_if(links_, not_said_again) > 0) changed_ = true;
}

const Link* Facts::link(int index) const {
    const auto known = links_.find(index);
    return known == links_.end() ? nullptr : &known->second.link;
}

const Link* Facts::link(std::string_view name) const {
    const auto known = std::ranges::find_if(links_, [&](const auto& entry) { return entry.second.link.name == name; });
    return known == links_.end() ? nullptr : &known->second.link;
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

std::optional<IpAddress> Facts::primary_address(int link, Family family, std::span<const IpAddress> vips) const {
    std::optional<IpAddress> second_best;
    for (const Address& address : addresses(link)) {
        if (!may_send_adverts(address, family, vips)) continue;
        if (!address.secondary) return address.prefix.address;
        if (!second_best) second_best = address.prefix.address;
    }
    return second_best;
}

bool Facts::take_changed() {
    return std::exchange(changed_, false);
}

}  // namespace vrrpd::netlink
