// What a keepalived.conf asks for, as an INI of vrrpd.
//
// The meaning stays: where the two have different defaults (version, announcements, fall and rise of checks, who
// scripts run as) keepalived's is written out. What has no counterpart is a comment, and a remark that says what is
// lost; what has none because it is always so here is a comment only. A pure function, but for the names in Host.
#pragma once

#include <string>
#include <vector>

#include "ctl/import/tree.hpp"

namespace vrrpd::keepalived {

/// What keepalived would find on the host.
struct Host {
    bool has_script_user = false;  ///< a user keepalived_script, who scripts run as by default
};

struct Translation {
    std::string ini;
    std::vector<Remark> lost;  ///< in the order of the INI
};

/// Of a tree that is not broken.
Translation translate(const Tree& tree, const Host& host);

}  // namespace vrrpd::keepalived
