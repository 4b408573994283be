#include "vrrpd/agent/claim_observers.hpp"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "vrrpd/agent/paths.hpp"
#include "vrrpd/io/log.hpp"

namespace vrrpd {

ClaimObservers::ClaimObservers(Loop& loop, const std::vector<InstanceOptions>& instances, const netlink::Facts& facts,
                               Sink sink)
    : loop_(loop), instances_(instances), facts_(facts), sink_(std::move(sink)) {}

std::map<ClaimObservers::Segment, ClaimObservers::Holders> ClaimObservers::wanted() const {
    std::map<Segment, Holders> wanted;
    for (InstanceId id = 0; id < instances_.size(); ++id) {
        for_each_address(instances_[id], [&](const VirtualAddress& address) {
            const IpAddress& own = address.prefix.address;
            const netlink::Link* link = link_of(address, instances_[id], facts_);
            if (link != nullptr) wanted[{link->index, own.family()}].emplace_back(own, id);
        });
    }
    return wanted;
}

bool ClaimObservers::take_changed() {
    auto links = facts_.links();
    std::vector<int> homes;
    for (const InstanceOptions& instance : instances_) {
        const netlink::Link* home = home_link(instance, facts_);
        homes.push_back(home == nullptr ? 0 : home->index);
    }
    if (!std::exchange(stale_, false) && links == links_ && homes == homes_) return false;
    links_ = std::move(links);
    homes_ = std::move(homes);
    return true;
}

void ClaimObservers::refresh() {
    if (!take_changed()) return;
    auto wanted = this->wanted();
    std::erase_if(open_, [&](const auto& entry) { return !wanted.contains(entry.first); });
    for (auto& [segment, holders] : wanted) open(segment, open_[segment], std::move(holders));
}

void ClaimObservers::open(const Segment& segment, Open& place, Holders holders) {
    const auto& [interface_index, family] = segment;
    const netlink::Link& link = *facts_.link(interface_index);
    std::ranges::sort(holders);
    ClaimSubscription subscription{link.mac, {}};
    for (const auto& [address, id] : holders) subscription.addresses.push_back(address);
    if (place.observer && place.subscription == subscription && place.holders == holders) return;
    place.subscription = std::move(subscription);
    place.holders = std::move(holders);
    try {
        if (place.observer) return place.observer->configure(place.subscription);
        place.observer =
            std::make_unique<ClaimObserver>(loop_, family, interface_index, place.subscription,
                                            [this, segment](std::span<const Claim> claims) { hear(segment, claims); });
    } catch (const std::system_error& error) {
        place.observer.reset();
        log::write(log::Level::warning,
                   fmt::format("cannot watch {} for other holders of our addresses: {}", link.name, error.what()));
    }
}

// Another link of ours on the same LAN is nobody else.
void ClaimObservers::hear(const Segment& segment, std::span<const Claim> claims) {
    std::vector<AddressClaimed> foreign;
    const Holders& holders = open_.at(segment).holders;
    for (const Claim& claim : claims) {
        if (std::ranges::find(links_, claim.mac, &netlink::Link::mac) != links_.end()) continue;
        auto holder = std::ranges::lower_bound(holders, std::pair(claim.address, InstanceId{0}));
        for (; holder != holders.end() && holder->first == claim.address; ++holder) {
            foreign.push_back({holder->second, claim.address, claim.mac});
        }
    }
    if (!foreign.empty()) sink_(foreign);
}

}  // namespace vrrpd
