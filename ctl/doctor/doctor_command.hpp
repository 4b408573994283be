// `vrrpctl doctor [FILE]`: looks for what breaks VRRP on this host and LAN. Needs no daemon, and root for most of it.
#pragma once

#include <iosfwd>
#include <string>

namespace vrrpd::doctor {

/// A line for each finding goes to `out`. Returns 0: no problem, perhaps hints; 1: problems; 2: the configuration
/// cannot be used.
int examine(const std::string& file, std::ostream& out, std::ostream& err);

}  // namespace vrrpd::doctor
