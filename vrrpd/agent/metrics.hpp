// What the daemon counts, as text for Prometheus (exposition format 0.0.4). The names are a contract with
// dashboards: docs/metrics.md lists them.
//
// Promises: pure; a series for every instance from the start on, also at 0, so that a rate sees the first event;
// no series twice, as names of instances are unique. Counters begin at 0 with the process.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "health/check.hpp"
#include "vrrpd/agent/hook_set.hpp"
#include "vrrpd/agent/lateness.hpp"
#include "vrrpd/agent/service_set.hpp"
#include "vrrpd/core/router.hpp"

namespace vrrpd {

/// What the agent itself counts.
struct Tally {
    Lateness lateness{};
    std::array<std::uint64_t, cause_count> causes{};  ///< of changes of a role, by Cause
    std::uint64_t reloads_applied = 0;
    std::uint64_t reloads_refused = 0;
    bool last_reload_applied = true;
};

/// What is counted outside of the core.
struct ShellCounters {
    std::uint64_t netlink_resyncs = 0;
    std::uint64_t lease_renewals = 0;
    std::uint64_t lease_renewals_failed = 0;
    std::uint64_t announcements_sent = 0;
    std::uint64_t announcements_failed = 0;
    std::uint64_t packets_lost = 0;          ///< wanted, and more than a receiver's buffer holds
    std::uint64_t packets_unclassified = 0;  ///< came faster than the observers look at them
    std::uint64_t packets_unreadable = 0;    ///< longer than any advert, or with a header that contradicts itself
    std::uint64_t netlink_requests = 0;
    std::uint64_t netlink_requests_failed = 0;
    std::uint64_t log_lines_lost = 0;
    Tally tally{};
    struct Check {
        std::string name;
        health::Verdict verdict;
        std::optional<health::Class> last;  ///< of the last probe
        health::Check::Counters counters;
    };
    struct Service {
        std::string name;
        bool ready;
        ServiceCounters counters;
    };
    std::vector<Check> checks{};
    std::vector<Service> services{};
};

/// The text, each line ended, in portions that take less than a millisecond each, however many instances there are. The
/// router must outlive it, and have the same instances all the while.
class MetricsPages {
  public:
    MetricsPages(const Router& router, ShellCounters shell, Instant now, const HookSet* hooks = nullptr)
        : router_(router), shell_(std::move(shell)), now_(now), hooks_(hooks) {}

    /// Nothing: that was all.
    std::optional<std::string> next();

  private:
    std::optional<std::string> next_of_host();

    const Router& router_;
    ShellCounters shell_;
    Instant now_;
    const HookSet* hooks_;
    std::size_t family_ = 0;
    InstanceId instance_ = 0;
};

}  // namespace vrrpd
