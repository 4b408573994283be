// Finds out when a program that was just started accepts connections, by trying.
//
// One connect at a time, each a millisecond after the one before, then every five: nutcracker accepts 5 ms
// after its exec, and clients wait for every millisecond that is lost here. The connection that succeeds is
// closed at once.
#pragma once

#include <functional>
#include <memory>

#include "health/options.hpp"
#include "vrrpd/core/time.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::service {

class ListenProbe {
  public:
    static constexpr Duration quick_period = std::chrono::milliseconds(50);
    static constexpr Duration quick_pause = std::chrono::milliseconds(1);
    static constexpr Duration pause = std::chrono::milliseconds(5);
    /// An attempt that got no answer by then is given up: a full accept queue drops it without a word.
    static constexpr Duration attempt_limit = std::chrono::milliseconds(100);

    /// `accepted` is called once after each begin(), from the loop.
    ListenProbe(Loop& loop, health::Endpoint endpoint, std::function<void()> accepted);

    void begin();
    void end();

  private:
    void attempt();
    void attempt_over(int error);
    void try_again();
    void close_attempt();

    Loop& loop_;
    health::Endpoint endpoint_;
    std::function<void()> accepted_;
    Instant begun_ = never;
    Instant attempted_ = never;
    Descriptor socket_;             // while an attempt is on its way
    std::unique_ptr<Watch> watch_;  // of that socket
    std::unique_ptr<Timer> next_;   // the next attempt
    std::unique_ptr<Timer> limit_;  // of this one
};

}  // namespace vrrpd::service
