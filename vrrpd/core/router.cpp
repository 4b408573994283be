#include "vrrpd/core/router.hpp"

#include <algorithm>

namespace vrrpd {
namespace {

// The longest slot of any instance: see Instance::slot().
constexpr Duration widest_slot = std::chrono::milliseconds(1);

bool is_ours(const InstanceOptions& options, const IpAddress& address) {
    const auto holds = [&](const VirtualAddress& own) { return own.prefix.address == address; };
    return std::ranges::any_of(options.addresses, holds) || std::ranges::any_of(options.excluded_addresses, holds);
}

// The checks that need the IP header and the instance.
std::optional<Refusal> check_header(const Packet& packet, const Instance& instance) {
    if (packet.has_options) return Refusal::options;
    if (packet.destination != vrrp_group(packet.source.family())) return Refusal::destination;
    const IpAddress& source = packet.source;
    if (source.is_unspecified() || source.is_multicast() || source.is_loopback() || source.is_broadcast()) {
        return Refusal::source;
    }
    if (source.family() == Family::ipv6 && !source.is_link_local()) return Refusal::source;
    if (source == instance.path().source) return Refusal::own_source;
    // An owner's primary address may be the virtual one (B24); byte 2 is the priority.
    if (packet.message[2] != owner_priority && is_ours(instance.options(), source)) return Refusal::source;
    return std::nullopt;
}

}  // namespace

Router::Router(const std::vector<InstanceOptions>& options) : deadlines_(options.size()) {
    instances_.reserve(options.size());
    for (const InstanceOptions& each : options) instances_.emplace_back(instances_.size(), each);
}

void Router::handle(const Event& event, Instant now, Actions& actions) {
    std::visit([&](const auto& fact) { on(fact, Moment{now, actions}); }, event);
}

void Router::expire(Instant now, Actions& actions) {
    const Moment moment{now, actions};
    not_yet_.clear();
    // Looks a little ahead for adverts that may leave now; timers that are not adverts wait for their time.
    while (!deadlines_.empty() && deadlines_.deadline(deadlines_.first()) <= now + widest_slot) {
        const InstanceId id = deadlines_.first();
        instances_[id].wake(moment);
        if (instances_[id].expire(moment)) {
            deadlines_.set(id, instances_[id].next_deadline());
        } else {
            not_yet_.push_back(id);
            deadlines_.set(id, never);
        }
    }
    for (const InstanceId id : not_yet_) deadlines_.set(id, instances_[id].next_deadline());
}

Instant Router::next_deadline() const {
    return deadlines_.empty() ? never : deadlines_.deadline(deadlines_.first());
}

bool Router::finished() const {
    return std::ranges::all_of(instances_, [](const Instance& each) { return each.finished(); });
}

template <typename Fact>
void Router::tell(InstanceId id, Moment moment, Fact fact) {
    instances_[id].wake(moment);
    fact(instances_[id]);
    deadlines_.set(id, instances_[id].next_deadline());
}

template <typename Fact>
void Router::tell_all(Moment moment, Fact fact) {
    for (InstanceId id = 0; id < instances_.size(); ++id) tell(id, moment, fact);
}

void Router::on(const Packet& packet, Moment moment) {
    const auto header = read_header(packet.message);
    if (const auto* refusal = std::get_if<Refusal>(&header)) {
        ++unassigned_[static_cast<std::size_t>(*refusal)];
        return;
    }
    if (packet.destination.is_multicast() && packet.ttl != 255) {
        ++unassigned_[static_cast<std::size_t>(Refusal::ttl)];
        return;
    }
    const InstanceId id = find(packet, std::get<Header>(header).virtual_router_id);
    if (id == none) {
        ++unassigned_[static_cast<std::size_t>(Refusal::vrid)];
        return;
    }
    tell(id, moment, [&](Instance& instance) {
        if (const auto refusal = check_header(packet, instance)) {
            return instance.refused(*refusal, packet.source, moment);
        }
        const InstanceOptions& options = instance.options();
        const auto advert = decode(packet, {options.version, options.advert_interval, options.password});
        if (const auto* refusal = std::get_if<Refusal>(&advert)) {
            return instance.refused(*refusal, packet.source, moment);
        }
        instance.heard(packet.source, std::get<Advert>(advert), moment);
    });
}

InstanceId Router::find(const Packet& packet, std::uint8_t virtual_router_id) const {
    const auto segment = segments_.find({packet.interface_index, packet.source.family()});
    return segment == segments_.end() ? none : segment->second[virtual_router_id];
}

void Router::index_segments() {
    segments_.clear();
    for (InstanceId id = 0; id < instances_.size(); ++id) {
        const Instance& instance = instances_[id];
        if (instance.path().interface_index == 0) continue;
        const Segment segment{instance.path().interface_index, instance.options().family};
        auto [place, created] = segments_.try_emplace(segment);
        if (created) place->second.fill(none);
        place->second[instance.options().virtual_router_id] = id;
    }
}

void Router::on(const Startup&, Moment moment) {
    tell_all(moment, [&](Instance& instance) { instance.start(moment); });
}

void Router::on(const Shutdown&, Moment moment) {
    tell_all(moment, [&](Instance& instance) { instance.stop(moment); });
}

void Router::on(const PathChanged& event, Moment moment) {
    const bool moved = instances_[event.instance].path().interface_index != event.interface_index;
    tell(event.instance, moment, [&](Instance& instance) { instance.path_changed(event, moment); });
    if (moved) index_segments();
}

void Router::on(const CheckChanged& event, Moment moment) {
    tell_all(moment, [&](Instance& instance) { instance.check_changed(event, moment); });
}

void Router::on(const AddressesSettled& event, Moment moment) {
    tell(event.instance, moment, [&](Instance& instance) { instance.addresses_settled(event, moment); });
}

void Router::on(const ServicesChanged& event, Moment moment) {
    tell(event.instance, moment, [&](Instance& instance) { instance.services_changed(event, moment); });
}

void Router::on(const SendFailed& event, Moment moment) {
    tell(event.instance, moment, [&](Instance& instance) { instance.send_failed(event.reason, moment); });
}

}  // namespace vrrpd
