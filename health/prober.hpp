// Asks one question again and again, one probe at a time, for all checks that want it answered: sections that
// differ only in name, fall, rise and init_fail share a prober.
//
// Each check judges every answer for itself and says when it wants the next one; the earliest wish counts. A
// prober that nobody has joined probes nothing and holds nothing. The first probe is put off by up to 100 ms, by the
// name of the check, so that many checks do not probe in phase for ever.
//
// Promises: answers come from the loop only, never from within a call; an answer to a question that was asked
// before a check joined is not for that check.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "health/finding.hpp"
#include "health/method.hpp"
#include "health/options.hpp"
#include "health/probe.hpp"
#include "health/script_runner.hpp"
#include "vrrpd/launcher/child.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::health {

class Prober : public std::enable_shared_from_this<Prober> {
  public:
    /// A check that runs.
    class Client {
      public:
        /// Judges. Must not call the prober. `took`: from the start of the probe to its end.
        virtual void judge(const Finding& finding, Duration took) = 0;
        /// After judge(): when the next probe should start, and whether the last one confirmed that all is well.
        virtual Instant next_probe(Instant started, Instant ended) const = 0;
        virtual bool well() const = 0;
        /// Says what judge() found. May join, leave, or destroy any check and this very prober.
        virtual void tell() = 0;

      protected:
        ~Client() = default;
    };

    Prober(Loop& loop, ScriptRunner& scripts, CheckOptions options);
    Prober(const Prober&) = delete;
    Prober& operator=(const Prober&) = delete;

    void join(Client& client);
    void leave(Client& client);

    /// Probes at once; while a probe is running, right after it. Nothing while nobody has joined.
    void probe_now();

    const CheckOptions& options() const { return options_; }

  private:
    struct Member {
        Client* client;
        bool came_late;  // the question under way was asked before
    };

    void schedule(Instant when);
    void probe();
    void probed(const Finding& finding);

    Loop& loop_;
    CheckOptions options_;
    std::vector<Member> members_;
    std::unique_ptr<Timer> timer_;
    Instant next_ = never;  // the next probe
    std::unique_ptr<Method> method_;
    std::unique_ptr<Probe> probe_;  // while one is running
    Instant started_{};             // that one
    bool again_ = false;            // probe once more right after that one
};

/// All probers of the host: finds the one that asks a question already.
class Probers {
  public:
    /// `loop` and `starter` must outlive this, and this all checks.
    Probers(Loop& loop, ChildStarter& starter, ScriptRunner::Said said = {})
        : loop_(loop), scripts_(starter, std::move(said)) {}

    std::shared_ptr<Prober> find_or_make(const CheckOptions& options);
    Instant now() const { return loop_.now(); }

  private:
    Loop& loop_;
    ScriptRunner scripts_;
    std::vector<std::weak_ptr<Prober>> probers_;
};

}  // namespace vrrpd::health
