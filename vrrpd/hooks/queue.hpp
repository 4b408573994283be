// What waits of the hooks of one instance, or of one sync group.
//
// One at a time, in the order of the wishes: a hook finds the world as the one before it has left it. What is only told
// (notify_*) may be overtaken: where states change faster than hooks run, the latest state is what counts, and older
// ones that have not begun never do. What somebody waits for runs, unless he stops to wait first.
//
// Promises: pure; never two at once; at most one of each kind that is only told waits.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "vrrpd/core/events.hpp"

namespace vrrpd::hooks {

class Queue {
  public:
    /// Puts it last. Returns what will not run because of it.
    std::vector<RunHook> add(const RunHook& wish);

    /// Nobody waits for that run any more. Returns it if it had not begun, and now does not.
    std::optional<RunHook> drop(std::uint64_t run);

    /// Begins the next one: call ended() when it is over. None while one runs.
    std::optional<RunHook> begin();
    void ended() { running_ = false; }

    bool idle() const { return !running_ && waiting_.empty(); }

  private:
    std::deque<RunHook> waiting_;
    bool running_ = false;
};

}  // namespace vrrpd::hooks
