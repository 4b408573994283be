// The command line of vrrpd(8).
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace vrrpd {

struct CommandLine {
    std::string file = "/etc/vrrpd/vrrpd.ini";
    bool check = false;
    std::vector<std::string> files_to_check;  ///< empty: `file`
    std::optional<int> exit_code;  ///< set: everything was said already (--help, --version, wrong usage)
};

CommandLine parse_command_line(int argc, char** argv);

}  // namespace vrrpd
