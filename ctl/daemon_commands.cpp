#include "ctl/daemon_commands.hpp"

#include <optional>
#include <ostream>
#include <sstream>
#include <string>

#include "ctl/client.hpp"
#include "ctl/status_view.hpp"
#include "ctl/terminal.hpp"

namespace vrrpd::ctl {
namespace {

Request request(const Arguments& arguments, const char* command, bool may_last = false) {
    return {arguments.socket, command, arguments.names, may_last};
}

// Of a reply that is not what was hoped for: its sentence and its exit code.
template <typename Use>
int with_reply(const Request& request, std::ostream& err, Use use) {
    try {
        const Reply reply = ask(request);
        if (reply.ok) return use(reply.text);
        err << reply.text << '\n';
        return exit_refused;
    } catch (const NotReachable& problem) {
        err << problem.what() << '\n';
        return exit_no_daemon;
    }
}

int print(const Request& request, std::ostream& out, std::ostream& err) {
    return with_reply(request, err, [&](const std::string& text) {
        out << text;
        return exit_done;
    });
}

int print_status(const Arguments& arguments, const Paper& paper, std::string& text, std::ostream& err) {
    return with_reply(request(arguments, "status"), err, [&](const std::string& json) -> int {
        const auto rendered = render_status(json, paper, !arguments.names.empty());
        if (!rendered) {
            err << "the daemon is of another version: try --json\n";
            return exit_refused;
        }
        text = arguments.json ? json : rendered->text;
        return rendered->healthy ? exit_done : exit_refused;
    });
}

}  // namespace

int status(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    std::string text;
    const int code = print_status(arguments, paper_for(out), text, err);
    out << text;
    return code;
}

// An instance at fault is no reason to look away, nor is a daemon that is being restarted.
int watch(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    bool seen = false;
    return redraw(out, [&](std::string& text) -> int {
        std::ostringstream problem;
        const int code = print_status(arguments, paper_for(out), text, problem);
        if (!text.empty()) {
            seen = true;
            return exit_done;
        }
        if (!seen || code != exit_no_daemon) {
            err << problem.str();
            return code;
        }
        text = problem.str();
        return exit_done;
    });
}

int events(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    try {
        const Reply reply =
            follow(request(arguments, "events", true), [&](const std::string& lines) { out << lines << std::flush; });
        err << reply.text << '\n';
        return exit_refused;
    } catch (const NotReachable& problem) {
        err << problem.what() << '\n';
        return exit_no_daemon;
    }
}

int history(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    if (arguments.json) return print(request(arguments, "history"), out, err);
    return with_reply(request(arguments, "history"), err, [&](const std::string& lines) {
        out << render_history(lines, paper_for(out));
        return exit_done;
    });
}

int failover(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    return print(request(arguments, "failover", true), out, err);
}

int drain(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    return print(request(arguments, "drain", true), out, err);
}

int resume(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    return print(request(arguments, "resume", true), out, err);
}

// What is refused is the file.
int reload(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    const int code = print(request(arguments, "reload", true), out, err);
    return code == exit_refused ? exit_usage : code;
}

int metrics(const Arguments& arguments, std::ostream& out, std::ostream& err) {
    return print(request(arguments, "metrics"), out, err);
}

}  // namespace vrrpd::ctl
