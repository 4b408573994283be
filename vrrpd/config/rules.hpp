// What several keys or several sections must agree on, and what is allowed but probably not meant.
//
// What cannot work is an error; what works, but not as somebody would expect who wrote it, is a warning.
// Every rule is a function of its own: first those of one section, then those between sections. What relates the
// addresses and interfaces that adverts use is in path_rules.hpp, sync groups are in group_rules.hpp.
#pragma once

#include "vrrpd/config/collect.hpp"
#include "vrrpd/config/config.hpp"

namespace vrrpd::config {

/// `config` is what resolve() made of `drafts`. A key that is already known to be wrong is not judged again.
void check_rules(const Drafts& drafts, const Config& config, Report& report);

}  // namespace vrrpd::config
