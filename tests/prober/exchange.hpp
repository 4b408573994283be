// One request of memcached's text protocol, or of redis', and what its reply proves, as pure functions over bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace prober {

constexpr std::size_t longest_reply = 65536;

enum class Request { get, set, incr };  // incr: redis, a write

/// The bytes to send. Keys have no blanks; `value` matters to a set only.
inline std::string bytes_of(Request request, const std::string& key, const std::string& value) {
    if (request == Request::get) return "get " + key + "\r\n";
    if (request == Request::incr) return "INCR " + key + "\r\n";
    return "set " + key + " 0 0 " + std::to_string(value.size()) + "\r\n" + value + "\r\n";
}

inline std::optional<std::string_view> judge_incr(std::string_view reply) {
    if (!reply.ends_with("\r\n")) return std::nullopt;
    if (reply.starts_with(":")) return "stored";
    return reply.starts_with("-READONLY") ? "readonly" : "server_error";
}

/// The outcome that a reply so far proves, or nothing while it is incomplete.
inline std::optional<std::string_view> judge(Request request, std::string_view reply) {
    if (request == Request::incr) return judge_incr(reply);
    if (request == Request::set && reply == "STORED\r\n") return "stored";
    if (request == Request::get && reply == "END\r\n") return "miss";
    if (request == Request::get && reply.starts_with("VALUE ") && reply.ends_with("\r\nEND\r\n")) return "hit";
    const bool error =
        reply.starts_with("SERVER_ERROR") || reply.starts_with("CLIENT_ERROR") || reply.starts_with("ERROR");
    if (error && reply.ends_with("\r\n")) return "server_error";
    if (reply.size() > longest_reply) return "oversize";
    return std::nullopt;
}

}  // namespace prober
