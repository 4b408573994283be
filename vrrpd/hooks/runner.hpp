// The hooks of one instance or group at work: the queue's next one as a process, until its end or its deadline.
//
// Promises: starts nothing from within add(), so that what is sent in the same round leaves first; a hook that is late
// is reported at its deadline and its process group killed then, but the next one begins only when it has ended.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "vrrpd/hooks/call.hpp"
#include "vrrpd/hooks/queue.hpp"
#include "vrrpd/launcher/child.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::hooks {

/// How a hook went.
struct Outcome {
    Hook hook = Hook::notify;
    RunHook wish;
    bool late = false;  ///< killed; `status` says nothing
    ExitStatus status{};
    Duration took{};

    bool success() const { return !late && status.success(); }
    /// "exit code 3", "no end within 5 s, killed".
    std::string to_string() const;
};

struct Listener {
    std::function<void(const Outcome&)> ended;    ///< from the loop
    std::function<void(const RunHook&)> skipped;  ///< from add() and drop()
    std::function<void()> idle;                   ///< from the loop: nothing runs and nothing waits
};

class Runner {
  public:
    /// `hooks`: whatever they are when one begins. `loop` and `starter` must outlive the runner, which kills what runs.
    Runner(Loop& loop, ChildStarter& starter, Owner owner, std::function<const Hooks&()> hooks, Credentials credentials,
           Listener listener);
    Runner(const Runner&) = delete;
    Runner& operator=(const Runner&) = delete;

    const Owner& owner() const { return owner_; }
    /// From the next hook on.
    void change(Owner owner, const Credentials& credentials) {
        owner_ = std::move(owner);
        credentials_ = credentials;
    }
    void add(const RunHook& wish);
    void drop(std::uint64_t run);
    /// Begins what waits, if nothing runs.
    void begin();
    bool idle() const { return queue_.idle(); }

  private:
    struct Job {
        RunHook wish;
        std::vector<Hook> left;  // the one that runs is the first
        Instant started{};
        bool reported = false;
    };

    void start();
    void report(bool late, const ExitStatus& status);
    void on_end(const ExitStatus& status);
    void on_deadline();

    Loop& loop_;
    ChildStarter& starter_;
    Owner owner_;
    const std::function<const Hooks&()> hooks_;
    Credentials credentials_;
    const Listener listener_;
    Queue queue_;
    std::optional<Job> job_;
    std::unique_ptr<Timer> deadline_;
    std::unique_ptr<Child> child_;
};

}  // namespace vrrpd::hooks
