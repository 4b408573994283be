#include "vrrpd/core/checksum.hpp"

namespace vrrpd {

std::uint32_t partial_sum(std::span<const std::uint8_t> bytes, std::uint32_t initial) {
    std::uint32_t sum = initial;
    std::size_t i = 0;
    for (; i + 1 < bytes.size(); i += 2) sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
    if (i < bytes.size()) sum += static_cast<std::uint32_t>(bytes[i] << 8);
    return sum;
}

std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes, std::uint32_t initial_sum) {
    std::uint32_t sum = partial_sum(bytes, initial_sum);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

}  // namespace vrrpd
