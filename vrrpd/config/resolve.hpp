// From drafts to the configuration: names become indices, and what follows from other keys (the family, the
// stop bound) is filled in.
//
// This is where a configuration meets the host that it is read on: users become credentials, programs
// absolute paths (so that nothing is looked up when a service is to start), and a password file is read.
#pragma once

#include "vrrpd/config/collect.hpp"
#include "vrrpd/config/config.hpp"

namespace vrrpd::config {

/// Instances, checks and services keep the order of their sections, so that draft and options have the same index.
Config resolve(const Drafts& drafts, Report& report);

}  // namespace vrrpd::config
