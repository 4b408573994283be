#include "vrrpd/agent/service_set.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "vrrpd/io/log.hpp"

namespace vrrpd {
namespace {

using log::Level;
using service::StopMode;

constexpr Duration patience_after_kill = std::chrono::seconds(1);

StopMode mode_of(ServiceWish wish) {
    if (wish == ServiceWish::settle) return StopMode::settled;
    return wish == ServiceWish::stop_fast ? StopMode::fault : StopMode::planned;
}

}  // namespace

ServiceSet::ServiceSet(Loop& loop, ChildStarter& starter, const std::vector<service::ServiceOptions>& options,
                       const std::vector<InstanceOptions>& instances, const std::vector<bool>& standby_checks,
                       Callbacks callbacks)
    : loop_(loop),
      starter_(starter),
      instances_(instances),
      units_(loop, [](const std::string& problem) { log::write(Level::warning, problem); }),
      callbacks_(std::move(callbacks)),
      replacement_(loop.timer([this] { replace_gone(); })),
      patience_(loop.timer([this] { leave_units(); })),
      members_(options.size()),
      stopping_(instances.size(), false) {
    for (std::size_t i = 0; i < options.size(); ++i) {
        members_[i].standby_check = standby_checks[i];
        make(i, options[i]);
    }
}

void ServiceSet::make(std::size_t i, const service::ServiceOptions& options) {
    service::Listener listener;
    listener.ready = [this, i] { on_ready(i); };
    listener.stopped = [this, i] { on_stopped(i); };
    listener.failed = [this, i](const std::string& reason) { on_failed(i, reason); };
    listener.restarted = [this, i](const std::string& reason) { on_restarted(i, reason); };
    listener.check_wanted = [this, i](bool wanted) { callbacks_.check_wanted(i, wanted); };
    Member& member = members_[i];
    ChildStarter& keeper = options.unit.empty() ? starter_ : units_;
    member.service =
        std::make_unique<service::Service>(loop_, keeper, options, member.standby_check, std::move(listener));
}

void ServiceSet::begin(const std::vector<Legacy>& adopted) {
    std::set<std::size_t> in_use;
    for (const Legacy& legacy : adopted) {
        const auto& services = instances_[legacy.instance].services;
        in_use.insert(services.begin(), services.end());
    }
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const service::ServiceOptions& options = members_[i].service->options();
        const bool leftover = !options.unit.empty() && options.run == service::Run::master && !in_use.contains(i);
        if (leftover) units_.stop(options.unit);
        members_[i].service->begin();
    }
}

void ServiceSet::set(InstanceId id, ServiceWish wish) {
    stopping_[id] = wish != ServiceWish::run;
    for (const std::size_t index : instances_[id].services) {
        Member& member = members_[index];
        if (wish == ServiceWish::run) {
            member.users.insert(id);
            member.stopped = false;
            if (!member.going) run(member);
        } else {
            member.users.erase(id);
            if (member.users.empty() && !member.stopped) stop(member, mode_of(wish));
        }
    }
    tell_if_stopped(id);
}

void ServiceSet::run(Member& member) {
    if (!member.ready && !member.starting_since) member.starting_since = loop_.now();
    member.service->want_run();
}

void ServiceSet::stop(Member& member, StopMode mode) {
    member.ready = false;
    member.starting_since.reset();
    if (leaving_ || member.going) {
        member.service->shut_down(mode);
    } else {
        member.service->want_stop(mode);
    }
}

void ServiceSet::check_changed(std::size_t service, health::Verdict verdict, const std::string& text) {
    if (verdict == health::Verdict::up) {
        members_[service].service->check_passed();
    } else {
        members_[service].service->check_failed(text);
    }
}

void ServiceSet::leave() {
    leaving_ = true;
}

void ServiceSet::end_all() {
    if (std::exchange(ending_, true)) return;
    // Who still has users leaves them to a successor: a process lives and dies with the daemon all the same.
    for (Member& member : members_) {
        if (!member.service) continue;
        member.left = !member.service->options().unit.empty() && !member.users.empty();
        if (!member.left) member.service->shut_down(StopMode::planned);
    }
    Instant killed = loop_.now();
    for (const Member& member : members_) {
        if (member.service) killed = std::max(killed, member.service->killed_by());
    }
    patience_->arm(killed + patience_after_kill);
}

// Where systemd refuses to stop a unit, or is away, its end may never be told.
void ServiceSet::leave_units() {
    bool left = false;
    for (Member& member : members_) {
        if (!member.service || !member.service->running() || member.service->options().unit.empty()) continue;
        if (std::exchange(member.left, true)) continue;
        left = true;
        log::write(Level::warning, fmt::format("Service({}) is left running", member.service->options().name));
    }
    if (left) callbacks_.ended();
}

bool ServiceSet::all_ended() const {
    return std::ranges::none_of(
        members_, [](const Member& member) { return member.service && member.service->running() && !member.left; });
}

// ---- reload

