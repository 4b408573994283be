// A loop whose clock the test turns by hand. Timers fire in order of their deadlines; descriptors are real
// and are looked at when the test asks for it.
#pragma once

#include <algorithm>
#include <list>
#include <memory>
#include <poll.h>
#include <vector>

#include "vrrpd/loop/loop.hpp"

namespace vrrpd::test {

class FakeLoop final : public Loop {
    struct TimerState {
        std::function<void()> fired;
        Instant deadline = never;
        bool alive = true;
    };
    struct WatchState {
        int descriptor;
        std::uint32_t readiness;
        std::function<void(std::uint32_t)> ready;
        bool alive = true;
    };

    struct FakeTimer final : Timer {
        std::shared_ptr<TimerState> state;
        ~FakeTimer() override { state->alive = false; }
        void arm(Instant when) override { state->deadline = when; }
        void disarm() override { state->deadline = never; }
    };
    struct FakeWatch final : Watch {
        std::shared_ptr<WatchState> state;
        ~FakeWatch() override { state->alive = false; }
        void interest(std::uint32_t readiness) override { state->readiness = readiness; }
    };

  public:
    Instant now() const override { return now_; }

    std::unique_ptr<Timer> timer(std::function<void()> fired, Urgency = Urgency::normal) override {
        auto timer = std::make_unique<FakeTimer>();
        timer->state = std::make_shared<TimerState>(TimerState{std::move(fired)});
        timers_.push_back(timer->state);
        return timer;
    }

    std::unique_ptr<Watch> watch(int descriptor, std::uint32_t readiness, std::function<void(std::uint32_t)> ready,
                                 Urgency = Urgency::normal) override {
        auto watch = std::make_unique<FakeWatch>();
        watch->state = std::make_shared<WatchState>(WatchState{descriptor, readiness, std::move(ready)});
        watches_.push_back(watch->state);
        return watch;
    }

    /// The earliest deadline that is armed.
    Instant next_deadline() const {
        Instant next = never;
        for (const auto& timer : timers_) {
            if (timer->alive) next = std::min(next, timer->deadline);
        }
        return next;
    }

    /// Turns the clock to `end`, firing what is due on the way, each at its own time.
    void advance_to(Instant end) {
        for (Instant next = next_deadline(); next <= end; next = next_deadline()) {
            now_ = std::max(now_, next);
            fire(next);
        }
        now_ = std::max(now_, end);
    }
    void advance(Duration by) { advance_to(now_ + by); }

    /// Turns the clock without firing anything: a process that did not run.
    void sleep_through(Duration by) { now_ += by; }

    /// Waits at most `limit` of real time for one descriptor to become ready and dispatches what is. False: none was.
    bool poll_once(std::chrono::milliseconds limit = std::chrono::milliseconds(2000)) {
        watches_.remove_if([](const auto& watch) { return !watch->alive; });
        std::vector<pollfd> descriptors;
        for (const auto& watch : watches_) {
            const short events = static_cast<short>((watch->readiness & readable ? POLLIN : 0) |
                                                    (watch->readiness & writable ? POLLOUT : 0));
            descriptors.push_back({watch->readiness != 0 ? watch->descriptor : -1, events, 0});
        }
        if (poll(descriptors.data(), descriptors.size(), static_cast<int>(limit.count())) <= 0) return false;
        const std::vector<std::shared_ptr<WatchState>> current(watches_.begin(), watches_.end());
        for (std::size_t i = 0; i < current.size(); ++i) {
            const short events = descriptors[i].revents;
            if (events == 0 || !current[i]->alive) continue;
            const auto keep = current[i];
            keep->ready((events & POLLIN ? readable : 0u) | (events & POLLOUT ? writable : 0u) |
                        (events & (POLLHUP | POLLERR) ? hang_up : 0u));
        }
        return true;
    }

  private:
    void fire(Instant due) {
        timers_.remove_if([](const auto& timer) { return !timer->alive; });
        for (const auto& timer : std::list<std::shared_ptr<TimerState>>(timers_)) {
            if (!timer->alive || timer->deadline != due) continue;
            timer->deadline = never;
            timer->fired();
            return;
        }
    }

    Instant now_ = Instant(std::chrono::seconds(1000));
    std::list<std::shared_ptr<TimerState>> timers_;
    std::list<std::shared_ptr<WatchState>> watches_;
};

}  // namespace vrrpd::test
