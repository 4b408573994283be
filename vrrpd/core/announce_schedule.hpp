// When to announce which virtual address: bursts, repeated, and paced so that a takeover of thousands of
// addresses does not flood the LAN or the send queue (RFC 9568 section 6.4.2 asks for the announcement, not
// for its pace).
//
// Promises:
//  - the first announcement of a burst is due at once, and before any repeat and any probe of whatever address on its
//    link;
//  - no span of one millisecond sees more than 64 announcements and probes on a link;
//  - two announcements of one burst are at least its interval apart;
//  - a new burst for an address replaces the one that runs, and a cancelled one announces nothing more: an
//    address that we gave up is never announced.
//
// Pure: the caller brings the time. Memory is bounded by the number of addresses, and given back when all bursts of a
// link are over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "vrrpd/core/frames.hpp"
#include "vrrpd/core/ip.hpp"
#include "vrrpd/core/time.hpp"

namespace vrrpd {

/// What is announced on a link, and how often; or that somebody is asked whether he has the address, too.
struct Announcement {
    int link = 0;  ///< interface index
    MacAddress sender{};
    IpAddress address;
    std::optional<IpAddress> source;  ///< of a neighbour advertisement; none: the address itself
    bool router = false;              ///< R flag of a neighbour advertisement
    int count = 5;                    ///< announcements in the burst; less than 1: only ends a running one
    Duration interval = std::chrono::milliseconds(20);
    bool probe = false;  ///< asks; an announcement of the same address goes on beside it
};

class AnnounceSchedule {
  public:
    static constexpr std::size_t pace_count = 64;
    static constexpr Duration pace_span = std::chrono::milliseconds(1);

    /// Starts a burst.
    void burst(const Announcement& announcement, Instant now);

    /// Ends the burst of one address, or of all addresses of a link.
    void cancel(int link, const IpAddress& address);
    void cancel(int link);

    /// When due() will next have something to give; `never` if nothing is pending.
    Instant next_deadline() const;

    /// Appends what is to be sent now to `out`, and counts it as sent.
    void due(Instant now, std::vector<Announcement>& out);

  private:
    struct Burst {
        Announcement announcement;
        int remaining = 0;
        std::uint64_t pending = 0;  // the one entry of the heap that is not stale; 0: none
    };
    struct Entry {
        bool repeat;
        Instant due;
        std::uint64_t sequence;  // keeps entries that are due together in the order they came
        Burst* burst;
    };
    struct Link {
        std::map<std::pair<IpAddress, bool>, Burst> bursts;  // announcements, and probes
        std::vector<Entry> heap;
        std::array<Instant, pace_count> sent_at;  // a ring of the last announcements
        std::size_t oldest = 0;

        Link() { sent_at.fill(Instant::min()); }
        Instant paced_from() const;
    };

    static bool later(const Entry& a, const Entry& b);
    static bool stale(const Entry& entry) { return entry.burst->pending != entry.sequence; }
    static void drop_stale(Link& link);
    void push(Link& link, Burst& burst, bool repeat, Instant due);
    void send_next(Link& link, Instant now, std::vector<Announcement>& out);

    std::map<int, Link> links_;
    std::uint64_t last_sequence_ = 0;
};

}  // namespace vrrpd
