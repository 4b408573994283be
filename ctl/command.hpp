// What `vrrpctl` can do, as a table: main.cpp makes the command line and the usage texts of it, and nothing else knows
// how options are written.
//
// A command is a function of its arguments and two streams. What it was asked for goes to `out`, an error to `err`, one
// line each without a prefix; it returns one of the exit codes below and never throws for what a user can cause.
#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <vector>

namespace vrrpd::ctl {

enum ExitCode : int {
    exit_done = 0,
    exit_refused = 1,  ///< the daemon said no, or what was looked at is unhealthy
    exit_usage = 2,    ///< wrong usage or configuration
    exit_no_daemon = 3,
};

struct Arguments {
    std::string socket = "/run/vrrpd/control";  ///< of the daemon
    std::vector<std::string> names;             ///< as many as the command's row allows
    bool json = false;                          ///< only where the command's row has it
};

struct Command {
    const char* name;
    const char* operand;  ///< for the usage text: "NAME", "FILE"; empty: takes none
    int least, most;      ///< operands; a `most` of -1: no bound
    bool has_json;
    const char* help;
    int (*run)(const Arguments& arguments, std::ostream& out, std::ostream& err);
};

/// In the order of the usage text.
std::span<const Command> commands();

}  // namespace vrrpd::ctl
