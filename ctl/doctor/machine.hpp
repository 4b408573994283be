// What /proc, /sys and /run say of this host that breaks VRRP, or lets somebody else take the addresses away.
#pragma once

#include <string>

#include "ctl/doctor/finding.hpp"
#include "ctl/doctor/nics.hpp"
#include "vrrpd/config/config.hpp"

namespace vrrpd::doctor {

/// `root` stands before every path; a test gives a folder of its own.
Findings look_at_machine(const config::Config& config, const Nics& nics, const std::string& root);

}  // namespace vrrpd::doctor
