#include "vrrpd/agent/receivers.hpp"

#include <system_error>

namespace vrrpd {
namespace {

// Packets read before a timer is honoured: an advert that is in the socket wins over an expiry noticed late
// (D12), a flood does not keep the timer waiting.
constexpr std::size_t drain_batches = 8;

}  // namespace

Receivers::Receivers(Loop& loop, const std::vector<InstanceOptions>& instances, const netlink::Facts& facts,
                     std::function<void(const Packet&)> receive)
    : loop_(loop), instances_(instances), facts_(facts), receive_(std::move(receive)) {}

std::map<Receivers::Segment, AdvertFilter> Receivers::wanted() const {
    std::map<Segment, AdvertFilter> wanted;
    for (const InstanceOptions& instance : instances_) {
        const netlink::Link* link = facts_.link(instance.interface);
        if (link == nullptr) continue;
        AdvertFilter& filter = wanted[{link->index, instance.family}];
        // The other version is refused all the same, but by the core, which says so: a pair that disagrees
        // about it would otherwise be two Actives without a word.
        filter.version_2 = filter.version_3 = true;
        filter.virtual_router_ids.set(instance.virtual_router_id);
    }
    return wanted;
}

void Receivers::refresh() {
    const auto wanted = this->wanted();
    std::erase_if(open_, [&](const auto& entry) { return !wanted.contains(entry.first); });
    for (const auto& [segment, filter] : wanted) {
        Open& place = open_[segment];
        if (place.receiver && place.filter == filter) continue;
        place.filter = filter;
        open(segment, place);
    }
}

void Receivers::open(const Segment& segment, Open& place) {
    const auto& [interface_index, family] = segment;
    try {
        place.problem.clear();
        if (place.receiver) {
            place.receiver->set_filter(place.filter);
        } else {
            place.receiver = std::make_unique<AdvertReceiver>(loop_, family, interface_index, place.filter, receive_);
        }
    } catch (const std::system_error& error) {
        place.receiver.reset();
        place.problem = error.what();
    }
}

std::string Receivers::problem(int interface_index, Family family) const {
    const auto place = open_.find({interface_index, family});
    return place == open_.end() ? "not open" : place->second.problem;
}

void Receivers::drain() {
    for (const auto& [segment, place] : open_) {
        if (place.receiver) place.receiver->drain(drain_batches);
    }
}

}  // namespace vrrpd
