// The other half of what arrives on an interface: all that the receiver's filter keeps out. Nobody acts on it, but an
// operator wants to know of it: other versions, VRIDs of nobody here, junk, each counted by the core as if it had come
// through the receiver (conformance 2c).
//
// Promises:
//  - the receiver and the observer of one Subscription get every packet between them, and none both;
//  - no more than 200 packets a second are read, after at most 20 at once. With more on the wire the daemon wakes up
//    ten times a second for them, whatever their number: what does not fit into the small buffer meanwhile is dropped
//    by the kernel and counted as unclassified.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "vrrpd/io/advert_socket.hpp"
#include "vrrpd/io/read_budget.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class AdvertObserver {
  public:
    static constexpr std::size_t burst = 20;
    static constexpr Duration packet_interval = std::chrono::milliseconds(5);

    /// Begins to observe. Throws std::system_error, also when the interface does not exist.
    AdvertObserver(Loop& loop, Family family, int interface_index, const Subscription& subscription,
                   PacketSink observe);

    /// As AdvertSocket::configure. What waits was classed by the old filter.
    void configure(const Subscription& subscription) { socket_.configure(subscription); }

    /// As AdvertSocket::unreadable.
    std::uint64_t unreadable() const { return socket_.unreadable(); }

    /// Packets that the kernel dropped because they came faster than they were read. What the filter keeps out is
    /// none of them, but for a full buffer: from then on, until the next read, newer kernels ask the filter no more and
    /// count all that comes. So during a flood the receiver's packets may be in it as well.
    std::uint64_t unclassified() { return socket_.overflowed(); }

  private:
    void observe_some();
    void refill();

    Loop& loop_;
    PacketSink observe_;
    AdvertSocket socket_;
    ReadBudget budget_;
    std::unique_ptr<Timer> pause_;
    std::unique_ptr<Watch> watch_;  // last, so that it goes before the socket
};

}  // namespace vrrpd
