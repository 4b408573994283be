#include "vrrpd/agent/adoption.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace vrrpd {
namespace {

using Addresses = std::vector<netlink::OwnedAddress>;
// A VRID alone may be in use on several interfaces; with the addresses it is one virtual router.
using Names = std::pair<std::uint8_t, Addresses>;

Addresses sorted(Addresses addresses) {
    std::ranges::sort(addresses);
    return addresses;
}

std::map<Names, Held> find_fresh(const RecordReader& predecessor, Instant now) {
    std::map<Names, Held> found;
    for (std::size_t i = 0; i < predecessor.size(); ++i) {
        auto held = predecessor.held(i);
        if (!held || held->addresses.empty() || !is_fresh(*held, now)) continue;
        found.emplace(Names(held->virtual_router_id, sorted(held->addresses)), std::move(*held));
    }
    return found;
}

}  // namespace

bool is_fresh(const Held& held, Instant now) {
    return held.priority != 0 && held.last_advert <= now && now - held.last_advert < 2 * held.advert_interval;
}

std::vector<Legacy> adoptable(const RecordReader& predecessor, const std::vector<InstanceOptions>& instances,
                              const std::vector<SyncGroupOptions>& groups,
                              const std::function<Addresses(InstanceId)>& placeable, Instant now) {
    const auto known = find_fresh(predecessor, now);
    std::map<InstanceId, int> priorities;
    std::vector<InstanceId> found;
    for (InstanceId id = 0; id < instances.size() && !known.empty(); ++id) {
        const auto held = known.find({instances[id].virtual_router_id, sorted(placeable(id))});
        if (held == known.end()) continue;
        found.push_back(id);
        priorities[id] = held->second.priority;
    }
    std::vector<Legacy> adopted;
    for (const InstanceId id : with_whole_groups(std::move(found), groups)) adopted.push_back({id, priorities[id]});
    return adopted;
}

bool can_be_left(const InstanceOptions& options) {
    return options.lease > Duration::zero() && options.advert_interval >= shortest_legacy_interval;
}

std::vector<InstanceId> with_whole_groups(std::vector<InstanceId> instances,
                                          const std::vector<SyncGroupOptions>& groups) {
    const auto is_one = [&](InstanceId id) { return std::ranges::find(instances, id) != instances.end(); };
    for (const SyncGroupOptions& group : groups) {
        if (std::ranges::all_of(group.members, is_one)) continue;
        std::erase_if(instances,
                      [&](InstanceId id) { return std::ranges::find(group.members, id) != group.members.end(); });
    }
    return instances;
}

}  // namespace vrrpd
