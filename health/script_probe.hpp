// A probe that runs a command: exit code 0 is up, everything else a failure, with the shell's codes for
// "could not be executed" (126, 127) told apart. At the deadline the whole process group is killed.
#pragma once

#include <memory>
#include <optional>

#include "health/deadline.hpp"
#include "health/options.hpp"
#include "health/probe.hpp"
#include "vrrpd/launcher/child.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::health {

class ScriptProbe final : public Probe {
  public:
    /// For `Kind::script`: reads command, credentials and timeout.
    ScriptProbe(Loop& loop, ChildStarter& starter, const CheckOptions& options, Found found);

  private:
    void finish(const Finding& finding);

    Found found_;
    std::unique_ptr<Child> child_;
    std::optional<Deadline> deadline_;
};

/// What the end of a script means.
Finding judge_exit(const ExitStatus& status);

}  // namespace vrrpd::health
