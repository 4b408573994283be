// Randomness from one seed, the same on every machine and with every standard library: splitmix64.
#pragma once

#include <cstdint>

#include "vrrpd/core/time.hpp"

namespace vrrpd::sim {

class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    /// 0 .. bound-1
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
    bool chance(int percent) { return below(100) < static_cast<std::size_t>(percent); }
    /// From `least` up to `most`.
    Duration between(Duration least, Duration most) {
        return least +
               Duration(static_cast<Duration::rep>(next() % static_cast<std::uint64_t>((most - least).count() + 1)));
    }

  private:
    std::uint64_t state_;
};

}  // namespace vrrpd::sim
