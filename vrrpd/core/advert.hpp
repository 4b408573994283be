// The advert codec: VRRP messages as bytes and as values.
//
// Reads and writes version 2 (RFC 3768, with the password field of RFC 2338) and version 3 (RFC 9568, RFC
// 5798) over both families. Nothing is read past the bytes that are there, nothing is allocated, and a
// message that fails any check comes back as the first reason in the documented order (conformance B28):
//
//     header:   length, version, type                     read_header(), before the instance is known
//     (caller): TTL, VRID, options, destination, source   Router, which knows interfaces and instances
//               (unicast: the TTL after the source, because it is the peer that says which)
//     message:  version, count, length, checksum, auth, interval      decode(), against an instance
//
// A list of addresses that differs from ours is no reason to refuse (decision 7); it is the caller's to compare.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "vrrpd/core/ip.hpp"
#include "vrrpd/core/options.hpp"
#include "vrrpd/core/packet.hpp"
#include "vrrpd/core/time.hpp"

namespace vrrpd {

/// Why a message was not accepted, in the order in which the checks are made.
enum class Refusal : std::uint8_t {
    length,         ///< fewer than 8 bytes, or not the length that its count implies
    carp_like,      ///< 36 bytes that look like a CARP advert, which shares the protocol number
    version,        ///< not the version of the instance, or one that does not exist
    type,           ///< not an advertisement
    ttl,            ///< TTL or hop limit below 255: it crossed a router; unicast: below the peer's min_ttl
    vrid,           ///< no instance has this virtual router ID here
    options,        ///< IP options, extension headers or fragments
    destination,    ///< not the group; for a unicast instance, not us
    source,         ///< an address that no peer can have; for a unicast instance, none of its peers
    own_source,     ///< our own address: looped back, or there twice
    count,          ///< no address in it
    checksum,       ///< wrong
    auth_unknown,   ///< authentication type that does not exist
    auth_mismatch,  ///< not the authentication type of the instance
    auth_fail,      ///< wrong password
    interval,       ///< 0, or for version 2 not ours
};
inline constexpr std::size_t refusal_count = static_cast<std::size_t>(Refusal::interval) + 1;

/// The word for logs and metrics: "checksum", "own_source", ...
const char* to_string(Refusal refusal);

/// The two readings of section 5.2.8 for version 3 over IPv4 (decision 1).
enum class ChecksumForm : std::uint8_t { message_only, pseudo_header };

/// What can be known of any VRRP message without knowing whose it is.
struct Header {
    std::uint8_t version = 0;
    std::uint8_t virtual_router_id = 0;
};
std::variant<Header, Refusal> read_header(std::span<const std::uint8_t> message);

/// A message that passed all checks. The list refers to the received bytes.
struct Advert {
    std::uint8_t virtual_router_id = 0;
    std::uint8_t priority = 0;
    Duration interval{};
    ChecksumForm checksum_form = ChecksumForm::message_only;
    std::span<const std::uint8_t> address_bytes;  ///< 4 or 16 bytes each
};

/// What a message must match to be for us.
struct Expectation {
    Version version = Version::v3;
    Duration advert_interval{};                ///< version 2 refuses any other
    std::optional<std::string_view> password;  ///< version 2
};
std::variant<Advert, Refusal> decode(const Packet& packet, const Expectation& expected);

/// The list of a message that is whole, whoever it is for; nothing for any other.
std::optional<std::span<const std::uint8_t>> advertised_addresses(const Packet& packet);

/// True if the advert lists exactly these addresses, in any order (conformance B19, B20).
bool same_addresses(std::span<const std::uint8_t> address_bytes, std::span<const VirtualAddress> ours);

/// What goes into a message of ours.
struct Outgoing {
    Version version = Version::v3;
    std::uint8_t virtual_router_id = 0;
    std::uint8_t priority = 0;
    Duration interval{};  ///< whole seconds in version 2, whole centiseconds in version 3
    std::optional<std::string_view> password;
    std::span<const VirtualAddress> addresses;                 ///< one family, at most 255
    ChecksumForm checksum_form = ChecksumForm::pseudo_header;  ///< version 3 over IPv4 only
    IpAddress source;
    IpAddress destination;
};
/// Writes the message and returns its length. `bytes` must hold max_message_size.
std::size_t encode(const Outgoing& advert, std::span<std::uint8_t> bytes);

}  // namespace vrrpd
