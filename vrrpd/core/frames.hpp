// The Ethernet frames that tell a LAN where a virtual address lives now: gratuitous ARP for IPv4, an
// unsolicited neighbour advertisement for IPv6 (RFC 9568 sections 6.4.1 and 6.4.2).
//
// Without them clients keep sending to the old holder until their neighbour entries expire: 13 seconds,
// measured. Pure: addresses in, bytes out, nothing allocated.
//
// The ARP is a request, as the RFC asks, with the virtual address as sender and as target (F01). Its target
// hardware address, which receivers must ignore, is zero (F02): so RFC 5227 section 2.3 has it, and so do the
// Linux and BSD kernels when they announce addresses of their own, so that it is the form every receiver has met.
//
// The other direction, too: questions whether somebody else has such an address, which change nobody's neighbour
// entries, and what can be read from a frame that says somebody has it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "vrrpd/core/ip.hpp"

namespace vrrpd {

using MacAddress = std::array<std::uint8_t, 6>;

/// A complete Ethernet frame without its check sequence.
struct Frame {
    std::array<std::uint8_t, 86> bytes{};  ///< the neighbour advertisement is the longest
    std::size_t size = 0;
    std::span<const std::uint8_t> view() const { return {bytes.data(), size}; }
};

/// Broadcast ARP request that says `address`, which is IPv4, is at `sender`. 60 bytes: padded to Ethernet's minimum.
Frame gratuitous_arp(const MacAddress& sender, const IpAddress& address);

/// Unsolicited neighbour advertisement to ff02::1 that says `address` is at `sender`: S=0, O=1, with the
/// target link-layer address option (RFC 4861 sections 4.4 and 7.2.6; G02). `source` is the virtual address
/// itself or a link-local address of the link; both addresses are IPv6. `router` sets R: the virtual router forwards.
Frame unsolicited_neighbour_advertisement(const MacAddress& sender, const IpAddress& address, const IpAddress& source,
                                          bool router);

/// Broadcast ARP request for `address` that names no sender address (RFC 5227 section 2.1.1): only who has the address
/// itself answers, no proxy does, and nobody learns anything from it.
Frame arp_probe(const MacAddress& sender, const IpAddress& address);

/// Neighbour solicitation for `address` from ::, as for duplicate address detection (RFC 4862 section 5.4.2).
Frame neighbour_probe(const MacAddress& sender, const IpAddress& address);

/// Somebody says that an address is at its hardware address.
struct Claim {
    IpAddress address;
    MacAddress mac{};
    friend bool operator==(const Claim&, const Claim&) = default;
};

/// What an Ethernet frame claims: the sender of any ARP packet but a probe, the target of a neighbour advertisement.
/// Nothing: it is neither of them, or not whole. Checksums are not looked at: a frame from a neighbour on this machine
/// may have none yet.
std::optional<Claim> read_claim(std::span<const std::uint8_t> frame);

}  // namespace vrrpd
