#include "vrrpd/guard/guard.hpp"

#include <algorithm>
#include <ctime>

#include "netlink/removal.hpp"
#include "vrrpd/core/lease.hpp"

namespace vrrpd {
namespace {

using std::chrono::milliseconds;

constexpr int receive_buffer = 256 << 10;
constexpr Duration longest_removal = milliseconds(500);
constexpr Duration shortest_pause = milliseconds(10);
constexpr Duration retry = milliseconds(100);
constexpr Duration longest_pause = std::chrono::seconds(1);

}  // namespace

Guard::Guard(RecordReader record) : record_(std::move(record)), socket_(receive_buffer) {}

bool Guard::is_removed(std::size_t position, const Held& held) const {
    const auto known = removed_.find(position);
    return known != removed_.end() && known->second == std::pair(held.generation, held.last_advert);
}

bool Guard::has_duty() const {
    for (std::size_t i = 0; i < record_.size(); ++i) {
        const auto held = record_.brief(i);
        if (held && !is_removed(i, *held)) return true;
    }
    return false;
}

Instant Guard::look(Instant now) {
    Instant next = now + longest_pause;
    std::vector<std::size_t> overdue;
    for (std::size_t i = 0; i < record_.size(); ++i) {
        const auto held = record_.brief(i);
        // One that holds nothing may begin to at any moment.
        const Instant end = (held ? held->last_advert : now) + guard_patience(record_.advert_interval(i));
        if (end > now) {
            next = std::min(next, end);
        } else if (!is_removed(i, *held)) {
            overdue.push_back(i);
        }
    }
    if (!overdue.empty()) {
        remove(overdue);
        next = std::min(next, now + retry);
    }
    return std::max(next, now + shortest_pause);
}

void Guard::remove(const std::vector<std::size_t>& overdue) {
    for (const std::size_t position : overdue) {
        const auto held = record_.held(position);
        // The daemon may have woken up while others' addresses were removed.
        if (!held || boot_time() - held->last_advert < guard_patience(held->advert_interval)) continue;
        const auto left = netlink::remove_now(socket_, held->addresses, longest_removal);
        if (left.empty()) removed_[position] = {held->generation, held->last_advert};
    }
}

Instant boot_time() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return Instant(std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec));
}

}  // namespace vrrpd
