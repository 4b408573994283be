#include "tests/sim/simulator.hpp"

#include <algorithm>
#include <cstdio>

namespace vrrpd::sim {
namespace {

using namespace std::chrono_literals;
using State = Instance::State;

bool advertising(const Host& host) {
    const State state = host.instance().state();
    return state == State::active || state == State::retiring;
}

}  // namespace

Simulator::Simulator(const Scenario& scenario, std::ostream* trace)
    : scenario_(scenario), trace_(trace), random_(~scenario.seed), group_(scenario.hosts.size(), 0) {
    for (const InstanceOptions& options : scenario_.hosts) {
        hosts_.push_back(std::make_unique<Host>(*this, hosts_.size(), options));
    }
}

std::string Simulator::run() {
    for (const auto& host : hosts_) {
        after(random_.between(0ns, 5 * scenario_.longest_interval), [&host] { host->boot(); });
    }
    have_accidents();
    run_until(now_ + scenario_.storm);
    end_storm();
    run_until(now_ + settling_bound());
    check_settled();
    hand_over();
    shut_all_down();
    return violation_;
}

// ---- time

void Simulator::after(Duration delay, std::function<void()> callback) {
    queue_.push({now_ + delay, ++order_, std::move(callback)});
}

void Simulator::run_until(Instant end, const std::function<void()>& check_each_step) {
    while (!failed() && !queue_.empty() && queue_.top().when <= end) {
        const Happening next = queue_.top();
        queue_.pop();
        now_ = next.when;
        next.happen();
        ++tally_.steps;
        check_safety();
        check_each_step();
    }
    now_ = end;
}

// ---- the wire

void Simulator::transmit(std::size_t from, const IpAddress& source, const std::vector<std::uint8_t>& message) {
    const Weather& weather = scenario_.weather;
    for (std::size_t to = 0; to < hosts_.size(); ++to) {
        if (to == from || !connected(from, to)) continue;
        if (bad_luck(weather.loss)) {
            disturb();
            continue;
        }
        std::vector<std::uint8_t> copy = message;
        if (bad_luck(weather.corruption)) {
            copy[random_.below(copy.size())] ^= static_cast<std::uint8_t>(1u << random_.below(8));
            disturb();
        }
        const int copies = bad_luck(weather.duplication) ? 2 : 1;
        for (int i = 0; i < copies; ++i) {
            after(way(from, to), [this, from, to, source, copy] {
                if (connected(from, to)) hosts_[to]->receive(source, copy);
            });
        }
    }
}

// How long an advert is on its way. A LAN keeps the order of what one host sends to another; in the storm it may not: a
// takeover is then put off by an advert that the release overtook.
Duration Simulator::way(std::size_t from, std::size_t to) {
    Instant arrival = now_ + random_.between(10us, scenario_.latencies.wire);
    Instant& last = last_arrival_[{from, to}];
    if (!storm_) arrival = std::max(arrival, last + 1ns);
    last = std::max(arrival, last);
    return arrival - now_;
}

bool Simulator::connected(std::size_t a, std::size_t b) const {
    return group_[a] == group_[b] && hosts_[a]->link_up() && hosts_[b]->link_up();
}

// ---- the storm

void Simulator::have_accidents() {
    const Duration around = scenario_.weather.between_accidents;
    after(random_.between(around / 4, 2 * around), [this] {
        if (!storm_) return;
        one_accident();
        have_accidents();
    });
}

void Simulator::one_accident() {
    Host& host = *hosts_[random_.below(hosts_.size())];
    switch (random_.below(8)) {
        case 0:
            disturb();
            return part(1 + random_.below(hosts_.size()));
        case 1:
            disturb();
            return part(1);
        case 2:
            disturb();
            return host.set_link(!host.link_up());
        case 3:
            if (!host.alive() || host.paused()) return;
            disturb();
            host.pause();
            return after(random_.between(0ns, 6 * scenario_.longest_interval), [this, &host] {
                if (!host.paused()) return;
                disturb();
                host.resume();
            });
        case 4:
            disturb();
            return host.alive() ? host.crash() : host.boot();
        case 5:
            return host.set_check(0, !host.check_passing(0));
        case 6:
            return host.set_check(1, !host.check_passing(1));
        case 7:
            return host.fail_service();
    }
}

void Simulator::part(std::size_t groups) {
    std::string who;
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        group_[i] = random_.below(groups);
        who += " " + hosts_[i]->name() + std::to_string(group_[i]);
    }
    say("segments:" + who);
}

// At least one host can serve in the end; what fails on the others may go on failing.
void Simulator::end_storm() {
    say("---- the storm is over");
    storm_ = false;
    disturb();
    std::ranges::fill(group_, 0);
    const std::size_t lucky = random_.below(hosts_.size());
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        Host& host = *hosts_[i];
        if (!host.alive()) host.boot();
        if (host.paused()) host.resume();
        host.set_link(true);
        if (i == lucky || random_.chance(70)) host.set_check(0, true);
    }
}

// ---- what must hold

Duration Simulator::overlap_bound() const {
    const Latencies& latencies = scenario_.latencies;
    const auto hosts = static_cast<long>(hosts_.size());
    return scenario_.longest_interval + hosts * (latencies.wire + latencies.wake + latencies.kernel_worst);
}

Duration Simulator::settling_bound() const {
    Duration holds{}, delays{}, stops{};
    for (const auto& host : hosts_) {
        const Duration longest = host->options().fault_hold * (1L << std::min(host->held_faults(), 16));
        holds = std::max(holds, std::min<Duration>(longest, 10min));
        delays = std::max(delays, host->options().startup_delay + host->options().preempt_delay);
        stops = std::max(stops, host->options().stop_bound);
    }
    return holds + delays + stops + 3 * 4 * scenario_.longest_interval + 2 * overlap_bound();
}

