// What a hook is started with: its own arguments, keepalived's four behind them, and the environment, so that a script
// written for keepalived runs as it is.
#pragma once

#include <string>
#include <vector>

#include "vrrpd/core/events.hpp"
#include "vrrpd/launcher/child.hpp"

namespace vrrpd::hooks {

/// Whose hooks they are.
struct Owner {
    std::string kind;  ///< "INSTANCE" or "GROUP"
    std::string name;
    std::vector<IpAddress> addresses;  ///< virtual ones
};

/// The hooks that a wish means, in their order: of a state its own and then the one for all. Only those that exist.
std::vector<Hook> meant_by(const RunHook& wish, const Hooks& hooks);

/// The state as keepalived's scripts know it: "MASTER", "BACKUP", "FAULT", "STOP".
const char* state_word(Role role);

/// Argv and environment of one of them. A group has no priority: 0.
Command call(const Owner& owner, const RunHook& wish, const std::vector<std::string>& argv,
             const Credentials& credentials);

}  // namespace vrrpd::hooks
