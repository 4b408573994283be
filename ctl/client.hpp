// The other end of the daemon's control socket (vrrpd/io/control_server.hpp describes the lines).
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace vrrpd::ctl {

/// Nobody listens there, or whoever does went away, or does not speak our language; what() is for the user.
struct NotReachable : std::runtime_error {
    using runtime_error::runtime_error;
};

struct Reply {
    bool ok = false;
    std::string text;  ///< what was asked for, or in one sentence why not
};

/// One request on a connection of its own. Waits for at most fifteen seconds.
Reply ask(const std::string& socket, const std::string& command, const std::vector<std::string>& names);

}  // namespace vrrpd::ctl
