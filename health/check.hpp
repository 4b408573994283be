// One configured check: probes by the judgement's schedule, one at a time, with an idle connection in
// between, and a report whenever the verdict changes.
//
// Promises: the listener is called from the loop only, never from within start(), stop() or probe_now(), and
// may call any of them or destroy the check. A stopped check is unknown, probes nothing, holds nothing, and
// may be started again: a service's own check lives only while the service should run. The first probe of a
// check is put off by up to 100 ms, by its name, so that many checks do not probe in phase for ever.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "health/dialogue.hpp"
#include "health/finding.hpp"
#include "health/idle_watch.hpp"
#include "health/judgement.hpp"
#include "health/options.hpp"
#include "health/probe.hpp"
#include "health/report.hpp"
#include "vrrpd/launcher/child.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::health {

class Check {
  public:
    using Listener = std::function<void(const Report&)>;

    /// `loop` and `starter` must outlive the check.
    Check(Loop& loop, ChildStarter& starter, CheckOptions options, Listener listener);
    Check(const Check&) = delete;
    Check& operator=(const Check&) = delete;

    void start();
    void stop();

    /// Probes at once; while a probe is running, right after it. Nothing while stopped.
    void probe_now();

    /// Unknown while stopped; down from start() on with `init_fail`.
    Verdict verdict() const { return judgement_ ? judgement_->verdict() : Verdict::unknown; }
    const CheckOptions& options() const { return options_; }

  private:
    void probe();
    void probed(const Finding& finding);

    Loop& loop_;
    ChildStarter& starter_;
    CheckOptions options_;
    Listener listener_;
    std::unique_ptr<Timer> timer_;        // the next probe
    std::optional<Judgement> judgement_;  // while started
    Past past_;                           // what a probe leaves to the next
    std::unique_ptr<Probe> probe_;        // while one is running
    Instant started_{};                   // that one
    bool again_ = false;                  // probe once more right after that one
    std::optional<IdleWatch> idle_;
};

}  // namespace vrrpd::health
