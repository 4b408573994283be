// How late adverts leave, all of this host in one histogram: peers wait for three intervals, and what comes late every
// now and then is a takeover to come.
//
// Counted is from the moment an advert was due until all that leaves with it has been given to the kernel. One that
// leaves a little early, together with others, is not late at all. A pause so long that the daemon steps down is no
// late advert, but a stall.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "vrrpd/core/time.hpp"

namespace vrrpd {

class Lateness {
  public:
    struct Bound {
        Duration most;        ///< inclusive
        const char* seconds;  ///< as Prometheus writes it
    };
    static constexpr std::array<Bound, 12> bounds = {{{std::chrono::microseconds(100), "0.0001"},
                                                      {std::chrono::microseconds(250), "0.00025"},
                                                      {std::chrono::microseconds(500), "0.0005"},
                                                      {std::chrono::milliseconds(1), "0.001"},
                                                      {std::chrono::microseconds(2500), "0.0025"},
                                                      {std::chrono::milliseconds(5), "0.005"},
                                                      {std::chrono::milliseconds(10), "0.01"},
                                                      {std::chrono::milliseconds(25), "0.025"},
                                                      {std::chrono::milliseconds(50), "0.05"},
                                                      {std::chrono::milliseconds(100), "0.1"},
                                                      {std::chrono::milliseconds(250), "0.25"},
                                                      {std::chrono::seconds(1), "1"}}};

    void add(Duration late, Duration advert_interval) {
        late = late < Duration::zero() ? Duration::zero() : late;
        std::size_t bucket = 0;
        while (bucket < bounds.size() && late > bounds[bucket].most) ++bucket;
        ++buckets_[bucket];
        sum_ += late;
        if (late > advert_interval / 2) ++overdue_;
    }

    /// How many were no later than each bound; the last one: all.
    std::array<std::uint64_t, bounds.size() + 1> cumulative() const {
        auto counts = buckets_;
        for (std::size_t i = 1; i < counts.size(); ++i) counts[i] += counts[i - 1];
        return counts;
    }
    Duration sum() const { return sum_; }
    /// Those later than half of their interval.
    std::uint64_t overdue() const { return overdue_; }

  private:
    std::array<std::uint64_t, bounds.size() + 1> buckets_{};
    Duration sum_{};
    std::uint64_t overdue_ = 0;
};

}  // namespace vrrpd
