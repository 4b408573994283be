#include "ctl/daemon_commands.hpp"

#include <ostream>

#include "ctl/client.hpp"

namespace vrrpd::ctl {
namespace {

// Asks, prints what comes back, and makes an exit code of it.
int relay(const Arguments& arguments, const char* command, std::ostream& out, std::ostream& err) {
    try {
        const Reply reply = ask(arguments.socket, command, arguments.names);
        (reply.ok ? out << reply.text : err << reply.text << '\n');
        return reply.ok ? exit_done : exit_refused;
    } catch (const NotReachable& problem) {
        err << problem.what() << '\n';
        return exit_no_daemon;
    }
}

}  // namespace

int metrics(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    return relay(arguments, "metrics", out, err);
}

}  // namespace vrrpd::ctl
