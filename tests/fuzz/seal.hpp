// Puts the checksum of a VRRP message right, so that what is behind the check is reached. Its own arithmetic, not that
// of the code under test.
#pragma once

#include "tests/fuzz/fuzz.hpp"
#include "vrrpd/core/packet.hpp"

namespace vrrpd::fuzz {

/// The folded sum of RFC 1071; 0xffff over a message whose checksum is right.
inline unsigned sum_of(View bytes, unsigned sum = 0) {
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += bytes[i] * (i % 2 == 0 ? 256u : 1u);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/// With the pseudo-header of RFC 5798 or without.
inline unsigned sum_of(const Packet& packet, bool pseudo_header) {
    if (!pseudo_header) return sum_of(packet.message);
    constexpr unsigned protocol = 112;
    const unsigned ends = sum_of(packet.destination.bytes(), sum_of(packet.source.bytes()));
    return sum_of(packet.message, ends + protocol + static_cast<unsigned>(packet.message.size()));
}

/// The bytes of the message with the checksum that makes it right.
inline Bytes seal(Packet packet, bool pseudo_header) {
    Bytes bytes(packet.message.begin(), packet.message.end());
    if (bytes.size() < 8) return bytes;
    bytes[6] = bytes[7] = 0;
    packet.message = bytes;
    const unsigned sum = ~sum_of(packet, pseudo_header);
    bytes[6] = static_cast<std::uint8_t>(sum >> 8);
    bytes[7] = static_cast<std::uint8_t>(sum);
    return bytes;
}

}  // namespace vrrpd::fuzz
