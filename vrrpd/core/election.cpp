#include "vrrpd/core/election.hpp"

#include <algorithm>

namespace vrrpd {

Duration skew_time(Version version, int priority, Duration active_interval) {
    const Duration whole = version == Version::v2 ? Duration(std::chrono::seconds(1)) : active_interval;
    return (256 - priority) * whole / 256;
}

Duration active_down_interval(Version version, int priority, Duration active_interval, int adverts) {
    return adverts * active_interval + skew_time(version, priority, active_interval);
}

Standing compare(int their_priority, const IpAddress& their_address, int our_priority, const IpAddress& our_address) {
    if (their_priority == 0) return Standing::zero;
    if (their_priority != our_priority) return their_priority < our_priority ? Standing::lower : Standing::higher;
    return their_address < our_address ? Standing::equal_lower : Standing::equal_higher;
}

int weight_of(const Track& track, CheckState state, int number) {
    const int sum = track.by_number ? number : 0;
    if (!track.weight || state == CheckState::unknown) return sum;
    const bool passing = (state == CheckState::passing) != track.reverse;
    return passing == (*track.weight > 0) ? sum + *track.weight : sum;
}

int effective_priority(int configured, std::span<const Track> tracks, std::span<const CheckState> states,
                       std::span<const int> numbers) {
    if (configured == owner_priority) return configured;
    std::int64_t sum = configured;
    for (std::size_t i = 0; i < tracks.size(); ++i) sum += weight_of(tracks[i], states[i], numbers[i]);
    return static_cast<int>(std::clamp<std::int64_t>(sum, 1, 254));
}

}  // namespace vrrpd
