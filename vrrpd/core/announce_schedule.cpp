#include "vrrpd/core/announce_schedule.hpp"

#include <algorithm>
#include <tuple>

namespace vrrpd {

// The moment from which one more announcement leaves at most `pace_count` in every span.
Instant AnnounceSchedule::Link::paced_from() const {
    return sent_at[oldest] == Instant::min() ? Instant::min() : sent_at[oldest] + pace_span;
}

// The order of the heaps: firsts, then repeats by deadline.
bool AnnounceSchedule::later(const Entry& a, const Entry& b) {
    return std::tie(a.repeat, a.due, a.sequence) > std::tie(b.repeat, b.due, b.sequence);
}

// Replaced and cancelled entries stay in the heap until they come up, because taking each out of 4,000 would
// cost a walk. They go at once when they come to the top, and all of them when they are the larger part.
void AnnounceSchedule::drop_stale(Link& link) {
    if (link.heap.size() > 2 * link.bursts.size()) {
        std::erase_if(link.heap, stale);
        std::make_heap(link.heap.begin(), link.heap.end(), later);
    }
    while (!link.heap.empty() && stale(link.heap.front())) {
        std::pop_heap(link.heap.begin(), link.heap.end(), later);
        link.heap.pop_back();
    }
    if (link.heap.empty()) link.bursts.clear();  // all over
}

void AnnounceSchedule::push(Link& link, Burst& burst, bool repeat, Instant due) {
    burst.pending = ++last_sequence_;
    link.heap.push_back({repeat, due, burst.pending, &burst});
    std::push_heap(link.heap.begin(), link.heap.end(), later);
}

void AnnounceSchedule::burst(const Announcement& announcement, Instant now) {
    if (announcement.count < 1) return cancel(announcement.link, announcement.address);
    Link& link = links_[announcement.link];
    Burst& burst = link.bursts[{announcement.address, announcement.probe}];
    burst.announcement = announcement;
    burst.remaining = announcement.count;
    push(link, burst, announcement.probe, now);
    drop_stale(link);
}

void AnnounceSchedule::cancel(int link_index, const IpAddress& address) {
    const auto link = links_.find(link_index);
    if (link == links_.end()) return;
    for (const bool probe : {false, true}) {
        const auto burst = link->second.bursts.find({address, probe});
        if (burst == link->second.bursts.end()) continue;
        burst->second.pending = 0;
        drop_stale(link->second);
    }
}

// What was sent stays on record: the pace holds over a cancellation.
void AnnounceSchedule::cancel(int link_index) {
    const auto link = links_.find(link_index);
    if (link == links_.end()) return;
    link->second.heap.clear();
    link->second.bursts.clear();
}

Instant AnnounceSchedule::next_deadline() const {
    Instant next = never;
    for (const auto& [index, link] : links_) {
        if (!link.heap.empty()) next = std::min(next, std::max(link.heap.front().due, link.paced_from()));
    }
    return next;
}

void AnnounceSchedule::send_next(Link& link, Instant now, std::vector<Announcement>& out) {
    Burst& burst = *link.heap.front().burst;
    std::pop_heap(link.heap.begin(), link.heap.end(), later);
    link.heap.pop_back();

    out.push_back(burst.announcement);
    link.sent_at[link.oldest] = now;
    link.oldest = (link.oldest + 1) % pace_count;

    burst.pending = 0;
    if (--burst.remaining > 0) push(link, burst, true, now + burst.announcement.interval);
    drop_stale(link);
}

void AnnounceSchedule::due(Instant now, std::vector<Announcement>& out) {
    for (auto& [index, link] : links_) {
        while (!link.heap.empty() && link.heap.front().due <= now && link.paced_from() <= now) {
            send_next(link, now, out);
        }
    }
}

}  // namespace vrrpd
