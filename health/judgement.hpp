// From findings to a verdict: how many in a row it takes, and when to look again. Pure: no clock, no I/O.
//
// Promises:
// - Until probes gave a first verdict, one success is up and `fall` failures in a row are down. From then
//   on `fall` failures turn up into down, and `rise` successes turn down into up; a finding that agrees
//   with the verdict forgets the ones against it.
// - Probes keep the pace of `interval`, counted from start to start. With `fast_fail` a failure that is on
//   its way to a new verdict is followed by the next probe at once, so that a service that hangs right
//   after a good answer is down interval + fall x timeout later. A hard failure came back in no time, so
//   its repetition waits a moment: enough for `fall` to mean more than the same packet seen twice, nothing
//   that a failover would notice. A soft one that came back in no time (SERVER_ERROR, a script's exit code) is repeated
//   when its timeout would have ended: the same moment of weakness must not be counted twice.
// - With `fast_fail = no` every failure, hard or soft, keeps the interval: that rides out a quick restart.
// - A check that is up and turns cold, or warm again, reports that too, with the verdict it had; and so does one that
// is
//   down and found ill in another way twice in a row: a redis that was refused is loading.
// - What was not asked changes nothing, however long it lasts.
// - A probe that is due while the process does not run is made up for once, not for each interval missed.
#pragma once

#include <optional>

#include "health/finding.hpp"
#include "health/options.hpp"
#include "health/report.hpp"
#include "vrrpd/core/time.hpp"

namespace vrrpd::health {

/// Between a hard failure and its repetition.
inline constexpr Duration hard_failure_pause = std::chrono::milliseconds(2);

class Judgement {
  public:
    /// Reads rise, fall, init_fail, fast_fail, interval and timeout.
    explicit Judgement(const CheckOptions& options);

    /// Takes the next finding. A report if it changed the verdict, made the first one, found the service cold that was
    /// warm, or the other way round, or ill in another way.
    std::optional<Report> feed(const Finding& finding);

    Verdict verdict() const { return verdict_; }

    /// Whether the verdict comes from probes.
    bool settled() const { return settled_; }

    /// When the next probe should start, after the one that was fed last; never before `ended`.
    Instant next_probe(Instant started, Instant ended) const;

  private:
    Duration interval_;
    Duration timeout_;
    int rise_;
    int fall_;
    bool fast_fail_;
    Verdict verdict_;
    bool settled_ = false;                       // the verdict comes from probes
    int against_ = 0;                            // findings in a row that speak against the verdict
    bool failing_ = false;                       // the last finding was a failure
    bool hard_ = false;                          // and a hard one
    bool cold_ = false;                          // the last success was
    Class last_ = Class::up, told_ = Class::up;  // of the last finding, and of the last report
};

}  // namespace vrrpd::health
