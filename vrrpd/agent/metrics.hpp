// What the daemon counts, as text for Prometheus (exposition format 0.0.4). The names are a contract with
// dashboards: docs/metrics.md lists them.
//
// Promises: pure; a series for every instance from the start on, also at 0, so that a rate sees the first event;
// no series twice, as names of instances are unique. Counters begin at 0 with the process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
    using Named = std::vector<std::pair<std::string, bool>>;
    Named checks{};    ///< whether they are up
    Named services{};  ///< whether they are ready
};

/// The text in portions that take less than a millisecond each, however many instances there are. The router must
/// outlive it, and have the same instances all the while.
class MetricsPages {
  public:
    MetricsPages(const Router& router, ShellCounters shell, Instant now, const HookSet* hooks = nullptr)
        : router_(router), shell_(std::move(shell)), now_(now), hooks_(hooks) {}

    /// Nothing: that was all.
    std::optional<std::string> next();

  private:
    const Router& router_;
    ShellCounters shell_;
    Instant now_;
    const HookSet* hooks_;
    std::size_t family_ = 0;
    InstanceId instance_ = 0;
};

/// All metrics, each line ended.
std::string metrics_text(const Router& router, const ShellCounters& shell, Instant now, const HookSet* hooks = nullptr);

}  // namespace vrrpd
