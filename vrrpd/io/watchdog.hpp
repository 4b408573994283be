// Tells the service manager that the loop goes round, so that it can replace a daemon that hangs (WatchdogSec=).
//
// It is fed by a timer of normal urgency, and such a timer has its turn only after all that was ready before it, urgent
// or not: a loop that is stuck in one callback, or gets to nothing but what is urgent, does not feed it.
//
// The unit's time suits adverts of a second. Where they are faster the manager is asked for less: two intervals, before
// the guard has taken the addresses off, but never less than a busy machine may need to take the messages.
#pragma once

#include <memory>

#include "vrrpd/core/time.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

/// How long the manager shall wait for a sign of life. `from_unit` as in WatchdogSec=.
Duration watchdog_patience(Duration from_unit, Duration fastest_interval);

class Watchdog {
  public:
    /// Does nothing where the manager expects nothing. `fastest_interval`: the shortest advert interval of all
    /// instances.
    Watchdog(Loop& loop, Duration fastest_interval);

    /// The intervals are others now.
    void adapt(Duration fastest_interval);

  private:
    void feed();

    Loop& loop_;
    Duration from_unit_{};  // zero: nothing is expected
    Duration patience_{};   // the manager's
    Duration pause_{};
    std::unique_ptr<Timer> timer_;
};

}  // namespace vrrpd
