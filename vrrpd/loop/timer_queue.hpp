// Many timers on one: keeps their deadlines in order and says when the earliest is due.
//
// A deadline that is moved or disarmed leaves the alarm where it was: it then goes off for nothing, once, which is
// cheaper than a system call for each change. Most timers of a busy daemon are deadlines that never pass.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "vrrpd/core/time.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class TimerQueue {
  public:
    /// Fired in one go at most, so that what is more urgent does not wait for long.
    static constexpr int batch = 16;

    /// `alarm` is told whenever expire() should be called earlier than it was last told.
    explicit TimerQueue(std::function<void(Instant)> alarm) : alarm_(std::move(alarm)) {}

    /// Fires what is due, but not what is armed meanwhile, and sets the alarm for the next.
    void expire(Instant now);

    /// As Loop::timer says; not to be used after the queue is gone.
    [[nodiscard]] std::unique_ptr<Timer> timer(std::function<void()> fired);

  private:
    class Entry;
    using Key = std::pair<Instant, std::uint64_t>;  // the second: of those that are due together the first armed

    void set_alarm();

    std::function<void(Instant)> alarm_;
    std::map<Key, Entry*> armed_;
    std::uint64_t last_ = 0;
    Instant alarm_at_ = never;
};

}  // namespace vrrpd
