// The production event loop: sd-event on CLOCK_BOOTTIME. What is urgent has sources of its own there; all that is not
// shares two, see poller.hpp and timer_queue.hpp.
#pragma once

#include <functional>
#include <memory>

#include "vrrpd/loop/loop.hpp"
#include "vrrpd/loop/poller.hpp"
#include "vrrpd/loop/timer_queue.hpp"

struct sd_event;

namespace vrrpd {

class SdEventLoop final : public Loop {
  public:
    /// Throws std::runtime_error when the kernel refuses a descriptor.
    SdEventLoop();
    ~SdEventLoop() override;
    SdEventLoop(const SdEventLoop&) = delete;
    SdEventLoop& operator=(const SdEventLoop&) = delete;

    Instant now() const override;
    [[nodiscard]] std::unique_ptr<Timer> timer(std::function<void()> fired, Urgency urgency) override;
    [[nodiscard]] std::unique_ptr<Watch> watch(int descriptor, std::uint32_t readiness,
                                               std::function<void(std::uint32_t)> ready, Urgency urgency) override;

    /// Blocks `number` for this thread and calls `received` when it arrives. Call before any thread is started.
    void on_signal(int number, std::function<void()> received);

    /// Runs until quit(); returns its argument.
    int run();
    void quit(int exit_code);

  private:
    sd_event* event_ = nullptr;
    Poller poller_;
    TimerQueue timers_;
    std::unique_ptr<Watch> polled_;  // that something of the poller's is ready
    std::unique_ptr<Timer> alarm_;   // that something of the queue's is due
};

}  // namespace vrrpd
