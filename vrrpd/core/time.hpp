// Time as values. The core has no clock: every call that needs the time is given it.
//
// An `Instant` is a point on CLOCK_BOOTTIME, which no change of the wall clock moves (conformance D09) and
// which goes on counting while a machine is suspended, so that a wake-up is seen as the stall that it was for
// the peers (D11). Nanoseconds keep the order that priorities give: rounding to centiseconds would make
// neighbours expire together (D06).
#pragma once

#include <chrono>

namespace vrrpd {

using Duration = std::chrono::nanoseconds;

/// Names the clock that instants belong to. It cannot be read here: see Loop::now().
struct BootClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock, duration>;
    static constexpr bool is_steady = true;
};

using Instant = BootClock::time_point;

/// A deadline that is not set.
inline constexpr Instant never = Instant::max();

/// For people and for Prometheus.
inline double in_seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace vrrpd
