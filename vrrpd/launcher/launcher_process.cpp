#include "vrrpd/launcher/launcher_process.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <sched.h>
#include <span>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "vrrpd/guard/guard.hpp"
#include "vrrpd/guard/lock.hpp"
#include "vrrpd/launcher/pidfd.hpp"
#include "vrrpd/launcher/start_child.hpp"
#include "vrrpd/launcher/wire.hpp"

namespace vrrpd {
namespace {

struct Running {
    std::uint64_t id;
    pid_t pid;
    Descriptor process;
    Descriptor output;  // none: not wanted, or at its end
    bool wants_output;
    LastLine last_line;
};

constexpr int kept_socket = STDERR_FILENO + 1;
constexpr Duration shortest_succession = std::chrono::seconds(1);

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
        running.push_back({request.id,
                           child->pid,
                           std::move(child->descriptors.process),
                           std::move(child->output),
                           request.output == wire::Output::last_line,
                           {}});
        return true;
    }
    const int reason = errno;
    kill(child->pid, SIGKILL);
    return reason != EPIPE && wire::send_reply(kept_socket, {request.id, child->pid, reason}, {});
}

// Without a socket of its own the guard cannot work; then the lease has to do.
std::unique_ptr<Guard> make_guard(const Descriptor& record) {
    try {
        auto reader = RecordReader::read(record);
        if (reader) return std::make_unique<Guard>(std::move(*reader));
    } catch (const std::system_error&) {
    }
    return nullptr;
}

// False: the daemon is gone.
bool serve_one(std::span<char> buffer, pid_t daemon, std::vector<Running>& running, std::unique_ptr<Guard>& guard) {
    Descriptor record;
    const ssize_t size = wire::receive_request(kept_socket, buffer, record);
    if (size <= 0) return size < 0 && errno == EINTR;
    if (record) {
        guard = make_guard(record);
        return true;
    }
    const auto request = wire::decode({buffer.data(), static_cast<std::size_t>(size)});
    return request && answer(*request, start_child(*request, daemon), running);
}

// What it has said, a bounded part of it at a time: one that never stops must not keep the others waiting.
void listen_to(Running& child) {
    char buffer[16 * 1024];
    const ssize_t got = read(child.output.get(), buffer, sizeof buffer);
    if (got > 0) child.last_line.feed({buffer, static_cast<std::size_t>(got)});
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) child.output.reset();
}

// What is still in the pipe, which holds 64 KiB: whoever else has it open may go on writing.
void report_end(Running& child) {
    for (int i = 0; i < 4 && child.output; ++i) listen_to(child);
    wire::Reply reply{.id = child.id, .ended = true};
    const std::string& text = child.last_line.text();
    reply.size = static_cast<std::uint32_t>(text.copy(reply.last_line.data(), reply.last_line.size()));
    wire::send_reply(kept_socket, reply, {});
}

std::vector<pollfd> what_to_wait_for(const std::vector<Running>& running) {
    std::vector<pollfd> polled{{kept_socket, POLLIN, 0}};
    for (const Running& child : running) {
        polled.push_back({child.process.get(), POLLIN, 0});
        polled.push_back({child.output.get(), POLLIN, 0});  // a descriptor below 0 is left out
    }
    return polled;
}

// The daemon reaps; whoever ended is only forgotten here.
void look_after(std::vector<Running>& running, const std::vector<pollfd>& polled) {
    std::vector<Running> still;
    for (std::size_t i = 0; i < running.size(); ++i) {
        const std::size_t at = 1 + 2 * i;
        const bool is_new = at >= polled.size();
        if (!is_new && polled[at + 1].revents != 0) listen_to(running[i]);
        if (is_new || polled[at].revents == 0) {
            still.push_back(std::move(running[i]));
        } else if (running[i].wants_output) {
            report_end(running[i]);
        }
    }
    running = std::move(still);
}

// In milliseconds, for poll().
int until(Instant next) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - boot_time()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1000));
}

bool is_ready(int descriptor) {
    pollfd one{descriptor, POLLIN, 0};
    return poll(&one, 1, 0) > 0;
}

// The daemon is gone, or about to: what it held is watched until all of it is off, or a successor looks after it. The
// daemon's own lock lasts until its end, which comes a moment after that of its sockets. Who holds the lock only for a
// moment (vrrpd --release) is no successor.
void stay_on_guard(Guard& guard, const Descriptor& daemon) {
    Instant locked_since = never;
    bool ended = !daemon || is_ready(daemon.get());
    while (guard.has_duty()) {
        const bool locked = ended && is_locked();
        locked_since = locked ? std::min(locked_since, boot_time()) : never;
        if (locked && boot_time() - locked_since > shortest_succession) return;
        const Instant next = locked ? boot_time() + shortest_succession / 4 : guard.look(boot_time());
        pollfd end{daemon.get(), POLLIN, 0};
        if (poll(&end, ended ? 0 : 1, until(next)) > 0) ended = true;
    }
}

}  // namespace

void run_launcher_process(int socket, pid_t daemon) {
    if (!settle(socket)) _exit(1);
    const Descriptor daemon_process(pidfd_open(daemon, 0));
    // Its pages are touched only as far as requests reach.
    const auto room = std::make_unique_for_overwrite<char[]>(wire::max_request);
    const std::span buffer(room.get(), wire::max_request);
    std::vector<Running> running;
    std::unique_ptr<Guard> guard;
    for (bool connected = true; connected;) {
        std::vector<pollfd> polled = what_to_wait_for(running);
        const int timeout = guard && !is_ready(kept_socket) ? until(guard->look(boot_time())) : -1;
        if (poll(polled.data(), polled.size(), timeout) < 0) continue;
        if (polled[0].revents != 0) connected = serve_one(buffer, daemon, running, guard);
        if (connected) look_after(running, polled);
    }
    for (const auto& child : running) kill(-child.pid, SIGKILL);
    close(kept_socket);
    if (guard) stay_on_guard(*guard, daemon_process);
    _exit(0);
}

}  // namespace vrrpd
