#include "tests/sim/scenario.hpp"

#include <algorithm>

namespace vrrpd::sim {
namespace {

using namespace std::chrono_literals;

VirtualAddress address(const char* text) {
    return {*Prefix::parse(text), "", ""};
}

// What all hosts of a virtual router share.
InstanceOptions draw_common(Random& random) {
    InstanceOptions options;
    options.name = "VI_1";
    options.interface = "eth0";
    options.virtual_router_id = 51;
    options.family = random.chance(30) ? Family::ipv6 : Family::ipv4;
    if (options.family == Family::ipv4) {
        options.addresses = {address("10.9.0.100"), address("10.9.0.101")};
    } else {
        options.addresses = {address("fe80::51"), address("2001:db8:9::100")};
    }
    if (options.family == Family::ipv4 && random.chance(25)) {
        options.version = Version::v2;
        options.advert_interval = 1s;
        if (random.chance(50)) options.password = "s3cret";
    } else {
        constexpr Duration intervals[] = {10ms, 50ms, 100ms, 1s};
        options.advert_interval = intervals[random.below(4)];
    }
    options.fault_hold = options.advert_interval;
    options.announce_refresh = 7s;
    return options;
}

InstanceOptions draw_host(const InstanceOptions& common, Random& random) {
    constexpr ChecksumMode modes[] = {ChecksumMode::automatic, ChecksumMode::rfc9568, ChecksumMode::rfc5798};
    constexpr int priorities[] = {1, 50, 100, 100, 150, 150, 200, 249, 250, 254};
    InstanceOptions options = common;
    options.checksum = modes[random.below(3)];
    options.priority = priorities[random.below(std::size(priorities))];
    if (random.chance(5)) options.priority = owner_priority;
    options.preempt = random.chance(70);
    if (random.chance(20)) options.preempt_delay = 5 * options.advert_interval;
    if (random.chance(20)) options.startup_delay = 4 * options.advert_interval;
    if (options.version == Version::v3 && random.chance(15)) options.advert_interval *= 4;
    if (options.priority != owner_priority) {
        options.checks = {Track{0, std::nullopt, false}, Track{1, random.chance(50) ? 60 : -60, false}};
        if (random.chance(50)) options.services = {0};
    }
    return options;
}

}  // namespace

Scenario draw_scenario(std::uint64_t seed) {
    Random random(seed);
    Scenario scenario;
    scenario.seed = seed;
    const InstanceOptions common = draw_common(random);
    const std::size_t count = 2 + random.below(4);
    for (std::size_t i = 0; i < count; ++i) scenario.hosts.push_back(draw_host(common, random));
    for (const InstanceOptions& host : scenario.hosts) {
        scenario.longest_interval = std::max(scenario.longest_interval, host.advert_interval);
    }
    // An adverts' interval of 10 ms asks for a machine and a network that are worth it.
    const Duration interval = common.advert_interval;
    scenario.latencies = {std::min<Duration>(2ms, interval / 10), std::min<Duration>(2ms, interval / 10),
                          std::min<Duration>(10ms, interval / 5), 80ms, 30ms};
    Weather& weather = scenario.weather;
    const bool calm = random.chance(25);
    if (!calm) {
        constexpr int losses[] = {0, 0, 1, 10, 30};
        weather.loss = losses[random.below(5)];
        weather.duplication = random.chance(30) ? 10 : 0;
        weather.corruption = random.chance(30) ? 5 : 0;
        weather.send_failure = random.chance(30) ? 5 : 0;
        weather.kernel_refusal = random.chance(30) ? 10 : 0;
        weather.kernel_slow = random.chance(50) ? 20 : 0;
        weather.service_failure = random.chance(50) ? 20 : 0;
        weather.service_deaf = random.chance(50) ? 20 : 0;
    }
    weather.between_accidents = (calm ? 30 : 3 + random.below(20)) * scenario.longest_interval;
    scenario.storm = 150 * scenario.longest_interval;
    return scenario;
}

}  // namespace vrrpd::sim
