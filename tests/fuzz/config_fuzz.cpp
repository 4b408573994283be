// The reader of configurations. Input: the text of a file. It must be read in bounded time, twice with the same
// result; and what it accepts, the core must be able to run.
#include <algorithm>
#include <string>
#include <tuple>

#include "tests/fuzz/host.hpp"
#include "vrrpd/config/load.hpp"

namespace vrrpd::config {
namespace {

using fuzz::require;

// ---- problems

void check_problems(const Problems& problems, std::string_view text) {
    const auto lines = std::ranges::count(text, '\n') + (text.ends_with('\n') ? 0 : 1);
    int before = 0;
    for (const Problem& problem : problems) {
        require(problem.file == "t", "a problem is in the file that was read");
        require(problem.line >= 0 && problem.line <= lines, "a problem is on a line of the file");
        require(problem.line >= before, "problems are in the order of lines");
        before = problem.line;
        require(!problem.text.empty(), "a problem is explained");
        const std::string shown = to_string(problem);
        const bool one_line = std::ranges::none_of(shown, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
        require(one_line, "a problem is one line, without control characters");
    }
}

// ---- the same text, the same result

auto fields(const InstanceOptions& i) {
    return std::tie(i.name, i.interface, i.family, i.version, i.virtual_router_id, i.priority, i.advert_interval,
                    i.addresses, i.excluded_addresses, i.routes, i.unicast_peers, i.unicast_ttl, i.source, i.group,
                    i.checksum, i.password, i.preempt, i.preempt_delay, i.startup_delay, i.down_timer_adverts,
                    i.max_learned_interval, i.track_primary, i.announce_repeat_delay, i.announce_refresh,
                    i.announce_count, i.announce_interval, i.fault_hold, i.checks, i.gates, i.services, i.stop_bound);
}
auto fields(const SyncGroupOptions& g) {
    return std::tie(g.name, g.members);
}
auto fields(const health::CheckOptions& c) {
    return std::tie(c.name, c.kind, c.endpoint, c.command, c.credentials, c.interval, c.timeout, c.fall, c.rise,
                    c.init_fail, c.watch, c.fast_fail, c.memcached, c.redis, c.http, c.send_expect, c.pid_file,
                    c.process_name, c.path, c.count);
}
auto fields(const service::ServiceOptions& s) {
    return std::tie(s.name, s.command, s.credentials, s.run, s.listen, s.check, s.start_timeout, s.stop_timeout,
                    s.restart_delay, s.restart_limit, s.on_failure);
}
auto fields(const GlobalOptions& g) {
    return std::tie(g.router_id, g.log_target, g.log_level, g.log_facility, g.script_user, g.realtime, g.lock_memory);
}

bool same(const Config& a, const Config& b) {
    const auto all = [](const auto& one, const auto& other) {
        return std::ranges::equal(one, other, [](const auto& x, const auto& y) { return fields(x) == fields(y); });
    };
    return fields(a.global) == fields(b.global) && a.tracked_interfaces == b.tracked_interfaces &&
           all(a.instances, b.instances) && all(a.groups, b.groups) && all(a.checks, b.checks) &&
           all(a.services, b.services);
}

bool same(const Problems& a, const Problems& b) {
    return std::ranges::equal(
        a, b, {}, [](const Problem& x) { return to_string(x); }, [](const Problem& y) { return to_string(y); });
}

// ---- what is accepted can be run

void check_indices(const Config& config) {
    const auto below = [](std::size_t limit) { return [limit](std::size_t index) { return index < limit; }; };
    const auto is_there = [&](const Track& track) {
        return track.index < first_tracked_interface
                   ? track.index < config.checks.size()
                   : track.index - first_tracked_interface < config.tracked_interfaces.size();
    };
    for (const InstanceOptions& each : config.instances) {
        require(std::ranges::all_of(each.checks, is_there), "what is tracked is there");
        require(std::ranges::all_of(each.gates, below(config.checks.size())), "gates are there");
        require(std::ranges::all_of(each.services, below(config.services.size())), "services are there");
    }
    for (const SyncGroupOptions& each : config.groups) {
        require(std::ranges::all_of(each.members, below(config.instances.size())), "members are there");
    }
}

void run(const Config& config) {
    fuzz::Host host(config.instances, config.groups);
    host.pass(std::chrono::hours(1), 20);
    host.handle(Shutdown{});
    host.pass(std::chrono::hours(1), 20);
    require(host.router().finished(), "a shutdown ends");
}

void check(std::string_view text) {
    const Loaded loaded = load_text(text, "t");
    check_problems(loaded.problems, text);
    const Loaded again = load_text(text, "t");
    require(same(loaded.problems, again.problems), "the same text has the same problems");
    if (!loaded.valid()) return;
    require(same(loaded.config, again.config), "the same text means the same");
    check_indices(loaded.config);
    run(loaded.config);
}

}  // namespace
}  // namespace vrrpd::config

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vrrpd::config::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
