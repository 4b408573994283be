// What `vrrpctl status` tells of an instance: who holds the addresses, and why. As plain data, made from the core and
// from what the agent knows of the world around it.
//
// Promises: pure; nothing in it is decided here, only put side by side and into words. A warning is a fact that lasts:
// something is wrong now, or was seen within the last hour.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "health/report.hpp"
#include "vrrpd/config/config.hpp"
#include "vrrpd/core/router.hpp"

namespace vrrpd {

struct InstanceStatus {
    struct Term {
        std::string name;
        int weight = 0;
    };
    struct Address {
        std::string address;  ///< 192.168.30.16/24
        std::string interface;
        bool excluded = false;  ///< not in the advert
        bool present = false;   ///< the kernel has it there
    };
    struct Heard {
        std::string source;
        int priority = 0;
        Duration interval{}, age{};
    };
    struct Check {
        std::string name;
        std::string use;    ///< fault | weight | gate | service
        std::string state;  ///< passing | failing | unknown | unproven
        std::string finding_class, evidence;
        int count = 0, needed = 0;
        std::optional<Duration> age;  ///< of the finding, if there is one
    };
    struct Service {
        std::string name;
        std::string state;  ///< ready | running | stopped
        std::string last;   ///< the last that went wrong with it; empty: nothing
    };
    struct Warning {
        std::string kind;  ///< a word that does not change
        std::string text;  ///< what is wrong, and where there is one, the remedy
        std::string source;
        unsigned count = 0;
        std::optional<Duration> first, last;  ///< ago; none: it is so now
    };

    std::string name, interface, group;
    int virtual_router_id = 0, version = 3;
    Family family = Family::ipv4;
    Role state = Role::init;
    Duration in_state{};
    std::string reason;                    ///< of the last transition, or the fault as it is now
    std::optional<std::string> hindrance;  ///< what keeps a BACKUP from taking over
    bool drained = false, aside = false;
    std::optional<std::string> holder;  ///< the other host that serves, as far as is known
    int configured_priority = 0, priority = 0;
    std::vector<Term> terms;  ///< what the checks add to it now
    Duration advert_interval{}, lease{};
    std::optional<Duration> last_sent;
    std::optional<Heard> last_heard;
    std::vector<std::string> peers;  ///< of unicast
    std::vector<Address> addresses;
    std::vector<Check> checks;
    std::vector<Service> services;
    std::vector<Warning> warnings;
};

/// What the agent knows beside the core.
struct Surroundings {
    const config::Config& config;
    const Router& router;
    /// The last report of a check, and when it came; none: nothing since it was started.
    struct Reported {
        health::Report report;
        Instant when{};
    };
    std::function<const std::optional<Reported>&(std::size_t check)> report;
    std::function<health::Verdict(std::size_t check)> verdict;
    std::function<bool(const VirtualAddress&, const InstanceOptions&)> present;
    std::function<InstanceStatus::Service(std::size_t service)> service;
};

InstanceStatus status_of(const Surroundings& world, InstanceId id, Instant now);

}  // namespace vrrpd
