#include "vrrpd/agent/paths.hpp"

#include <algorithm>
#include <array>

namespace vrrpd {
namespace {

constexpr std::span<const IpAddress> none;

// Whether adverts can come from an address that the configuration names. One with our mark moves.
bool can_be_source(const netlink::Address& address) {
    return address.mark != netlink::our_mark && !address.tentative;
}

const char* source_key(const InstanceOptions& instance) {
    return instance.unicast_peers.empty() ? "mcast_src_ip" : "unicast_src_ip";
}

netlink::Scope scope_of(const InstanceOptions& instance) {
    const bool far = instance.family == Family::ipv6 && !instance.unicast_peers.empty() &&
                     !instance.unicast_peers.front().address.is_link_local();
    return far ? netlink::Scope::global : netlink::Scope::link;
}

Text no_link(const InstanceOptions& instance) {
    if (!instance.interface.empty() || !instance.source) {
        return Text::format("interface %s does not exist", instance.interface.c_str());
    }
    return Text::format("no interface has %s (%s)", instance.source->to_string().c_str(), source_key(instance));
}

Text no_source(const InstanceOptions& instance, const char* link) {
    if (instance.source) {
        return Text::format("interface %s does not have %s (%s)", link, instance.source->to_string().c_str(),
                            source_key(instance));
    }
    if (instance.family == Family::ipv4) return Text::format("interface %s has no IPv4 address of its own", link);
    return Text::format("interface %s has no usable IPv6 %s address of its own", link,
                        scope_of(instance) == netlink::Scope::link ? "link-local" : "global");
}

// The last address of an IPv4 subnet.
IpAddress broadcast_of(const IpAddress& address, std::uint8_t length) {
    std::array<std::uint8_t, 4> bytes{};
    std::ranges::copy(address.bytes(), bytes.begin());
    for (std::size_t bit = length; bit < 32; ++bit) bytes[bit / 8] |= static_cast<std::uint8_t>(0x80u >> (bit % 8));
    return *IpAddress::from_bytes(bytes);
}

template <typename Value>
void sort_each_once(std::vector<Value>& addresses) {
    std::ranges::sort(addresses);
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
}

}  // namespace

Paths::Paths(const std::vector<InstanceOptions>& instances, const netlink::Facts& facts)
    : instances_(instances), facts_(facts) {
    reconfigure();
}

void Paths::reconfigure() {
    virtual_addresses_.clear();
    moving_.clear();
    primaries_.clear();
    for (const InstanceOptions& instance : instances_) {
        for_each_address(instance, [&](const VirtualAddress& address) {
            virtual_addresses_.push_back(address.prefix.address);
            if (instance.priority != owner_priority) moving_.push_back(address.prefix.address);
        });
    }
    sort_each_once(virtual_addresses_);
    sort_each_once(moving_);
}

PathChanged Paths::find(InstanceId id) const {
    const InstanceOptions& instance = instances_[id];
    PathChanged path;
    path.instance = id;
    const netlink::Link* link = home_link(instance, facts_);
    if (link == nullptr) {
        path.reason = no_link(instance);
        return path;
    }
    path.interface_index = link->index;
    path.carrier = link->up && link->running;
    path.up = !instance.track_primary || path.carrier;
    path.source = source(instance, link->index);
    if (!path.up) {
        path.reason =
            Text::format(link->up ? "interface %s has no carrier" : "interface %s is down", link->name.c_str());
    } else if (!path.source) {
        path.reason = no_source(instance, link->name.c_str());
    }
    return path;
}

std::optional<IpAddress> Paths::source(const InstanceOptions& instance, int link) const {
    const bool owner = instance.priority == owner_priority;  // whose own address is the virtual one
    if (!instance.source) return primary_address({link, instance.family, owner, scope_of(instance)});
    return std::ranges::any_of(facts_.holders(link, *instance.source), can_be_source) ? instance.source : std::nullopt;
}

std::optional<IpAddress> Paths::primary_address(const Shared& shared) const {
    if (version_ != facts_.version()) primaries_.clear();
    version_ = facts_.version();
    const auto [known, added] = primaries_.try_emplace(shared);
    const auto& [link, family, owner, scope] = shared;
    if (added) known->second = facts_.primary_address(link, family, owner ? none : moving_, scope);
    return known->second;
}

LinkAddresses Paths::own_addresses(int link) const {
    LinkAddresses result;
    for (const netlink::Address& address : facts_.addresses(link)) {
        if (address.mark == netlink::our_mark) continue;
        const auto& [own, length] = address.prefix;
        if (own.family() == Family::ipv4 && length <= 30) {
            result.broadcasts.push_back(broadcast_of(address.peer, length));
        }
        if (own.family() == Family::ipv4 && length < 32) result.subnets.push_back({address.peer, length});
        // A kernel that keeps no marks does not tell what is ours.
        if (!std::ranges::binary_search(virtual_addresses_, own)) result.own.push_back(own);
    }
    sort_each_once(result.own);
    sort_each_once(result.broadcasts);
    sort_each_once(result.subnets);
    return result;
}

const netlink::Link* home_link(const InstanceOptions& instance, const netlink::Facts& facts) {
    if (!instance.interface.empty()) return facts.link(instance.interface);
    if (!instance.source) return nullptr;
    const auto holders = facts.holders(*instance.source);
    const auto holder = std::ranges::find_if(holders, can_be_source);
    return holder == holders.end() ? nullptr : facts.link(holder->link);
}

const netlink::Link* link_of(const VirtualAddress& address, const InstanceOptions& instance,
                             const netlink::Facts& facts) {
    return address.device.empty() ? home_link(instance, facts) : facts.link(address.device);
}

}  // namespace vrrpd
