// Who goes on where a predecessor stopped: decided from the runtime record that it left.
//
// An instance is adopted if the record says that it was MASTER with just the addresses that it would put on now, on the
// same links, and if its last advert is so fresh that no peer can have taken over. What the peers know is the interval
// that was advertised, so that of the record counts. A sync group is adopted as a whole or not at all.
#pragma once

#include <functional>
#include <vector>

#include "netlink/plan.hpp"
#include "vrrpd/core/events.hpp"
#include "vrrpd/core/options.hpp"
#include "vrrpd/guard/record.hpp"

namespace vrrpd {

/// A successor needs some time to come, and the peers give it what three adverts take.
inline constexpr Duration shortest_legacy_interval = std::chrono::seconds(1);

/// The instance was MASTER, and no peer can have taken over yet.
bool is_fresh(const Held& held, Instant now);

/// `placeable` tells the addresses that an instance would put on; none: it cannot take part now.
std::vector<Legacy> adoptable(const RecordReader& predecessor, const std::vector<InstanceOptions>& instances,
                              const std::vector<SyncGroupOptions>& groups,
                              const std::function<std::vector<netlink::OwnedAddress>(InstanceId)>& placeable,
                              Instant now);

/// Whether an instance that serves may be left for a successor. Should it not come, the lease is what remains.
bool can_be_left(const InstanceOptions& options);

/// Of `instances`, those that leave with their whole sync group, if they are in one.
std::vector<InstanceId> with_whole_groups(std::vector<InstanceId> instances,
                                          const std::vector<SyncGroupOptions>& groups);

}  // namespace vrrpd