bool Simulator::undisturbed() const {
    return std::ranges::all_of(hosts_, [&](const auto& host) {
        return !host->paused() && host->link_up() && group_[0] == group_[&host - hosts_.data()];
    });
}

void Simulator::check_safety() {
    std::string holders;
    for (const auto& host : hosts_) {
        if (host->holds_addresses()) holders += host->name();
        if (!host->alive() || host->paused()) continue;
        const Instant passive = host->passive_since();
        if (host->holds_addresses() && passive != never && now_ - passive > scenario_.latencies.kernel_worst) {
            violation(host->name() + " keeps the addresses");
        }
    }
    if (holders.size() < 2 || !undisturbed()) {
        overlap_since_ = never;
        return;
    }
    overlap_since_ = std::max(std::min(overlap_since_, now_), disturbed_at_);
    tally_.longest_overlap = std::max(tally_.longest_overlap, now_ - overlap_since_);
    if (now_ - overlap_since_ > overlap_bound()) violation(holders + " all hold the addresses");
}

bool Simulator::eligible(const Host& host) const {
    return host.alive() && (host.options().priority == owner_priority || host.check_passing(0)) &&
           host.instance().role() != Role::init;
}

Host* Simulator::the_active() {
    Host* active = nullptr;
    for (const auto& host : hosts_) {
        if (!advertising(*host)) continue;
        if (active != nullptr) {
            violation(active->name() + " and " + host->name() + " are both Active");
            return nullptr;
        }
        active = host.get();
    }
    if (active == nullptr) violation("nobody is Active");
    return active;
}

void Simulator::check_settled() {
    if (failed()) return;
    Host* const active = the_active();
    if (active == nullptr) return;
    say("---- settled: " + active->name() + " is Active");
    if (!eligible(*active)) violation(active->name() + " is Active and should not be");
    for (const auto& host : hosts_) {
        const bool may_preempt = host->options().preempt || host->options().priority == owner_priority;
        if (eligible(*host) && may_preempt && host->instance().priority() > active->instance().priority())
            violation(host->name() + " should be Active instead of " + active->name());
        const Role wanted = host.get() == active ? Role::master : eligible(*host) ? Role::backup : Role::fault;
        if (host->instance().role() != wanted) violation(host->name() + " has the wrong role");
    }
    // And so it stays.
    run_until(now_ + 10 * scenario_.longest_interval, [&] {
        if (the_active() != active) violation("it did not stay Active");
        if (!active->holds_addresses() || !active->serving()) violation(active->name() + " does not serve");
        for (const auto& host : hosts_) {
            if (host.get() != active && host->holds_addresses()) violation(host->name() + " holds on");
        }
    });
}

// A planned demotion: the next one is Active after its Skew_Time (at most an interval, or a second in version
// 2), counted from the release. An Active_Down_Interval would be three times as long.
void Simulator::hand_over() {
    if (failed()) return;
    Host* const active = the_active();
    const auto others = std::ranges::count_if(hosts_, [&](const auto& host) { return eligible(*host); }) - 1;
    active->shut_down();
    const Latencies& latencies = scenario_.latencies;
    const Duration leaving =
        active->options().services.empty() ? latencies.kernel : latencies.kernel + latencies.service;
    const Duration skew = active->options().version == Version::v2 ? 1s : scenario_.longest_interval;
    run_until(now_ + leaving + skew + latencies.wire + 2 * latencies.wake);
    if (others > 0 && std::ranges::none_of(hosts_, [&](const auto& host) {
            return host.get() != active && host->instance().state() == State::active;
        })) {
        violation("nobody took over from " + active->name());
    }
    // A third one may have claimed too: a release that overtakes the winner's advert says to it that nobody is.
    run_until(now_ + 4 * scenario_.longest_interval + overlap_bound());
    if (others > 0) the_active();
    if (failed()) return;
    if (!active->router().finished() || active->holds_addresses()) violation(active->name() + " did not leave");
}

void Simulator::shut_all_down() {
    if (failed()) return;
    Duration longest = 1s;
    for (const auto& host : hosts_) {
        host->shut_down();
        longest = std::max(longest, host->options().stop_bound);
    }
    run_until(now_ + longest + 2 * scenario_.latencies.kernel_worst);
    for (const auto& host : hosts_) {
        if (failed()) return;
        if (!host->router().finished()) violation(host->name() + " does not finish");
        if (host->holds_addresses()) violation(host->name() + " left its addresses behind");
    }
}

// ---- telling

void Simulator::note_role(const Host& host, const RoleChanged& change) {
    if (change.to == Role::master) ++tally_.promotions;
    if (change.to == Role::fault) ++tally_.faults;
    say(host.name() + " is " + to_string(change.to) + ": " + change.reason.c_str());
}

void Simulator::note_notice(const Host& host, const Notice& notice) {
    if (notice.kind == Notice::Kind::stalled) {
        ++tally_.stalls;
        say(host.name() + " " + notice.text.c_str());
    }
    if (notice.kind == Notice::Kind::higher_heard || notice.kind == Notice::Kind::equal_heard) ++tally_.yields;
}

void Simulator::say(const std::string& what) {
    if (trace_ == nullptr) return;
    char time[32];
    const Duration since = now_ - Instant(std::chrono::hours(1));
    std::snprintf(time, sizeof time, "%12.6f  ", std::chrono::duration<double>(since).count());
    *trace_ << time << what << '\n';
}

void Simulator::violation(const std::string& what) {
    if (failed()) return;
    violation_ = what;
    say("**** " + what);
}

}  // namespace vrrpd::sim
