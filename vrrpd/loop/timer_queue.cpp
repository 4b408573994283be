#include "vrrpd/loop/timer_queue.hpp"

namespace vrrpd {

class TimerQueue::Entry final : public Timer {
  public:
    Entry(TimerQueue& queue, std::function<void()> fired)
        : queue_(queue), fired_(std::make_shared<std::function<void()>>(std::move(fired))) {}
    ~Entry() override { disarm(); }

    void arm(Instant when) override {
        disarm();
        if (when == never) return;
        key_ = {when, ++queue_.last_};
        queue_.armed_.emplace(key_, this);
        queue_.set_alarm();
    }
    void disarm() override {
        if (key_.second != 0) queue_.armed_.erase(std::exchange(key_, {}));
    }
    void fire() {
        const auto fired = fired_;  // it may destroy this object
        (*fired)();
    }

  private:
    TimerQueue& queue_;
    std::shared_ptr<std::function<void()>> fired_;
    Key key_{};  // the second is 0: not armed
};

void TimerQueue::expire(Instant now) {
    alarm_at_ = never;
    const std::uint64_t newest = last_;
    auto next = armed_.begin();
    for (int count = 0; count < batch && next != armed_.end() && next->first.first <= now; ++count) {
        if (next->first.second > newest) {
            ++next;
            continue;
        }
        Entry& entry = *next->second;
        entry.disarm();
        entry.fire();
        next = armed_.begin();
    }
    set_alarm();
}

std::unique_ptr<Timer> TimerQueue::timer(std::function<void()> fired) {
    return std::make_unique<Entry>(*this, std::move(fired));
}

void TimerQueue::set_alarm() {
    if (armed_.empty() || armed_.begin()->first.first >= alarm_at_) return;
    alarm_at_ = armed_.begin()->first.first;
    alarm_(alarm_at_);
}

}  // namespace vrrpd
