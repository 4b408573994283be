// What a seed decides before the first packet: the hosts, how they are configured, and how bad the weather is.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/sim/random.hpp"
#include "vrrpd/core/options.hpp"

namespace vrrpd::sim {

/// How long things take on a host and on the wire; bounds of what is drawn for each occasion.
struct Latencies {
    Duration wire;          ///< an advert from host to host, at most
    Duration wake;          ///< a timer that is noticed late, at most
    Duration kernel;        ///< addresses on or off, at most
    Duration kernel_worst;  ///< the same on a bad day: longer than the bound on a removal
    Duration service;       ///< services up or down, at most
    Duration hook;          ///< a hook that does not hang, at most
};

/// What goes wrong while the storm lasts; percentages.
struct Weather {
    int loss = 0;
    bool loss_is_tolerable = false;  ///< never two in a row on one way, and nothing else goes wrong: nothing may happen
    int duplication = 0;
    int corruption = 0;
    int send_failure = 0;
    int kernel_refusal = 0;
    int kernel_slow = 0;
    int service_failure = 0;
    int service_deaf = 0;  ///< a stop that is never answered
    int hook_failure = 0;
    int hook_hang = 0;
    bool junk = false;             ///< somebody sends broken adverts all the time, also after the storm: B27
    Duration between_accidents{};  ///< partitions, pauses, crashes, links, checks, reloads: about so far apart
};

/// One host: the same virtual routers in the same order as on all others.
struct HostOptions {
    std::vector<InstanceOptions> instances;
    std::vector<SyncGroupOptions> groups;
};

struct Scenario {
    std::uint64_t seed = 0;
    std::size_t links = 1;  ///< virtual router i is on link i % links of each host
    std::vector<HostOptions> hosts;
    bool groups_agree = true;  ///< all members of a host have one priority
    Latencies latencies;
    Weather weather;
    Duration storm{};                              ///< how long the faults are on
    Duration shortest_interval = Duration::max();  ///< advert_int of all hosts
    Duration longest_interval{};
};

/// Every host has check 0, whose failure is a fault, and check 1, which has a weight.
inline constexpr std::size_t check_count = 2;

Scenario draw_scenario(std::uint64_t seed);

/// Other options for an instance, as a reload may bring.
InstanceOptions draw_reload(const Scenario& scenario, const InstanceOptions& options, bool in_group, Random& random);

}  // namespace vrrpd::sim
