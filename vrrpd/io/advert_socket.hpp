// One raw socket that hears adverts on one interface in one family, and how it is read: in batches, with the IP
// headers taken apart. When to read is up to its owner: AdvertReceiver at once, AdvertObserver now and then.
//
// Promises:
//  - only packets of this interface, of protocol 112 and past the filter are delivered (RFC 9568 section 7.1;
//    B26);
//  - each comes with what its IP header said: addresses, TTL or hop limit, and whether there was anything in
//    it that no VRRP sender emits (A07, A08, H28-H33). Checksums are the core's business: the kernel checks none (C07);
//  - nothing is read past what the kernel said it delivered; reading allocates and clears nothing.
//
// All sockets read into the same memory, so they belong to one thread, and a sink must not read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "vrrpd/core/packet.hpp"
#include "vrrpd/io/advert_filter.hpp"
#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd {

/// What is to be heard on one interface in one family.
struct Subscription {
    AdvertFilter filter;
    std::vector<IpAddress> groups;  ///< multicast groups to join, of that family; none: unicast only
    friend bool operator==(const Subscription&, const Subscription&) = default;
};

/// Takes what came in together: at least one packet, all of them valid during the call. The socket must survive it.
using PacketSink = std::function<void(std::span<const Packet>)>;

class AdvertSocket {
  public:
    static constexpr std::size_t batch_size = 32;

    /// Begins to listen. `receive_buffer` is in bytes, as for SO_RCVBUF. Throws std::system_error, also when the
    /// interface does not exist.
    AdvertSocket(Family family, int interface_index, int receive_buffer, Passes passes,
                 const Subscription& subscription);
    AdvertSocket(const AdvertSocket&) = delete;
    AdvertSocket& operator=(const AdvertSocket&) = delete;

    /// Replaces the filter, leaves the groups that are no longer wanted and joins the new ones; packets that passed
    /// the old filter may still come. Throws std::system_error: a socket may join no more groups than
    /// net.ipv4.igmp_max_memberships, by default 20.
    void configure(const Subscription& subscription);

    /// Hands over what waits, at most `limit` packets and one batch. Returns the number of packets read.
    std::size_t read(std::size_t limit, const PacketSink& sink);

    int descriptor() const { return socket_.get(); }

    /// Packets that were dropped because they are longer than any advert can be, or their IPv4 header contradicts
    /// itself.
    std::uint64_t unreadable() const { return unreadable_; }

    /// Packets that passed the filter and found the buffer full. To be asked before the kernel has counted another
    /// 2^32 of them.
    std::uint64_t overflowed();

  private:
    void open();
    void join(const IpAddress& group);
    void leave(const IpAddress& group);
    bool take_apart(std::size_t index, Packet& packet);
    std::uint32_t kernel_drops() const;

    Family family_;
    int interface_index_;
    Passes passes_;
    std::vector<IpAddress> joined_;
    std::uint64_t unreadable_ = 0;
    std::uint64_t overflowed_ = 0;
    std::uint32_t last_drops_ = 0;
    Descriptor socket_;
};

/// Fills in all of a Packet but the interface from an IPv4 datagram as a raw socket delivers it. False: the
/// header is not one, or promises more bytes than there are.
bool read_ipv4_datagram(std::span<const std::uint8_t> datagram, Packet& packet);

}  // namespace vrrpd
