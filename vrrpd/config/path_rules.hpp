// Rules of the path that adverts take: interface, source, peers or group, and what tells instances apart there.
//
// An instance is unicast as soon as a unicast_peer is meant, even a misspelt one: never does it fall back to
// multicast (conformance V05).
#pragma once

#include "vrrpd/config/collect.hpp"
#include "vrrpd/config/config.hpp"

namespace vrrpd::config {

/// What one instance can get wrong by itself.
void check_path(const Draft& draft, const InstanceOptions& options, Report& report);

/// The VRID tells instances apart on one interface, for each family; unicast instances also their peers.
void check_router_ids(const Drafts& drafts, const Config& config, Report& report);

}  // namespace vrrpd::config
