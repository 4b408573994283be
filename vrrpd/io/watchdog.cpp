#include "vrrpd/io/watchdog.hpp"

#include <algorithm>

#include <systemd/sd-daemon.h>

#include "vrrpd/io/notify.hpp"

namespace vrrpd {
namespace {

constexpr Duration shortest_patience = std::chrono::milliseconds(500);
constexpr int messages_in_time = 4;  // some may be lost

}  // namespace

Duration watchdog_patience(Duration from_unit, Duration fastest_interval) {
    return std::min(from_unit, std::max(2 * fastest_interval, shortest_patience));
}

Watchdog::Watchdog(Loop& loop, Duration fastest_interval) : loop_(loop), timer_(loop.timer([this] { feed(); })) {
    std::uint64_t microseconds = 0;
    if (sd_watchdog_enabled(0, &microseconds) <= 0) return;
    const Duration from_unit = std::chrono::microseconds(microseconds);
    const Duration patience = watchdog_patience(from_unit, fastest_interval);
    if (patience != from_unit) notify::watchdog_time(patience);
    pause_ = patience / messages_in_time;
    feed();
}

void Watchdog::feed() {
    notify::alive();
    timer_->arm(loop_.now() + pause_);
}

}  // namespace vrrpd
