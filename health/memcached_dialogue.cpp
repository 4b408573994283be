#include "health/memcached_dialogue.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

namespace vrrpd::health {
namespace {

constexpr std::string_view saturated = "ERROR Too many open connections";
constexpr std::string_view unauthenticated = "CLIENT_ERROR unauthenticated";
constexpr std::string_view not_admitted = "CLIENT_ERROR authentication failure";
constexpr std::string_view out_of_memory = "SERVER_ERROR out of memory";
constexpr std::string_view server_error = "SERVER_ERROR ";
constexpr std::string_view probe_value = "ok";

std::optional<Finding> trouble(std::string_view line) {
    if (line == saturated) return Finding{Class::saturated, excerpt(line)};
    if (line == unauthenticated || line == not_admitted) return Finding{Class::auth, excerpt(line), true};
    if (line.starts_with(out_of_memory)) return Finding{Class::degraded, excerpt(line)};
    if (line.starts_with(server_error)) return Finding{Class::failed, excerpt(line)};
    return std::nullopt;
}

/// The number in `STAT name number`, if the line is that.
std::optional<std::uint64_t> number_of(std::string_view line, std::string_view name) {
    line.remove_prefix(std::min<std::size_t>(line.size(), 5));  // "STAT "
    if (!line.starts_with(name) || line.substr(name.size(), 1) != " ") return std::nullopt;
    line.remove_prefix(name.size() + 1);
    std::uint64_t number = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (error != std::errc{} || rest != line.data() + line.size()) return std::nullopt;
    return number;
}

}  // namespace

MemcachedDialogue::MemcachedDialogue(const MemcachedOptions& options, Past& past) : options_(options), past_(past) {
    if (options_.credentials.empty()) {
        begin();
        return;
    }
    ask(fmt::format("set {} 0 -1 {}\r\n{}\r\n", options_.key, options_.credentials.size(), options_.credentials));
    step_ = &MemcachedDialogue::authenticated;
}

void MemcachedDialogue::begin() {
    switch (options_.probe) {
        case MemcachedProbe::version:
            ask("version\r\n");
            step_ = &MemcachedDialogue::version;
            break;
        case MemcachedProbe::set_get:
            ask(fmt::format("set {} 0 5 {}\r\n{}\r\n", options_.key, probe_value.size(), probe_value));
            step_ = &MemcachedDialogue::stored;
            break;
        case MemcachedProbe::stats:
            ask("stats\r\n");
            step_ = &MemcachedDialogue::statistic;
            break;
    }
}

std::optional<Finding> MemcachedDialogue::take_line(std::string_view line) {
    if (const auto finding = trouble(line)) return finding;
    return (this->*step_)(line);
}

bool MemcachedDialogue::may_begin(std::string_view line) const {
    constexpr std::array known{std::string_view("VERSION "),      saturated,
                               std::string_view("CLIENT_ERROR "), server_error,
                               std::string_view("STORED"),        std::string_view("NOT_STORED"),
                               std::string_view("VALUE "),        std::string_view("STAT "),
                               std::string_view("END"),           probe_value};
    return std::ranges::any_of(known, [line](std::string_view start) {
        const std::size_t common = std::min(start.size(), line.size());
        return start.substr(0, common) == line.substr(0, common);
    });
}

std::optional<Finding> MemcachedDialogue::authenticated(std::string_view line) {
    if (line != "STORED") return wrong_protocol(line);
    begin();
    return std::nullopt;
}

std::optional<Finding> MemcachedDialogue::version(std::string_view line) {
    if (line.starts_with("VERSION ")) return Finding{Class::up, excerpt(line)};
    return wrong_protocol(line);
}

// ---- set_get

std::optional<Finding> MemcachedDialogue::stored(std::string_view line) {
    if (line == "NOT_STORED") return Finding{Class::failed, "NOT_STORED"};
    if (line != "STORED") return wrong_protocol(line);
    ask(fmt::format("get {}\r\n", options_.key));
    step_ = &MemcachedDialogue::found;
    return std::nullopt;
}

std::optional<Finding> MemcachedDialogue::found(std::string_view line) {
    if (line == "END") return Finding{Class::failed, "stored a value and did not find it again"};
    if (line != fmt::format("VALUE {} 0 {}", options_.key, probe_value.size())) return wrong_protocol(line);
    step_ = &MemcachedDialogue::value;
    return std::nullopt;
}

std::optional<Finding> MemcachedDialogue::value(std::string_view line) {
    if (line != probe_value) return Finding{Class::failed, "stored a value and found another"};
    step_ = &MemcachedDialogue::end;
    return std::nullopt;
}

std::optional<Finding> MemcachedDialogue::end(std::string_view line) {
    if (line != "END") return wrong_protocol(line);
    return Finding{Class::up, "stored a value and found it again"};
}

// ---- stats

std::optional<Finding> MemcachedDialogue::statistic(std::string_view line) {
    if (line == "END") return judge_statistics();
    if (!line.starts_with("STAT ")) return wrong_protocol(line);
    const auto look_for = [line](std::optional<std::uint64_t>& target, std::string_view name) {
        if (const auto number = number_of(line, name)) target = number;
    };
    look_for(uptime_, "uptime");
    look_for(connections_, "curr_connections");
    look_for(max_connections_, "max_connections");
    look_for(refused_stores_, "store_no_memory");
    return std::nullopt;
}

Finding MemcachedDialogue::judge_statistics() {
    if (!uptime_ || !connections_ || !max_connections_) {
        return {Class::failed, "stats without uptime, curr_connections or max_connections"};
    }
    const auto refused_before = std::exchange(past_.refused_stores, refused_stores_);
    const std::string load = fmt::format("{} of {} connections", *connections_, *max_connections_);
    Finding finding{Class::up, fmt::format("uptime {} s, {}", *uptime_, load)};
    finding.cold = *uptime_ < static_cast<std::uint64_t>(
                                  std::chrono::ceil<std::chrono::seconds>(options_.cold_after_restart).count());
    const auto percent = static_cast<std::uint64_t>(options_.max_connections_percent);
    if (refused_stores_ && refused_before && *refused_stores_ > *refused_before) {
        finding.cls = Class::degraded;
        finding.evidence = fmt::format("out of memory, {} stores refused", *refused_stores_ - *refused_before);
    } else if (percent > 0 &&
               *connections_ >= (*max_connections_ / 100) * percent + (*max_connections_ % 100) * percent / 100) {
        finding.cls = Class::degraded;
        finding.evidence = load;
    }
    return finding;
}

}  // namespace vrrpd::health
