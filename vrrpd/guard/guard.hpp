// The guard: takes addresses away from a host whose daemon does not advertise them any more.
//
// A daemon that is stopped, hung or dead leaves its addresses where they are, and its peers take them over: two hosts
// would hold them. The guard is another process, so what stops the daemon does not stop it. It reads the runtime
// record, and when the last advert of an instance is older than guard_patience() it removes that instance's addresses
// by its own socket. Should it be stopped or killed as well, the lease in the kernel is what remains.
//
// It decides nothing else: a daemon that wakes up finds its addresses gone, and puts them back if it may.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "netlink/socket.hpp"
#include "vrrpd/core/time.hpp"
#include "vrrpd/guard/record.hpp"

namespace vrrpd {

class Guard {
  public:
    /// Opens its netlink socket in the network namespace of the calling thread; throws std::system_error.
    explicit Guard(RecordReader record);

    /// Removes what is overdue, waiting for the kernel, and says when to look again.
    Instant look(Instant now);

    /// Whether anything is held that was not removed yet.
    bool has_duty() const;

  private:
    // By position in the record: of which advert's addresses it has removed all.
    using Removed = std::map<std::size_t, std::pair<std::uint32_t, Instant>>;
    bool is_removed(std::size_t position, const Held& held) const;
    void remove(const std::vector<std::size_t>& overdue);

    RecordReader record_;
    netlink::Socket socket_;
    Removed removed_;
};

/// CLOCK_BOOTTIME.
Instant boot_time();

}  // namespace vrrpd
