// Of the agent: another configuration, while all goes on. What changes is decided by config::arrange(), and what
// follows from it by the core; here the parts are told, in an order in which none is without what it needs:
//
//   1. the runtime record and the guard know what will be held     5. the core: who changed, who is new, who goes
//   2. checks are made anew where they are others                   6. the kernel's facts as the new options see them
//   3. services and hooks                                           7. checks run that are needed
//   4. sockets listen
//
// All of it is one round: the adverts of those who changed leave first, then the requests for addresses.
#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "vrrpd/agent/agent.hpp"
#include "vrrpd/io/log.hpp"

namespace vrrpd {
namespace {

std::string counted(const char* what, const config::Changes& changes) {
    return fmt::format("{} changed={} added={} removed={}", what, changes.changed.size(), changes.added.size(),
                       changes.removed.size());
}

}  // namespace

void Agent::reload(config::Config loaded, std::function<void(const Reloaded&)> done) {
    if (reload_ && reload_->done) reload_->done({"overtaken by a later reload"});
    reload_ = Reload{std::move(loaded), std::move(done)};
    go_on_reloading();
}

void Agent::go_on_reloading() {
    if (!reload_ || (!departing_.empty() && !shutting_down_)) return;
    Reload reload = std::move(*std::exchange(reload_, std::nullopt));
    const Reloaded outcome = shutting_down_ ? Reloaded{"the daemon is stopping"} : apply(std::move(reload.loaded));
    if (reload.done) reload.done(outcome);
}

void Agent::reload_ended(bool applied) {
    ++(applied ? tally_.reloads_applied : tally_.reloads_refused);
    tally_.last_reload_applied = applied;
}

// The old configuration stays until the core has let go of it.
Agent::Reloaded Agent::apply(config::Config loaded) {
    const Instant begin = loop_.now();
    config::Arranged arranged = config::arrange(config_, std::move(loaded));
    config::Config before = std::exchange(config_, std::move(arranged.config));
    paths_.reconfigure();
    try {
        if (!arranged.instances.none()) addresses_.reconfigure(arranged.instances.removed);
    } catch (const std::system_error& error) {
        config_ = std::move(before);
        paths_.reconfigure();
        return {error.what()};
    }
    in_round_ = true;
    Reloaded outcome{{}, warnings_of(arranged)};
    for (const std::string& warning : outcome.warnings) log::write(log::Level::warning, warning);
    log::set_level(config_.global.log_level);
    departing_ = arranged.instances.removed;
    console_->reconfigured(arranged.checks, arranged.services);
    remake_checks(arranged);
    const std::vector<bool> tracked_before = tracked_;
    find_tracked();
    judged_.resize(config_.services.size(), false);
    services_.reconfigure(config_.services, standby_checks());
    hooks_.reconfigure(config_.hook_credentials);
    claims_.reconfigure();
    const std::vector<PathChanged> found = find_paths();
    cancel_announcements(before, arranged.instances);
    facts_.push_front(reconfigured(arranged, found));  // before what was found out on the way
    tell_newly_tracked(tracked_before);
    end_round();
    forget_links(before.tracked_interfaces);
    refresh_paths();
    run_checks();
    publish_status();
    const std::chrono::duration<double, std::milli> took = loop_.now() - begin;
    log::write(log::Level::notice,
               fmt::format("reloaded: {}; {}; {}; took {:.1f} ms", counted("instances", arranged.instances),
                           counted("checks", arranged.checks), counted("services", arranged.services), took.count()));
    return outcome;
}

Reconfigured Agent::reconfigured(const config::Arranged& arranged, const std::vector<PathChanged>& found) const {
    Reconfigured event{&config_.instances, &config_.groups, arranged.instances.changed, {}, arranged.instances.removed};
    for (const InstanceId id : arranged.instances.added) event.added.push_back(judged(found[id]));
    event.drained = console_->kept_drains(arranged.instances.added, "reload");
    return event;
}

// Of one with other options its verdict stays, as far as instances are concerned, until the new one has come to its
// own: whoever is MASTER by it is not thrown out by its being unknown.
void Agent::remake_checks(const config::Arranged& arranged) {
    checks_.resize(config_.checks.size());
    for (const std::size_t i : arranged.checks.removed) checks_[i].reset();
    for (const std::size_t i : arranged.checks.added) checks_[i] = make_check(config_.checks[i], i);
    for (const std::size_t i : arranged.checks.changed) {
        health::CheckOptions options = config_.checks[i];
        const bool runs = checks_[i]->running();
        options.init_fail = options.init_fail && !runs;
        auto fresh = make_check(options, i);
        if (runs) fresh->start();  // before the old one leaves the prober that they may share
        checks_[i] = std::move(fresh);
    }
}

// Who has been running for a service has told no instance.
void Agent::tell_newly_tracked(const std::vector<bool>& before) {
    for (std::size_t i = 0; i < checks_.size(); ++i) {
        const bool newly = tracked_[i] && (i >= before.size() || !before[i]);
        if (newly && checks_[i]->verdict() != health::Verdict::unknown) tell_verdict(i);
    }
}

void Agent::forget_links(const std::vector<std::string>& before) {
    const auto& names = config_.tracked_interfaces;
    tracked_links_.resize(names.size(), CheckState::unknown);
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i >= before.size() || names[i] != before[i]) tracked_links_[i] = CheckState::unknown;
    }
}