void ServiceSet::reconfigure(const std::vector<service::ServiceOptions>& options,
                             const std::vector<bool>& standby_checks) {
    members_.resize(options.size());
    stopping_.resize(instances_.size(), false);
    drop_users();
    for (std::size_t i = 0; i < options.size(); ++i) {
        Member& member = members_[i];
        const bool exists = !options[i].name.empty();
        const bool other_check = std::exchange(member.standby_check, standby_checks[i]) != standby_checks[i];
        if (!member.service && exists) {
            make(i, options[i]);
            member.service->begin();
        } else if (member.service) {
            const bool same =
                exists && !member.going && !other_check && service::same_process(member.service->options(), options[i]);
            if (same) {
                member.service->adjust(options[i]);
            } else {
                go(member, exists ? std::optional(options[i]) : std::nullopt);
            }
        }
    }
}

void ServiceSet::drop_users() {
    for (std::size_t i = 0; i < members_.size(); ++i) {
        Member& member = members_[i];
        const bool used = !member.users.empty();
        std::erase_if(member.users, [&](InstanceId id) {
            return std::ranges::find(instances_[id].services, i) == instances_[id].services.end();
        });
        if (used && member.users.empty()) stop(member, StopMode::planned);
    }
}

// Whoever is handed over stops its services itself, in the order of that.
void ServiceSet::go(Member& member, std::optional<service::ServiceOptions> next) {
    member.going = true;
    member.next = std::move(next);
    if (!member.next && !member.users.empty()) return;
    member.ready = false;
    member.service->shut_down(StopMode::planned);
}

void ServiceSet::replace_gone() {
    for (std::size_t i = 0; i < members_.size(); ++i) {
        Member& member = members_[i];
        if (!member.going || !member.stopped || member.service->running()) continue;
        member.going = false;
        member.service.reset();
        const auto next = std::exchange(member.next, std::nullopt);
        if (!next) member.counters = {};
        if (!next || leaving_) continue;
        make(i, *next);
        member.service->begin();
        if (member.users.empty()) continue;
        member.stopped = false;
        run(member);
    }
    callbacks_.ended();
}

const char* ServiceSet::state(std::size_t service) const {
    if (!members_[service].service) return "stopped";
    const service::Service& one = *members_[service].service;
    return one.ready() ? "ready" : one.running() ? "running" : "stopped";
}

// ---- what the services say

void ServiceSet::say(std::size_t service, const char* what, const std::string& reason) {
    const std::string& name = members_[service].service->options().name;
    std::string line = fmt::format("Service({}) {}", name, what);
    if (!reason.empty()) line += " reason=" + quoted(reason);
    log::write(reason.empty() ? Level::info : Level::warning, line);
    if (callbacks_.said) callbacks_.said(name, what, reason);
}

void ServiceSet::on_ready(std::size_t service) {
    Member& member = members_[service];
    member.ready = true;
    ++member.counters.ready;
    if (const auto since = std::exchange(member.starting_since, std::nullopt)) {
        member.counters.starting += loop_.now() - *since;
    }
    say(service, "ready");
    for (const InstanceId id : std::set(member.users)) tell_if_ready(id);
}

void ServiceSet::on_stopped(std::size_t service) {
    Member& member = members_[service];
    member.stopped = true;
    ++member.counters.stopped;
    if (member.going) replacement_->arm(loop_.now());
    say(service, "stopped");
    for (InstanceId id = 0; id < instances_.size(); ++id) tell_if_stopped(id);
    callbacks_.ended();
}

void ServiceSet::on_restarted(std::size_t service, const std::string& reason) {
    Member& member = members_[service];
    member.ready = false;
    ++member.counters.restarted;
    member.starting_since = loop_.now();
    say(service, "restarted", reason);
}

void ServiceSet::on_failed(std::size_t service, const std::string& reason) {
    Member& member = members_[service];
    member.ready = false;
    ++member.counters.failed;
    member.starting_since.reset();
    const std::string& name = member.service->options().name;
    say(service, "failed", reason);
    const Text text = Text::format("service %s: %s", name.c_str(), reason.c_str());
    // In standby nobody uses it, but those that would cannot become MASTER with it.
    const bool standby = member.users.empty();
    for (InstanceId id = 0; id < instances_.size(); ++id) {
        const bool named = std::ranges::find(instances_[id].services, service) != instances_[id].services.end();
        if (standby ? named : member.users.contains(id)) callbacks_.changed({id, ServicesState::failed, text});
    }
    if (standby) stop(member, StopMode::fault);  // ended, and started afresh
}

void ServiceSet::tell_if_ready(InstanceId id) {
    const bool ready = std::ranges::all_of(instances_[id].services, [&](std::size_t i) { return members_[i].ready; });
    if (ready) callbacks_.changed({id, ServicesState::ready, {}});
}

void ServiceSet::tell_if_stopped(InstanceId id) {
    if (!stopping_[id]) return;
    const bool stopped = std::ranges::all_of(
        instances_[id].services, [&](std::size_t i) { return members_[i].stopped || !members_[i].users.empty(); });
    if (!stopped) return;
    stopping_[id] = false;
    callbacks_.changed({id, ServicesState::stopped, {}});
}

}  // namespace vrrpd
