#include "vrrpd/core/notice_limiter.hpp"

#include <algorithm>
#include <utility>

namespace vrrpd {

std::optional<unsigned> NoticeLimiter::admit(unsigned kind, const IpAddress& sender, Instant now) {
    auto known = std::ranges::find_if(entries_, [&](const Entry& entry) {
        return entry.used && entry.kind == kind && entry.sender == sender;
    });
    if (known == entries_.end()) {
        known = std::ranges::min_element(
            entries_, {}, [](const Entry& entry) { return entry.used ? entry.seen : Instant::min(); });
        *known = Entry{true, kind, sender, now, now, 0};
        return 0;
    }
    known->seen = now;
    if (now - known->said < period) {
        ++known->held_back;
        return std::nullopt;
    }
    known->said = now;
    return std::exchange(known->held_back, 0);
}

}  // namespace vrrpd
