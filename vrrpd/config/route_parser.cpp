// `virtual_routes`: a destination and, in any order, words with a value each.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "vrrpd/config/parsers.hpp"

namespace vrrpd::config {
namespace {

constexpr std::string_view allowed = "allowed is DEST [via ADDR] [dev IF] [src ADDR] [table N] [metric N]";
constexpr std::uint32_t main_table = 254;
constexpr std::int64_t highest_number = std::numeric_limits<std::uint32_t>::max();

Result<std::uint32_t> parse_table(std::string_view text) {
    if (text == "main") return main_table;
    const auto number = parse_integer(text, 1, highest_number);
    if (!number) return failure(number.error() + ", or main");
    return static_cast<std::uint32_t>(*number);
}

Result<std::uint32_t> parse_metric(std::string_view text) {
    return parse_integer(text, 0, highest_number).map([](std::int64_t number) {
        return static_cast<std::uint32_t>(number);
    });
}

/// Keeps what was read; returns what is wrong with it, or nothing.
template <typename Target, typename T>
std::string take(Target& target, const Result<T>& read) {
    if (!read) return read.error();
    target = *read;
    return {};
}

std::string set_word(VirtualRoute& route, std::string_view word, std::string_view value) {
    if (word == "via") return take(route.gateway, parse_host_address(value));
    if (word == "dev") return take(route.device, parse_interface(value));
    if (word == "src") return take(route.source, parse_host_address(value));
    if (word == "table") return take(route.table, parse_table(value));
    return take(route.metric, parse_metric(value));
}

/// The words behind the destination; returns what is wrong with them, or nothing.
std::string set_words(VirtualRoute& route, const Words& words) {
    constexpr std::array<std::string_view, 5> known{"via", "dev", "src", "table", "metric"};
    for (std::size_t i = 1; i < words.size(); i += 2) {
        const std::string& word = words[i];
        if (std::ranges::find(known, word) == known.end())
            return fmt::format("unexpected {}, {}", excerpt(word), allowed);
        if (i + 1 == words.size()) return fmt::format("{} has no value, {}", word, allowed);
        for (std::size_t j = 1; j < i; j += 2) {
            if (words[j] == word) return fmt::format("{} is there twice, {}", word, allowed);
        }
        const std::string wrong = set_word(route, word, words[i + 1]);
        if (!wrong.empty()) return fmt::format("{} {}", word, wrong);
    }
    return {};
}

/// The prefix without the bits behind its length.
Prefix network_of(const Prefix& prefix) {
    const auto bytes = prefix.address.bytes();
    std::vector<std::uint8_t> network(bytes.begin(), bytes.end());
    for (std::size_t i = 0; i < network.size(); ++i) {
        const int kept = std::clamp(prefix.length - static_cast<int>(8 * i), 0, 8);
        network[i] &= static_cast<std::uint8_t>(0xff00 >> kept);
    }
    return {*IpAddress::from_bytes(network), prefix.length};
}

/// `default` is of the family of the gateway, or else of the source.
Result<Prefix> parse_destination(std::string_view text, const VirtualRoute& route) {
    if (text == "default") {
        const auto& known = route.gateway ? route.gateway : route.source;
        if (!known) return failure("default has neither via nor src to tell IPv4 from IPv6, write 0.0.0.0/0 or ::/0");
        return *Prefix::parse(known->family() == Family::ipv4 ? "0.0.0.0/0" : "::/0");
    }
    const auto prefix = Prefix::parse(text);
    if (!prefix) return failure(fmt::format("{} is no destination, {}", excerpt(text), allowed));
    const Prefix network = network_of(*prefix);
    if (network != *prefix) {
        return failure(
            fmt::format("{} has bits behind its length, did you mean {}?", excerpt(text), network.to_string()));
    }
    if (prefix->address.is_unspecified() && prefix->length == prefix->address.bits()) {
        return failure(fmt::format("{} is the unspecified address, did you mean default?", excerpt(text)));
    }
    return network;
}

}  // namespace

Result<VirtualRoute> parse_virtual_route(const Words& words) {
    if (words.empty()) return failure(fmt::format("no destination, {}", allowed));
    VirtualRoute route;
    if (std::string wrong = set_words(route, words); !wrong.empty()) return failure(std::move(wrong));
    const auto destination = parse_destination(words[0], route);
    if (!destination) return failure(destination.error());
    route.destination = *destination;
    for (const auto& address : {route.gateway, route.source}) {
        if (!address || address->family() == destination->address.family()) continue;
        return failure(fmt::format("{} is of another family than {}, allowed is one family", address->to_string(),
                                   destination->to_string()));
    }
    return route;
}

}  // namespace vrrpd::config
