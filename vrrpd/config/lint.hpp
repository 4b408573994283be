// What only shows when the configurations of several hosts lie side by side: hosts that can never agree on who is
// MASTER, and settings that look as if they had an effect and have none.
//
// A pure function. Each file must be valid by itself; what is wrong inside one is found by load(). Instances of two
// files are the same virtual router when they share an address, or else VRID and family. What can never work (another
// VRID for the same address, another version or password, version 2 with another advert_int) is an error, everything
// else a warning. Files are taken to be of different hosts.
#pragma once

#include <span>
#include <string>

#include "vrrpd/config/config.hpp"
#include "vrrpd/config/problem.hpp"

namespace vrrpd::config {

struct HostConfig {
    std::string file;  ///< how problems name it
    Config config;
};

/// Every two hosts are compared. Each problem is in the file that comes first, and its text names the other.
Problems lint(std::span<const HostConfig> hosts);

}  // namespace vrrpd::config
