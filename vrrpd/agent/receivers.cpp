#include "vrrpd/agent/receivers.hpp"

#include <algorithm>
#include <system_error>

namespace vrrpd {
namespace {

// Packets read before a timer is honoured: an advert that is in the socket wins over an expiry noticed late
// (D12), a flood does not keep the timer waiting.
constexpr std::size_t drain_batches = 8;
// After a pause of this process there may be as much as the socket's buffer holds, and the decisive one may be the
// last.
constexpr std::size_t full_socket_batches = 256;

void subscribe(const InstanceOptions& instance, Subscription& subscription) {
    AdvertFilter& filter = subscription.filter;
    filter.virtual_router_ids.set(instance.virtual_router_id);
    (instance.version == Version::v2 ? filter.version_2 : filter.version_3) = true;
    for (const UnicastPeer& peer : instance.unicast_peers) filter.any_ttl |= peer.min_ttl < 255;
    if (!instance.unicast_peers.empty()) return;
    const IpAddress group = instance.group.value_or(vrrp_group(instance.family));
    auto& groups = subscription.groups;
    if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
}

void count(AdvertReceiver* receiver, AdvertObserver* observer, Receivers::Dropped& sum) {
    if (receiver != nullptr) {
        sum.lost += receiver->lost();
        sum.unreadable += receiver->unreadable();
    }
    if (observer != nullptr) {
        sum.unclassified += observer->unclassified();
        sum.unreadable += observer->unreadable();
    }
}

}  // namespace

Receivers::Receivers(Loop& loop, const std::vector<InstanceOptions>& instances, PacketSink receive, PacketSink observe)
    : loop_(loop), instances_(instances), receive_(std::move(receive)), observe_(std::move(observe)) {}

std::map<Receivers::Segment, Subscription> Receivers::wanted(std::span<const PathChanged> found) const {
    std::map<Segment, Subscription> wanted;
    for (const PathChanged& path : found) {
        const InstanceOptions& instance = instances_[path.instance];
        if (path.interface_index != 0) subscribe(instance, wanted[{path.interface_index, instance.family}]);
    }
    return wanted;
}

void Receivers::refresh(std::span<const PathChanged> found, const Paths& paths) {
    const auto wanted = this->wanted(found);
    for (auto& [segment, place] : open_) {
        if (!wanted.contains(segment)) close(place);
    }
    std::erase_if(open_, [&](const auto& entry) { return !wanted.contains(entry.first); });
    for (const auto& [segment, subscription] : wanted) {
        Open& place = open_[segment];
        place.addresses = paths.own_addresses(segment.first);
        if (place.receiver && place.subscription == subscription) continue;
        place.subscription = subscription;
        open(segment, place);
    }
}

void Receivers::open(const Segment& segment, Open& place) {
    const auto& [interface_index, family] = segment;
    try {
        place.problem.clear();
        const Subscription& subscription = place.subscription;
        if (place.receiver) {
            place.receiver->configure(subscription);
            place.observer->configure(subscription);
        } else {
            place.observer = std::make_unique<AdvertObserver>(loop_, family, interface_index, subscription, observe_);
            place.receiver = std::make_unique<AdvertReceiver>(loop_, family, interface_index, subscription, receive_);
        }
    } catch (const std::system_error& error) {
        close(place);
        place.problem = error.what();
    }
}

void Receivers::close(Open& place) {
    count(place.receiver.get(), place.observer.get(), of_closed_);
    place.receiver.reset();
    place.observer.reset();
}

std::string Receivers::problem(int interface_index, Family family) const {
    const auto place = open_.find({interface_index, family});
    return place == open_.end() ? "not open" : place->second.problem;
}

Sender Receivers::sender_of(const Packet& packet) const {
    const auto place = open_.find({packet.interface_index, packet.source.family()});
    if (place == open_.end()) return Sender::neighbour;
    const LinkAddresses& addresses = place->second.addresses;
    if (std::ranges::binary_search(addresses.own, packet.source)) return Sender::ourselves;
    if (std::ranges::binary_search(addresses.broadcasts, packet.source)) return Sender::broadcast;
    if (packet.source.family() == Family::ipv6) return Sender::neighbour;
    const auto holds = [&](const Prefix& subnet) { return subnet.contains(packet.source); };
    const auto& subnets = addresses.subnets;
    return subnets.empty() || std::ranges::any_of(subnets, holds) ? Sender::neighbour : Sender::off_subnet;
}

bool Receivers::any_problem() const {
    return std::ranges::any_of(open_, [](const auto& entry) { return !entry.second.problem.empty(); });
}

void Receivers::drain(bool all) {
    for (const auto& [segment, place] : open_) {
        if (place.receiver) place.receiver->drain(all ? full_socket_batches : drain_batches);
    }
}

Receivers::Dropped Receivers::dropped() {
    Dropped sum = of_closed_;
    for (auto& [segment, place] : open_) count(place.receiver.get(), place.observer.get(), sum);
    return sum;
}

}  // namespace vrrpd
