// From the kernel's links and addresses to the way out of an instance. Pure: facts in, facts out.
#pragma once

#include <span>
#include <vector>

#include "netlink/facts.hpp"
#include "vrrpd/core/events.hpp"
#include "vrrpd/core/options.hpp"

namespace vrrpd {

/// All addresses that move, of all instances: none of them is ever the source of an advert.
std::vector<IpAddress> virtual_addresses(std::span<const InstanceOptions> instances);

/// Whether an instance can take part, and from which address; or why not, in a sentence that names the
/// interface.
PathChanged find_path(InstanceId id, const InstanceOptions& instance, const netlink::Facts& facts,
                      std::span<const IpAddress> virtual_addresses);

/// Where a virtual address belongs: `dev IF` of its own, or the interface of its instance.
const netlink::Link* link_of(const VirtualAddress& address, const InstanceOptions& instance,
                             const netlink::Facts& facts);

}  // namespace vrrpd
