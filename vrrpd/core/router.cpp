#include "vrrpd/core/router.hpp"

#include <algorithm>

namespace vrrpd {
namespace {

// The longest slot of any instance: see Instance::slot().
constexpr Duration widest_slot = std::chrono::milliseconds(1);

bool is_unicast(const InstanceOptions& options) {
    return !options.unicast_peers.empty();
}

const UnicastPeer* find_peer(const InstanceOptions& options, const IpAddress& source) {
    const auto peer = std::ranges::find(options.unicast_peers, source, &UnicastPeer::address);
    return peer == options.unicast_peers.end() ? nullptr : &*peer;
}

bool is_ours(const InstanceOptions& options, const IpAddress& address) {
    const auto holds = [&](const VirtualAddress& own) { return own.prefix.address == address; };
    return std::ranges::any_of(options.addresses, holds) || std::ranges::any_of(options.excluded_addresses, holds);
}

// The checks that need the IP header and the instance.
std::optional<Refusal> check_header(const Packet& packet, const Instance& instance) {
    const InstanceOptions& options = instance.options();
    const IpAddress& source = packet.source;
    const bool unicast = is_unicast(options);
    if (packet.has_options) return Refusal::options;
    const bool misdirected = unicast ? packet.destination.is_multicast() || packet.destination.is_broadcast()
                                     : packet.destination != instance.group_address();
    if (misdirected) return Refusal::destination;
    if (source.is_unspecified() || source.is_multicast() || source.is_loopback() || source.is_broadcast() ||
        packet.sender == Sender::broadcast) {
        return Refusal::source;
    }
    if (!unicast && source.family() == Family::ipv6 && !source.is_link_local()) return Refusal::source;
    if (packet.sender == Sender::ourselves || source == instance.path().source) return Refusal::own_source;
    // An owner's primary address may be the virtual one, and it leaves with priority 0 (B24).
    const std::uint8_t priority = packet.message[2];
    if (priority != owner_priority && priority != 0 && is_ours(options, source)) return Refusal::source;
    if (!unicast) return std::nullopt;
    const UnicastPeer* peer = find_peer(options, source);
    if (peer == nullptr) return Refusal::source;
    return packet.ttl < peer->min_ttl ? std::optional(Refusal::ttl) : std::nullopt;
}

}  // namespace

Router::Router(const std::vector<InstanceOptions>& options, const std::vector<SyncGroupOptions>& groups)
    : group_of_(options.size()), deadlines_(options.size()), next_(options.size(), none) {
    instances_.reserve(options.size());
    for (const InstanceOptions& each : options) {
        instances_.push_back(std::make_unique<Instance>(instances_.size(), each));
    }
    index_options();
    regroup(groups);
}

// Who is to be told of a check, and whose an address is.
void Router::index_options() {
    trackers_.clear();
    holders_.clear();
    const auto track = [this](std::size_t check, InstanceId id) {
        auto& trackers = trackers_[check];
        if (trackers.empty() || trackers.back() != id) trackers.push_back(id);
    };
    for (InstanceId id = 0; id < instances_.size(); ++id) {
        const InstanceOptions& options = instances_[id]->options();
        for (const Track& tracked : options.checks) track(tracked.index, id);
        for (const std::size_t gate : options.gates) track(gate, id);
        for (const VirtualAddress& address : options.addresses) holders_.emplace_back(address.prefix.address, id);
    }
    std::ranges::sort(holders_);
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
        lead(id, moment, [&](Instance& instance) {
            instance.wake(moment);
            if (instance.expire(moment)) {
                deadlines_.set(id, instance.next_deadline());
            } else {
                not_yet_.push_back(id);
                deadlines_.set(id, never);
            }
        });
    }
    for (const InstanceId id : not_yet_) deadlines_.set(id, instances_[id]->next_deadline());
}

Instant Router::next_deadline() const {
    return deadlines_.empty() ? never : deadlines_.deadline(deadlines_.first());
}

bool Router::finished() const {
    return std::ranges::all_of(instances_, [](const auto& each) { return each->finished(); });
}

template <typename Step>
void Router::lead(InstanceId id, Moment moment, Step step) {
    Instance& instance = *instances_[id];
    if (group_of_[id] == nullptr) return step(instance);
    const auto before = instance.stance();
    step(instance);
    if (instance.stance() != before) settle(id, moment);
}

template <typename Fact>
void Router::tell(InstanceId id, Moment moment, Fact fact) {
    lead(id, moment, [&](Instance& instance) {
        instance.wake(moment);
        fact(instance);
        deadlines_.set(id, instance.next_deadline());
    });
}

// Sync groups look when all have been told: what all do for themselves, none does for another.
template <typename Fact>
void Router::tell_all(Moment moment, Fact fact) {
    for (InstanceId id = 0; id < instances_.size(); ++id) {
        instances_[id]->wake(moment);
        fact(*instances_[id]);
        deadlines_.set(id, instances_[id]->next_deadline());
    }
    settle_groups(moment);
}

void Router::settle(InstanceId id, Moment moment) {
    SyncGroup* const group = group_of_[id];
    if (group == nullptr) return;
    group->settle(moment);
    for (const Instance* member : group->members()) deadlines_.set(member->id(), member->next_deadline());
}

