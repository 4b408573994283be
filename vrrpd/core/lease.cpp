#include "vrrpd/core/lease.hpp"

#include <algorithm>

namespace vrrpd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration auto_margin = milliseconds(400);
constexpr Duration renewal_margin = milliseconds(500);
constexpr Duration shortest_patience = milliseconds(100);
constexpr Duration kernel_lateness = milliseconds(1500);  // it looks once a second, and by a deferrable timer
// From the guard's timer to the last ACK.
constexpr Duration removal = milliseconds(20);
constexpr Duration removal_each = std::chrono::microseconds(100);

}  // namespace

Duration automatic_lease(Duration advert_interval, int down_timer_adverts) {
    const Duration longest = down_timer_adverts * advert_interval - auto_margin;
    return std::max(std::chrono::floor<seconds>(longest), seconds(1));
}

Duration shortest_lease(Duration advert_interval) {
    return advert_interval + renewal_margin;
}

bool is_renewal_due(Instant renewed, Instant now, Duration advert_interval, Duration lease) {
    return now + advert_interval > renewed + lease * 6 / 10;
}

Duration guard_patience(Duration advert_interval) {
    return std::max(advert_interval * 5 / 2, shortest_patience);
}

Duration shortest_stay(const InstanceOptions& options) {
    const Duration patience = guard_patience(options.advert_interval);
    return options.lease > Duration::zero() ? std::min(options.lease, patience) : patience;
}

HolderBounds holder_bounds(const InstanceOptions& options) {
    const Duration down_time = options.down_timer_adverts * options.advert_interval;
    const auto overlap = [&](Duration held) { return std::max(held - down_time, Duration::zero()); };
    const auto count = static_cast<long>(options.addresses.size() + options.excluded_addresses.size());
    HolderBounds bounds{overlap(guard_patience(options.advert_interval) + removal + count * removal_each), {}};
    if (options.lease > Duration::zero()) bounds.without_guard = overlap(options.lease + kernel_lateness);
    return bounds;
}

}  // namespace vrrpd
