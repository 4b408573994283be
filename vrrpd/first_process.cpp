#include "vrrpd/first_process.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <unistd.h>

#include <sys/wait.h>

namespace vrrpd {
namespace {

// The daemon's status once it has ended, in the way of a shell; -1 before.
int reap_all(pid_t daemon) {
    int result = -1;
    int status = 0;
    for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == daemon) result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return result;
}

[[noreturn]] void serve_as_first(pid_t daemon, const sigset_t& awaited) {
    for (;;) {
        const int number = sigwaitinfo(&awaited, nullptr);
        if (number > 0 && number != SIGCHLD) kill(daemon, number);
        const int status = reap_all(daemon);
        if (status >= 0) _exit(status);
    }
}

}  // namespace

void leave_first_process() {
    if (getpid() != 1) return;
    sigset_t awaited, before;
    sigemptyset(&awaited);
    for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR2}) sigaddset(&awaited, number);
    std::signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, &awaited, &before);  // process 1 does not get a signal that it neither blocks nor handles
    const pid_t daemon = fork();
    if (daemon < 0) throw std::system_error(errno, std::generic_category(), "fork of the daemon");
    if (daemon > 0) serve_as_first(daemon, awaited);
    sigprocmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace vrrpd
