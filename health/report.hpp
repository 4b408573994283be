// What a check tells the rest of the program, and the log line that people and their tools grep for.
#pragma once

#include <cstdint>
#include <string>

#include "health/finding.hpp"
#include "health/options.hpp"

namespace vrrpd::health {

enum class Verdict : std::uint8_t { unknown, up, down };

/// A verdict that changed, or the first one that probes gave; or a check that stays up and turned
/// cold or warm, or stays down and is ill in another way; or a file whose number changed. Or one that could not look
/// (Class::not_asked), at most once a minute: then all is as it was.
struct Report {
    Verdict verdict = Verdict::unknown;  ///< up or down; unknown only if it could not look
    Finding finding;                     ///< the probe that tipped the scales
    int count = 0;                       ///< findings in a row that say so; 0: the verdict was that before
    int needed = 0;                      ///< and how many it took: rise or fall, or 1 for the first success
    /// Passes, but as a gate it must not open.
    bool is_cold() const { return verdict == Verdict::up && finding.cold; }
    friend bool operator==(const Report&, const Report&) = default;
};

/// One line without its end: `Check(memcached) failed reason="hung: connected, no reply in 500 ms"
/// count=2/2` (no count: it failed before, in another way), `Check(memcached) succeeded`, with ` cold reason="..."` if
/// it is, `Check(memcached) warm`, `Check(flag) number=7`, `Check(memcached) not asked
/// reason="Too many open files"`, and `VRRP_Script(NAME) succeeded | failed | timed_out` for
/// scripts.
std::string log_line(const CheckOptions& options, const Report& report);

}  // namespace vrrpd::health
