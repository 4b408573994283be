// The arithmetic of an election: intervals, priorities, and who wins (RFC 9568 sections 6.1 and 6.4, RFC 3768
// section 6.1). Exact to the nanosecond: rounding to centiseconds would make routers of different priorities
// expire together (conformance D01-D06).
#pragma once

#include <cstdint>
#include <span>

#include "vrrpd/core/events.hpp"
#include "vrrpd/core/options.hpp"
#include "vrrpd/core/time.hpp"

namespace vrrpd {

/// Skew_Time: (256 - priority) / 256 of a second in version 2, of the Active's interval in version 3.
Duration skew_time(Version version, int priority, Duration active_interval);

/// Active_Down_Interval: `adverts` (3 in the RFCs) intervals of the Active and the skew.
Duration active_down_interval(Version version, int priority, Duration active_interval, int adverts);

/// How an advert stands to us.
enum class Standing : std::uint8_t { zero, lower, equal_lower, equal_higher, higher };

/// Compares priorities, then the addresses that the packets come from. The same address cannot be: it is ours,
/// and such a packet is refused as looped back (E27).
Standing compare(int their_priority, const IpAddress& their_address, int our_priority, const IpAddress& our_address);

/// What one of the tracks adds to a priority, in that state and with that number.
int weight_of(const Track& track, CheckState state, int number);

/// The configured priority with what the weighted checks add; 1..254, or 255 for an owner, whom nothing
/// changes. `states` and `numbers` hold those of each of `tracks`. Neither passing nor failing, an unknown check
/// adds nothing.
int effective_priority(int configured, std::span<const Track> tracks, std::span<const CheckState> states,
                       std::span<const int> numbers);

}  // namespace vrrpd
