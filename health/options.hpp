// What a `[check NAME]` section says, as plain data. Keys and defaults: docs/configuration.md; this is where
// their meaning is typed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vrrpd/core/ip.hpp"
#include "vrrpd/core/time.hpp"
#include "vrrpd/launcher/child.hpp"

namespace vrrpd::health {

/// Where a native probe connects to: an address and a port, or a local socket; without a port where echoes go to.
struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;
    std::string path = {};          ///< of a unix socket, absolute; then address and port mean nothing
    std::string to_string() const;  ///< `127.0.0.1:11211`, `[::1]:11211`, `unix:/run/redis.sock`
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

enum class Kind { tcp, memcached, redis, http, send_expect, script, process, file, ping };

enum class MemcachedProbe { version, set_get, stats };

struct MemcachedOptions {
    MemcachedProbe probe = MemcachedProbe::version;
    int max_connections_percent = 0;  ///< stats: degraded from so many on; 0: never
    Duration cold_after_restart{};    ///< stats: for so long after its start it is cold
    std::string credentials;          ///< `USER PASSWORD`; empty: none
    std::string key = "vrrpd";        ///< of the value that is set; not that of another host
    friend bool operator==(const MemcachedOptions&, const MemcachedOptions&) = default;
};

enum class RedisRequire { pong, master, replica_in_sync };

struct RedisOptions {
    RedisRequire require = RedisRequire::pong;
    std::string user;           ///< empty: the default user
    std::string password;       ///< empty: none
    std::uint64_t max_lag = 0;  ///< replica_in_sync: bytes
    friend bool operator==(const RedisOptions&, const RedisOptions&) = default;
};

struct StatusRange {
    int first = 0;
    int last = 0;
    friend bool operator==(const StatusRange&, const StatusRange&) = default;
};

struct HttpOptions {
    std::string path = "/";
    std::string host;                 ///< empty: the endpoint
    std::vector<StatusRange> status;  ///< none: 200-399
    std::string contains;             ///< of the body; empty: whatever it is
    bool accepts(int code) const;
    friend bool operator==(const HttpOptions&, const HttpOptions&) = default;
};

struct SendExpectOptions {
    std::string send;    ///< bytes; empty: the service speaks first
    std::string expect;  ///< bytes, anywhere in the answer
    friend bool operator==(const SendExpectOptions&, const SendExpectOptions&) = default;
};

struct CheckOptions {
    std::string name;
    Kind kind = Kind::tcp;
    Endpoint endpoint;  ///< of those that connect, see connects(), and of ping
    MemcachedOptions memcached;
    RedisOptions redis;
    HttpOptions http;
    SendExpectOptions send_expect;
    std::vector<std::string> command;  ///< script: argv
    Credentials credentials;           ///< script: who it runs as
    std::string pid_file;              ///< process: the file that names it; with `process_name` it must be called that
    std::string process_name;          ///< process: the kernel's name of it, as in /proc/PID/comm
    std::string path;                  ///< file
    int count = 1;                     ///< ping: echoes a probe
    Duration interval = std::chrono::seconds(1);
    Duration timeout = std::chrono::milliseconds(500);  ///< of connect and exchange together; at most the interval
    int fall = 2;                                       ///< soft failures in a row until the verdict is down
    int rise = 2;                                       ///< successes in a row until a down check is up again
    bool init_fail = false;  ///< true: down until the first success; false: unknown until the first verdict
    bool watch = true;       ///< of those that connect: hold one idle connection; its end triggers a probe at once
    bool fast_fail = true;   ///< after a failure the next probe follows at once instead of an interval later
    friend bool operator==(const CheckOptions&, const CheckOptions&) = default;
};

/// Whether two checks ask the same question at the same pace: one probe can answer both. Name, fall, rise and
/// init_fail only say how the answers are judged.
bool same_probe(const CheckOptions& a, const CheckOptions& b);

/// Whether checks of this kind connect to an endpoint.
bool connects(Kind kind);

}  // namespace vrrpd::health
