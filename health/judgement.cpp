#include "health/judgement.hpp"

#include <algorithm>
#include <utility>

namespace vrrpd::health {

Judgement::Judgement(const CheckOptions& options)
    : interval_(options.interval),
      timeout_(options.timeout),
      rise_(options.rise),
      fall_(options.fall),
      fast_fail_(options.fast_fail),
      verdict_(options.init_fail ? Verdict::down : Verdict::unknown) {}

std::optional<Report> Judgement::feed(const Finding& finding) {
    if (finding.cls == Class::not_asked) {
        hard_ = false;  // or what is short would be asked for again at once
        return std::nullopt;
    }
    const bool success = finding.success();
    failing_ = !success;
    hard_ = finding.hard;
    const bool was_cold = success ? std::exchange(cold_, finding.cold) : cold_;
    const bool twice = std::exchange(last_, finding.cls) == finding.cls;
    if (settled_ && success == (verdict_ == Verdict::up)) {
        against_ = 0;
        const bool otherwise_ill = !success && twice && finding.cls != told_;
        if (was_cold == cold_ && !otherwise_ill) return std::nullopt;
        told_ = finding.cls;
        return Report{verdict_, finding, 0, 0};
    }
    const bool first_success = success && !settled_;
    const int needed = first_success ? 1 : success ? rise_ : fall_;
    against_ = first_success ? 1 : against_ + 1;
    if (against_ < needed) return std::nullopt;
    Report report{success ? Verdict::up : Verdict::down, finding, against_, needed};
    verdict_ = report.verdict;
    told_ = finding.cls;
    settled_ = true;
    against_ = 0;
    return report;
}

Instant Judgement::next_probe(Instant started, Instant ended) const {
    const bool towards_down = failing_ && against_ > 0;
    if (!fast_fail_ || !towards_down) return std::max(ended, started + interval_);
    return hard_ ? ended + hard_failure_pause : std::max(ended, started + timeout_);
}

}  // namespace vrrpd::health
