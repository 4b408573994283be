#include "vrrpd/agent/status.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "vrrpd/agent/log_lines.hpp"

namespace vrrpd {
namespace {

constexpr Duration memory = std::chrono::hours(1);  // of what is over

using Status = InstanceStatus;

const char* word_of(CheckState state) {
    static constexpr std::array<const char*, 4> words = {"unknown", "unproven", "passing", "failing"};
    return words[static_cast<std::size_t>(state)];
}

CheckState state_of(health::Verdict verdict) {
    if (verdict == health::Verdict::unknown) return CheckState::unknown;
    return verdict == health::Verdict::up ? CheckState::passing : CheckState::failing;
}

std::string track_name(const config::Config& config, std::size_t index) {
    return index < first_tracked_interface ? config.checks[index].name
                                           : config.tracked_interfaces[index - first_tracked_interface];
}

std::string group_of(const config::Config& config, InstanceId id) {
    const auto holds = [&](const SyncGroupOptions& group) {
        return std::ranges::find(group.members, id) != group.members.end();
    };
    const auto found = std::ranges::find_if(config.groups, holds);
    return found == config.groups.end() ? std::string() : found->name;
}

// ---- checks

void describe_finding(Status::Check& check, const Surroundings& world, std::size_t index, Instant now) {
    if (index >= world.config.checks.size()) return;
    const auto& reported = world.report(index);
    if (!reported || world.verdict(index) == health::Verdict::unknown) return;
    check.finding_class = to_string(reported->report.finding.cls);
    check.evidence = reported->report.finding.evidence;
    check.count = reported->report.count;
    check.needed = reported->report.needed;
    check.age = now - reported->when;
}

void add_checks(Status& status, const Surroundings& world, const Instance& instance, Instant now) {
    const InstanceOptions& options = instance.options();
    const auto add = [&](std::size_t index, const char* use, CheckState state) {
        Status::Check check{track_name(world.config, index), use, word_of(state), {}, {}, 0, 0, {}};
        describe_finding(check, world, index, now);
        status.checks.push_back(std::move(check));
    };
    for (std::size_t i = 0; i < options.checks.size(); ++i) {
        const Track& track = options.checks[i];
        add(track.index, track.weight ? "weight" : "fault", instance.check_states()[i]);
        const int weight = weight_of(track, instance.check_states()[i], instance.check_numbers()[i]);
        if (weight != 0) status.terms.push_back({track_name(world.config, track.index), weight});
    }
    for (std::size_t i = 0; i < options.gates.size(); ++i) add(options.gates[i], "gate", instance.gate_states()[i]);
    for (const std::size_t service : options.services) {
        status.services.push_back(world.service(service));
        const std::string& name = world.config.services[service].check;
        const auto found = std::ranges::find(world.config.checks, name, &health::CheckOptions::name);
        if (found == world.config.checks.end()) continue;
        const auto index = static_cast<std::size_t>(found - world.config.checks.begin());
        add(index, "service", state_of(world.verdict(index)));
    }
}

// ---- why

// Also one that we are about to preempt.
bool hears_a_holder(const Instance& instance, Instant now) {
    const auto& heard = instance.last_heard();
    if (instance.role() == Role::master || !heard || heard->priority == 0) return false;
    return now - heard->when <= instance.options().down_timer_adverts * heard->interval;
}

std::optional<std::string> hindrance_of(const Instance& instance, const config::Config& config, Instant now) {
    if (instance.role() != Role::backup) return std::nullopt;
    if (instance.drained()) return "drained: not MASTER until resume";
    const InstanceOptions& options = instance.options();
    const std::string holder = hears_a_holder(instance, now) ? instance.last_heard()->source.to_string() : "";
    if (instance.aside()) {
        return holder.empty() ? "failover: waits for a peer to take over"
                              : fmt::format("failover: {} serves until it falls silent, or resume", holder);
    }
    if (const auto why = instance.held_back()) return std::string(why->view());
    if (holder.empty() || instance.last_heard()->priority >= instance.priority()) return std::nullopt;
    if (!options.preempt) return fmt::format("nopreempt: {} serves until it falls silent", holder);
    for (std::size_t i = 0; i < options.gates.size(); ++i) {
        if (instance.gate_states()[i] == CheckState::passing) continue;
        return fmt::format("preempt_check {} does not pass yet", config.checks[options.gates[i]].name);
    }
    if (options.preempt_delay > Duration::zero()) return std::string("preempt_delay");
    return std::nullopt;
}

// ---- what is wrong

void warn(Status& status, const char* kind, std::string text) {
    status.warnings.push_back({kind, std::move(text), {}, 0, {}, {}});
}

void add_present_warnings(Status& status, const Instance& instance) {
    if (status.drained) warn(status, "drained", "drained by an operator: never MASTER here until vrrpctl resume");
    if (instance.lonely()) {
        warn(status, "no_peer_heard",
             "no advert of a peer ever heard: if there is one, look for a firewall "
             "(protocol 112), another VLAN or VRID");
    }
    const auto& heard = instance.last_heard();
    if (heard && heard->priority == instance.priority() && heard->priority != 0) {
        warn(
            status, "equal_priority",
            fmt::format("{} has our priority, {}: give each host its own", heard->source.to_string(), heard->priority));
    }
    const auto missing = [](const Status::Address& address) { return !address.present; };
    const auto count = std::ranges::count_if(status.addresses, missing);
    if (status.state == Role::master && count > 0) {
        warn(status, "address_missing",
             fmt::format("MASTER, and {} of {} addresses not on the interface", count, status.addresses.size()));
    }
}

void add_signs(Status& status, const Instance& instance, Instant now) {
    for (const Sign& sign : instance.signs().all()) {
        if (now - sign.last > memory) continue;
        Notice notice;
        notice.kind = sign.kind;
        notice.refusal = sign.refusal;
        notice.source = sign.source;
        notice.text = sign.text;
        notice.their_priority = instance.last_heard() ? instance.last_heard()->priority : 0;
        notice.our_priority = instance.priority();
        const std::string source = sign.source.is_unspecified() ? std::string() : sign.source.to_string();
        status.warnings.push_back(
            {word_of(sign), words(notice, instance), source, sign.count, now - sign.first, now - sign.last});
    }
}

void add_addresses(Status& status, const Surroundings& world, const InstanceOptions& options) {
    const auto add = [&](const VirtualAddress& address, bool excluded) {
        status.addresses.push_back({address.prefix.to_string(),
                                    address.device.empty() ? options.interface : address.device, excluded,
                                    world.present(address, options)});
    };
    for (const VirtualAddress& address : options.addresses) add(address, false);
    for (const VirtualAddress& address : options.excluded_addresses) add(address, true);
}

void add_adverts(Status& status, const Instance& instance, Instant now) {
    if (const auto sent = instance.last_sent()) status.last_sent = now - *sent;
    const auto& heard = instance.last_heard();
    if (heard) status.last_heard = {heard->source.to_string(), heard->priority, heard->interval, now - heard->when};
    if (hears_a_holder(instance, now)) status.holder = heard->source.to_string();
    for (const UnicastPeer& peer : instance.options().unicast_peers) status.peers.push_back(peer.address.to_string());
}

}  // namespace

InstanceStatus status_of(const Surroundings& world, InstanceId id, Instant now) {
    const Instance& instance = world.router.instance(id);
    const InstanceOptions& options = instance.options();
    Status status;
    status.name = options.name;
    status.interface = options.interface;
    status.group = group_of(world.config, id);
    status.virtual_router_id = options.virtual_router_id;
    status.version = static_cast<int>(options.version);
    status.family = options.family;
    status.state = instance.role();
    status.in_state = now - instance.role_since();
    status.reason = instance.reason().view();
    status.drained = instance.drained();
    status.aside = instance.aside();
    status.hindrance = hindrance_of(instance, world.config, now);
    status.configured_priority = options.priority;
    status.priority = instance.priority();
    status.advert_interval = options.advert_interval;
    status.lease = options.lease;
    add_adverts(status, instance, now);
    add_addresses(status, world, options);
    add_checks(status, world, instance, now);
    add_present_warnings(status, instance);
    add_signs(status, instance, now);
    return status;
}

}  // namespace vrrpd
