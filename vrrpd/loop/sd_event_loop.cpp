#include "vrrpd/loop/sd_event_loop.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <stdexcept>
#include <string>
#include <system_error>

#include <systemd/sd-event.h>

#include "vrrpd/loop/epoll_bits.hpp"

namespace vrrpd {
namespace {

// sd-event takes 0 for "250 ms is good enough"; one microsecond is the finest it knows.
constexpr std::uint64_t accuracy_us = 1;

void require(int result, const char* what) {
    if (result < 0) throw std::system_error(-result, std::generic_category(), what);
}

std::int64_t priority_of(Urgency urgency) {
    switch (urgency) {
        case Urgency::protocol:
            return SD_EVENT_PRIORITY_IMPORTANT;
        case Urgency::normal:
            return SD_EVENT_PRIORITY_NORMAL;
    }
    return SD_EVENT_PRIORITY_NORMAL;
}

// Rounded up: a timer that is early would fire before the deadline it stands for.
std::uint64_t microseconds(Instant when) {
    const auto since_boot = std::chrono::ceil<std::chrono::microseconds>(when.time_since_epoch()).count();
    return since_boot > 0 ? static_cast<std::uint64_t>(since_boot) : 0;
}

// A callback may destroy the object that holds it, so each call runs on a reference of its own.
template <typename Callback>
using Shared = std::shared_ptr<Callback>;

class SdTimer final : public Timer {
  public:
    SdTimer(sd_event* event, std::function<void()> fired, Urgency urgency)
        : fired_(std::make_shared<std::function<void()>>(std::move(fired))) {
        require(sd_event_add_time(event, &source_, CLOCK_BOOTTIME, UINT64_MAX, accuracy_us, &SdTimer::dispatch, this),
                "timer");
        require(sd_event_source_set_priority(source_, priority_of(urgency)), "timer priority");
        require(sd_event_source_set_enabled(source_, SD_EVENT_OFF), "timer");
    }
    ~SdTimer() override { sd_event_source_disable_unref(source_); }

    void arm(Instant when) override {
        if (when == never) return disarm();
        sd_event_source_set_time(source_, microseconds(when));
        sd_event_source_set_enabled(source_, SD_EVENT_ONESHOT);
    }
    void disarm() override { sd_event_source_set_enabled(source_, SD_EVENT_OFF); }

  private:
    static int dispatch(sd_event_source*, std::uint64_t, void* self) {
        const auto fired = static_cast<SdTimer*>(self)->fired_;
        (*fired)();
        return 0;
    }

    sd_event_source* source_ = nullptr;
    Shared<std::function<void()>> fired_;
};

class SdWatch final : public Watch {
  public:
    SdWatch(sd_event* event, int descriptor, std::uint32_t readiness, std::function<void(std::uint32_t)> ready,
            Urgency urgency)
        : ready_(std::make_shared<std::function<void(std::uint32_t)>>(std::move(ready))) {
        require(sd_event_add_io(event, &source_, descriptor, to_epoll(readiness), &SdWatch::dispatch, this), "watch");
        require(sd_event_source_set_priority(source_, priority_of(urgency)), "watch priority");
        interest(readiness);
    }
    ~SdWatch() override { sd_event_source_disable_unref(source_); }

    void interest(std::uint32_t readiness) final {
        require(sd_event_source_set_io_events(source_, to_epoll(readiness)), "watch");
        require(sd_event_source_set_enabled(source_, readiness == 0 ? SD_EVENT_OFF : SD_EVENT_ON), "watch");
    }

  private:
    static int dispatch(sd_event_source*, int, std::uint32_t events, void* self) {
        const auto ready = static_cast<SdWatch*>(self)->ready_;
        (*ready)(from_epoll(events));
        return 0;
    }

    sd_event_source* source_ = nullptr;
    Shared<std::function<void(std::uint32_t)>> ready_;
};

int dispatch_signal(sd_event_source*, const signalfd_siginfo*, void* received) {
    (*static_cast<std::function<void()>*>(received))();
    return 0;
}

}  // namespace

SdEventLoop::SdEventLoop() : timers_([this](Instant when) { alarm_->arm(when); }) {
    require(sd_event_new(&event_), "event loop");
    polled_ = std::make_unique<SdWatch>(
        event_, poller_.descriptor(), readable, [this](std::uint32_t) { poller_.dispatch(); }, Urgency::normal);
    alarm_ = std::make_unique<SdTimer>(
        event_, [this] { timers_.expire(now()); }, Urgency::normal);
}
SdEventLoop::~SdEventLoop() {
    alarm_.reset();
    polled_.reset();
    sd_event_unref(event_);
}

Instant SdEventLoop::now() const {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return Instant(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

std::unique_ptr<Timer> SdEventLoop::timer(std::function<void()> fired, Urgency urgency) {
    if (urgency == Urgency::normal) return timers_.timer(std::move(fired));
    return std::make_unique<SdTimer>(event_, std::move(fired), urgency);
}

std::unique_ptr<Watch> SdEventLoop::watch(int descriptor, std::uint32_t readiness,
                                          std::function<void(std::uint32_t)> ready, Urgency urgency) {
    if (urgency == Urgency::normal) return poller_.watch(descriptor, readiness, std::move(ready));
    return std::make_unique<SdWatch>(event_, descriptor, readiness, std::move(ready), urgency);
}

void SdEventLoop::on_signal(int number, std::function<void()> received) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    if (pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) throw std::runtime_error("cannot block a signal");
    auto* callback = new std::function<void()>(std::move(received));
    sd_event_source* source = nullptr;
    require(sd_event_add_signal(event_, &source, number, &dispatch_signal, callback), "signal");
    sd_event_source_set_destroy_callback(source, [](void* data) { delete static_cast<std::function<void()>*>(data); });
    require(sd_event_source_set_priority(source, priority_of(Urgency::protocol)), "signal");
    require(sd_event_source_set_floating(source, 1), "signal");
    sd_event_source_unref(source);
}

int SdEventLoop::run() {
    const int result = sd_event_loop(event_);
    require(result, "event loop");
    return result;
}

void SdEventLoop::quit(int exit_code) {
    sd_event_exit(event_, exit_code);
}

}  // namespace vrrpd
