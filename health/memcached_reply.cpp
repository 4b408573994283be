#include "health/memcached_reply.hpp"

#include <algorithm>
#include <array>

namespace vrrpd::health {
namespace {

constexpr std::string_view up = "VERSION ";
constexpr std::string_view saturated = "ERROR Too many open connections";
constexpr std::string_view unauthenticated = "CLIENT_ERROR unauthenticated";
constexpr std::string_view server_error = "SERVER_ERROR ";

// Enough to recognise a server by; the text ends up in a log line.
constexpr std::size_t longest_excerpt = 80;

std::string excerpt(std::string_view line) {
    std::string text(line.substr(0, longest_excerpt));
    std::ranges::replace_if(
        text, [](char character) { return character < ' ' || character > '~'; }, '?');
    return text;
}

Finding wrong_protocol(std::string_view line) {
    const std::string_view shown = line.substr(0, line.find_first_of("\r\n"));
    return {Class::wrong_protocol, shown.empty() ? "an empty line" : excerpt(shown), true};
}

Finding classify(std::string_view line) {
    if (line.starts_with(up)) return {Class::up, excerpt(line)};
    if (line == saturated) return {Class::saturated, excerpt(line)};
    if (line == unauthenticated) return {Class::auth, excerpt(line), true};
    if (line.starts_with(server_error)) return {Class::failed, excerpt(line)};
    return wrong_protocol(line);
}

}  // namespace

std::optional<Finding> MemcachedReply::feed(std::string_view bytes) {
    received_.append(bytes.substr(0, longest - received_.size()));
    const std::size_t end = received_.find('\n');
    if (end != std::string::npos) {
        std::string_view line = std::string_view(received_).substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        return classify(line);
    }
    if (received_.size() == longest) return wrong_protocol(received_);
    return std::nullopt;
}

bool MemcachedReply::could_be_memcached() const {
    constexpr std::array known{up, saturated, unauthenticated, server_error};
    return std::ranges::any_of(known, [this](std::string_view start) {
        const std::size_t common = std::min(start.size(), received_.size());
        return start.substr(0, common) == std::string_view(received_).substr(0, common);
    });
}

Finding MemcachedReply::closed() const {
    if (received_.empty()) return {Class::failed, "closed without a reply", true};
    if (!could_be_memcached()) return wrong_protocol(received_);
    return {Class::failed, "closed within its reply", true};
}

Finding MemcachedReply::silent(Duration timeout) const {
    if (received_.empty()) return {Class::hung, "connected, no reply in " + in_milliseconds(timeout)};
    if (!could_be_memcached()) return wrong_protocol(received_);
    return {Class::hung, "connected, reply not complete in " + in_milliseconds(timeout)};
}

}  // namespace vrrpd::health
