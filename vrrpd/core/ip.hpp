// IP addresses of either family as plain values.
//
// Comparison is that of the unsigned number in network order, which is what an election between equal
// priorities needs (RFC 9568 section 6.4.3; conformance E24, E30). Addresses of different families never compare equal.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace vrrpd {

enum class Family : std::uint8_t { ipv4, ipv6 };

/// An IPv4 or IPv6 address. The default is the unspecified IPv4 address.
class IpAddress {
  public:
    constexpr IpAddress() = default;

    /// Takes 4 or 16 bytes in network order; any other length is no address.
    static std::optional<IpAddress> from_bytes(std::span<const std::uint8_t> bytes);

    /// Reads the usual text forms (`10.0.0.1`, `fe80::1`); no prefix length, no zone.
    static std::optional<IpAddress> parse(std::string_view text);

    Family family() const { return family_; }
    /// The 4 or 16 bytes in network order.
    std::span<const std::uint8_t> bytes() const;
    std::string to_string() const;

    bool is_unspecified() const;
    bool is_loopback() const;
    bool is_multicast() const;
    bool is_link_local() const;  ///< fe80::/10 or 169.254.0.0/16
    bool is_broadcast() const;   ///< 255.255.255.255

    /// Number of bits in an address of this family: 32 or 128.
    std::uint8_t bits() const { return family_ == Family::ipv4 ? 32 : 128; }

    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

  private:
    Family family_ = Family::ipv4;
    std::array<std::uint8_t, 16> bytes_{};  // IPv4 uses the first four; the rest stay zero
};

/// An address with the length of its network prefix, as `ip addr` takes it.
struct Prefix {
    IpAddress address;
    std::uint8_t length = 32;

    /// Reads `ADDR` or `ADDR/LEN`; without a length it is a host prefix (/32, /128).
    static std::optional<Prefix> parse(std::string_view text);
    std::string to_string() const;
    /// Whether an address of the same family is in this network.
    bool contains(const IpAddress& other) const;
    friend auto operator<=>(const Prefix&, const Prefix&) = default;
};

/// 224.0.0.18 or ff02::12, where VRRP adverts go (RFC 9568 section 5.1).
IpAddress vrrp_group(Family family);

}  // namespace vrrpd
