// Keeps one noisy sender from filling the log: the first notice of a (kind, sender) at once, then one a
// minute with the number of those between (conformance L07). A table of at most eight, which grows with the first of
// them: what was last said a minute ago makes room, so that ever new senders are let through at most eight times a
// minute together (H41).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "vrrpd/core/ip.hpp"
#include "vrrpd/core/time.hpp"

namespace vrrpd {

class NoticeLimiter {
  public:
    static constexpr Duration period = std::chrono::minutes(1);
    static constexpr std::size_t senders = 8;

    /// The number of notices that were held back since the last one said, or nothing if this one is held back too.
    std::optional<unsigned> admit(std::uint8_t kind, const IpAddress& sender, Instant now);

  private:
    struct Entry {
        Instant said;
        unsigned held_back;
        std::uint8_t kind;
        IpAddress sender;
    };
    std::vector<Entry> entries_;  // each instance has some of these tables, and most have nothing to say
};

}  // namespace vrrpd
