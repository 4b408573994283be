// One rtnetlink socket on a thread of its own, so that its owner never waits for the kernel.
//
// The kernel carries a request out inside the call that sends it, and it takes one lock for all namespaces of the
// machine to do so; reading links takes the same lock. While another program changes thousands of addresses that is
// a second. Only this thread waits for it. What is asked, what is answered and what it means stays with the owner:
// datagrams go in and come out through two bounded queues, and nothing else is shared.
//
// Promises: the order is kept, both ways. The kernel is not read while 64 KiB wait for the owner.
// The destructor waits for a tenth of a second at most: a request that the kernel has not let go by then is left
// behind with its thread, and what was not sent is dropped.
#pragma once

#include <cstdint>
#include <memory>
#include <pthread.h>
#include <span>
#include <vector>

namespace vrrpd::netlink {

class Channel {
  public:
    static constexpr std::size_t max_outgoing = 64;                     ///< datagrams
    static constexpr std::size_t max_incoming = std::size_t{64} << 10;  ///< bytes, and one datagram more

    struct Incoming {
        /// 0, or an errno value. Without a datagram: something was lost; with one: it is ours, and could not be sent.
        int error = 0;
        std::vector<std::uint8_t> datagram;
    };

    /// Opens its socket in the network namespace of the calling thread. Throws std::system_error.
    Channel();
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// False: max_outgoing wait already, and this one is not taken.
    [[nodiscard]] bool send(std::span<const std::uint8_t> datagram);

    /// Readable while something is there to receive; may be so once too often. What the kernel says to one datagram
    /// comes together.
    int descriptor() const;

    /// Takes the oldest. False: nothing is there.
    bool receive(Incoming& incoming);

  private:
    struct Shared;  // lives as long as the longer of both threads

    std::shared_ptr<Shared> shared_;
    pthread_t thread_;
};

}  // namespace vrrpd::netlink
