// What is wrong around an instance, as facts that last: somebody else uses the address, a peer is configured
// differently. A notice is said once and scrolls away; who looks at the status an hour later has to see it still.
//
// One entry for each kind, made when the first of it is seen: an instance without trouble has none. Seeing one again
// costs a look through those few, and only moves its time and its sender.
#pragma once

#include <span>
#include <vector>

#include "vrrpd/core/events.hpp"
#include "vrrpd/core/time.hpp"

namespace vrrpd {

struct Sign {
    Notice::Kind kind = Notice::Kind::refused;
    Refusal refusal = Refusal::length;  ///< why, of `refused`
    IpAddress source;                   ///< the last one; of claimed_by_other: the address
    Text text;                          ///< as in Notice
    unsigned count = 0;
    Instant first{}, last{};
};

class Signs {
  public:
    /// What is no mistake of anybody leaves no sign.
    void see(Notice::Kind kind, const IpAddress& source, const Text& text, Instant now);
    void see(Refusal refusal, const IpAddress& source, Instant now);

    /// In the order in which they were first seen.
    std::span<const Sign> all() const { return signs_; }

  private:
    Sign& note(Notice::Kind kind, Refusal refusal, const IpAddress& source, Instant now);

    std::vector<Sign> signs_;
};

/// The word for status and metrics: "list_differs", and of a refusal its own, "auth_fail".
const char* word_of(const Sign& sign);

}  // namespace vrrpd
