#include "vrrpd/core/advert.hpp"

#include <algorithm>
#include <array>

#include "vrrpd/core/checksum.hpp"

namespace vrrpd {
namespace {

constexpr std::size_t header_size = 8;
constexpr std::size_t auth_size = 8;
constexpr std::uint8_t advertisement = 1;
constexpr std::uint8_t protocol_number = 112;
constexpr std::uint8_t auth_none = 0, auth_password = 1, auth_highest = 2;
constexpr auto centisecond = std::chrono::milliseconds(10);

std::size_t address_size(Family family) {
    return family == Family::ipv4 ? 4 : 16;
}

std::size_t trailer_size(Version version) {
    return version == Version::v2 ? auth_size : 0;
}

std::uint32_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination, std::size_t length) {
    std::uint32_t sum = partial_sum(source.bytes());
    sum = partial_sum(destination.bytes(), sum);
    return sum + protocol_number + static_cast<std::uint32_t>(length);
}

using AuthData = std::array<std::uint8_t, auth_size>;

AuthData padded(std::string_view password) {
    AuthData data{};
    std::copy_n(password.begin(), std::min(password.size(), data.size()), data.begin());
    return data;
}

// Takes the same time wherever the first difference is.
bool equal_secret(std::span<const std::uint8_t> received, const AuthData& ours) {
    unsigned difference = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) difference |= static_cast<unsigned>(received[i] ^ ours[i]);
    return difference == 0;
}

std::optional<ChecksumForm> checksum_form(const Packet& packet, Version version) {
    const bool message_only = internet_checksum(packet.message) == 0;
    if (version == Version::v2) return message_only ? std::optional(ChecksumForm::message_only) : std::nullopt;
    if (packet.source.family() == Family::ipv4 && message_only) return ChecksumForm::message_only;
    const auto sum = pseudo_header_sum(packet.source, packet.destination, packet.message.size());
    if (internet_checksum(packet.message, sum) == 0) return ChecksumForm::pseudo_header;
    return std::nullopt;
}

std::optional<Refusal> check_auth(std::span<const std::uint8_t> message, std::optional<std::string_view> password) {
    const std::uint8_t type = message[4];
    if (type > auth_highest) return Refusal::auth_unknown;
    if (type != (password ? auth_password : auth_none)) return Refusal::auth_mismatch;
    if (password && !equal_secret(message.last(auth_size), padded(*password))) return Refusal::auth_fail;
    return std::nullopt;
}

// The checks of a message by itself: count, length, checksum. Leaves the interval to the caller.
std::variant<Advert, Refusal> read_whole(const Packet& packet, Version version) {
    const auto message = packet.message;
    const std::size_t count = message[3];
    const std::size_t list_size = count * address_size(packet.source.family());
    if (count == 0) return Refusal::count;
    if (message.size() != header_size + list_size + trailer_size(version)) return Refusal::length;
    const auto form = checksum_form(packet, version);
    if (!form) return Refusal::checksum;
    return Advert{message[1], message[2], Duration{}, *form, message.subspan(header_size, list_size)};
}

bool looks_like_carp(std::span<const std::uint8_t> message) {
    return message.size() == 36 && message[0] == 0x21 && message[3] == 7;
}

}  // namespace

const char* to_string(Refusal refusal) {
    static constexpr std::array<const char*, refusal_count> names = {
        "length", "carp_like",  "version", "type",     "ttl",          "vrid",          "options",   "destination",
        "source", "own_source", "count",   "checksum", "auth_unknown", "auth_mismatch", "auth_fail", "interval"};
    return names[static_cast<std::size_t>(refusal)];
}

std::variant<Header, Refusal> read_header(std::span<const std::uint8_t> message) {
    if (message.size() < header_size) return Refusal::length;
    if (looks_like_carp(message)) return Refusal::carp_like;
    const auto version = static_cast<std::uint8_t>(message[0] >> 4);
    if (version != 2 && version != 3) return Refusal::version;
    if ((message[0] & 0x0f) != advertisement) return Refusal::type;
    return Header{version, message[1]};
}

