// The daemon's side of the launcher: starts children without ever waiting, and looks after them until they are reaped.
//
// Why a second process: see child.hpp. How a child comes about: start() sends a request over the pair (or
// queues it while the pair is full), the launcher process clones the child with CLONE_PARENT and sends back a
// pidfd. The daemon is therefore the parent: it waits for its children itself, and they are killed when its
// main thread ends.
//
// The order at a child's end matters: first SIGKILL to what is left of its process group, then waitid. As
// long as the leader is a zombie its number cannot be given to somebody else, so the signal can only hit the
// right group. A process that leaves the group (setsid) leaves our sight; systemd's control group is the net for those.
//
// The daemon must not ignore SIGCHLD, nor wait for children that it does not know: ends would be lost.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "vrrpd/launcher/child.hpp"
#include "vrrpd/launcher/wire.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

/// The forked helper, before an event loop looks after it.
struct LauncherProcess {
    Descriptor socket;
    Descriptor process;  ///< pidfd
};

/// Starts commands through the launcher process. Not to be destroyed from within one of its callbacks.
class Launcher final : public ChildStarter {
  public:
    /// Forks the launcher process. Call it from the main thread at the very start: before any other thread,
    /// before real-time scheduling and mlockall. Gives SIGCHLD its default meaning. Raises the soft limit of
    /// descriptors of both processes as far as it may, up to 64 Ki: a child costs each of them two. Children get back
    /// the one that was. Throws std::system_error.
    static LauncherProcess fork_process();

    /// `died` is called once, from the loop, if the launcher process ends by itself. Commands that were not
    /// yet started then have been reported as not started; running children go on and are still reaped. A
    /// child whose start was under way may run unknown to us until the daemon ends, which it should do then.
    Launcher(Loop& loop, LauncherProcess process, std::function<void()> died);
    /// Kills and reaps all children and the launcher process, waiting a moment for them.
    ~Launcher() override;
    Launcher(const Launcher&) = delete;
    Launcher& operator=(const Launcher&) = delete;

    /// Makes the launcher process the guard of what the runtime record says, be it another one than before. False with
    /// errno set when it failed; that the process is busy is no failure: it gets the latest record when it can.
    bool guard(int record);
    /// Who hears, from the loop, that it could not become the guard.
    void on_no_guard(std::function<void()> told) { no_guard_ = std::move(told); }

    /// From now on the launcher process has a duty as guard, and does not end with this object.
    void leave_on_guard() { stays_ = true; }

    /// As ChildStarter says. Ends with not_started and E2BIG for more than 64 KiB of arguments and
    /// environment, EINVAL for no program, EAGAIN for more than 1 MiB of waiting requests, EPIPE without a
    /// launcher process, and otherwise with what the kernel said of clone and execve.
    [[nodiscard]] std::unique_ptr<Child> start(const Command& command, std::function<void(ExitStatus)> ended) override;

  private:
    struct Job;
    class Handle;
    using JobPointer = std::shared_ptr<Job>;
    struct Waiting {
        JobPointer job;
        std::vector<char> message;
    };
    struct Refused {
        JobPointer job;
        int error;
    };

    void refuse(JobPointer job, int error);
    void report_refused();
    bool send_record();
    void send_waiting();
    void receive();
    wire::Received take_reply();
    void take_last_line(const wire::Reply& reply);
    void adopt(const JobPointer& job);
    void child_ended(std::uint64_t id);
    void process_died();
    void reap_lost();

    Loop& loop_;
    LauncherProcess process_;
    std::function<void()> died_;
    std::function<void()> no_guard_;
    std::unordered_map<std::uint64_t, JobPointer> jobs_;  // all that were accepted and have not ended
    std::deque<Waiting> waiting_;                         // not yet taken by the socket
    std::size_t waiting_bytes_ = 0;
    std::unordered_map<std::uint64_t, std::function<void(const std::string&)>> listeners_;  // for a last line
    std::vector<Refused> refused_;  // to be reported from the loop
    std::vector<pid_t> lost_;       // killed children whose pidfd did not reach us
    std::uint64_t last_id_ = 0;
    Descriptor record_;  // for the guard, not sent yet
    bool guards_ = false, stays_ = false;
    std::unique_ptr<Timer> report_timer_;
    std::unique_ptr<Watch> socket_watch_;  // none: the launcher process is gone
};

}  // namespace vrrpd