// What an address was to be announced by is out of date; where it still belongs it is announced anew.
void Agent::cancel_announcements(const config::Config& before, const config::Changes& instances) {
    for (const InstanceId id : instances.changed) {
        const InstanceOptions& options = before.instances[id];
        for_each_address(options, [&](const VirtualAddress& address) {
            const bool stays = std::ranges::binary_search(paths_.virtual_addresses(), address.prefix.address);
            const netlink::Link* link = stays ? nullptr : link_of(address, options, monitor_.facts());
            if (link != nullptr) announcer_.cancel(link->index, address.prefix.address);
        });
    }
}

// Looked at before anything is changed.
std::vector<std::string> Agent::warnings_of(const config::Arranged& arranged) const {
    std::vector<std::string> warnings;
    for (const std::string& key : arranged.needs_restart) {
        warnings.push_back(fmt::format("[global] {} is another one now: needs a restart", key));
    }
    for (const config::Move& move : arranged.moves) {
        std::string order = order_of(move);
        if (!order.empty()) warnings.push_back(std::move(order));
    }
    return warnings;
}

// Who reloads first where an address moves between two instances that have their MASTERs on two hosts: the one who
// loses it. Empty: nobody needs to, or the other host advertises another list than ours already. An instance that is
// new here may well become MASTER.
std::string Agent::order_of(const config::Move& move) const {
    const auto known = [&](std::size_t id) {
        return id < router_.size() && !is_vacant(router_.instance(id).options());
    };
    const auto serves = [&](std::size_t id) { return !known(id) || router_.instance(id).role() == Role::master; };
    if (serves(move.from) == serves(move.to)) return {};
    const Instance& elsewhere = router_.instance(serves(move.from) ? move.to : move.from);
    if (!elsewhere.obeying() || !elsewhere.last_heard() || !elsewhere.last_heard()->lists_ours) return {};
    const std::string host = elsewhere.last_heard()->source.to_string();
    const std::string &from = config_.instances[move.from].name, &to = config_.instances[move.to].name;
    const std::string what =
        fmt::format("{} moves from {} to {}, and {} is MASTER of ", move.address.to_string(), from, to, host);
    return serves(move.to) ? what + from + ": it must reload first. Reload it now, until then both have the address"
                           : what + to + ": reload it next, until then nobody has the address";
}

// Whoever is handed over gives its place away.
void Agent::bury_removed() {
    const auto is_gone = [this](InstanceId id) {
        return router_.instance(id).finished() && addresses_.is_idle(id) && hooks_.is_idle(id);
    };
    Vacated vacated;
    std::ranges::copy_if(departing_, std::back_inserter(vacated.instances), is_gone);
    if (vacated.instances.empty()) return;
    std::erase_if(departing_, is_gone);
    feed(vacated);
    for (const InstanceId id : vacated.instances) config_.instances[id] = {};
    if (!departing_.empty()) return;
    find_tracked();
    run_checks();
    refresh_paths();  // sockets that nobody needs any more
    go_on_reloading();
}

}  // namespace vrrpd
