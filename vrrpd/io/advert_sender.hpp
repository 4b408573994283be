// Where adverts go out: one raw socket a family for all interfaces, apart from the receiving ones, so that a
// full receive queue or a flood never stands in the way of an advert (conformance 2c).
//
// What is due together is queued and leaves in one system call, or in one for each 128. A message is written into a
// place that the kernel reads it from; no memory is allocated once as many as fit into a call have been queued.
//
// Promises: adverts leave with TTL or hop limit as asked, TOS or traffic class 0xC0, protocol 112, from the
// interface and source address asked for (RFC 9568 sections 5.1.1 and 5.1.2; A07, A08); our own are never
// looped back to us (M03); one that cannot be sent stops no other (V08); sending never blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "vrrpd/core/ip.hpp"

namespace vrrpd {

struct Datagram {
    std::size_t tag = 0;      ///< the caller's name for it
    int interface_index = 0;  ///< 0: as routed (unicast only)
    IpAddress source;         ///< unspecified, of either family: the kernel's choice
    IpAddress destination;
    std::uint8_t ttl = 255;                 ///< or hop limit; not 0 over IPv4
    std::span<const std::uint8_t> message;  ///< complete with its checksum; copied
};

class AdvertSender {
  public:
    /// Throws std::system_error. A family that the kernel lacks is no error: its messages fail one by one.
    AdvertSender();
    ~AdvertSender();
    AdvertSender(const AdvertSender&) = delete;
    AdvertSender& operator=(const AdvertSender&) = delete;

    /// It leaves with flush(), or before when a system call's worth has come together.
    void queue(const Datagram& datagram);

    /// Sends what is queued, first IPv4, then IPv6, each in order. `failed` gets the tag and errno of each
    /// message that the kernel refused; all others are on their way. It must not queue. Returns the number sent since
    /// the last call.
    std::size_t flush(const std::function<void(std::size_t tag, int error)>& failed);

  private:
    template <typename Protocol>
    class Channel;
    struct Channels;
    std::unique_ptr<Channels> channels_;
};

}  // namespace vrrpd
