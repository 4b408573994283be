// What the doctor has to say: one thing that breaks VRRP on this host or LAN, or may.
#pragma once

#include <string>
#include <vector>

namespace vrrpd::doctor {

struct Finding {
    bool is_problem = true;  ///< false: a hint, for what only may go wrong
    std::string text;        ///< what is found, what it does, and the remedy; one line
};

using Findings = std::vector<Finding>;

}  // namespace vrrpd::doctor
