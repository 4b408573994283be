// Where adverts come in: one raw socket for an interface and family, shared by all its instances, because a
// socket may join no more than 20 groups and each further socket would get a copy of every packet (M02). What its
// filter keeps out goes to the AdvertObserver.
//
// Promises, beside those of AdvertSocket:
//  - one dispatch reads one batch, at the urgency of everything else. A flood can keep neither a due timer waiting, nor
//    a signal, nor the kernel's answers;
//  - what comes alone is read at once. What comes in bursts is read once a millisecond, so that the adverts of a
//    thousand virtual routers do not wake the daemon for each: a tenth of the shortest interval that there is.
#pragma once

#include <cstddef>
#include <memory>

#include "vrrpd/io/advert_socket.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class AdvertReceiver {
  public:
    static constexpr std::size_t batch_size = AdvertSocket::batch_size;
    static constexpr Duration rest = std::chrono::milliseconds(1);

    /// Begins to listen. Throws std::system_error, also when the interface does not exist.
    AdvertReceiver(Loop& loop, Family family, int interface_index, const Subscription& subscription,
                   PacketSink receive);

    /// As AdvertSocket::configure.
    void configure(const Subscription& subscription) { socket_.configure(subscription); }

    /// Delivers what waits, at most `batches` of 32 packets. Returns the number of packets read.
    std::size_t drain(std::size_t batches);

    /// Packets that were wanted, and for which there was no room.
    std::uint64_t lost() { return socket_.overflowed(); }

    /// As AdvertSocket::unreadable.
    std::uint64_t unreadable() const { return socket_.unreadable(); }

  private:
    void on_readable();

    Loop& loop_;
    PacketSink receive_;
    AdvertSocket socket_;
    Instant woken_{};  // long ago
    std::unique_ptr<Timer> rest_;
    std::unique_ptr<Watch> watch_;  // last, so that it goes before the socket
};

}  // namespace vrrpd
