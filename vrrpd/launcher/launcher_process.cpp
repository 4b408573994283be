#include "vrrpd/launcher/launcher_process.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <deque>
#include <fcntl.h>
#include <memory>
#include <optional>
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
constexpr int retry_ms = 100;
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

// None without a socket of its own, or without the record: then the lease has to do.
std::unique_ptr<Guard> make_guard(const Descriptor& record) {
    try {
        auto reader = RecordReader::read(record);
        if (reader) return std::make_unique<Guard>(std::move(*reader));
    } catch (const std::system_error&) {
    }
    return nullptr;
}

// What it has said, a bounded part of it at a time: one that never stops must not keep the others waiting.
void listen_to(Running& child) {
    char buffer[16 * 1024];
    const ssize_t got = read(child.output.get(), buffer, sizeof buffer);
    if (got > 0) child.last_line.feed({buffer, static_cast<std::size_t>(got)});
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) child.output.reset();
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

// What the daemon has not taken yet. It may be stopped, and then nobody must wait for it: least of all the guard.
struct Outgoing {
    wire::Reply reply;
    std::optional<Running> child = {};  // that it tells of, which is looked after once it was told
    Descriptor exec_error = {};
};

class Process {
  public:
    Process(pid_t daemon, rlim_t descriptors);
    void serve();  // until the daemon is gone

  private:
    std::vector<pollfd> what_to_wait_for() const;
    bool receive();
    void start(const wire::Request& request);
    bool send_replies();
    void look_after(const std::vector<pollfd>& polled);
    void report_end(Running& child);
    int look_out();

    const pid_t daemon_;
    const rlim_t descriptors_;
    const Descriptor daemon_process_;
    // Its pages are touched only as far as requests reach.
    const std::unique_ptr<char[]> room_ = std::make_unique_for_overwrite<char[]>(wire::max_request);
    std::vector<Running> running_;
    std::deque<Outgoing> outgoing_;  // one start at most, since nobody is started meanwhile; and ends
    std::unique_ptr<Guard> guard_;
    Instant next_look_{};
};

Process::Process(pid_t daemon, rlim_t descriptors)
    : daemon_(daemon), descriptors_(descriptors), daemon_process_(pidfd_open(daemon, 0)) {}

void Process::serve() {
    for (bool connected = true; connected;) {
        std::vector<pollfd> polled = what_to_wait_for();
        const int timeout = look_out();
        if (poll(polled.data(), polled.size(), timeout) < 0) {
            // No memory, or more descriptors than the limit that somebody has set anew: the daemon matters most.
            polled.resize(1);
            if (poll(polled.data(), 1, retry_ms) < 0) continue;
        }
        if (polled[0].revents != 0 && outgoing_.empty()) connected = receive();
        if (!connected) break;
        look_after(polled);
        connected = send_replies();
    }
    for (const Running& child : running_) kill(-child.pid, SIGKILL);
    for (const Outgoing& one : outgoing_) {
        if (one.child) kill(-one.child->pid, SIGKILL);
    }
    close(kept_socket);
    if (guard_) stay_on_guard(*guard_, daemon_process_);
}

// The daemon, and each child with its output while that is open: poll() refuses more entries than descriptors are
// allowed.
std::vector<pollfd> Process::what_to_wait_for() const {
    std::vector<pollfd> polled{{kept_socket, static_cast<short>(outgoing_.empty() ? POLLIN : POLLOUT), 0}};
    for (const Running& child : running_) {
        polled.push_back({child.process.get(), POLLIN, 0});
        if (child.output) polled.push_back({child.output.get(), POLLIN, 0});
    }
    return polled;
}

// In milliseconds, how long the guard need not look again.
int Process::look_out() {
    if (!guard_) return -1;
    const Instant now = boot_time();
    if (next_look_ <= now) next_look_ = guard_->look(now);
    return until(next_look_);
}

// False: the daemon is gone.
bool Process::receive() {
    const std::span buffer(room_.get(), wire::max_request);
    Descriptor record;
    const ssize_t size = wire::receive_request(kept_socket, buffer, record);
    if (size <= 0) return size < 0 && errno == EINTR;
    if (size == wire::record_size) {
        guard_ = record ? make_guard(record) : nullptr;
        next_look_ = {};
        if (!guard_) outgoing_.push_back({{.id = wire::no_guard}});
        return true;
    }
    const auto request = wire::decode(buffer.first(static_cast<std::size_t>(size)));
    if (request) start(*request);
    return request.has_value();
}

void Process::start(const wire::Request& request) {
    auto child = start_child(request, daemon_, descriptors_);
    if (!child) {
        outgoing_.push_back({{.id = request.id, .error = child.error()}});
        return;
    }
    Running running{request.id,
                    child->pid,
                    std::move(child->descriptors.process),
                    std::move(child->output),
                    request.output == wire::Output::last_line,
                    {}};
    outgoing_.push_back(
        {{.id = request.id, .pid = child->pid}, std::move(running), std::move(child->descriptors.exec_error)});
}

// As many as the socket takes. A reply that cannot carry its descriptors (too many of them in flight) means that the
// daemon could not look after the child: it is killed, and the daemon, its parent, is told to reap it. False: the
// daemon is gone.
bool Process::send_replies() {
    while (!outgoing_.empty()) {
        auto& [reply, child, exec_error] = outgoing_.front();
        const int both[] = {child ? child->process.get() : -1, exec_error.get()};
        if (wire::send_reply(kept_socket, reply, child ? std::span(both) : std::span<const int>())) {
            if (child) running_.push_back(std::move(*child));
            outgoing_.pop_front();
        } else if (errno == EAGAIN || errno == EINTR) {
            break;
        } else if (child) {
            reply.error = errno;
            kill(child->pid, SIGKILL);
            child.reset();
        } else if (reply.ended) {
            outgoing_.pop_front();
        } else {
            return false;
        }
    }
    return true;
}

// The daemon reaps; whoever ended is only forgotten here.
void Process::look_after(const std::vector<pollfd>& polled) {
    std::vector<Running> still;
    std::size_t at = 1;
    // Whoever was started since stands at the end, and was not asked about.
    const auto was_ready = [&] { return at < polled.size() && polled[at++].revents != 0; };
    for (Running& child : running_) {
        const bool ended = was_ready();
        if (child.output && was_ready()) listen_to(child);
        if (!ended) {
            still.push_back(std::move(child));
        } else if (child.wants_output) {
            report_end(child);
        }
    }
    running_ = std::move(still);
}

// What is still in the pipe, which holds 64 KiB: whoever else has it open may go on writing.
void Process::report_end(Running& child) {
    for (int i = 0; i < 4 && child.output; ++i) listen_to(child);
    wire::Reply reply{.id = child.id, .ended = true};
    const std::string& text = child.last_line.text();
    reply.size = static_cast<std::uint32_t>(text.copy(reply.last_line.data(), reply.last_line.size()));
    outgoing_.push_back({reply});
}

}  // namespace

void run_launcher_process(int socket, pid_t daemon, rlim_t descriptors) {
    if (!settle(socket)) _exit(1);
    Process(daemon, descriptors).serve();
    _exit(0);
}

}  // namespace vrrpd
