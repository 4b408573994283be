// The last transitions of all instances, with time and reason, kept across restarts.
//
// In memory they are a short list. On disk they are lines of JSON, one appended for each, off the protocol thread; when
// there are twice as many lines as are kept, the file is written anew. What is read back at the start is what a person
// may have edited, or a crash have torn: a line that is none of ours is left out.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "vrrpd/core/events.hpp"
#include "vrrpd/io/state_store.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

using WallTime = std::chrono::sys_time<std::chrono::microseconds>;
WallTime wall_clock();

struct PastTransition {
    WallTime when;
    std::string instance;
    Role from = Role::init, to = Role::init;
    int priority = 0;
    std::string reason;
    friend bool operator==(const PastTransition&, const PastTransition&) = default;
};

class History {
  public:
    static constexpr std::size_t most = 300;
    static constexpr std::size_t longest_file = std::size_t{512} << 10;  ///< bytes that are read back, from the end

    /// Reads what there is, which may wait. `store` must outlive it.
    History(Loop& loop, StateStore& store);
    ~History();
    History(const History&) = delete;
    History& operator=(const History&) = delete;

    void add(PastTransition transition);
    /// Oldest first.
    const std::deque<PastTransition>& all() const { return transitions_; }

  private:
    void write();

    Loop& loop_;
    StateStore& store_;
    std::deque<PastTransition> transitions_;
    std::size_t unwritten_ = 0;  // of them, the newest
    std::size_t lines_ = 0;      // of the file
    bool failed_ = false;        // and that was said
    std::unique_ptr<Timer> timer_;
};

}  // namespace vrrpd
