// How fast something is read that anybody on the LAN may send as fast as he likes: a token bucket. Pure.
#pragma once

#include <algorithm>
#include <cstddef>

#include "vrrpd/core/time.hpp"

namespace vrrpd {

class ReadBudget {
  public:
    /// At most `burst` at once, and one each `interval` in the long run.
    ReadBudget(std::size_t burst, Duration interval, Instant now) : burst_(burst), interval_(interval), full_at_(now) {}

    /// What may be read now.
    std::size_t left(Instant now) const {
        const Duration taken = std::max(full_at_ - now, Duration::zero());
        return burst_ - static_cast<std::size_t>((taken + interval_ - Duration(1)) / interval_);
    }
    /// That much was read.
    void take(std::size_t count, Instant now) { full_at_ = std::max(full_at_, now) + count * interval_; }

    /// When all of the burst may be read again, if nothing is taken until then.
    Instant full_at() const { return full_at_; }

  private:
    std::size_t burst_;
    Duration interval_;
    Instant full_at_;
};

}  // namespace vrrpd
