#include "health/redis_dialogue.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <utility>

#include <fmt/format.h>

namespace vrrpd::health {
namespace {

struct Error {
    std::string_view start;
    Class cls;
    bool hard;
};

constexpr std::array errors{
    Error{"-LOADING", Class::loading, false},
    Error{"-BUSY", Class::busy, false},
    Error{"-NOAUTH", Class::auth, true},
    Error{"-WRONGPASS", Class::auth, true},
    Error{"-NOPERM", Class::auth, true},
    Error{"-DENIED", Class::auth, true},
    Error{"-ERR invalid password", Class::auth, true},
    Error{"-MASTERDOWN", Class::stale, false},
    Error{"-ERR max number of clients", Class::saturated, false},
    Error{"-MISCONF", Class::degraded, false},
    Error{"-OOM", Class::degraded, false},
    Error{"-READONLY", Class::degraded, false},
    Error{"-NOREPLICAS", Class::degraded, false},
    Error{"-ERR unknown command", Class::wrong_protocol, true},
};

std::string command(std::initializer_list<std::string_view> words) {
    std::string bytes = fmt::format("*{}\r\n", words.size());
    for (const std::string_view word : words) bytes += fmt::format("${}\r\n{}\r\n", word.size(), word);
    return bytes;
}

/// What `-...` means. Not hard unless a repetition could only confirm it.
Finding judge_error(std::string_view line) {
    const auto known = std::ranges::find_if(errors, [&](const Error& error) { return line.starts_with(error.start); });
    if (known == errors.end()) return {Class::failed, excerpt(line.substr(1))};
    return {known->cls, excerpt(line.substr(1)), known->hard};
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
    return value;
}

/// A password that redis has no use for: nobody is kept out.
bool is_superfluous(std::string_view line) {
    return line.starts_with("-ERR AUTH <password> called without any password configured") ||
           line.starts_with("-ERR Client sent AUTH, but no password is set");
}

}  // namespace

RedisDialogue::RedisDialogue(const RedisOptions& options)
    : options_(options), step_(options.password.empty() ? &RedisDialogue::pong : &RedisDialogue::authenticated) {
    if (!options_.password.empty()) {
        ask(options_.user.empty() ? command({"AUTH", options_.password})
                                  : command({"AUTH", options_.user, options_.password}));
    }
    ask(command({"PING"}));
    if (options_.require == RedisRequire::master) ask(command({"ROLE"}));
    if (options_.require == RedisRequire::replica_in_sync) ask(command({"INFO", "replication"}));
}

std::optional<Finding> RedisDialogue::take_line(std::string_view line) {
    if (step_ != &RedisDialogue::info && line.starts_with('-') && !is_superfluous(line)) return judge_error(line);
    return (this->*step_)(line);
}

bool RedisDialogue::may_begin(std::string_view line) const {
    return line.empty() || step_ == &RedisDialogue::info || step_ == &RedisDialogue::role ||
           std::string_view("+-*$").find(line.front()) != std::string_view::npos;
}

std::optional<Finding> RedisDialogue::authenticated(std::string_view line) {
    if (line != "+OK" && !is_superfluous(line)) return wrong_protocol(line);
    step_ = &RedisDialogue::pong;
    return std::nullopt;
}

std::optional<Finding> RedisDialogue::pong(std::string_view line) {
    if (line != "+PONG") return wrong_protocol(line);
    switch (options_.require) {
        case RedisRequire::pong:
            return Finding{Class::up, "PONG"};
        case RedisRequire::master:
            step_ = &RedisDialogue::role_array;
            break;
        case RedisRequire::replica_in_sync:
            step_ = &RedisDialogue::info_length;
            break;
    }
    return std::nullopt;
}

// ---- ROLE: an array whose first element is the role

std::optional<Finding> RedisDialogue::role_array(std::string_view line) {
    if (!line.starts_with('*')) return wrong_protocol(line);
    step_ = &RedisDialogue::role_length;
    return std::nullopt;
}

std::optional<Finding> RedisDialogue::role_length(std::string_view line) {
    if (!line.starts_with('$')) return wrong_protocol(line);
    step_ = &RedisDialogue::role;
    return std::nullopt;
}

std::optional<Finding> RedisDialogue::role(std::string_view line) {
    if (line == "master") return Finding{Class::up, "a master"};
    if (line == "slave") return Finding{Class::failed, "a replica, not a master"};
    return Finding{Class::failed, "no master: " + excerpt(line.substr(0, 60))};
}

// ---- INFO: a length, then lines

std::optional<Finding> RedisDialogue::info_length(std::string_view line) {
    const auto length = line.starts_with('$') ? number(line.substr(1)) : std::nullopt;
    if (!length || *length > longest) return wrong_protocol(line);
    info_end_ = consumed() + static_cast<std::size_t>(*length);
    step_ = &RedisDialogue::info;
    return std::nullopt;
}

std::optional<Finding> RedisDialogue::info(std::string_view line) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = line.substr(std::min(colon + 1, line.size()));
    if (name == "role") role_ = value;
    if (name == "master_link_status") link_ = value;
    if (name == "master_sync_in_progress") syncing_ = value;
    if (name == "master_last_io_seconds_ago") silent_for_ = number(value);
    if (name == "master_link_down_since_seconds") down_for_ = number(value);
    if (name == "slave_read_repl_offset") read_ = number(value);
    if (name == "slave_repl_offset") applied_ = number(value);
    if (consumed() < info_end_) return std::nullopt;
    return judge_replication();
}

Finding RedisDialogue::judge_replication() const {
    if (role_ == "master") return {Class::failed, "a master, not a replica"};
    if (role_ != "slave") return {Class::failed, "INFO replication without a role"};
    if (syncing_ != "0") return {Class::stale, "a full copy from the master is in progress"};
    if (link_ != "up") {
        const std::string since = down_for_ ? fmt::format(" for {} s", *down_for_) : "";
        return {Class::stale, "the link to the master is down" + since};
    }
    const std::uint64_t lag = read_ && applied_ && *read_ > *applied_ ? *read_ - *applied_ : 0;
    const std::string silence = silent_for_ ? fmt::format(", heard from it {} s ago", *silent_for_) : "";
    const bool behind = lag > options_.max_lag;
    return {behind ? Class::stale : Class::up, fmt::format("{} bytes behind the master{}", lag, silence)};
}

}  // namespace vrrpd::health
