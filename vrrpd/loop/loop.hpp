// The event loop as the rest of the program sees it: timers and file descriptors, on one thread.
//
// All that reacts to the world (probes, sockets, netlink, children) is written against this interface, so
// that tests run it on a loop whose clock they turn by hand (`tests/support/fake_loop.hpp`) and production on
// sd-event
// (`sd_event_loop.hpp`).
//
// Promises: callbacks never run inside the call that registers them; a callback may destroy the very timer or
// watch that called it; times are CLOCK_BOOTTIME and never early.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "vrrpd/core/time.hpp"

namespace vrrpd {

/// Who goes first when several things are ready at once.
enum class Urgency : std::uint8_t {
    protocol,  ///< the core's deadline
    normal,    ///< adverts in, netlink answers, children, probes
};

/// Readiness of a file descriptor, a set of bits.
enum Readiness : std::uint32_t {
    readable = 1,
    writable = 2,
    hang_up = 4,  ///< peer closed or error: reported whatever else is asked for
};

/// A one-shot timer; unarmed after it fired. Destroying it disarms it.
class Timer {
  public:
    virtual ~Timer() = default;
    /// Fires once at `when`, or as soon as the loop gets to it when that is past. Replaces an earlier deadline.
    virtual void arm(Instant when) = 0;
    virtual void disarm() = 0;
};

/// Interest in a file descriptor, which stays the caller's. Destroying it ends the interest; do so before closing.
class Watch {
  public:
    virtual ~Watch() = default;
    /// What is to be reported from now on, hang_up included. 0: nothing at all, and the kernel is spared looking here
    /// for each packet, which is half a microsecond of its sender's. Throws std::system_error.
    virtual void interest(std::uint32_t readiness) = 0;
};

class Loop {
  public:
    virtual ~Loop() = default;

    /// The time now.
    virtual Instant now() const = 0;

    [[nodiscard]] virtual std::unique_ptr<Timer> timer(std::function<void()> fired,
                                                       Urgency urgency = Urgency::normal) = 0;

    /// Calls `ready` with the Readiness bits whenever one of `readiness` (or, unless that is 0, hang_up) holds: level
    /// triggered.
    [[nodiscard]] virtual std::unique_ptr<Watch> watch(int descriptor, std::uint32_t readiness,
                                                       std::function<void(std::uint32_t)> ready,
                                                       Urgency urgency = Urgency::normal) = 0;
};

}  // namespace vrrpd
