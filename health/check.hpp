// One configured check: judges the answers that its prober brings, and reports whenever the verdict changes.
//
// Promises: the listener is called from the loop only, never from within start(), stop() or probe_now(), and
// may call any of them or destroy the check. A stopped check is unknown, wants no probes, and may be started again: a
// service's own check lives only while the service should run.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "health/judgement.hpp"
#include "health/options.hpp"
#include "health/prober.hpp"
#include "health/report.hpp"

namespace vrrpd::health {

class Check final : private Prober::Client {
  public:
    using Listener = std::function<void(const Report&)>;

    /// Since it was made.
    struct Counters {
        std::uint64_t probes = 0;
        std::uint64_t failures = 0;
        Duration took{};  ///< all probes together
    };

    /// `probers` must outlive the check.
    Check(Probers& probers, CheckOptions options, Listener listener);
    ~Check();
    Check(const Check&) = delete;
    Check& operator=(const Check&) = delete;

    bool start();  ///< false: it was already
    void stop();

    /// Probes at once; while a probe is running, right after it. Nothing while stopped.
    void probe_now();

    bool running() const { return judgement_.has_value(); }

    /// Unknown while stopped; down from start() on with `init_fail`.
    Verdict verdict() const { return judgement_ ? judgement_->verdict() : Verdict::unknown; }
    /// What the last probe found; none: stopped, or no probe has ended since the start.
    std::optional<Class> last_class() const { return last_; }
    const Counters& counters() const { return counters_; }
    const CheckOptions& options() const { return options_; }

  private:
    void judge(const Finding& finding, Duration took) override;
    Instant next_probe(Instant started, Instant ended) const override;
    bool well() const override { return verdict() == Verdict::up; }
    void tell() override;

    Probers& probers_;
    CheckOptions options_;
    Listener listener_;
    std::shared_ptr<Prober> prober_;
    std::optional<Judgement> judgement_;  // while started
    std::optional<Report> report_;        // to be told
    int number_ = 0;                      // that was told
    Instant silent_until_{};              // about what was not asked
    std::optional<Class> last_;
    Counters counters_;
};

}  // namespace vrrpd::health
