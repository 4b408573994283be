#include "tests/sim/simulator.hpp"

#include <algorithm>
#include <cstdio>

namespace vrrpd::sim {

using namespace std::chrono_literals;
using State = Instance::State;

Simulator::Simulator(const Scenario& scenario, std::ostream* trace)
    : scenario_(scenario),
      trace_(trace),
      random_(~scenario.seed),
      segment_(scenario.links, std::vector<std::size_t>(scenario.hosts.size(), 0)),
      overlap_since_(scenario.hosts.front().instances.size(), never),
      overlap_began_(scenario.hosts.front().instances.size(), never),
      released_at_(scenario.hosts.front().instances.size()) {
    for (const HostOptions& options : scenario_.hosts) {
        hosts_.push_back(std::make_unique<Host>(*this, hosts_.size(), options));
    }
}

std::string Simulator::run() {
    for (const auto& host : hosts_) {
        after(random_.between(0ns, 5 * scenario_.longest_interval), [&host] { host->boot(); });
    }
    if (scenario_.weather.junk) send_junk();
    if (scenario_.weather.loss_is_tolerable) bear_loss();
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
        for (InstanceId id = 0; id < routers(); ++id) check_safety(id);
        check_each_step();
    }
    now_ = end;
}

// ---- what must hold

Duration Simulator::overlap_bound() const {
    const Latencies& latencies = scenario_.latencies;
    const auto hosts = static_cast<long>(hosts_.size());
    return scenario_.longest_interval + hosts * (latencies.wire + latencies.wake + latencies.kernel_worst);
}

Duration Simulator::brief_bound() const {
    const Latencies& latencies = scenario_.latencies;
    const Duration removal = scenario_.weather.kernel_slow > 0 ? latencies.kernel_worst : latencies.kernel;
    return static_cast<long>(hosts_.size()) * (latencies.wire + latencies.wake + removal);
}

Duration Simulator::settling_bound() const {
    Duration holds{}, delays{}, stops{}, hooks{};
    for (const auto& host : hosts_) {
        for (const InstanceOptions& options : scenario_.hosts[&host - hosts_.data()].instances) {
            const Duration longest = options.fault_hold * (1L << std::min(host->held_faults(), 16));
            holds = std::max(holds, std::min<Duration>(longest, 10min));
            delays = std::max(delays, options.startup_delay + options.preempt_delay);
            stops = std::max(stops, options.stop_bound);
            // One that is stuck behind another, and once more after the hold.
            if (options.hooks.any())
                hooks = std::max<Duration>(hooks, 2 * (2 * options.hooks.timeout + 1s) + 10 * options.hooks.timeout);
        }
    }
    // One more interval that was learned, for the last try of a host that could not send.
    return holds + delays + stops + hooks + 4 * 4 * scenario_.longest_interval + 2 * overlap_bound();
}

bool Simulator::undisturbed(std::size_t link) const {
    if (std::ranges::any_of(deaf_, [](const auto& way) { return way.second; })) return false;
    return std::ranges::all_of(hosts_, [&](const auto& host) {
        return !host->mute() && host->link_up(link) && segment_[link][0] == segment_[link][&host - hosts_.data()];
    });
}

void Simulator::check_safety(InstanceId id) {
    std::string holders;
    for (const auto& host : hosts_) {
        if (host->holds_addresses(id)) holders += host->name();
        if (!host->alive() || host->paused()) continue;
        const Instant passive = host->passive_since(id);
        if (host->holds_addresses(id) && passive != never && now_ - passive > scenario_.latencies.kernel_worst) {
            violation(host->name(id) + " keeps the addresses");
        }
    }
    overlap_began_[id] = holders.size() < 2 ? never : std::min(overlap_began_[id], now_);
    if (holders.size() < 2 || !undisturbed(link_of(id))) {
        overlap_since_[id] = never;
    } else {
        check_overlap(id, holders);
    }
}

bool Simulator::is_quiet(InstanceId id, Instant at) const {
    const bool whole = uniform() && !scenario_.weather.loss_is_tolerable && undisturbed(link_of(id));
    const bool hurried = hosts_.size() > 2 && at < released_at_[id] + 2 * scenario_.longest_interval;
    return whole && !hurried && at > disturbed_at_ + aftermath();
}

