#include "vrrpd/launcher/start_child.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace vrrpd {
namespace {

constexpr char path_variable[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// From here on to the exec: nothing but system calls, on memory that was prepared before the clone.

// Without CAP_SETPCAP the bounding set cannot be reduced; there is then nothing in it that a set-uid program
// could not get for any other user too.
bool drop_bounding_set() {
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EPERM) return false;
    }
    return true;
}

// A change between two users that are not root leaves every set as it was, so they are cleared by name.
bool drop_capabilities(bool keep_own) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return false;
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
    if (keep_own && syscall(SYS_capget, &header, sets) != 0) return false;
    for (auto& set : sets) set.inheritable = 0;
    return syscall(SYS_capset, &header, sets) == 0;
}

bool become_user(const Credentials& credentials) {
    const bool same_user = credentials.user == Credentials{}.user || credentials.user == geteuid();
    const bool same_group = credentials.group == Credentials{}.group || credentials.group == getegid();
    const uid_t user = same_user ? geteuid() : credentials.user;
    if (!same_user && credentials.group == Credentials{}.group) {
        errno = EINVAL;  // another user with the daemon's groups is nobody's wish
        return false;
    }
    if (user != 0 && !drop_bounding_set()) return false;
    if (!same_user || !same_group) {
        if (setgroups(0, nullptr) != 0) return false;
        if (!same_group && setresgid(credentials.group, credentials.group, credentials.group) != 0) return false;
        if (!same_user && setresuid(user, user, user) != 0) return false;
    }
    return drop_capabilities(user == 0);
}

void default_signals() {
    for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
}

// After the change of user, which clears the request. The daemon may have died before it was made.
bool die_with(pid_t daemon) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return false;
    if (getppid() == daemon) return true;
    errno = ESRCH;
    return false;
}

// /dev/null is descriptor 1, the daemon's standard error descriptor 2.
bool connect_output(wire::Output output, int pipe) {
    switch (output) {
        case wire::Output::discarded:
            return dup2(STDOUT_FILENO, STDERR_FILENO) >= 0;
        case wire::Output::kept:
            return dup2(STDERR_FILENO, STDOUT_FILENO) >= 0;
        case wire::Output::last_line:
            return dup2(pipe, STDOUT_FILENO) >= 0 && dup2(pipe, STDERR_FILENO) >= 0;
    }
    return false;
}

// A program that uses select() writes beyond its fd_set with a descriptor from 1024 on, and some close as many as the
// limit says: ours is not for them.
void limit_descriptors(rlim_t soft) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = std::min(soft, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
}

bool prepare(const wire::Request& request, pid_t daemon, rlim_t descriptors, int output) {
    if (setpgid(0, 0) != 0) return false;
    default_signals();
    limit_descriptors(descriptors);
    if (!become_user(request.credentials) || !die_with(daemon)) return false;
    if (!connect_output(request.output, output)) return false;
    // Last: a signal that the daemon sent since the clone waits until here, and then does what it is for.
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

// Returns only if the program could not be executed, with errno set to the reason.
void execute(char* const* argv, char* const* environment) {
    // The working folder is the root, where a relative path may well lead somewhere.
    if (argv[0][0] == '/') {
        execve(argv[0], argv, environment);
    } else {
        errno = ENOENT;
    }
}

[[noreturn]] void run(const wire::Request& request, char* const* environment, pid_t daemon, rlim_t descriptors,
                      int output, int exec_error) {
    if (prepare(request, daemon, descriptors, output)) execute(request.argv.data(), environment);
    const int reason = errno;
    // A failing write leaves the exit code to tell the story.
    [[maybe_unused]] const ssize_t written = write(exec_error, &reason, sizeof reason);
    _exit(reason == ENOENT ? 127 : 126);
}

}  // namespace

tl::expected<StartedChild, int> start_child(const wire::Request& request, pid_t daemon, rlim_t descriptors) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return tl::make_unexpected(errno);
    Descriptor read_end(ends[0]);
    const Descriptor write_end(ends[1]);
    Descriptor output_read, output_write;
    if (request.output == wire::Output::last_line) {
        if (pipe2(ends, O_CLOEXEC) != 0) return tl::make_unexpected(errno);
        output_read = Descriptor(ends[0]);
        output_write = Descriptor(ends[1]);
        // Only our end: the program must not find that it cannot write.
        if (fcntl(output_read.get(), F_SETFL, O_NONBLOCK) != 0) return tl::make_unexpected(errno);
    }

    char path[sizeof path_variable];
    std::memcpy(path, path_variable, sizeof path);
    std::vector<char*> environment{path};
    environment.insert(environment.end(), request.environment.begin(), request.environment.end());
    environment.push_back(nullptr);

    // Not clone3: its flags are in memory, where no filter of system calls can look (RestrictNamespaces= forbids it).
    int process = -1;
    const long pid = syscall(SYS_clone, CLONE_PARENT | CLONE_PIDFD | SIGCHLD, nullptr, &process, nullptr, 0);
    if (pid < 0) return tl::make_unexpected(errno);
    if (pid == 0) run(request, environment.data(), daemon, descriptors, output_write.get(), write_end.get());
    return StartedChild{static_cast<pid_t>(pid), {Descriptor(process), std::move(read_end)}, std::move(output_read)};
}

}  // namespace vrrpd
