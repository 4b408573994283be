// vrrpctl: the command line, made of the table in command.hpp.
#include <exception>
#include <iostream>

#include <CLI/CLI.hpp>

#include "ctl/command.hpp"

namespace vrrpd::ctl {
namespace {

constexpr int unbounded = 1 << 29;  // what CLI11 counts to

// CLI11 keeps references to what it fills in: `arguments` must live until the command line is read.
void add_command(CLI::App& app, const Command& command, Arguments& arguments, const Command*& chosen) {
    CLI::App* const row = app.add_subcommand(command.name, command.help);
    if (command.most != 0) {
        row->add_option(command.operand, arguments.names)
            ->expected(command.least, command.most < 0 ? unbounded : command.most)
            ->required(command.least > 0);
    }
    if (command.has_json) row->add_flag("--json", arguments.json, "for programs: a line of JSON");
    row->callback([&command, &chosen] { chosen = &command; });
}

int run(int argc, char** argv) {
    CLI::App app("vrrpctl talks to the vrrpd of this host, and looks at its configuration.", "vrrpctl");
    Arguments arguments;
    const Command* chosen = nullptr;
    app.set_version_flag("--version", "vrrpctl " VRRPD_VERSION);
    app.add_option("--socket", arguments.socket, "control socket of the daemon")->capture_default_str();
    app.require_subcommand(0, 1);  // what is no command is then named in the error
    app.fallthrough();             // --socket may also come after the command
    for (const Command& command : commands()) add_command(app, command, arguments, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {
        return app.exit(asked);  // --help, --version
    } catch (const CLI::ParseError& error) {
        std::cerr << error.what() << " (vrrpctl --help says more)\n";
        return exit_usage;
    }
    if (chosen == nullptr) {
        std::cerr << "what to do? (vrrpctl --help lists the commands)\n";
        return exit_usage;
    }
    const int code = chosen->run(arguments, std::cout, std::cerr);
    std::cout.flush();
    return code;
}

}  // namespace
}  // namespace vrrpd::ctl

int main(int argc, char** argv) {
    try {
        return vrrpd::ctl::run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return vrrpd::ctl::exit_refused;
    }
}
