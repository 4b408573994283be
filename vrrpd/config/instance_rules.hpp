// The rules that one instance can break by itself.
#pragma once

#include "vrrpd/config/draft.hpp"

namespace vrrpd::config {

/// `options` is what the draft of a `[vrrp_instance NAME]` was resolved to.
void check_instance(const Draft& draft, const InstanceOptions& options, Report& report);

}  // namespace vrrpd::config
