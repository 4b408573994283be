#include "vrrpd/config/check_keys.hpp"

#include <algorithm>
#include <chrono>

#include "vrrpd/config/schema_types.hpp"

namespace vrrpd::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

template <typename T, typename Member>
Key check(std::string name, Type<T> type, Member member, std::string standard, std::string help, Flags flags = {}) {
    return single<CheckDraft>(Section::check, name, type, member, standard, help, flags);
}

/// A member of the options that only one kind of check has.
template <typename Part, typename Member>
auto part(Part health::CheckOptions::*options, Member Part::*member) {
    return [=](CheckDraft& draft) -> Member& { return draft.*options.*member; };
}

Type<health::Kind> check_kind() {
    return choice<health::Kind>({{"tcp", health::Kind::tcp},
                                 {"memcached", health::Kind::memcached},
                                 {"redis", health::Kind::redis},
                                 {"http", health::Kind::http},
                                 {"send_expect", health::Kind::send_expect},
                                 {"script", health::Kind::script},
                                 {"process", health::Kind::process},
                                 {"file", health::Kind::file},
                                 {"ping", health::Kind::ping}});
}

/// As the kernel has it, which keeps 15 characters of it.
Type<std::string> process_name() {
    return {"text, at most 15 bytes", [](const Value& value) -> Result<std::string> {
                const std::string name = text_of(value);
                if (!name.empty() && name.size() <= 15 && name.find('/') == std::string::npos) return name;
                return failure(
                    fmt::format("{} is no name that the kernel gives to a process, allowed is what "
                                "/proc/PID/comm says: 1 to 15 characters without /",
                                excerpt(name)));
            }};
}

/// A host without a port is for ping; which of them a type needs is up to the rules.
Type<health::Endpoint> check_address() {
    return {"ADDR:PORT, unix:PATH or ADDR", [](const Value& value) -> Result<health::Endpoint> {
                const std::string read = text_of(value);
                if (!IpAddress::parse(read)) return parse_check_address(read);
                return parse_ping_address(read).map(
                    [](const IpAddress& address) { return health::Endpoint{.address = address}; });
            }};
}

/// `what` says for people which bytes it takes.
Type<std::string> escaped(std::string what) {
    return {std::move(what), [](const Value& value) { return parse_escaped(text_of(value)); }};
}

/// A piece of a request line or header: anything else would break the request.
Type<std::string> visible_text(std::string what) {
    return {std::move(what), [](const Value& value) -> Result<std::string> {
                std::string read = text_of(value);
                if (is_visible(read)) return read;
                return failure(fmt::format("{} has a blank or worse, allowed is visible ASCII", excerpt(read)));
            }};
}

std::string add_status(CheckDraft& draft, const Value& item, const Place&) {
    const auto range = parse_status_range(text_of(item));
    if (!range) return range.error();
    draft.http.status.push_back(*range);
    return {};
}

void add_shared_keys(std::vector<Key>& keys) {
    using C = CheckDraft;
    const Flags empty{.may_be_empty = true};
    const Flags required{.required = true};
    keys.push_back(check("type", check_kind(), &C::kind, "", "what is asked", required));
    keys.push_back(check("address", check_address(), &C::endpoint, "", "where; of types that connect"));
    keys.push_back(check("command", command(), &C::command, "", "script: exit code 0 is a success"));
    keys.push_back(check("user", text(32), &C::user, "",
                         "script: who it runs as; default: script_user; redis: who logs in", empty));
    keys.push_back(check("interval", duration(milliseconds(10), hours(1)), &C::interval, "1s", "time between probes"));
    keys.push_back(check("timeout", duration(milliseconds(1), hours(1)), &C::timeout, "500ms",
                         "of connect and exchange together; at most the interval"));
    keys.push_back(check("fall", number(1, 1000), &C::fall, "2", "failures in a row until it fails"));
    keys.push_back(check("rise", number(1, 1000), &C::rise, "2", "successes in a row until it passes again"));
    keys.push_back(check("init_fail", yes_or_no(), &C::init_fail, "no", "failing until the first success"));
    keys.push_back(check("watch", yes_or_no(), &C::watch, "yes",
                         "hold one idle connection; its loss triggers a probe; of types that connect"));
    keys.push_back(check("fast_fail", yes_or_no(), &C::fast_fail, "yes", "after a failure probe again at once"));
}

