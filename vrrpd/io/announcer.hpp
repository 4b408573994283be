// Sends the announcements of virtual addresses (gratuitous ARP, unsolicited neighbour advertisements), and the probes
// that ask whether somebody else has them, when their schedule says so. How they look is decided in core/frames.hpp,
// when they go in core/announce_schedule.hpp.
//
// Frames go out through a packet socket, so that they carry the hardware address asked for and do not depend
// on the address being usable yet. A frame that the kernel refuses is reported and not tried again: the burst
// has others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "vrrpd/core/announce_schedule.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class Announcer {
  public:
    struct Counters {
        std::uint64_t sent = 0;    ///< announcements
        std::uint64_t failed = 0;  ///< of either
        std::uint64_t probes = 0;  ///< sent
    };

    /// `failed` gets each announcement that could not be sent, with its errno. It may call back into the
    /// announcer, but not destroy it. Throws std::system_error.
    Announcer(Loop& loop, std::function<void(const Announcement&, int error)> failed);
    ~Announcer();
    Announcer(const Announcer&) = delete;
    Announcer& operator=(const Announcer&) = delete;

    /// Starts a burst, from the loop's next round on, so that those of one takeover leave together.
    void announce(const Announcement& announcement);

    /// Nothing more is announced for an address, or for all addresses of a link.
    void cancel(int link, const IpAddress& address);
    void cancel(int link);

    const Counters& counters() const { return counters_; }

  private:
    struct Batch;

    void arm();
    void send_due();
    void send_batch(std::size_t from);

    Loop& loop_;
    std::function<void(const Announcement&, int)> failed_;
    Descriptor socket_;
    AnnounceSchedule schedule_;
    std::vector<Announcement> due_;
    std::vector<int> errors_;  // of due_, one each; 0: sent
    std::unique_ptr<Batch> batch_;
    Counters counters_;
    Instant armed_ = never;
    std::unique_ptr<Timer> timer_;
};

}  // namespace vrrpd
