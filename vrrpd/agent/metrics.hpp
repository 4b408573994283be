// What the daemon counts, as text for Prometheus (exposition format 0.0.4). The names are a contract with
// dashboards: docs/metrics.md lists them.
//
// Promises: pure; a series for every instance from the start on, also at 0, so that a rate sees the first event;
// no series twice, as names of instances are unique. Counters begin at 0 with the process.
#pragma once

#include <cstdint>
#include <string>

#include "vrrpd/agent/hook_set.hpp"
#include "vrrpd/core/router.hpp"

namespace vrrpd {

/// What is counted outside of the core.
struct ShellCounters {
    std::uint64_t netlink_resyncs = 0;
    std::uint64_t lease_renewals = 0;
    std::uint64_t lease_renewals_failed = 0;
    std::uint64_t announcements_sent = 0;
    std::uint64_t announcements_failed = 0;
    std::uint64_t packets_lost = 0;          ///< wanted, and more than a receiver's buffer holds
    std::uint64_t packets_unclassified = 0;  ///< came faster than the observers look at them
};

/// All metrics, each line ended.
std::string metrics_text(const Router& router, const ShellCounters& shell, Instant now, const HookSet* hooks = nullptr);

}  // namespace vrrpd