std::variant<Advert, Refusal> decode(const Packet& packet, const Expectation& expected) {
    const auto message = packet.message;
    const auto header = read_header(message);
    if (const auto* refusal = std::get_if<Refusal>(&header)) return *refusal;
    if (std::get<Header>(header).version != static_cast<std::uint8_t>(expected.version)) return Refusal::version;
    auto whole = read_whole(packet, expected.version);
    auto* const read = std::get_if<Advert>(&whole);
    if (read == nullptr) return whole;
    Advert& advert = *read;
    if (expected.version == Version::v2) {
        if (const auto refusal = check_auth(message, expected.password)) return *refusal;
        advert.interval = std::chrono::seconds(message[5]);
        if (advert.interval != expected.advert_interval) return Refusal::interval;
    } else {
        advert.interval = ((message[4] & 0x0f) << 8 | message[5]) * centisecond;
        if (advert.interval == Duration::zero()) return Refusal::interval;
    }
    return whole;
}

std::optional<std::span<const std::uint8_t>> advertised_addresses(const Packet& packet) {
    const auto header = read_header(packet.message);
    if (std::holds_alternative<Refusal>(header)) return std::nullopt;
    const auto whole = read_whole(packet, Version{std::get<Header>(header).version});
    const auto* advert = std::get_if<Advert>(&whole);
    return advert == nullptr ? std::nullopt : std::optional(advert->address_bytes);
}

bool same_addresses(std::span<const std::uint8_t> address_bytes, std::span<const VirtualAddress> ours) {
    if (ours.empty()) return address_bytes.empty();
    const std::size_t size = ours.front().prefix.address.bytes().size();
    if (address_bytes.size() != ours.size() * size) return false;
    // Both lists are short and nearly always in the same order; look where it should be first.
    return std::ranges::all_of(ours, [&, place = std::size_t{0}](const VirtualAddress& own) mutable {
        const auto wanted = own.prefix.address.bytes();
        const auto at = [&](std::size_t index) {
            return std::ranges::equal(address_bytes.subspan(index * size, size), wanted);
        };
        if (at(place++)) return true;
        for (std::size_t i = 0; i < ours.size(); ++i) {
            if (at(i)) return true;
        }
        return false;
    });
}

std::size_t encode(const Outgoing& advert, std::span<std::uint8_t> bytes) {
    const Family family = advert.source.family();
    const std::size_t size =
        header_size + advert.addresses.size() * address_size(family) + trailer_size(advert.version);
    bytes = bytes.first(size);
    bytes[0] = static_cast<std::uint8_t>(static_cast<unsigned>(advert.version) << 4 | advertisement);
    bytes[1] = advert.virtual_router_id;
    bytes[2] = advert.priority;
    bytes[3] = static_cast<std::uint8_t>(advert.addresses.size());
    if (advert.version == Version::v2) {
        bytes[4] = advert.password ? auth_password : auth_none;
        bytes[5] = static_cast<std::uint8_t>(advert.interval / std::chrono::seconds(1));
        std::ranges::copy(padded(advert.password.value_or("")), bytes.last(auth_size).begin());
    } else {
        const auto interval = static_cast<unsigned>(advert.interval / centisecond);
        bytes[4] = static_cast<std::uint8_t>(interval >> 8 & 0x0f);
        bytes[5] = static_cast<std::uint8_t>(interval);
    }
    bytes[6] = bytes[7] = 0;
    auto place = bytes.begin() + header_size;
    for (const auto& address : advert.addresses) {
        place = std::ranges::copy(address.prefix.address.bytes(), place).out;
    }
    const bool pseudo_header = advert.version == Version::v3 &&
                               (family == Family::ipv6 || advert.checksum_form == ChecksumForm::pseudo_header);
    const std::uint16_t sum =
        internet_checksum(bytes, pseudo_header ? pseudo_header_sum(advert.source, advert.destination, size) : 0);
    bytes[6] = static_cast<std::uint8_t>(sum >> 8);
    bytes[7] = static_cast<std::uint8_t>(sum);
    return size;
}

}  // namespace vrrpd
