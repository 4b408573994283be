#include "vrrpd/launcher/launcher_process.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <sched.h>
#include <span>
#include <unistd.h>
#include <vector>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "vrrpd/launcher/start_child.hpp"
#include "vrrpd/launcher/wire.hpp"

namespace vrrpd {
namespace {

struct Running {
    pid_t pid;
    Descriptor process;
};

constexpr int kept_socket = STDERR_FILENO + 1;

// All that children inherit unchanged is set here once. False: better no launcher than one that lets things through.
bool settle(int socket) {
    const sched_param no_priority{};
    const rlimit none{0, 0};
    const rlimit little_locked{64 << 10, 64 << 10};
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    umask(022);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0 ||
        sched_setscheduler(0, SCHED_OTHER, &no_priority) != 0 || setrlimit(RLIMIT_CORE, &none) != 0 ||
        setrlimit(RLIMIT_RTPRIO, &none) != 0 || setrlimit(RLIMIT_NICE, &none) != 0 ||
        setrlimit(RLIMIT_MEMLOCK, &little_locked) != 0 || chdir("/") != 0) {
        return false;
    }
    if (socket != kept_socket && dup3(socket, kept_socket, O_CLOEXEC) < 0) return false;
    prctl(PR_SET_NAME, "vrrpd-launcher", 0, 0, 0);
    return close_range(kept_socket + 1, ~0u, 0) == 0;
}

// A reply that cannot carry its descriptors (too many of them in flight) means that the daemon could not look
// after the child: it is killed, and the daemon, its parent, is told to reap it.
bool answer(const wire::Request& request, tl::expected<StartedChild, int> child, std::vector<Running>& running) {
    if (!child) return wire::send_reply(kept_socket, {request.id, 0, child.error()}, {});
    const int descriptors[] = {child->descriptors.process.get(), child->descriptors.exec_error.get()};
    if (wire::send_reply(kept_socket, {request.id, child->pid, 0}, descriptors)) {
        running.push_back({child->pid, std::move(child->descriptors.process)});
        return true;
    }
    const int reason = errno;
    kill(child->pid, SIGKILL);
    return reason != EPIPE && wire::send_reply(kept_socket, {request.id, child->pid, reason}, {});
}

// False: the daemon is gone.
bool serve_one(std::span<char> buffer, pid_t daemon, std::vector<Running>& running) {
    const ssize_t size = recv(kept_socket, buffer.data(), buffer.size(), 0);
    if (size <= 0) return size < 0 && errno == EINTR;
    const auto request = wire::decode({buffer.data(), static_cast<std::size_t>(size)});
    return request && answer(*request, start_child(*request, daemon), running);
}

// The daemon reaps; whoever ended is only forgotten here.
void forget_ended(std::vector<Running>& running, const std::vector<pollfd>& polled) {
    std::vector<Running> still;
    for (std::size_t i = 0; i < running.size(); ++i) {
        if (i + 1 >= polled.size() || polled[i + 1].revents == 0) still.push_back(std::move(running[i]));
    }
    running = std::move(still);
}

}  // namespace

void run_launcher_process(int socket, pid_t daemon) {
    if (!settle(socket)) _exit(1);
    // Its pages are touched only as far as requests reach.
    const auto room = std::make_unique_for_overwrite<char[]>(wire::max_request);
    const std::span buffer(room.get(), wire::max_request);
    std::vector<Running> running;
    for (bool connected = true; connected;) {
        std::vector<pollfd> polled{{kept_socket, POLLIN, 0}};
        for (const auto& child : running) polled.push_back({child.process.get(), POLLIN, 0});
        if (poll(polled.data(), polled.size(), -1) < 0) continue;
        if (polled[0].revents != 0) connected = serve_one(buffer, daemon, running);
        if (connected) forget_ended(running, polled);
    }
    for (const auto& child : running) kill(-child.pid, SIGKILL);
    _exit(0);
}

}  // namespace vrrpd
