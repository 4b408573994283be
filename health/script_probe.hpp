// A probe that runs a command: exit code 0 is up, everything else a failure, with the shell's codes for
// "could not be executed" (126, 127) told apart. At the deadline the whole process group is killed.
//
// The deadline counts from the start, which may have to wait (script_runner.hpp): for other checks' scripts, or for
// this check's own, which was killed and is stuck in the kernel. Neither may keep an old answer alive for ever:
// the own script that does not end is timed out once more after each `timeout`, and an answer that could not be
// renewed for 2 x (interval + timeout) is stale.
#pragma once

#include <memory>
#include <optional>

#include "health/deadline.hpp"
#include "health/options.hpp"
#include "health/probe.hpp"
#include "health/script_runner.hpp"
#include "vrrpd/launcher/child.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::health {

class ScriptProbe final : public Probe {
  public:
    /// For `Kind::script`: reads command, credentials, interval and timeout.
    ScriptProbe(Loop& loop, ScriptRunner& scripts, ScriptRunner::Owner owner, const CheckOptions& options, Found found);

  private:
    void started();
    void waited();
    void finish(const Finding& finding);

    Loop& loop_;
    const Duration timeout_;
    const Duration patience_;
    Found found_;
    bool started_ = false;
    std::unique_ptr<ScriptRunner::Run> run_;
    std::optional<Deadline> deadline_;
};

/// What the end of a script means.
Finding judge_exit(const ExitStatus& status);

}  // namespace vrrpd::health
