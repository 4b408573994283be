// From drafts to the configuration: names become indices, users credentials, programs absolute paths, and
// what follows from other keys (the family, the stop bound) is filled in.
#pragma once

#include "vrrpd/config/collect.hpp"
#include "vrrpd/config/config.hpp"

namespace vrrpd::config {

/// Instances, checks and services keep the order of their sections, so that draft and options have the same
/// index.
Config resolve(const Drafts& drafts, Report& report);

}  // namespace vrrpd::config
