// Keeps one noisy sender from filling the log: the first notice of a (kind, sender) at once, then one a
// minute with the number of those between (conformance L07). A fixed table: what was last said a minute ago
// makes room, so that ever new senders are let through at most eight times a minute together (H41).
#pragma once

#include <array>
#include <optional>

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
        Instant said{};
        unsigned held_back = 0;
        std::uint8_t kind = 0;
        bool used = false;
        IpAddress sender;
    };
    std::array<Entry, senders> entries_{};  // each instance has two of these tables
};

}  // namespace vrrpd
