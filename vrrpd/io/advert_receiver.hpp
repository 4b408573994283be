// Where adverts come in: one raw socket for an interface and family, shared by all its instances, because a
// socket may join no more than 20 groups and each further socket would get a copy of every packet (M02).
//
// Promises:
//  - only packets of this interface, of protocol 112 and past the filter are delivered (RFC 9568 section 7.1;
//    B26);
//  - each comes with what its IP header said: addresses, TTL or hop limit, and whether there was anything in
//    it that no VRRP sender emits (A07, A08, H28-H33). Checksums are the core's business: the kernel checks none (C07);
//  - nothing is read past what the kernel said it delivered;
//  - one dispatch reads one batch, at the urgency of everything else: a flood can keep neither a due timer waiting, nor
//    a signal, nor the kernel's answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "vrrpd/core/packet.hpp"
#include "vrrpd/io/advert_filter.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class AdvertReceiver {
  public:
    static constexpr std::size_t batch_size = 32;

    struct Counters {
        std::uint64_t received = 0;   ///< delivered to the callback
        std::uint64_t truncated = 0;  ///< longer than any advert can be: dropped
        std::uint64_t malformed = 0;  ///< its IPv4 header contradicts itself: dropped
    };

    /// Joins the group and begins to listen. `receive` must not destroy the receiver. Throws
    /// std::system_error, also when the interface does not exist.
    AdvertReceiver(Loop& loop, Family family, int interface_index, const AdvertFilter& filter,
                   std::function<void(const Packet&)> receive);
    ~AdvertReceiver();
    AdvertReceiver(const AdvertReceiver&) = delete;
    AdvertReceiver& operator=(const AdvertReceiver&) = delete;

    /// Replaces the filter; packets that passed the old one may still come. Throws std::system_error.
    void set_filter(const AdvertFilter& filter);

    /// Delivers what waits, at most `batches` of 32 packets. Returns the number of packets read.
    std::size_t drain(std::size_t batches);

    const Counters& counters() const { return counters_; }

  private:
    struct Batch;

    void open_socket(const AdvertFilter& filter);
    std::size_t read_batch();
    void deliver(std::size_t index);

    Family family_;
    int interface_index_;
    std::function<void(const Packet&)> receive_;
    Counters counters_;
    std::unique_ptr<Batch> batch_;
    Descriptor socket_;
    std::unique_ptr<Watch> watch_;  // last, so that it goes before the socket
};

/// Fills in all of a Packet but the interface from an IPv4 datagram as a raw socket delivers it. Nothing: the
/// header is not one, or promises more bytes than there are.
std::optional<Packet> read_ipv4_datagram(std::span<const std::uint8_t> datagram);

}  // namespace vrrpd
