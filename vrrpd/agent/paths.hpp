// From the kernel's links and addresses to the way out of an instance. Pure: facts in, facts out.
#pragma once

#include <span>
#include <vector>

#include "netlink/facts.hpp"
#include "vrrpd/core/events.hpp"
#include "vrrpd/core/options.hpp"

namespace vrrpd {

/// All addresses that move, of all instances: none of them is the source of an advert, but for an owner.
std::vector<IpAddress> virtual_addresses(std::span<const InstanceOptions> instances);

/// Whether an instance can take part, and from which address; or why not, in a sentence that names the interface.
PathChanged find_path(InstanceId id, const InstanceOptions& instance, const netlink::Facts& facts,
                      std::span<const IpAddress> virtual_addresses);

/// All addresses of an instance, excluded ones too.
template <typename Use>
void for_each_address(const InstanceOptions& instance, Use use) {
    for (const auto* list : {&instance.addresses, &instance.excluded_addresses}) {
        for (const VirtualAddress& address : *list) use(address);
    }
}

/// Where a virtual address belongs: `dev IF` of its own, or the interface of its instance.
const netlink::Link* link_of(const VirtualAddress& address, const InstanceOptions& instance,
                             const netlink::Facts& facts);

}  // namespace vrrpd
