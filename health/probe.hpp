// One probe in flight.
//
// Promises of every kind of probe: constructing it starts it and never blocks; exactly one Finding comes back
// through the callback, from the loop, never from within the constructor; destroying it before that ends it
// without a callback, and leaves neither a descriptor nor a process behind; the callback may destroy the probe.
#pragma once

#include <functional>

#include "health/finding.hpp"

namespace vrrpd::health {

using Found = std::function<void(const Finding&)>;

class Probe {
  public:
    Probe() = default;
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;
    virtual ~Probe() = default;
};

}  // namespace vrrpd::health
