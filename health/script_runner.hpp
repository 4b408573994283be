// Runs the scripts of all checks: at most 64 at once, never two of one owner, the others in the order they came.
//
// A script that was killed may go on for a while, stuck in the kernel. It keeps its place until it is reaped, and its
// owner's next script waits: what does not end cannot pile up. That is why whoever gives a script up only lets
// go of the Run, and the runner looks after what is left of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "vrrpd/launcher/child.hpp"

namespace vrrpd::health {

class ScriptRunner {
  public:
    static constexpr std::size_t most_at_once = 64;

    using Owner = std::uint64_t;

    /// Both are called at most once, from the loop or, `started`, from within run(). They may destroy the Run.
    struct Callbacks {
        std::function<void()> started;
        std::function<void(ExitStatus)> ended;
    };

  private:
    struct Job;

  public:
    /// A script that waits or runs. Destroying it kills the script's process group and silences it.
    class Run {
      public:
        Run(ScriptRunner& runner, std::shared_ptr<Job> job) : runner_(runner), job_(std::move(job)) {}
        Run(const Run&) = delete;
        Run& operator=(const Run&) = delete;
        ~Run() { runner_.give_up(*job_); }

        /// Whether it has to wait for an earlier script of its owner, which was killed and does not end.
        bool waits_for_own() const { return runner_.is_busy(*job_); }

      private:
        ScriptRunner& runner_;
        std::shared_ptr<Job> job_;
    };

    /// What a script said last, for people.
    using Said = std::function<void(const std::string& check, const std::string& line)>;

    /// `starter` must outlive this, and this all runs. `said` may be empty: then scripts speak to nobody.
    explicit ScriptRunner(ChildStarter& starter, Said said = {}) : starter_(starter), said_(std::move(said)) {}
    ScriptRunner(const ScriptRunner&) = delete;
    ScriptRunner& operator=(const ScriptRunner&) = delete;
    ~ScriptRunner();

    Owner new_owner() { return ++last_owner_; }
    const Said& said() const { return said_; }

    [[nodiscard]] std::unique_ptr<Run> run(Owner owner, const Command& command, Callbacks callbacks);

  private:
    using Jobs = std::list<std::shared_ptr<Job>>;

    bool is_busy(const Job& job) const;
    void give_up(Job& job);
    void start_waiting();
    void start(const std::shared_ptr<Job>& job);
    void ended(const std::shared_ptr<Job>& job, ExitStatus status);

    ChildStarter& starter_;
    Said said_;
    Owner last_owner_ = 0;
    Jobs waiting_;
    Jobs running_;  // also what was killed and has not ended
};

}  // namespace vrrpd::health
