#include "health/check.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "health/script_probe.hpp"
#include "health/stream_probe.hpp"

namespace vrrpd::health {
namespace {

// FNV-1a: spreads similar names well, and gives the same phase at every start.
std::uint64_t hash(std::string_view name) {
    std::uint64_t value = 14695981039346656037u;
    for (const char character : name) value = (value ^ static_cast<unsigned char>(character)) * 1099511628211u;
    return value;
}

Duration phase(const CheckOptions& options) {
    const Duration most = std::min<Duration>(options.interval, std::chrono::milliseconds(100));
    if (most <= Duration::zero()) return Duration::zero();
    return Duration(static_cast<Duration::rep>(hash(options.name) % static_cast<std::uint64_t>(most.count())));
}

}  // namespace

Check::Check(Loop& loop, ChildStarter& starter, CheckOptions options, Listener listener)
    : loop_(loop),
      starter_(starter),
      options_(std::move(options)),
      listener_(std::move(listener)),
      timer_(loop.timer([this] { probe(); })) {
    if (options_.watch && connects(options_.kind)) {
        idle_.emplace(loop_, options_.endpoint, [this] { probe_now(); });
    }
}

void Check::start() {
    if (judgement_) return;
    judgement_.emplace(options_);
    past_ = {};
    timer_->arm(loop_.now() + phase(options_));
}

void Check::stop() {
    timer_->disarm();
    probe_.reset();
    if (idle_) idle_->release();
    again_ = false;
    judgement_.reset();
}

void Check::probe_now() {
    if (!judgement_) return;
    if (probe_) {
        again_ = true;
    } else {
        probe();
    }
}

void Check::probe() {
    timer_->disarm();
    started_ = loop_.now();
    const auto found = [this](const Finding& finding) { probed(finding); };
    if (options_.kind == Kind::script) {
        probe_ = std::make_unique<ScriptProbe>(loop_, starter_, options_, found);
    } else {
        probe_ = std::make_unique<StreamProbe>(loop_, options_, past_, found);
    }
}

void Check::probed(const Finding& finding) {
    probe_.reset();
    const auto report = judgement_->feed(finding);
    const Instant now = loop_.now();
    timer_->arm(std::exchange(again_, false) ? now : judgement_->next_probe(started_, now));
    if (idle_ && finding.success() && judgement_->verdict() == Verdict::up) {
        idle_->hold();
    } else if (idle_) {
        idle_->release();
    }
    if (!report) return;
    const Listener listener = listener_;  // it may destroy this check
    listener(*report);
}

}  // namespace vrrpd::health
