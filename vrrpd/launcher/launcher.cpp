#include "vrrpd/launcher/launcher.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <system_error>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "vrrpd/launcher/launcher_process.hpp"
#include "vrrpd/launcher/pidfd.hpp"
#include "vrrpd/launcher/wire.hpp"

namespace vrrpd {
namespace {

constexpr std::size_t max_waiting_bytes = 1024 * 1024;
constexpr int replies_at_once = 32;  // then the loop may look at something else
constexpr rlim_t enough_descriptors = 64 << 10, usual_descriptors = 1024;
constexpr int patience_ms = 500;  // at destruction, with whatever was told to end

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

id_t wait_id(const Descriptor& process) {
    return static_cast<id_t>(process.get());
}

// The soft limit that was. Being refused more is no reason not to start.
rlim_t raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return usual_descriptors;
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = std::max(before, std::min(limit.rlim_max, enough_descriptors));
    setrlimit(RLIMIT_NOFILE, &limit);
    return before;
}

// Waits a moment for a process that was told to end.
void reap(const Descriptor& process) {
    pollfd ended{process.get(), POLLIN, 0};
    siginfo_t info{};
    if (poll(&ended, 1, patience_ms) > 0) waitid(P_PIDFD, wait_id(process), &info, WEXITED | WNOHANG);
}

ExitStatus exit_status(const siginfo_t& info, const Descriptor& exec_error) {
    int error = 0;
    if (read(exec_error.get(), &error, sizeof error) == static_cast<ssize_t>(sizeof error)) {
        return {ExitStatus::Kind::not_started, error};
    }
    return {info.si_code == CLD_EXITED ? ExitStatus::Kind::exited : ExitStatus::Kind::signalled, info.si_status};
}

}  // namespace

/// A command from its start to its reported end. The owner's Handle and the launcher share it.
struct Launcher::Job {
    std::uint64_t id = 0;
    std::function<void(ExitStatus)> ended;  // empty: nobody wants to know
    bool over = false;                      // reaped or refused: the pid means nothing any more
    pid_t pid = 0;                          // 0: not heard of yet
    std::uint64_t early_signals = 0;        // asked for before the pid was known, bit n - 1 for signal n
    wire::ChildDescriptors descriptors;
    std::unique_ptr<Watch> watch;

    bool abandoned() const { return !ended; }

    void signal(int number) {
        if (over || number < 1 || number > 64) return;
        if (pid == 0) {
            early_signals |= std::uint64_t{1} << (number - 1);
        } else {
            kill(-pid, number);
        }
    }

    void report(ExitStatus status) {
        over = true;
        if (const auto callback = std::exchange(ended, nullptr)) callback(status);
    }
};

class Launcher::Handle final : public Child {
  public:
    explicit Handle(JobPointer job) : job_(std::move(job)) {}
    ~Handle() override {
        job_->ended = nullptr;
        job_->signal(SIGKILL);
    }
    void signal(int number) override { job_->signal(number); }

  private:
    JobPointer job_;
};

LauncherProcess Launcher::fork_process() {
    // Ignored signals are inherited through exec, and an ignored SIGCHLD would let the kernel reap our children.
    std::signal(SIGCHLD, SIG_DFL);
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) fail("socket pair of the launcher");
    Descriptor ours(ends[0]);
    const Descriptor theirs(ends[1]);
    const pid_t daemon = getpid();
    const rlim_t descriptors = raise_descriptor_limit();
    // Blocked before the fork: a signal to the group must not find the new process unprepared.
    sigset_t all, previous;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &previous);
    const pid_t pid = fork();
    if (pid != 0) sigprocmask(SIG_SETMASK, &previous, nullptr);
    if (pid < 0) fail("fork of the launcher");
    if (pid == 0) run_launcher_process(theirs.get(), daemon, descriptors);
    Descriptor process(pidfd_open(pid, 0));
    if (!process) fail("pidfd of the launcher");
    return {std::move(ours), std::move(process)};
}

Launcher::Launcher(Loop& loop, LauncherProcess process, std::function<void()> died)
    : loop_(loop), process_(std::move(process)), died_(std::move(died)) {
    report_timer_ = loop_.timer([this] { report_refused(); });
    socket_watch_ = loop_.watch(process_.socket.get(), readable, [this](std::uint32_t ready) {
        if (ready & writable) send_waiting();
        if (ready & (readable | hang_up)) receive();
    });
}

Launcher::~Launcher() {
    socket_watch_.reset();
    listeners_.clear();
    no_guard_ = {};
    for (const auto& [id, job] : jobs_) job->signal(SIGKILL);
    // The launcher ends when it has answered what it was already asked.
    shutdown(process_.socket.get(), SHUT_WR);
    pollfd answer{process_.socket.get(), POLLIN, 0};
    while (poll(&answer, 1, patience_ms) > 0 && take_reply() != wire::Received::closed) {
    }
    // A guard ends by itself, when it has nothing left to look after.
    if (!guards_) pidfd_send_signal(process_.process.get(), SIGKILL, nullptr, 0);
    if (!stays_) reap(process_.process);
    for (const auto& [id, job] : jobs_) {
        if (job->pid != 0) reap(job->descriptors.process);
        job->watch.reset();
        job->over = true;
    }
    reap_lost();
}

bool Launcher::guard(int record) {
    record_ = Descriptor(fcntl(record, F_DUPFD_CLOEXEC, 0));
    guards_ = record_ && send_record();
    return guards_;
}

