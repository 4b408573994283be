#include "health/check.hpp"

#include <utility>

namespace vrrpd::health {
namespace {

constexpr Duration pause_between_complaints = std::chrono::minutes(1);

}  // namespace

Check::Check(Probers& probers, CheckOptions options, Listener listener)
    : probers_(probers),
      options_(std::move(options)),
      listener_(std::move(listener)),
      prober_(probers.find_or_make(options_)) {}

Check::~Check() {
    stop();
}

bool Check::start() {
    if (judgement_) return false;
    judgement_.emplace(options_);
    number_ = 0;
    prober_->join(*this);
    return true;
}

void Check::stop() {
    if (!judgement_) return;
    prober_->leave(*this);
    judgement_.reset();
    report_.reset();
    last_.reset();
}

void Check::probe_now() {
    if (judgement_) prober_->probe_now();
}

void Check::judge(const Finding& finding, Duration took) {
    last_ = finding.cls;
    ++counters_.probes;
    counters_.took += took;
    report_ = judgement_->feed(finding);
    if (finding.cls == Class::not_asked) {
        const Instant now = probers_.now();
        if (now < silent_until_) return;
        silent_until_ = now + pause_between_complaints;
        report_ = Report{verdict(), finding, 0, 0};
        return;
    }
    counters_.failures += !finding.success();
    const bool new_number = std::exchange(number_, finding.number) != finding.number;
    if (new_number && !report_ && judgement_->settled()) report_ = Report{verdict(), finding, 0, 0};
}

Instant Check::next_probe(Instant started, Instant ended) const {
    return judgement_->next_probe(started, ended);
}

void Check::tell() {
    if (!report_) return;
    const Report report = *std::exchange(report_, std::nullopt);
    const Listener listener = listener_;  // it may destroy this check
    listener(report);
}

}  // namespace vrrpd::health
