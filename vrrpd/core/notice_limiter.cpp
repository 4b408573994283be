#include "vrrpd/core/notice_limiter.hpp"

#include <algorithm>
#include <utility>

namespace vrrpd {

std::optional<unsigned> NoticeLimiter::admit(std::uint8_t kind, const IpAddress& sender, Instant now) {
    auto known = std::ranges::find_if(
        entries_, [&](const Entry& entry) { return entry.used && entry.kind == kind && entry.sender == sender; });
    if (known == entries_.end()) {
        known = std::ranges::min_element(entries_, {},
                                         [](const Entry& entry) { return entry.used ? entry.said : Instant::min(); });
        // Making room for each of ever new senders would let all of them through.
        if (known->used && now - known->said < period) return std::nullopt;
        *known = Entry{now, 0, kind, true, sender};
        return 0;
    }
    if (now - known->said < period) {
        ++known->held_back;
        return std::nullopt;
    }
    known->said = now;
    return std::exchange(known->held_back, 0);
}

}  // namespace vrrpd
