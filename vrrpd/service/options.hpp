// What a `[service NAME]` section says, as plain data. Keys and defaults: docs/configuration.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "health/options.hpp"
#include "vrrpd/core/time.hpp"
#include "vrrpd/launcher/child.hpp"

namespace vrrpd::service {

/// When the service should run here.
enum class Run { master, always };

/// What becomes of the instance when the service cannot be kept up.
enum class OnFailure { fault, ignore };

struct ServiceOptions {
    std::string name;
    std::vector<std::string> command;  ///< argv, run in the foreground; or empty:
    std::string unit;                  ///< a unit of systemd, which outlives the daemon
    Credentials credentials;
    Run run = Run::master;
    std::optional<health::Endpoint> listen;  ///< ready once this accepts; without it, once it was started
    std::string check;  ///< name of a check, judged only while the service should run here; or empty
    Duration start_timeout = std::chrono::seconds(2);
    Duration stop_timeout = std::chrono::seconds(1);  ///< from SIGTERM to SIGKILL of the whole process group
    Duration restart_delay = std::chrono::milliseconds(200);
    int restart_limit = 5;
    OnFailure on_failure = OnFailure::fault;
    bool close_connections = false;  ///< end those of the instance's addresses before these go
    friend bool operator==(const ServiceOptions&, const ServiceOptions&) = default;
};

/// Whether a process that was started for one of them can go on for the other.
inline bool same_process(const ServiceOptions& a, const ServiceOptions& b) {
    return a.name == b.name && a.command == b.command && a.unit == b.unit && a.credentials == b.credentials &&
           a.run == b.run && a.listen == b.listen;
}

}  // namespace vrrpd::service
