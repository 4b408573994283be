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

/// Where a native probe connects to.
struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;
    std::string to_string() const;  ///< `127.0.0.1:11211`, `[::1]:11211`
    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

enum class Kind { tcp, memcached, script };

struct CheckOptions {
    std::string name;
    Kind kind = Kind::tcp;
    Endpoint endpoint;                 ///< tcp, memcached
    std::vector<std::string> command;  ///< script: argv
    Credentials credentials;           ///< script: who it runs as
    Duration interval = std::chrono::seconds(1);
    Duration timeout = std::chrono::milliseconds(500);  ///< of connect and exchange together; at most the interval
    int fall = 2;                                       ///< soft failures in a row until the verdict is down
    int rise = 2;                                       ///< successes in a row until a down check is up again
    bool init_fail = false;  ///< true: down until the first success; false: unknown until the first verdict
    bool watch = true;       ///< hold one idle connection; its end triggers a probe at once
    bool fast_fail = true;   ///< after a failure the next probe follows at once instead of an interval later
};

}  // namespace vrrpd::health