void Router::settle_groups(Moment moment) {
    for (const auto& group : groups_) settle(group->members().front()->id(), moment);
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
        return look_for_slip(packet, std::get<Header>(header).virtual_router_id, moment);
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
        const bool strange = packet.sender == Sender::off_subnet && !is_unicast(options);
        if (strange) instance.heard_off_subnet(packet.source, moment);
        instance.heard(packet.source, std::get<Advert>(advert), moment);
    });
}

InstanceId Router::find(const Packet& packet, std::uint8_t virtual_router_id) const {
    const auto segment = segments_.find({packet.interface_index, packet.source.family()});
    if (segment == segments_.end()) return none;
    const InstanceId first = segment->second[virtual_router_id];
    for (InstanceId id = first; id != none; id = next_[id]) {
        if (find_peer(instances_[id]->options(), packet.source) != nullptr) return id;
    }
    return first;
}

// The classic mistake: the peers agree on the addresses, but not on the VRID, and both are Active.
void Router::look_for_slip(const Packet& packet, std::uint8_t virtual_router_id, Moment moment) {
    const auto list = advertised_addresses(packet);
    if (!list) return;
    const std::size_t size = packet.source.family() == Family::ipv4 ? 4 : 16;
    for (std::size_t at = 0; at + size <= list->size(); at += size) {
        const auto address = IpAddress::from_bytes(list->subspan(at, size));
        const auto holder = std::ranges::lower_bound(holders_, std::pair(*address, InstanceId{0}));
        if (holder == holders_.end() || holder->first != *address) continue;
        if (instances_[holder->second]->path().interface_index != packet.interface_index) continue;
        return instances_[holder->second]->heard_slip(packet.source, virtual_router_id, *address, moment);
    }
}

void Router::enter_segment(InstanceId id) {
    const Instance& instance = *instances_[id];
    if (instance.path().interface_index == 0) return;
    auto [segment, created] = segments_.try_emplace({instance.path().interface_index, instance.options().family});
    if (created) segment->second.fill(none);
    next_[id] = std::exchange(segment->second[instance.options().virtual_router_id], id);
}

void Router::leave_segment(InstanceId id) {
    const Instance& instance = *instances_[id];
    const auto segment = segments_.find({instance.path().interface_index, instance.options().family});
    if (segment == segments_.end()) return;
    InstanceId* place = &segment->second[instance.options().virtual_router_id];
    while (*place != id) place = &next_[*place];
    *place = std::exchange(next_[id], none);
    if (std::ranges::all_of(segment->second, [](InstanceId first) { return first == none; })) segments_.erase(segment);
}

void Router::on(const Startup& event, Moment moment) {
    for (const Legacy& legacy : event.adopted) instances_[legacy.instance]->inherit(legacy.priority);
    tell_all(moment, [&](Instance& instance) { instance.start(moment); });
}

void Router::on(const Shutdown& event, Moment moment) {
    for (const InstanceId id : event.remaining) instances_[id]->remain();
    tell_all(moment, [&](Instance& instance) { instance.stop(moment); });
}

void Router::on(const Parting&, Moment moment) {
    tell_all(moment, [&](Instance& instance) { instance.part(moment); });
}

template <typename Fact>
void Router::tell_group(InstanceId id, Moment moment, Fact fact) {
    const SyncGroup* const group = group_of_[id];
    const std::vector<Instance*> alone{instances_[id].get()};
    for (Instance* instance : group == nullptr ? alone : group->members()) {
        instance->wake(moment);
        fact(*instance);
        deadlines_.set(instance->id(), instance->next_deadline());
    }
    settle(id, moment);
}

void Router::on(const DrainChanged& event, Moment moment) {
    tell_group(event.instance, moment, [&](Instance& instance) { instance.drain(event.drained, moment); });
}

void Router::on(const HandOver& event, Moment moment) {
    tell_group(event.instance, moment, [&](Instance& instance) { instance.hand_over(moment); });
}

void Router::on(const PathChanged& event, Moment moment) {
    const bool moved = instances_[event.instance]->path().interface_index != event.interface_index;
    if (moved) leave_segment(event.instance);
    tell(event.instance, moment, [&](Instance& instance) { instance.path_changed(event, moment); });
    if (moved) enter_segment(event.instance);
}

void Router::on(const CheckChanged& event, Moment moment) {
    const auto trackers = trackers_.find(event.check);
    if (trackers == trackers_.end()) return;
    known_[event.check] = event;
    for (const InstanceId id : trackers->second) {
        tell(id, moment, [&](Instance& instance) { instance.check_changed(event, moment); });
    }
}

void Router::on(const AddressesLost& event, Moment moment) {
    tell(event.instance, moment, [&](Instance& instance) { instance.addresses_lost(event.what, moment); });
}

void Router::on(const AddressClaimed& event, Moment moment) {
    tell(event.instance, moment, [&](Instance& instance) { instance.address_claimed(event, moment); });
}

void Router::on(const AddressesSettled& event, Moment moment) {
    tell(event.instance, moment, [&](Instance& instance) { instance.addresses_settled(event, moment); });
}

void Router::on(const ServicesChanged& event, Moment moment) {
    tell(event.instance, moment, [&](Instance& instance) { instance.services_changed(event, moment); });
}

void Router::on(const HookEnded& event, Moment moment) {
    tell(event.instance, moment, [&](Instance& instance) { instance.hook_ended(event, moment); });
}

void Router::on(const SendFailed& event, Moment moment) {
    tell(event.instance, moment, [&](Instance& instance) { instance.send_failed(event, moment); });
}

}  // namespace vrrpd
