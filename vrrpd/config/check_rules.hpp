// What the keys of one [check NAME] must agree on, and how instances may use it.
#pragma once

#include "vrrpd/config/collect.hpp"
#include "vrrpd/config/config.hpp"

namespace vrrpd::config {

/// Keys that the type needs, keys that it would ignore, and its times.
void check_check(const Draft& draft, const health::CheckOptions& check, Report& report);

/// What a check can tell and its users do not look at, or would make too much of.
void check_uses_of_checks(const Drafts& drafts, const Config& config, Report& report);

}  // namespace vrrpd::config
