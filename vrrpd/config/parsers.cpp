#include "vrrpd/config/parsers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "vrrpd/config/ini_reader.hpp"

namespace vrrpd::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t max_interface_length = 15;  // IFNAMSIZ - 1
constexpr int max_weight = 253;

/// A number of digits only; one that does not fit is the largest, so that it is out of every range.
std::optional<std::int64_t> read_digits(std::string_view text) {
    const bool all_digits = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    if (text.empty() || !all_digits) return std::nullopt;
    std::int64_t number = std::numeric_limits<std::int64_t>::max();
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// The unit at the end of a duration; removes it from the text.
Duration take_unit(std::string_view& text) {
    constexpr std::array<std::pair<std::string_view, Duration>, 3> units{
        {{"ms", milliseconds(1)}, {"min", minutes(1)}, {"s", seconds(1)}}};
    for (const auto& [suffix, unit] : units) {
        if (!text.ends_with(suffix)) continue;
        text.remove_suffix(suffix.size());
        return unit;
    }
    return seconds(1);
}

/// One that does not fit is the longest, so that it is out of every range.
std::optional<Duration> read_duration(std::string_view text) {
    const Duration unit = take_unit(text);
    const auto point = text.find('.');
    const auto whole = read_digits(text.substr(0, point));
    if (!whole) return std::nullopt;
    Duration rest = Duration::zero();
    if (point != std::string_view::npos) {
        const std::string_view fraction = text.substr(point + 1);
        // Six digits keep every unit exact in nanoseconds and the product below far from its limit.
        const auto digits = fraction.size() > 6 ? std::nullopt : read_digits(fraction);
        if (!digits) return std::nullopt;
        std::int64_t scale = 1;
        for (std::size_t i = 0; i < fraction.size(); ++i) scale *= 10;
        rest = unit * *digits / scale;
    }
    if (*whole >= Duration::max() / unit) return Duration::max();
    return unit * *whole + rest;
}

/// Why a host cannot have this address, or cannot connect to it; empty: it can.
std::string_view unusable(const IpAddress& address) {
    if (address.is_unspecified()) return "the unspecified address";
    if (address.is_multicast()) return "a multicast address";
    if (address.is_broadcast()) return "the broadcast address";
    return {};
}

/// What parse_host_address() says of an address; empty: it is one.
std::string unreachable(const IpAddress& address, std::string_view text) {
    if (const auto reason = unusable(address); !reason.empty()) {
        return fmt::format("{} is {}, allowed is one that a host can have", excerpt(text), reason);
    }
    if (!address.is_loopback()) return {};
    return fmt::format("{} is a loopback address, which no other host can reach", excerpt(text));
}

tl::unexpected<std::string> no_virtual_address(std::string_view text) {
    return failure(fmt::format("{} is no address, allowed is ADDR[/LEN] [dev IF] [label L]", excerpt(text)));
}

Result<Prefix> parse_virtual_prefix(std::string_view text) {
    const auto prefix = Prefix::parse(text);
    if (!prefix) return no_virtual_address(text);
    if (auto sentence = unreachable(prefix->address, text); !sentence.empty()) return failure(std::move(sentence));
    if (prefix->length == 0) {
        return failure(fmt::format("{} has the length 0, allowed are 1 to {}", excerpt(text), prefix->address.bits()));
    }
    return *prefix;
}

tl::unexpected<std::string> no_endpoint(std::string_view text, std::string_view what) {
    return failure(fmt::format("{} {}, allowed is ADDR:PORT, as 127.0.0.1:11211 or [::1]:11211", excerpt(text), what));
}

}  // namespace

