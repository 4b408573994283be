// Rules of sync groups: who can be a member, and members that two hosts could divide between them (conformance S06).
#pragma once

#include "vrrpd/config/collect.hpp"
#include "vrrpd/config/config.hpp"

namespace vrrpd::config {

/// All groups. A member that does not exist has been reported by resolve().
void check_groups(const Drafts& drafts, const Config& config, Report& report);

}  // namespace vrrpd::config
