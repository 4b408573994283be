// Pure parsers of single values: text in, a typed value or a sentence out. The sentence says what is wrong
// and what is allowed, as the user reads it behind `FILE:LINE: [section] key: `.
//
// Nothing is cut, rounded, clamped or read half: `100abc`, 2^64 and 1.0000001 ms are errors. A number of
// any length that is too large is `out of range`, never `no number`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "health/options.hpp"
#include "vrrpd/config/lexer.hpp"
#include "vrrpd/core/options.hpp"
#include "vrrpd/core/result.hpp"

namespace vrrpd::config {

/// A text in quotes for a sentence: at most 60 bytes of it, with `?` for what a terminal should not see.
std::string excerpt(std::string_view text);

/// `500ms`, `2s`, `40.95s`, `2min`: the shortest exact text that parse_duration() reads.
std::string to_text(Duration duration);

/// `500ms`, `2s`, `1min`; a bare number is seconds. At most six digits of a fraction, which is always exact.
Result<Duration> parse_duration(std::string_view text, Duration lowest, Duration highest);

/// yes/no, true/false, on/off.
Result<bool> parse_boolean(std::string_view text);

/// Longer passwords of version 2 would be cut on the wire.
inline constexpr std::size_t max_password_length = 8;

/// A whole decimal number.
Result<std::int64_t> parse_integer(std::string_view text, std::int64_t lowest, std::int64_t highest);

/// What the kernel takes as the name of an interface: 1 to 15 characters, no blank, no `/`.
Result<std::string> parse_interface(std::string_view text);

/// The name of a `[kind NAME]` section.
Result<std::string> parse_name(std::string_view text);

/// `ADDR[/LEN] [dev IF] [label L]`; an address that a host can have, without a length /32 or /128.
Result<VirtualAddress> parse_virtual_address(const Words& words);

/// An address that a host can have and that other hosts can reach.
Result<IpAddress> parse_host_address(std::string_view text);

/// A multicast address.
Result<IpAddress> parse_group_address(std::string_view text);

/// `ADDR [min_ttl N]`.
Result<UnicastPeer> parse_unicast_peer(const Words& words);

/// `DEST [via ADDR] [dev IF] [src ADDR] [table N] [metric N]`, all of one family. `default` is of the
/// family of `via` or `src`.
Result<VirtualRoute> parse_virtual_route(const Words& words);

/// `127.0.0.1:11211`, `[::1]:11211`; an address that can be connected to. Names are not resolved.
Result<health::Endpoint> parse_endpoint(std::string_view text);

/// The same, or `unix:/run/redis.sock`: a local socket by its absolute path.
Result<health::Endpoint> parse_check_address(std::string_view text);

/// `200`, `200-399`: HTTP status codes, 100 to 599.
Result<health::StatusRange> parse_status_range(std::string_view text);

/// Whether it is printable ASCII without blanks: a word of a protocol that separates words by blanks.
bool is_visible(std::string_view text);

/// A text with `\r`, `\n`, `\t`, `\\` and `\xHH` as the bytes that they stand for; not empty.
Result<std::string> parse_escaped(std::string_view text);
/// An address that can be asked for an echo.
Result<IpAddress> parse_ping_address(std::string_view text);

/// Something tracked by its name.
struct TrackedName {
    std::string name;
    std::optional<int> weight;  ///< -253..253, not 0
    bool reverse = false;
    bool by_number = false;  ///< `weight file`: what the file says is added; the weight itself is 0
};

using NameParser = Result<std::string> (*)(std::string_view);

/// `NAME [weight N [reverse]]` or `NAME weight file`; whether NAME is one says `parse`: parse_name or parse_interface.
Result<TrackedName> parse_track(const Words& words, NameParser parse);

/// A command as its argv: a program, by an absolute path or a bare name, and its arguments. There is no shell.
Result<Words> parse_command(const Value& value);

}  // namespace vrrpd::config