void Simulator::check_overlap(InstanceId id, const std::string& holders) {
    Instant& since = overlap_since_[id];
    since = std::max(std::min(since, now_), disturbed_at_);
    const bool strict = is_quiet(id, overlap_began_[id]);
    const Duration bound = strict ? brief_bound() : overlap_bound();
    Instant end = since + bound;
    bool all_responsive = true;
    for (const auto& host : hosts_) {
        if (!host->holds_addresses(id)) continue;
        const Instant responsive = host->responsive_since();
        all_responsive = all_responsive && responsive != never;
        end = std::max(end, responsive == never ? host->removed_by_guard(id) : responsive + bound);
    }
    if (now_ > end) violation(holders + " all hold the addresses " + std::to_string(id + 1));
    tally_.longest_overlap = std::max(tally_.longest_overlap, now_ - since);
    if (!strict) return;
    ++tally_.strict_looks;
    if (all_responsive) tally_.longest_strict = std::max(tally_.longest_strict, now_ - since);
}

bool Simulator::eligible(const Host& host, InstanceId id) const {
    if (!host.alive()) return false;
    bool able = true;
    for (InstanceId member = 0; member < host.size(); ++member) {
        if (member != id && !(host.grouped(id) && host.grouped(member))) continue;
        const auto& checks = host.instance(member).options().checks;
        if (host.drained(member) || (!checks.empty() && !host.check_passing(0))) able = false;
    }
    return able && host.instance(id).role() != Role::init;
}

// Whether the best host must win: not where the members of a group would each want another one.
bool Simulator::is_pure(InstanceId id) const {
    return scenario_.groups_agree || !hosts_.front()->grouped(id);
}

Host* Simulator::the_active(InstanceId id) {
    Host* active = nullptr;
    for (const auto& host : hosts_) {
        if (!host->advertising(id)) continue;
        if (active != nullptr) {
            violation(active->name(id) + " and " + host->name(id) + " are both Active");
            return nullptr;
        }
        active = host.get();
    }
    if (active == nullptr) violation("nobody is Active for " + std::to_string(id + 1));
    return active;
}

void Simulator::check_settled() {
    if (failed()) return;
    std::vector<Host*> active;
    for (InstanceId id = 0; id < routers() && !failed(); ++id) {
        active.push_back(the_active(id));
        if (active.back() != nullptr) check_settled(id, active.back());
    }
    if (failed()) return;
    // And so it stays.
    run_until(now_ + 10 * scenario_.longest_interval, [&] {
        for (InstanceId id = 0; id < routers(); ++id) {
            if (the_active(id) != active[id]) violation("it did not stay Active");
            if (failed()) return;
            if (!active[id]->holds_addresses(id) || !active[id]->serving(id)) {
                violation(active[id]->name(id) + " does not serve");
            }
            for (const auto& host : hosts_) {
                if (host->alive() && !host->hooks_know(id)) violation(host->name(id) + ": hooks do not know the role");
            }
            for (const auto& host : hosts_) {
                if (host.get() != active[id] && host->holds_addresses(id)) violation(host->name(id) + " holds on");
            }
        }
    });
}

void Simulator::check_settled(InstanceId id, Host* active) {
    say("---- settled: " + active->name(id) + " is Active");
    if (!eligible(*active, id)) violation(active->name(id) + " is Active and should not be");
    for (const auto& host : hosts_) {
        const Instance& instance = host->instance(id);
        const bool may_preempt = instance.options().preempt || instance.options().priority == owner_priority;
        if (eligible(*host, id) && may_preempt && !instance.aside() && is_pure(id) &&
            instance.priority() > active->instance(id).priority()) {
            violation(host->name(id) + " should be Active instead of " + active->name());
        }
        if (instance.priority() != host->expected_priority(id)) violation(host->name(id) + " has the wrong priority");
        const bool faulty = !eligible(*host, id) && !host->drained(id);
        const Role wanted = host.get() == active ? Role::master : faulty ? Role::fault : Role::backup;
        if (instance.role() != wanted && !host->drained(id)) violation(host->name(id) + " has the wrong role");
    }
}

