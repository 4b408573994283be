#include "vrrpd/agent/paths.hpp"

namespace vrrpd {
namespace {

constexpr std::span<const IpAddress> none;

}  // namespace

std::vector<IpAddress> virtual_addresses(std::span<const InstanceOptions> instances) {
    std::vector<IpAddress> all;
    for (const InstanceOptions& instance : instances) {
        for_each_address(instance, [&](const VirtualAddress& address) { all.push_back(address.prefix.address); });
    }
    return all;
}

PathChanged find_path(InstanceId id, const InstanceOptions& instance, const netlink::Facts& facts,
                      std::span<const IpAddress> virtual_addresses) {
    PathChanged path;
    path.instance = id;
    const char* name = instance.interface.c_str();
    const netlink::Link* link = facts.link(instance.interface);
    if (link == nullptr) {
        path.reason = Text::format("interface %s does not exist", name);
        return path;
    }
    path.interface_index = link->index;
    path.up = link->up && link->running;
    const bool owner = instance.priority == owner_priority;  // whose own address is the virtual one
    path.source = facts.primary_address(link->index, instance.family, owner ? none : virtual_addresses);
    if (!link->up) {
        path.reason = Text::format("interface %s is down", name);
    } else if (!link->running) {
        path.reason = Text::format("interface %s has no carrier", name);
    } else if (!path.source) {
        path.reason = Text::format(instance.family == Family::ipv4
                                       ? "interface %s has no IPv4 address of its own"
                                       : "interface %s has no usable IPv6 link-local address of its own",
                                   name);
    }
    return path;
}

const netlink::Link* link_of(const VirtualAddress& address, const InstanceOptions& instance,
                             const netlink::Facts& facts) {
    return facts.link(address.device.empty() ? instance.interface : address.device);
}

}  // namespace vrrpd
