// A VRRP message with what its IP header said, as the I/O shell hands it to the core and takes it from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "vrrpd/core/ip.hpp"

namespace vrrpd {

inline constexpr int vrrp_protocol = 112;  ///< in the header of IP

/// Longest message that can exist: the v3 header and 255 IPv6 addresses.
inline constexpr std::size_t max_message_size = 8 + 255 * 16;

/// What only the host knows of the address that a packet comes from.
enum class Sender : std::uint8_t {
    neighbour,   ///< nothing
    ourselves,   ///< an address of this host's own on that interface, which does not move
    broadcast,   ///< the broadcast address of a subnet of that interface
    off_subnet,  ///< IPv4: in no subnet of that interface
};

/// A received message. Nothing in it is trusted; `message` is valid during the call that hands it over.
struct Packet {
    int interface_index = 0;
    IpAddress source;
    IpAddress destination;
    std::uint8_t ttl = 0;  ///< or the IPv6 hop limit
    Sender sender = Sender::neighbour;
    bool has_options = false;  ///< IPv4 options, IPv6 extension headers or fragments: no VRRP sender emits them
    std::span<const std::uint8_t> message;
};

}  // namespace vrrpd
