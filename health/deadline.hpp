// The deadline of one probe. It does not hold against a service the time in which this very process stood still.
//
// A deadline that fires much too late (a stopped process, a paused virtual machine) says nothing about the
// service: its answer may lie unread, or the question was never sent. Such a deadline is set anew, once, from
// the wake-up, and what has arrived is read meanwhile; so a pause does not fail every check of a host in one
// go. Once only: on a host that is too busy for its own timers a hung service must still be found.
#pragma once

#include <functional>
#include <memory>

#include "vrrpd/core/time.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::health {

/// A timer that comes later than this was not just scheduled badly: the process did not run.
inline constexpr Duration stalled_after = std::chrono::milliseconds(50);

class Deadline {
  public:
    /// Calls `passed` once, `timeout` from now, unless destroyed before. `passed` may destroy this object;
    /// its own captures live until it returns.
    Deadline(Loop& loop, Duration timeout, std::function<void()> passed);
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

  private:
    void fired();

    Loop& loop_;
    Duration timeout_;
    Instant due_;
    bool extended_ = false;
    std::function<void()> passed_;
    std::unique_ptr<Timer> timer_;
};

}  // namespace vrrpd::health
