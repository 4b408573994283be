// The Internet checksum (RFC 1071), in the two steps that pseudo-headers need.
#pragma once

#include <cstdint>
#include <span>

namespace vrrpd {

/// Adds `bytes` as big-endian 16-bit words to `initial`, an odd last byte as the high half of a word. Not
/// folded: safe for up to 64 KiB in all.
std::uint32_t partial_sum(std::span<const std::uint8_t> bytes, std::uint32_t initial = 0);

/// The one's complement of the folded sum, in host order: what goes into a checksum field that was zero. Over
/// a message with its checksum in place the result is 0 if the checksum is right.
std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes, std::uint32_t initial_sum = 0);

}  // namespace vrrpd
