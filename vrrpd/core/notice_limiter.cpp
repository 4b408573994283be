#include "vrrpd/core/notice_limiter.hpp"

#include <algorithm>
#include <utility>

namespace vrrpd {

std::optional<unsigned> NoticeLimiter::admit(std::uint8_t kind, const IpAddress& sender, Instant now) {
    auto known = std::ranges::find_if(entries_,
                                      [&](const Entry& entry) { return entry.kind == kind && entry.sender == sender; });
    if (known == entries_.end()) {
        const Entry first{now, 0, kind, sender};
        if (entries_.size() < senders) {
            entries_.push_back(first);
            return 0;
        }
        Entry& oldest = *std::ranges::min_element(entries_, {}, &Entry::said);
        // Making room for each of ever new senders would let all of them through.
        if (now - oldest.said < period) return std::nullopt;
        oldest = first;
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
