// The command line of vrrpd: what `vrrpd --help` shows.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace vrrpd {

struct CommandLine {
    std::string file = "/etc/vrrpd/vrrpd.ini";
    bool check = false;
    bool release = false;
    std::vector<std::string> files_to_check;  ///< never empty: `file` if none was named
    std::optional<int> exit_code;             ///< set: everything was said already (--help, --version, wrong usage)
};

CommandLine parse_command_line(int argc, char** argv);

}  // namespace vrrpd