void add_memcached_keys(std::vector<Key>& keys) {
    using C = CheckDraft;
    using M = health::MemcachedOptions;
    const auto probe = choice<health::MemcachedProbe>({{"version", health::MemcachedProbe::version},
                                                       {"set_get", health::MemcachedProbe::set_get},
                                                       {"stats", health::MemcachedProbe::stats}});
    keys.push_back(check("probe", probe, part(&C::memcached, &M::probe), "version", "memcached: what is asked"));
    keys.push_back(check("max_connections_percent", number(1, 100), part(&C::memcached, &M::max_connections_percent),
                         "", "memcached, probe = stats: so many of its connections in use are a failure (degraded)"));
    keys.push_back(check("cold_after_restart", duration(none, hours(24)), part(&C::memcached, &M::cold_after_restart),
                         "0s",
                         "memcached, probe = stats: for so long after its start it passes, except as preempt_check"));
    keys.push_back(check("auth_file", absolute_path(), &C::auth_file, "",
                         "memcached: a file whose first line is USER:PASSWORD, as memcached -Y has it"));
}

void add_redis_keys(std::vector<Key>& keys) {
    using C = CheckDraft;
    using R = health::RedisOptions;
    const auto require = choice<health::RedisRequire>({{"pong", health::RedisRequire::pong},
                                                       {"master", health::RedisRequire::master},
                                                       {"replica_in_sync", health::RedisRequire::replica_in_sync}});
    keys.push_back(check("password_file", absolute_path(), &C::password_file, "",
                         "redis: a file whose first line is the password"));
    keys.push_back(check("require", require, part(&C::redis, &R::require), "pong", "redis: what it must be"));
    keys.push_back(check("max_lag", number(0, std::int64_t{1} << 40), part(&C::redis, &R::max_lag), "0",
                         "redis, require = replica_in_sync: bytes that it may have received and not yet applied"));
}

void add_local_keys(std::vector<Key>& keys) {
    using C = CheckDraft;
    keys.push_back(check("pid_file", absolute_path(), &C::pid_file, "", "process: the file that names it"));
    keys.push_back(check("name", process_name(), &C::process_name, "",
                         "process: what the kernel calls it, as /proc/PID/comm says"));
    keys.push_back(check("count", number(1, 100), &C::count, "1", "ping: echoes within the timeout, one is enough"));
}

void add_exchange_keys(std::vector<Key>& keys) {
    using C = CheckDraft;
    using H = health::HttpOptions;
    using S = health::SendExpectOptions;
    keys.push_back(check("path", absolute_path(), part(&C::http, &H::path), "/",
                         "http: the page that is asked for, with a query if need be; file: the file"));
    keys.push_back(check("host", visible_text("host name"), part(&C::http, &H::host), "",
                         "http: the Host header; default: the address"));
    Key status =
        list<C>(Section::check, "status", "N or N-N, 100 to 599", "http: status codes that are a success", add_status);
    status.standard = "200-399";
    keys.push_back(std::move(status));
    keys.push_back(check("contains", text(1024), part(&C::http, &H::contains), "",
                         "http: must be in the body, within the first 64 KiB of the answer"));
    const std::string bytes = R"(text with \r \n \t \\ \xHH)";
    keys.push_back(check("send", escaped(bytes), part(&C::send_expect, &S::send), "",
                         "send_expect: what is sent; default: nothing, the service speaks first"));
    keys.push_back(check("expect", escaped(bytes), part(&C::send_expect, &S::expect), "",
                         "send_expect: must be within the first 64 KiB of the answer"));
}

}  // namespace

void add_check_keys(std::vector<Key>& keys) {
    add_shared_keys(keys);
    add_memcached_keys(keys);
    add_redis_keys(keys);
    add_exchange_keys(keys);
    add_local_keys(keys);
}

}  // namespace vrrpd::config
