#include "health/deadline.hpp"

#include <utility>

namespace vrrpd::health {

Deadline::Deadline(Loop& loop, Duration timeout, std::function<void()> passed)
    : loop_(loop),
      timeout_(timeout),
      due_(loop.now() + timeout),
      passed_(std::move(passed)),
      timer_(loop.timer([this] { fired(); })) {
    timer_->arm(due_);
}

void Deadline::fired() {
    if (!extended_ && loop_.now() - due_ > stalled_after) {
        extended_ = true;
        due_ = loop_.now() + timeout_;
        timer_->arm(due_);
        return;
    }
    const auto passed = std::move(passed_);
    passed();
}

}  // namespace vrrpd::health
