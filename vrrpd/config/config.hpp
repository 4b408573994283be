// The whole configuration as plain data: what a valid `vrrpd.ini` means. `load.hpp` makes one from files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "health/options.hpp"
#include "vrrpd/core/log_options.hpp"
#include "vrrpd/core/options.hpp"
#include "vrrpd/launcher/child.hpp"
#include "vrrpd/service/options.hpp"

namespace vrrpd::config {

struct GlobalOptions {
    std::string router_id;  ///< name of this host in the log; default: the host name
    LogTarget log_target = LogTarget::automatic;
    LogLevel log_level = LogLevel::info;
    int log_facility = 3 << 3;  ///< as in <syslog.h>; the default is LOG_DAEMON
    std::string script_user;    ///< empty: vrrpd_script, else nobody
    std::string control_socket = "/run/vrrpd/control";
    std::string control_group;                       ///< who may use the socket besides root; empty: nobody
    std::optional<health::Endpoint> metrics_listen;  ///< none: nobody listens
    std::string state_directory = "/var/lib/vrrpd";  ///< what has to survive: who is drained, the history
    bool realtime = true;
    bool lock_memory = true;
    std::optional<Duration> lease;  ///< of addresses; 0: they never expire; none: as fits advert_int
};

/// Indices in InstanceOptions (checks, gates, services) point into `checks` and `services`; those of its tracks
/// from first_tracked_interface on point into `tracked_interfaces`.
struct Config {
    GlobalOptions global;
    std::vector<InstanceOptions> instances;
    std::vector<SyncGroupOptions> groups;
    std::vector<std::string> tracked_interfaces;  ///< named by track_interface, each once
    std::vector<health::CheckOptions> checks;
    std::vector<service::ServiceOptions> services;
    Credentials hook_credentials;  ///< script_user's
};

}  // namespace vrrpd::config
