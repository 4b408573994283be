#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <sys/un.h>

#include "vrrpd/config/parsers.hpp"

namespace vrrpd::config {
namespace {

constexpr std::string_view unix_prefix = "unix:";

/// The value of two hexadecimal digits; -1: they are none.
int hexadecimal(std::string_view digits) {
    int value = 0;
    for (const char digit : digits) {
        if (std::isxdigit(static_cast<unsigned char>(digit)) == 0) return -1;
        const int lower = std::tolower(static_cast<unsigned char>(digit));
        value = value * 16 + (lower <= '9' ? lower - '0' : lower - 'a' + 10);
    }
    return digits.size() == 2 ? value : -1;
}

}  // namespace

Result<health::Endpoint> parse_check_address(std::string_view text) {
    if (text.starts_with('/')) {
        return failure(fmt::format("{} is no address, a unix socket is written {}{}", excerpt(text), unix_prefix,
                                   text.size() > 40 ? "PATH" : text));
    }
    if (!text.starts_with(unix_prefix)) return parse_endpoint(text);
    constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
    const std::string_view path = text.substr(unix_prefix.size());
    if (!path.starts_with('/')) {
        return failure(fmt::format("{} is no absolute path, allowed is {}/PATH", excerpt(path), unix_prefix));
    }
    if (path.size() > longest) {
        return failure(fmt::format("{} bytes long, allowed for a socket are {}", path.size(), longest));
    }
    health::Endpoint endpoint;
    endpoint.path = path;
    return endpoint;
}

Result<health::StatusRange> parse_status_range(std::string_view text) {
    const std::size_t dash = text.find('-');
    const auto first = parse_integer(text.substr(0, dash), 100, 599);
    if (!first) return failure(first.error());
    const auto last = dash == std::string_view::npos ? first : parse_integer(text.substr(dash + 1), 100, 599);
    if (!last) return failure(last.error());
    if (*last < *first) return failure(fmt::format("{} is empty, allowed is LOW-HIGH", excerpt(text)));
    return health::StatusRange{static_cast<int>(*first), static_cast<int>(*last)};
}

bool is_visible(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

Result<std::string> parse_escaped(std::string_view text) {
    constexpr std::string_view names = "rnt\\";
    constexpr std::string_view bytes = "\r\n\t\\";
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            result += text[i];
            continue;
        }
        const std::string_view rest = text.substr(i + 1);
        const std::size_t known = rest.empty() ? std::string_view::npos : names.find(rest.front());
        const int byte = rest.starts_with('x') ? hexadecimal(rest.substr(1, 2)) : -1;
        if (known == std::string_view::npos && byte < 0) {
            return failure(
                fmt::format("{} is no escape, allowed are \\r \\n \\t \\\\ \\xHH; in quotes a backslash is \\x5c",
                            excerpt(text.substr(i, 2))));
        }
        result += known != std::string_view::npos ? bytes[known] : static_cast<char>(byte);
        i += known != std::string_view::npos ? 1 : 3;
    }
    return result;
}

}  // namespace vrrpd::config
