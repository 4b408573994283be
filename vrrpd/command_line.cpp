#include "vrrpd/command_line.hpp"

#include <CLI/CLI.hpp>

namespace vrrpd {

CommandLine parse_command_line(int argc, char** argv) {
    constexpr int wrong_usage = 2;
    CommandLine line;
    CLI::App app("vrrpd keeps virtual IP addresses alive on two or more hosts (VRRP).", "vrrpd");
    app.set_version_flag("--version", "vrrpd " VRRPD_VERSION);
    app.add_option("-c,--config", line.file, "configuration file")->capture_default_str();
    app.add_flag("--check", line.check,
                 "check the configuration and leave: 0 valid, 1 valid with warnings, 2 not valid");
    app.add_flag("--release", line.release,
                 "remove what a daemon left behind on the interfaces, but for what a restart will adopt, and leave")
        ->excludes("--check");
    app.add_option("FILE", line.files_to_check, "with --check: the files to check");
    try {
        app.parse(argc, argv);
        if (!line.files_to_check.empty() && !line.check) {
            throw CLI::ExtrasError({"FILE is for --check; name the configuration with -c FILE"});
        }
    } catch (const CLI::ParseError& error) {
        line.exit_code = app.exit(error) == 0 ? 0 : wrong_usage;
    }
    if (line.files_to_check.empty()) line.files_to_check = {line.file};
    return line;
}

}  // namespace vrrpd
