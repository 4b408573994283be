// The other end of the daemon's control socket (vrrpd/io/control_server.hpp describes the lines).
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace vrrpd::ctl {

/// Nobody listens there, or whoever does went away, or does not speak our language; what() is for the user.
struct NotReachable : std::runtime_error {
    using runtime_error::runtime_error;
};

struct Request {
    std::string socket;
    std::string command;
    std::vector<std::string> names;
    bool may_last = false;  ///< the answer depends on a disk or a peer; otherwise fifteen seconds are enough
};

struct Reply {
    bool ok = false;
    std::string text;  ///< what was asked for, or in one sentence why not
};

/// One request on a connection of its own.
Reply ask(const Request& request);

/// The same, with each piece of the answer as it comes; the text of the result is empty, or the sentence why not.
Reply follow(const Request& request, const std::function<void(const std::string&)>& piece);

}  // namespace vrrpd::ctl
