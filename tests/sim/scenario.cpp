#include "tests/sim/scenario.hpp"

#include <algorithm>
#include <string>

namespace vrrpd::sim {
namespace {

using namespace std::chrono_literals;

constexpr int priorities[] = {1, 50, 100, 100, 150, 150, 200, 249, 250, 254};

int draw_priority(Random& random) {
    return priorities[random.below(std::size(priorities))];
}

VirtualAddress address(const std::string& text) {
    return {*Prefix::parse(text), "", ""};
}

constexpr std::size_t first_virtual_router_id = 51;

std::vector<VirtualAddress> both_addresses(Family family, std::size_t number) {
    const std::string last = std::to_string(100 + number);
    if (family == Family::ipv4) return {address("10.9.0." + last), address("10.9.1." + last)};
    return {address("fe80::" + last), address("2001:db8:9::" + last)};
}

// What all hosts of a virtual router share.
InstanceOptions draw_common(std::size_t number, Duration interval, Random& random) {
    InstanceOptions options;
    options.name = "VI_" + std::to_string(number + 1);
    options.interface = "eth0";
    options.virtual_router_id = static_cast<std::uint8_t>(first_virtual_router_id + number);
    options.family = random.chance(30) ? Family::ipv6 : Family::ipv4;
    options.addresses = both_addresses(options.family, number);
    options.advert_interval = interval;
    if (options.family == Family::ipv4 && interval == 1s && random.chance(50)) {
        options.version = Version::v2;
        if (random.chance(50)) options.password = "s3cret";
    }
    options.fault_hold = options.advert_interval;
    options.announce_refresh = 7s;
    options.hooks.timeout = 300ms;
    return options;
}

InstanceOptions draw_instance(const InstanceOptions& common, std::size_t number, Random& random) {
    constexpr ChecksumMode modes[] = {ChecksumMode::automatic, ChecksumMode::rfc9568, ChecksumMode::rfc5798};
    InstanceOptions options = common;
    options.checksum = modes[random.below(3)];
    options.priority = random.chance(5) ? owner_priority : draw_priority(random);
    options.preempt = random.chance(70);
    if (random.chance(20)) options.preempt_delay = 5 * options.advert_interval;
    if (random.chance(20)) options.startup_delay = 4 * options.advert_interval;
    if (options.version == Version::v3 && random.chance(15)) options.advert_interval *= 4;
    if (options.priority != owner_priority) {
        options.checks = {Track{0, std::nullopt, false}, Track{1, random.chance(50) ? 60 : -60, false}};
        if (random.chance(50)) options.services = {number};
        if (random.chance(25)) options.hooks[Hook::before_master] = {"/promote"};
    }
    if (random.chance(25)) options.hooks[Hook::before_backup] = {"/demote"};
    if (random.chance(40)) options.hooks[Hook::notify] = {"/notify"};
    if (random.chance(25)) options.hooks[Hook::notify_new_active] = {"/follow"};
    return options;
}

// What the configuration sees to: members want the same, and none owns its addresses.
void join(HostOptions& host, std::size_t members, bool agree, Random& random) {
    SyncGroupOptions group{"VG_1", {}, {}};
    const InstanceOptions& strictest = host.instances.front();
    for (std::size_t i = 0; i < members; ++i) {
        InstanceOptions& member = host.instances[i];
        group.members.push_back(i);
        member.preempt = strictest.preempt;
        member.preempt_delay = strictest.preempt_delay;
        member.startup_delay = strictest.startup_delay;
        if (member.priority == owner_priority) member.priority = draw_priority(random);
        if (!agree) continue;
        member.priority = strictest.priority;
        member.checks = strictest.checks;
    }
    host.groups = {group};
}

void draw_hosts(Scenario& scenario, Random& random) {
    const std::size_t routers = random.chance(50) ? 1 : random.chance(80) ? 2 + random.below(2) : 8;
    scenario.links = random.chance(50) ? 1 : 2;
    constexpr Duration intervals[] = {10ms, 50ms, 100ms, 1s, 1s};
    const Duration interval = intervals[random.below(std::size(intervals))];
    std::vector<InstanceOptions> common;
    for (std::size_t i = 0; i < routers; ++i) common.push_back(draw_common(i, interval, random));
    const std::size_t members = routers > 1 && random.chance(60) ? 2 + random.below(routers - 1) : 0;
    scenario.groups_agree = random.chance(80);
    scenario.hosts.resize(2 + random.below(4));
    for (HostOptions& host : scenario.hosts) {
        for (std::size_t i = 0; i < routers; ++i) host.instances.push_back(draw_instance(common[i], i, random));
        if (members > 0) join(host, members, scenario.groups_agree, random);
    }
}

Weather draw_weather(Random& random, Duration longest_interval) {
    Weather weather;
    const bool calm = random.chance(25);
    weather.between_accidents = (calm ? 30 : 3 + random.below(20)) * longest_interval;
    if (calm) return weather;
    constexpr int losses[] = {0, 0, 1, 10, 30};
    weather.loss = losses[random.below(5)];
    weather.duplication = random.chance(30) ? 10 : 0;
    weather.corruption = random.chance(30) ? 5 : 0;
    weather.send_failure = random.chance(30) ? 5 : 0;
    weather.kernel_refusal = random.chance(30) ? 10 : 0;
    weather.kernel_slow = random.chance(50) ? 20 : 0;
    weather.service_failure = random.chance(50) ? 20 : 0;
    weather.service_deaf = random.chance(50) ? 20 : 0;
    weather.hook_failure = random.chance(50) ? 20 : 0;
    weather.hook_hang = random.chance(50) ? 10 : 0;
    return weather;
}

}  // namespace

Scenario draw_scenario(std::uint64_t seed) {
    Random random(seed);
    Scenario scenario;
    scenario.seed = seed;
    draw_hosts(scenario, random);
    for (const HostOptions& host : scenario.hosts) {
        for (const InstanceOptions& instance : host.instances) {
            scenario.longest_interval = std::max(scenario.longest_interval, instance.advert_interval);
            scenario.shortest_interval = std::min(scenario.shortest_interval, instance.advert_interval);
        }
    }
    // An adverts' interval of 10 ms asks for a machine and a network that are worth it.
    const Duration shortest = scenario.shortest_interval;
    scenario.latencies = {std::min<Duration>(2ms, shortest / 10),
                          std::min<Duration>(2ms, shortest / 10),
                          std::min<Duration>(10ms, shortest / 5),
                          80ms,
                          30ms,
                          50ms};
    scenario.weather = draw_weather(random, scenario.longest_interval);
    if (random.chance(15)) {
        scenario.weather = {};
        scenario.weather.loss = 30;
        scenario.weather.loss_is_tolerable = true;
    }
    scenario.weather.junk = random.chance(30);
    scenario.storm = 150 * scenario.longest_interval;
    return scenario;
}

InstanceOptions draw_reload(const Scenario& scenario, const InstanceOptions& options, bool in_group, Random& random) {
    InstanceOptions other = options;
    if (random.chance(30)) {
        other.addresses = both_addresses(other.family, other.virtual_router_id - first_virtual_router_id);
        if (options.addresses.size() > 1) other.addresses.pop_back();
    }
    if (options.version == Version::v3) {
        other.advert_interval = random.chance(50) ? scenario.shortest_interval : scenario.longest_interval;
    }
    if (in_group || options.priority == owner_priority) return other;
    other.priority = draw_priority(random);
    other.preempt = random.chance(70);
    return other;
}

}  // namespace vrrpd::sim