std::string excerpt(std::string_view text) {
    constexpr std::size_t limit = 60;
    std::string shown(text.substr(0, limit));
    std::ranges::replace_if(
        shown, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
    return "\"" + shown + (text.size() > limit ? "..." : "") + "\"";
}

std::string to_text(Duration duration) {
    const auto in = [&](Duration unit) { return duration / unit; };
    if (duration > Duration::zero() && duration % minutes(1) == Duration::zero()) {
        return fmt::format("{}min", in(minutes(1)));
    }
    const bool short_one = duration > Duration::zero() && duration < seconds(1);
    const Duration unit = short_one ? Duration(milliseconds(1)) : Duration(seconds(1));
    std::string text = std::to_string(in(unit));
    if (const auto rest = (duration % unit).count(); rest != 0) {
        text += fmt::format(".{:0{}}", rest, short_one ? 6 : 9);
        text.erase(text.find_last_not_of('0') + 1);
    }
    return text + (short_one ? "ms" : "s");
}

Result<Duration> parse_duration(std::string_view text, Duration lowest, Duration highest) {
    const auto duration = read_duration(text);
    const auto range = fmt::format("allowed is {} to {}", to_text(lowest), to_text(highest));
    if (!duration) {
        return failure(fmt::format("{} is no duration, {}, as 500ms, 2s, 1min or 0.5 (seconds)", excerpt(text), range));
    }
    if (*duration < lowest || *duration > highest) {
        return failure(fmt::format("{} is out of range, {}", excerpt(text), range));
    }
    return *duration;
}

Result<bool> parse_boolean(std::string_view text) {
    if (text == "yes" || text == "true" || text == "on") return true;
    if (text == "no" || text == "false" || text == "off") return false;
    return failure(fmt::format("{} is neither yes nor no, allowed are yes/no, true/false, on/off", excerpt(text)));
}

Result<std::int64_t> parse_integer(std::string_view text, std::int64_t lowest, std::int64_t highest) {
    const bool negative = text.starts_with('-');
    const auto number = read_digits(text.substr(negative ? 1 : 0));
    if (!number) {
        return failure(fmt::format("{} is no whole number, allowed are {} to {}", excerpt(text), lowest, highest));
    }
    const std::int64_t value = negative ? -*number : *number;
    if (value < lowest || value > highest) {
        return failure(fmt::format("{} is out of range, allowed are {} to {}", excerpt(text), lowest, highest));
    }
    return value;
}

Result<std::string> parse_interface(std::string_view text) {
    const bool good = !text.empty() && text.size() <= max_interface_length && text != "." && text != ".." &&
                      text.find_first_of("/ \t:") == std::string_view::npos;
    if (good) return std::string(text);
    return failure(fmt::format("{} is no interface name, allowed are 1 to {} characters without blank, / and :",
                               excerpt(text), max_interface_length));
}

Result<std::string> parse_name(std::string_view text) {
    if (is_section_name(text)) return std::string(text);
    return failure(fmt::format("{} is no name, allowed are at most {} letters, digits and _-.:@+/", excerpt(text),
                               max_name_length));
}

Result<VirtualAddress> parse_virtual_address(const Words& words) {
    if (words.empty()) return no_virtual_address("");
    const auto prefix = parse_virtual_prefix(words[0]);
    if (!prefix) return failure(prefix.error());
    VirtualAddress address{*prefix, {}, {}};
    for (std::size_t i = 1; i < words.size(); i += 2) {
        std::string* const target = words[i] == "dev"     ? &address.device
                                    : words[i] == "label" ? &address.label
                                                          : nullptr;
        if (target == nullptr || !target->empty() || i + 1 == words.size()) return no_virtual_address(words[i]);
        *target = words[i + 1];
    }
    if (!address.device.empty()) {
        if (const auto device = parse_interface(address.device); !device) return failure(device.error());
    }
    if (address.label.size() > max_interface_length) {
        return failure(fmt::format("the label {} is too long, allowed are {} characters", excerpt(address.label),
                                   max_interface_length));
    }
    if (!address.label.empty() && prefix->address.family() == Family::ipv6) {
        return failure("an IPv6 address has no label, only an IPv4 address can have one");
    }
    return address;
}

Result<IpAddress> parse_host_address(std::string_view text) {
    const auto address = IpAddress::parse(text);
    if (!address) return failure(fmt::format("{} is no address, allowed is ADDR, without a length", excerpt(text)));
    if (auto sentence = unreachable(*address, text); !sentence.empty()) return failure(std::move(sentence));
    return *address;
}

Result<IpAddress> parse_group_address(std::string_view text) {
    const auto address = IpAddress::parse(text);
    if (address && address->is_multicast()) return *address;
    return failure(fmt::format("{} is no multicast address, allowed is one, as 224.0.0.18 or ff02::12", excerpt(text)));
}

Result<UnicastPeer> parse_unicast_peer(const Words& words) {
    constexpr std::string_view allowed = "allowed is ADDR [min_ttl N]";
    if (words.empty()) return failure(fmt::format("no address, {}", allowed));
    const auto address = parse_host_address(words[0]);
    if (!address) return failure(address.error());
    UnicastPeer peer{*address};
    if (words.size() == 1) return peer;
    if (words[1] != "min_ttl") return failure(fmt::format("unexpected {}, {}", excerpt(words[1]), allowed));
    if (words.size() == 2) return failure(fmt::format("min_ttl has no number, {}", allowed));
    if (words.size() > 3) return failure(fmt::format("unexpected {}, {}", excerpt(words[3]), allowed));
    const auto ttl = parse_integer(words[2], 1, 255);
    if (!ttl) return failure("min_ttl " + ttl.error());
    peer.min_ttl = static_cast<int>(*ttl);
    return peer;
}

Result<health::Endpoint> parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return no_endpoint(text, "has no port");
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    const auto address = IpAddress::parse(host);
    if (!address || (address->family() == Family::ipv6) != bracketed)
        return no_endpoint(text, "is no address with a port");
    if (const auto reason = unusable(*address); !reason.empty()) return no_endpoint(text, fmt::format("is {}", reason));
    if (address->family() == Family::ipv6 && address->is_link_local()) {
        return no_endpoint(text, "is a link-local address, which needs an interface");
    }
    const auto port = parse_integer(text.substr(colon + 1), 1, 65535);
    if (!port) return failure("the port " + port.error());
    return health::Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

Result<IpAddress> parse_ping_address(std::string_view text) {
    auto address = parse_host_address(text);
    if (address && address->family() == Family::ipv6 && address->is_link_local()) {
        return failure(fmt::format("{} is a link-local address, which needs an interface", excerpt(text)));
    }
    return address;
}

Result<TrackedName> parse_track(const Words& words, NameParser parse) {
    constexpr std::string_view allowed = "allowed is NAME [weight N [reverse]]";
    if (words.empty()) return failure(fmt::format("no name, {}", allowed));
    const auto name = parse(words[0]);
    if (!name) return failure(name.error());
    TrackedName track{*name, {}, false, false};
    if (words.size() == 1) return track;
    if (words[1] != "weight") return failure(fmt::format("unexpected {}, {}", excerpt(words[1]), allowed));
    if (words.size() == 2) return failure(fmt::format("weight has no number, {}", allowed));
    if (words[2] == "file") {
        if (words.size() > 3) return failure(fmt::format("unexpected {} behind weight file", excerpt(words[3])));
        track.by_number = true;
        track.weight = 0;
        return track;
    }
    const auto weight = parse_integer(words[2], -max_weight, max_weight);
    if (!weight) return failure("the weight " + weight.error());
    if (*weight == 0) return failure("the weight 0 changes nothing, allowed are -253 to -1 and 1 to 253");
    track.weight = static_cast<int>(*weight);
    track.reverse = words.size() > 3 && words[3] == "reverse";
    const std::size_t understood = track.reverse ? 4 : 3;
    if (words.size() > understood)
        return failure(fmt::format("unexpected {}, {}", excerpt(words[understood]), allowed));
    return track;
}

Result<Words> parse_command(const Value& value) {
    Words words = words_of(value);
    const bool path = !words.empty() && words[0].starts_with('/');
    const bool bare_name = !words.empty() && !words[0].empty() && words[0].find('/') == std::string::npos;
    if (path || bare_name) return words;
    return failure(fmt::format("{} is no program, allowed is an absolute path or a bare name, then its arguments",
                               excerpt(words.empty() ? "" : words[0])));
}

}  // namespace vrrpd::config
