#include "vrrpd/io/watchdog.hpp"

#include <algorithm>
#include <utility>

#include <systemd/sd-daemon.h>

#include "vrrpd/io/notify.hpp"

namespace vrrpd {
namespace {

constexpr Duration shortest_patience = std::chrono::milliseconds(500);
constexpr int messages_in_time = 4;  // some may be lost

}  // namespace

Duration watchdog_patience(Duration from_unit, Duration fastest_interval) {
    if (fastest_interval > from_unit) return from_unit;
    return std::min(from_unit, std::max(2 * fastest_interval, shortest_patience));
}

Watchdog::Watchdog(Loop& loop, Duration fastest_interval) : loop_(loop), timer_(loop.timer([this] { feed(); })) {
    std::uint64_t microseconds = 0;
    if (sd_watchdog_enabled(0, &microseconds) <= 0) return;
    from_unit_ = patience_ = std::chrono::microseconds(microseconds);
    adapt(fastest_interval);
}

// Fed anew: the manager counts from its last sign of life, and the next one may be too late for less patience.
void Watchdog::adapt(Duration fastest_interval) {
    if (from_unit_ == Duration::zero()) return;
    const Duration patience = watchdog_patience(from_unit_, fastest_interval);
    pause_ = patience / messages_in_time;
    if (std::exchange(patience_, patience) != patience) notify::watchdog_time(patience);
    feed();
}

void Watchdog::feed() {
    notify::alive();
    timer_->arm(loop_.now() + pause_);
}

}  // namespace vrrpd
