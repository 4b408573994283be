#include "vrrpd/config/check_rules.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "vrrpd/config/schema.hpp"

namespace vrrpd::config {
namespace {

using health::Kind;
using Kinds = std::vector<Kind>;

struct Owner {
    std::string_view key;
    Kinds kinds;             ///< that have the key
    bool is_needed = false;  ///< by each of them
};

constexpr std::array kind_names{std::pair{Kind::tcp, std::string_view("tcp")},
                                std::pair{Kind::memcached, std::string_view("memcached")},
                                std::pair{Kind::redis, std::string_view("redis")},
                                std::pair{Kind::http, std::string_view("http")},
                                std::pair{Kind::send_expect, std::string_view("send_expect")},
                                std::pair{Kind::script, std::string_view("script")},
                                std::pair{Kind::process, std::string_view("process")},
                                std::pair{Kind::file, std::string_view("file")},
                                std::pair{Kind::ping, std::string_view("ping")}};

/// The keys that not every kind has.
const std::vector<Owner>& owners() {
    static const Kinds connecting = [] {
        Kinds kinds;
        for (const auto& [kind, name] : kind_names) {
            if (health::connects(kind)) kinds.push_back(kind);
        }
        return kinds;
    }();
    static const Kinds with_address = [] {
        Kinds kinds = connecting;
        kinds.push_back(Kind::ping);
        return kinds;
    }();
    static const std::vector<Owner> all{
        {"address", with_address, true},
        {"watch", connecting},
        {"command", {Kind::script}, true},
        {"user", {Kind::script, Kind::redis}},
        {"probe", {Kind::memcached}},
        {"max_connections_percent", {Kind::memcached}},
        {"cold_after_restart", {Kind::memcached}},
        {"auth_file", {Kind::memcached}},
        {"password_file", {Kind::redis}},
        {"require", {Kind::redis}},
        {"max_lag", {Kind::redis}},
        {"path", {Kind::http, Kind::file}},
        {"host", {Kind::http}},
        {"status", {Kind::http}},
        {"contains", {Kind::http}},
        {"send", {Kind::send_expect}},
        {"expect", {Kind::send_expect}, true},
        {"pid_file", {Kind::process}},
        {"name", {Kind::process}},
        {"count", {Kind::ping}},
    };
    return all;
}

/// `tcp, memcached or redis`.
std::string names_of(const Kinds& kinds) {
    std::string text;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        if (i > 0) text += i + 1 == kinds.size() ? " or " : ", ";
        text += std::ranges::find(kind_names, kinds[i], &decltype(kind_names)::value_type::first)->second;
    }
    return text;
}

void check_type(const Draft& draft, const health::CheckOptions& check, Report& report) {
    for (const auto& [key, kinds, is_needed] : owners()) {
        const bool has_it = std::ranges::find(kinds, check.kind) != kinds.end();
        if (!has_it && draft.given.contains(key)) {
            report.error(draft, key, fmt::format("is only for type = {}", names_of(kinds)));
        } else if (has_it && is_needed && !draft.has(key)) {
            report.error(draft, key, fmt::format("missing, write {} = {}", key, find_key(Section::check, key)->type));
        }
    }
}

/// Keys that only one way of asking looks at.
void check_way(const Draft& draft, const health::CheckOptions& check, Report& report) {
    const auto want = [&](std::string_view key, bool has_effect, std::string_view chooser, std::string_view needed) {
        if (!has_effect || draft.is_doubtful(chooser)) return;
        report.error(draft, key, fmt::format("is only for {} = {}", chooser, needed));
    };
    if (check.kind == Kind::memcached && check.memcached.probe != health::MemcachedProbe::stats) {
        want("max_connections_percent", check.memcached.max_connections_percent > 0, "probe", "stats");
        want("cold_after_restart", check.memcached.cold_after_restart > Duration::zero(), "probe", "stats");
    }
    if (check.kind == Kind::http && !draft.is_doubtful("path") && !is_visible(check.http.path)) {
        report.error(
            draft, "path",
            fmt::format("{} has a blank or worse, allowed is visible ASCII, as %20", excerpt(check.http.path)));
    }
    if (check.kind != Kind::redis) return;
    if (check.redis.require != health::RedisRequire::replica_in_sync) {
        want("max_lag", check.redis.max_lag > 0, "require", "replica_in_sync");
    }
    if (!check.redis.user.empty() && !draft.has("password_file")) {
        report.error(draft, "user", "a user without a password, write password_file = PATH");
    }
}

/// What looks at this host, and what needs no port.
void check_local(const Draft& draft, const health::CheckOptions& check, Report& report) {
    if (check.kind == Kind::process && !draft.has("pid_file") && !draft.has("name")) {
        report.error(draft, "pid_file", "missing, write pid_file = PATH or name = NAME");
    }
    if (check.kind == Kind::file && !draft.has("path")) {
        report.error(draft, "path", "missing, write path = absolute path of a file");
    } else if (check.kind == Kind::file && !draft.is_doubtful("path") && check.path.ends_with('/')) {
        report.error(draft, "path", fmt::format("{} is a folder, allowed is the path of a file", excerpt(check.path)));
    }
    if (!draft.has("address") || draft.is_doubtful("address")) return;
    const bool has_port = check.endpoint.port != 0 || !check.endpoint.path.empty();
    if (check.kind == Kind::ping && has_port) {
        report.error(draft, "address", "an echo goes to no port, allowed is ADDR");
    } else if (health::connects(check.kind) && !has_port) {
        report.error(draft, "address", "has no port, allowed is ADDR:PORT");
    }
}

void check_timing(const Draft& draft, const health::CheckOptions& check, Report& report) {
    if (draft.is_doubtful("timeout") || draft.is_doubtful("interval") || check.timeout <= check.interval) return;
    report.error(draft, draft.has("timeout") ? "timeout" : "interval",
                 fmt::format("the timeout {} is longer than the interval {}, allowed is at most the interval",
                             to_text(check.timeout), to_text(check.interval)));
}

}  // namespace

void check_check(const Draft& draft, const health::CheckOptions& check, Report& report) {
    if (draft.given.contains("type") && !draft.is_doubtful("type")) {
        check_type(draft, check, report);
        check_way(draft, check, report);
        check_local(draft, check, report);
    }
    check_timing(draft, check, report);
}

void check_uses_of_checks(const Drafts& drafts, const Config& config, Report& report) {
    for (std::size_t i = 0; i < config.checks.size(); ++i) {
        const health::MemcachedOptions& options = config.checks[i].memcached;
        const bool is_gate = std::ranges::any_of(config.instances, [i](const InstanceOptions& instance) {
            return std::ranges::find(instance.gates, i) != instance.gates.end();
        });
        const bool is_fault = std::ranges::any_of(config.instances, [i](const InstanceOptions& instance) {
            return std::ranges::any_of(instance.checks, [i](const Track& t) { return t.index == i && !t.weight; });
        });
        if (options.cold_after_restart > Duration::zero() && !is_gate) {
            report.warning(drafts.checks[i], "cold_after_restart",
                           "changes nothing without a preempt_check of its name");
        }
        if (options.max_connections_percent > 0 && is_fault) {
            report.warning(drafts.checks[i], "max_connections_percent",
                           "a track_check without a weight makes too many connections a FAULT, and they follow the "
                           "address to the other host; write track_check = NAME weight -N");
        }
    }
}

}  // namespace vrrpd::config