// A planned demotion: the next one is Active after its Skew_Time (at most an interval, or a second in version
// 2), counted from the release. An Active_Down_Interval would be three times as long.
void Simulator::hand_over() {
    if (failed()) return;
    Host* const leaving_host = the_active(0);
    const Latencies& latencies = scenario_.latencies;
    Duration leaving = latencies.kernel, skew = scenario_.longest_interval;
    std::vector<InstanceId> handed_over;
    for (InstanceId id = 0; id < routers(); ++id) {
        if (the_active(id) != leaving_host) continue;
        const auto others = std::ranges::count_if(hosts_, [&](const auto& host) { return eligible(*host, id); }) - 1;
        if (others > 0) handed_over.push_back(id);
        const InstanceOptions& options = leaving_host->instance(id).options();
        if (!options.services.empty()) leaving = std::max(leaving, latencies.kernel + latencies.service);
        if (options.hooks.has(Hook::before_backup)) leaving = std::max(leaving, latencies.kernel + 2 * latencies.hook);
        if (options.version == Version::v2) skew = std::max<Duration>(skew, 1s);
    }
    std::map<InstanceId, const Host*> winners;
    leaving_host->shut_down();
    run_until(now_ + leaving + skew + latencies.wire + 2 * latencies.wake, [&] {
        for (const InstanceId id : handed_over) {
            for (const auto& host : hosts_) {
                if (host.get() == leaving_host || !host->advertising(id)) continue;
                if (winners.emplace(id, host.get()).second) check_winner(id, *host, *leaving_host);
            }
        }
    });
    for (const InstanceId id : handed_over) {
        const bool taken = std::ranges::any_of(hosts_, [&](const auto& host) {
            return host.get() != leaving_host && host->instance(id).state() == State::active;
        });
        if (!taken && is_pure(id)) violation("nobody took over from " + leaving_host->name(id));
    }
    // A third one may have claimed too: a release that overtakes the winner's advert says to it that nobody is.
    run_until(now_ + 4 * scenario_.longest_interval + overlap_bound());
    for (const InstanceId id : handed_over) the_active(id);
    if (failed()) return;
    if (!leaving_host->router().finished()) violation(leaving_host->name() + " did not leave");
    for (InstanceId id = 0; id < routers(); ++id) {
        if (leaving_host->holds_addresses(id)) violation(leaving_host->name(id) + " did not let go");
    }
}

// Skew_Time gives the order: whoever is far enough behind the best is not the first to claim.
void Simulator::check_winner(InstanceId id, const Host& winner, const Host& leaving) {
    if (winner.grouped(id)) return;  // there another member's timer may be the first
    int best = 0;
    for (const auto& host : hosts_) {
        if (host.get() != &leaving && eligible(*host, id)) best = std::max(best, host->instance(id).priority());
    }
    const Instance& instance = winner.instance(id);
    const Duration interval = instance.options().version == Version::v2 ? Duration(1s) : scenario_.shortest_interval;
    const Duration apart = 2 * (scenario_.latencies.wire + scenario_.latencies.wake);
    if ((best - instance.priority()) * interval / 256 > apart)
        violation(winner.name(id) + " claimed before its better");
}

void Simulator::shut_all_down() {
    if (failed()) return;
    Duration longest = 1s;
    for (const auto& host : hosts_) {
        host->shut_down();
        for (InstanceId id = 0; id < routers(); ++id) {
            longest = std::max(longest, host->instance(id).options().stop_bound);
        }
    }
    run_until(now_ + longest + 2 * scenario_.latencies.kernel_worst);
    for (const auto& host : hosts_) {
        if (failed()) return;
        if (!host->router().finished()) violation(host->name() + " does not finish");
        for (InstanceId id = 0; id < routers(); ++id) {
            if (host->holds_addresses(id)) violation(host->name(id) + " left its addresses behind");
        }
    }
}

// ---- telling

void Simulator::note_adoption(const Host& host, InstanceId id) {
    ++tally_.adoptions;
    say(host.name(id) + " is adopted");
    for (const auto& other : hosts_) {
        const bool took_over = other.get() != &host && other->advertising(id) && !other->paused();
        if (took_over && other->instance(id).priority() <= host.advertised_priority(id) && is_quiet(id, now_))
            violation(host.name(id) + " is adopted, but " + other->name(id) + " has taken over");
    }
}

void Simulator::note_guard(const std::string& what) {
    ++tally_.guard_acts;
    say(what);
}

void Simulator::note_role(const Host& host, const RoleChanged& change) {
    if (change.to == Role::master) ++tally_.promotions;
    if (change.to == Role::fault) ++tally_.faults;
    say(host.name(change.instance) + " is " + to_string(change.to) + ": " + change.reason.c_str());
    if (!roles_may_change_) violation(host.name(change.instance) + " changed its role for a tolerable loss");
}

void Simulator::note_notice(const Host& host, const Notice& notice) {
    if (notice.kind == Notice::Kind::stalled) {
        ++tally_.stalls;
        say(host.name(notice.instance) + " " + notice.text.c_str());
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