bool Launcher::send_record() {
    if (!record_) return true;
    const bool sent = wire::send_record(process_.socket.get(), record_.get());
    const bool later = !sent && errno == EAGAIN;
    if (!later) record_.reset();
    if (later && socket_watch_) socket_watch_->interest(readable | writable);
    return sent || later;
}

std::unique_ptr<Child> Launcher::start(const Command& command, std::function<void(ExitStatus)> ended) {
    auto job = std::make_shared<Job>();
    job->id = ++last_id_;
    job->ended = std::move(ended);
    auto message = wire::encode(job->id, command);
    if (!message) {
        refuse(job, message.error());
    } else if (!socket_watch_) {
        refuse(job, EPIPE);
    } else if (waiting_bytes_ + message->size() > max_waiting_bytes) {
        refuse(job, EAGAIN);
    } else {
        jobs_.emplace(job->id, job);
        if (command.on_last_line) listeners_.emplace(job->id, command.on_last_line);
        waiting_bytes_ += message->size();
        waiting_.push_back({job, std::move(*message)});
        send_waiting();
    }
    return std::make_unique<Handle>(std::move(job));
}

// Ends are reported from the loop only.
void Launcher::refuse(JobPointer job, int error) {
    jobs_.erase(job->id);
    listeners_.erase(job->id);
    refused_.push_back({std::move(job), error});
    report_timer_->arm(loop_.now());
}

void Launcher::report_refused() {
    for (const auto& [job, error] : std::exchange(refused_, {})) {
        job->report({ExitStatus::Kind::not_started, error});
    }
}

void Launcher::send_waiting() {
    send_record();
    while (!waiting_.empty() && socket_watch_) {
        const auto& [job, message] = waiting_.front();
        if (job->abandoned()) {
            jobs_.erase(job->id);
            listeners_.erase(job->id);
        } else if (send(process_.socket.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            if (errno == EAGAIN || errno == EINTR) break;
            refuse(job, errno);
        }
        waiting_bytes_ -= message.size();
        waiting_.pop_front();
    }
    if (socket_watch_) socket_watch_->interest(waiting_.empty() && !record_ ? readable : readable | writable);
}

void Launcher::receive() {
    reap_lost();
    for (int i = 0; i < replies_at_once && socket_watch_; ++i) {
        switch (take_reply()) {
            case wire::Received::reply:
                break;
            case wire::Received::nothing_yet:
                return;
            case wire::Received::closed:
                return process_died();
        }
    }
}

wire::Received Launcher::take_reply() {
    wire::Reply reply;
    wire::ChildDescriptors descriptors;
    const auto received = wire::receive_reply(process_.socket.get(), reply, descriptors);
    if (received == wire::Received::reply && reply.id == wire::no_guard) {
        guards_ = false;
        if (no_guard_) no_guard_();
        return received;
    }
    if (received == wire::Received::reply && reply.ended) {
        take_last_line(reply);
        return received;
    }
    const auto found = received == wire::Received::reply ? jobs_.find(reply.id) : jobs_.end();
    if (found == jobs_.end()) return received;
    const JobPointer job = found->second;
    if (descriptors.process) {
        job->pid = reply.pid;
        job->descriptors = std::move(descriptors);
        adopt(job);
    } else {
        if (reply.pid > 0) {
            // Nothing tells us of its end without a pidfd.
            kill(reply.pid, SIGKILL);
            lost_.push_back(reply.pid);
        }
        refuse(job, reply.error != 0 ? reply.error : EMFILE);
    }
    return received;
}

void Launcher::take_last_line(const wire::Reply& reply) {
    const auto listener = listeners_.extract(reply.id);
    if (listener && !reply.text().empty()) listener.mapped()(std::string(reply.text()));
}

void Launcher::adopt(const JobPointer& job) {
    // The child does the same before its exec; whoever comes first, from here on the group can be signalled.
    setpgid(job->pid, job->pid);
    job->watch =
        loop_.watch(job->descriptors.process.get(), readable, [this, id = job->id](std::uint32_t) { child_ended(id); });
    for (int number = 1; number <= 64; ++number) {
        if (job->early_signals >> (number - 1) & 1) job->signal(number);
    }
}

void Launcher::child_ended(std::uint64_t id) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return;
    const JobPointer job = found->second;
    kill(-job->pid, SIGKILL);
    siginfo_t info{};
    const int result = waitid(P_PIDFD, wait_id(job->descriptors.process), &info, WEXITED | WNOHANG);
    if (result == 0 && info.si_pid == 0) return;
    jobs_.erase(found);
    job->watch.reset();
    const ExitStatus status =
        result == 0 ? exit_status(info, job->descriptors.exec_error) : ExitStatus{ExitStatus::Kind::not_started, errno};
    job->descriptors = {};
    job->report(status);
}

void Launcher::process_died() {
    socket_watch_.reset();
    waiting_.clear();
    waiting_bytes_ = 0;
    listeners_.clear();
    std::vector<JobPointer> not_started;
    for (const auto& [id, job] : jobs_) {
        if (job->pid == 0) not_started.push_back(job);
    }
    for (const auto& job : not_started) jobs_.erase(job->id);
    for (const auto& job : not_started) job->report({ExitStatus::Kind::not_started, EPIPE});
    died_();
}

void Launcher::reap_lost() {
    std::erase_if(lost_, [](pid_t pid) {
        siginfo_t info{};
        return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) != 0 || info.si_pid == pid;
    });
}

}  // namespace vrrpd
