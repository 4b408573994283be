// The launcher with real processes. The loop is the test's own, turned by hand, so each test waits for
// exactly the event that it is about; `SdEventLoop` gets one test of its own.
#include "vrrpd/launcher/launcher.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <optional>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <sstream>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/support/fake_loop.hpp"
#include "vrrpd/launcher/pidfd.hpp"
#include "vrrpd/launcher/wire.hpp"
#include "vrrpd/loop/sd_event_loop.hpp"

namespace vrrpd::launcher_test {
namespace {

using Kind = ExitStatus::Kind;

Command shell(const std::string& script) {
    return {.argv = {"/bin/sh", "-c", script}};
}

// True once the process is gone or a zombie.
bool ends(const Descriptor& process, int limit_ms = 10000) {
    pollfd poll_process{process.get(), POLLIN, 0};
    return poll(&poll_process, 1, limit_ms) > 0;
}

// The processes whose parent is this one, by /proc: pid -> command name.
std::map<pid_t, std::string> own_children() {
    std::map<pid_t, std::string> children;
    std::ifstream list("/proc/self/task/" + std::to_string(getpid()) + "/children");
    for (pid_t pid; list >> pid;) {
        std::ifstream name("/proc/" + std::to_string(pid) + "/comm");
        std::getline(name, children[pid]);
    }
    return children;
}

// A folder with a pipe in it, through which scripts of any user tell the test what they see.
class LauncherTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/launcher_test.XXXXXX";
        ASSERT_NE(mkdtemp(name), nullptr);
        folder_ = name;
        chmod(name, 0755);
        pipe_path_ = folder_ + "/pipe";
        ASSERT_EQ(mkfifo(pipe_path_.c_str(), 0600), 0);
        chmod(pipe_path_.c_str(), 0666);
        pipe_ = Descriptor(open(pipe_path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
        ASSERT_TRUE(pipe_);
        go_path_ = folder_ + "/go";
        ASSERT_EQ(mkfifo(go_path_.c_str(), 0600), 0);
        go_ = Descriptor(open(go_path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
        start_launcher();
    }
    void TearDown() override {
        launcher_.reset();
        EXPECT_TRUE(own_children().empty()) << "something was left behind, first: " << own_children().begin()->second;
        unlink(pipe_path_.c_str());
        unlink(go_path_.c_str());
        unlink((folder_ + "/program").c_str());
        rmdir(folder_.c_str());
    }

    void start_launcher() {
        LauncherProcess process = Launcher::fork_process();
        launcher_process_ = Descriptor(dup(process.process.get()));
        launcher_.emplace(loop_, std::move(process), [this] { ++died_; });
    }

    std::unique_ptr<Child> start(const Command& command) {
        return launcher_->start(command, [this](ExitStatus status) { ends_.push_back(status); });
    }

    // Turns the loop until `done`; false if nothing happens for long.
    template <typename Condition>
    [[nodiscard]] bool until(Condition done) {
        while (!done()) {
            loop_.advance(Duration::zero());
            if (!done() && !loop_.poll_once(std::chrono::seconds(20))) return false;
        }
        return true;
    }

    ExitStatus end_of(const Command& command) {
        const auto child = start(command);
        EXPECT_TRUE(until([this] { return !ends_.empty(); }));
        if (ends_.empty()) return {};
        const ExitStatus status = ends_.back();
        ends_.clear();
        return status;
    }

    // One line from the pipe.
    std::string line() {
        std::string text;
        const auto watch = loop_.watch(pipe_.get(), readable, [&](std::uint32_t) {
            char character;
            while (read(pipe_.get(), &character, 1) == 1 && character != '\n') text += character;
            text += '\n';
        });
        EXPECT_TRUE(until([&] { return !text.empty() && text.back() == '\n'; }));
        if (!text.empty()) text.pop_back();
        return text;
    }

    std::string told(const std::string& script, const Credentials& credentials = {}) {
        Command command = shell("exec >" + pipe_path_ + "; " + script);
        command.credentials = credentials;
        const auto child = launcher_->start(command, [](ExitStatus) {});
        return line();
    }

    test::FakeLoop loop_;
    std::string folder_;
    std::string pipe_path_;
    Descriptor pipe_;
    std::string go_path_;  // the other way: a script waits for a line
    Descriptor go_;
    Descriptor launcher_process_;
    std::optional<Launcher> launcher_;
    std::vector<ExitStatus> ends_;
    int died_ = 0;
};

TEST_F(LauncherTest, TellsHowACommandEnded) {
    EXPECT_EQ(end_of(shell("exit 0")), (ExitStatus{Kind::exited, 0}));
    EXPECT_EQ(end_of(shell("exit 3")), (ExitStatus{Kind::exited, 3}));
    EXPECT_EQ(end_of(shell("exit 127")), (ExitStatus{Kind::exited, 127}));
    EXPECT_EQ(end_of(shell("kill -USR1 $$")), (ExitStatus{Kind::signalled, SIGUSR1}));
}

TEST_F(LauncherTest, SaysWhyACommandCouldNotBeStarted) {
    EXPECT_EQ(end_of({.argv = {folder_ + "/program"}}), (ExitStatus{Kind::not_started, ENOENT}));
    for (const char* relative : {"true", "bin/true", "./bin/true"}) {
        EXPECT_EQ(end_of({.argv = {relative}}), (ExitStatus{Kind::not_started, ENOENT})) << relative;
    }
    std::ofstream(folder_ + "/program") << "#!/bin/sh\n";
    EXPECT_EQ(end_of({.argv = {folder_ + "/program"}}), (ExitStatus{Kind::not_started, EACCES}));
    EXPECT_EQ(end_of({}), (ExitStatus{Kind::not_started, EINVAL}));
    EXPECT_EQ(end_of({.argv = {"/bin/true", std::string("a\0b", 3)}}), (ExitStatus{Kind::not_started, EINVAL}));
    EXPECT_EQ(end_of({.argv = {"/bin/true", std::string(64 * 1024, 'x')}}), (ExitStatus{Kind::not_started, E2BIG}));
    EXPECT_EQ(end_of({.argv = {"/bin/true", std::string(60 * 1024, 'x')}}), (ExitStatus{Kind::exited, 0}));
}

TEST_F(LauncherTest, WordsForPeople) {
    EXPECT_EQ((ExitStatus{Kind::exited, 3}).to_string(), "exit code 3");
    EXPECT_EQ((ExitStatus{Kind::signalled, 9}).to_string(), "killed by signal 9");
    EXPECT_EQ((ExitStatus{Kind::not_started, ENOENT}).to_string(), "could not be started: No such file or directory");
}

TEST_F(LauncherTest, GivesAProgramItsArgumentsAndEnvironment) {
    Command command = shell("echo \"$1|$A|$PATH|$(pwd)|$(umask)|$(ulimit -c)\" >" + pipe_path_);
    command.argv.insert(command.argv.end(), {"sh", "one two"});
    command.environment = {"A=b c"};
    const auto child = start(command);
    EXPECT_EQ(line(), "one two|b c|/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin|/|0022|0");
}

TEST_F(LauncherTest, AChildIsOursAndStartsClean) {
    EXPECT_EQ(told("echo $PPID"), std::to_string(getpid()));
    EXPECT_EQ(told("exec sed -n '/^SigBlk/s/.*\t//p' /proc/self/status"), "0000000000000000");
    EXPECT_EQ(told("exec sed -n '/^SigIgn/s/.*\t//p' /proc/self/status"), "0000000000000000");
    EXPECT_EQ(told("set -- $(cat /proc/$$/stat); echo $(($5 - $$))"), "0");
    EXPECT_EQ(told("readlink /proc/$$/fd/0"), "/dev/null");
    // 0, 1, 2 and what ls opens itself.
    EXPECT_EQ(told("exec ls -x -w 0 /proc/self/fd"), "0  1  2  3");
}

TEST_F(LauncherTest, KeptOutputGoesToStandardErrorOfTheDaemon) {
    launcher_.reset();
    const Descriptor saved(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
    dup2(pipe_.get(), STDERR_FILENO);
    start_launcher();
    dup2(saved.get(), STDERR_FILENO);
    Command command = shell("echo out; echo err >&2");
    EXPECT_EQ(end_of(command), (ExitStatus{Kind::exited, 0}));
    command.keep_output = true;
    const auto child = start(command);
    EXPECT_EQ(line(), "out");
    EXPECT_EQ(line(), "err");
    char more;
    EXPECT_EQ(read(pipe_.get(), &more, 1), -1) << "the first run was to be silent";
}

TEST_F(LauncherTest, TheLastLineComesBackHoweverMuchIsSaid) {
    std::vector<std::string> lines;
    const auto last_line_of = [&](const std::string& script) {
        lines.clear();
        Command command = shell(script);
        command.on_last_line = [&](const std::string& line) { lines.push_back(line); };
        ends_.clear();
        const auto child = start(command);
        EXPECT_TRUE(until([&] { return !ends_.empty() && !lines.empty(); })) << script;
        return lines.empty() ? "" : lines.front();
    };
    EXPECT_EQ(last_line_of("echo one; echo two >&2"), "two");
    EXPECT_EQ(ends_.back(), (ExitStatus{Kind::exited, 0}));
    EXPECT_EQ(last_line_of("printf 'no end'; exit 3"), "no end");
    EXPECT_EQ(ends_.back(), (ExitStatus{Kind::exited, 3}));
    EXPECT_EQ(
        last_line_of("i=0; while [ $i -lt 20000 ]; do echo $i long enough to fill a pipe; i=$((i+1)); done; echo end"),
        "end")
        << "more than a pipe holds, and it did not have to wait";
    EXPECT_EQ(last_line_of("sleep 1000 & echo left"), "left") << "though somebody else has the pipe open";
}

TEST_F(LauncherTest, WhoNeverStopsTalkingKeepsNobodyWaiting) {
    Command talker = shell("echo y; echo spoken >" + pipe_path_ + "; while :; do echo y; done");
    std::string last;
    talker.on_last_line = [&](const std::string& said) { last = said; };
    auto child = start(talker);
    EXPECT_EQ(line(), "spoken");
    EXPECT_EQ(end_of(shell("exit 7")), (ExitStatus{Kind::exited, 7}));
    child->signal(SIGKILL);
    EXPECT_TRUE(until([&] { return !last.empty(); }));
    EXPECT_EQ(last, "y");
}

TEST_F(LauncherTest, SignalsReachTheWholeGroupEvenBeforeItExists) {
    const auto child = start(shell("sleep 100 & sleep 100"));
    child->signal(SIGTERM);
    ASSERT_TRUE(until([this] { return !ends_.empty(); }));
    EXPECT_EQ(ends_, (std::vector<ExitStatus>{{Kind::signalled, SIGTERM}}));
    child->signal(SIGTERM);
}

TEST_F(LauncherTest, NothingOfTheGroupOutlivesItsLeader) {
    const auto child = start(shell("trap '' TERM; sleep 100 & echo $! >" + pipe_path_ + "; read x <" + go_path_));
    const Descriptor grandchild(pidfd_open(std::stoi(line()), 0));
    ASSERT_TRUE(grandchild);
    EXPECT_FALSE(ends(grandchild, 0));
    ASSERT_EQ(write(go_.get(), "go\n", 3), 3);
    ASSERT_TRUE(until([this] { return !ends_.empty(); }));
    EXPECT_EQ(ends_.front(), (ExitStatus{Kind::exited, 0}));
    EXPECT_TRUE(ends(grandchild));
}

TEST_F(LauncherTest, DestroyingAChildKillsItsGroupAndSilencesIt) {
    auto child = start(shell("trap '' TERM; sleep 100 & echo $$ $! >" + pipe_path_ + "; wait"));
    std::istringstream pids(line());
    pid_t leader = 0, other = 0;
    pids >> leader >> other;
    const Descriptor grandchild(pidfd_open(other, 0));
    ASSERT_TRUE(grandchild);
    child.reset();
    ASSERT_TRUE(until([&] { return !own_children().contains(leader); })) << "not reaped";
    EXPECT_TRUE(ends(grandchild));
    EXPECT_TRUE(ends_.empty());

    start(shell("exec sleep 100")).reset();
    EXPECT_EQ(end_of({.argv = {"/bin/true"}}), (ExitStatus{Kind::exited, 0}));
    ASSERT_TRUE(until([] { return own_children().size() == 1; }));
    EXPECT_EQ(own_children().begin()->second, "vrrpd-launcher");
}

TEST_F(LauncherTest, AChildMayBeDestroyedByItsOwnEnd) {
    std::unique_ptr<Child> child;
    bool over = false;
    child = launcher_->start(shell("exit 1"), [&](ExitStatus) {
        child.reset();
        over = true;
    });
    EXPECT_TRUE(until([&] { return over; }));
}

TEST_F(LauncherTest, TwoHundredAtOnceEndOnceEach) {
    std::map<int, int> seen;
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < 200; ++i) {
        children.push_back(launcher_->start(shell("exit " + std::to_string(i)), [&, i](ExitStatus status) {
            EXPECT_EQ(status, (ExitStatus{Kind::exited, i}));
            ++seen[i];
        }));
    }
    EXPECT_TRUE(seen.empty()) << "reported from within start()";
    ASSERT_TRUE(until([&] { return seen.size() == 200; }));
    EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](const auto& end) { return end.second == 1; }));
    EXPECT_EQ(own_children().size(), 1u) << "only the launcher process is left";
}

// The soft limit of descriptors, while it lives.
class DescriptorLimit {
  public:
    explicit DescriptorLimit(rlim_t soft) {
        getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit limit{soft, before_.rlim_max};
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
    DescriptorLimit(const DescriptorLimit&) = delete;
    DescriptorLimit& operator=(const DescriptorLimit&) = delete;
    rlim_t most() const { return before_.rlim_max; }

  private:
    rlimit before_{};
};

TEST_F(LauncherTest, MoreMayRunThanTheUsualLimitOfDescriptorsAllows) {
    launcher_.reset();
    const DescriptorLimit limit(1024);
    if (limit.most() < 4096) GTEST_SKIP() << "no more than " << limit.most() << " descriptors here";
    start_launcher();
    EXPECT_EQ(told("ulimit -Sn"), "1024") << "programs of others may call select()";
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < 600; ++i) children.push_back(start({.argv = {"/bin/sleep", "100"}}));
    const auto last = launcher_->start({.argv = {"/bin/true"}}, [this](ExitStatus status) { ends_.push_back(status); });
    ASSERT_TRUE(until([this] { return !ends_.empty(); }));
    EXPECT_EQ(ends_, (std::vector<ExitStatus>{{Kind::exited, 0}})) << "all others sleep";
}

// A limit that somebody lowers afterwards has poll() refuse as many entries as there are children.
TEST_F(LauncherTest, GoesOnWhenPollRefuses) {
    const auto running = start(shell("echo up >" + pipe_path_ + "; exec sleep 100"));
    EXPECT_EQ(line(), "up");
    const rlimit little{1, 1024};
    pid_t launcher = 0;
    for (const auto& [pid, name] : own_children()) launcher = name == "vrrpd-launcher" ? pid : launcher;
    ASSERT_EQ(prlimit(launcher, RLIMIT_NOFILE, &little, nullptr), 0);
    const auto refused = start({.argv = {"/bin/true"}});
    ASSERT_TRUE(until([this] { return !ends_.empty(); }));
    EXPECT_EQ(ends_.front(), (ExitStatus{Kind::not_started, EMFILE}));
    launcher_.reset();
    EXPECT_TRUE(ends(launcher_process_)) << "the daemon's end goes unnoticed";
}

// A daemon that is stopped takes no replies. Meanwhile others must not wait, and least of all the guard.
TEST_F(LauncherTest, WaitsForNobodyWhoDoesNotTakeItsReplies) {
    launcher_.reset();
    const LauncherProcess process = Launcher::fork_process();
    const auto ask = [&](const Command& command) {
        const auto message = wire::encode(1, command);
        return send(process.socket.get(), message->data(), message->size(), MSG_DONTWAIT) > 0;
    };
    Command talker =
        shell("read x <" + go_path_ + "; head -c 1000000 /dev/zero | tr '\\0' x; echo said >" + pipe_path_);
    talker.on_last_line = [](const std::string&) {};
    ASSERT_TRUE(ask(talker));
    // Until it takes no more: first the replies fill their queue, then the requests theirs.
    for (pollfd room{process.socket.get(), POLLOUT, 0}; poll(&room, 1, 1000) > 0;) {
        while (ask({.argv = {"/bin/true"}})) {
        }
    }
    ASSERT_EQ(write(go_.get(), "go\n", 3), 3);
    pollfd said{pipe_.get(), POLLIN, 0};
    EXPECT_GT(poll(&said, 1, 20000), 0) << "nobody reads what it says";
    pidfd_send_signal(process.process.get(), SIGKILL, nullptr, 0);
    for (const auto& [pid, name] : own_children()) kill(pid, SIGKILL);
    while (waitpid(-1, nullptr, 0) > 0) {
    }
}

TEST_F(LauncherTest, TellsThatThereIsNoGuard) {
    int told = 0;
    launcher_->on_no_guard([&] { ++told; });
    const Descriptor no_record(memfd_create("no record", MFD_CLOEXEC));
    EXPECT_TRUE(launcher_->guard(no_record.get()));
    EXPECT_TRUE(until([&] { return told > 0; }));
    EXPECT_TRUE(end_of({.argv = {"/bin/true"}}).success());
    EXPECT_EQ(told, 1);
}

TEST_F(LauncherTest, RequestsBeyondTheBoundAreRefused) {
    pidfd_send_signal(launcher_process_.get(), SIGSTOP, nullptr, 0);
    Command big{.argv = {"/bin/true", std::string(60 * 1024, 'x')}};
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < 100; ++i) children.push_back(start(big));
    ASSERT_TRUE(until([this] { return !ends_.empty(); }));
    EXPECT_GT(ends_.size(), 50u);
    EXPECT_EQ(ends_.front(), (ExitStatus{Kind::not_started, EAGAIN}));
    pidfd_send_signal(launcher_process_.get(), SIGCONT, nullptr, 0);
    ASSERT_TRUE(until([this] { return ends_.size() == 100; }));
    EXPECT_EQ(ends_.back(), (ExitStatus{Kind::exited, 0}));
}

TEST_F(LauncherTest, AnotherUserHasNoCapabilitiesLeft) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    const passwd* nobody = getpwnam("nobody");
    ASSERT_NE(nobody, nullptr);
    const Credentials credentials{nobody->pw_uid, nobody->pw_gid};
    const std::string user = std::to_string(nobody->pw_uid);
    const std::string group = std::to_string(nobody->pw_gid);
    const auto field = [&](const std::string& name) {
        return told("exec sed -n 's/^" + name + ":[[:blank:]]*//p' /proc/self/status", credentials);
    };
    EXPECT_EQ(field("Uid"), user + "\t" + user + "\t" + user + "\t" + user);
    EXPECT_EQ(field("Gid"), group + "\t" + group + "\t" + group + "\t" + group);
    EXPECT_EQ(field("Groups"), "");
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
        EXPECT_EQ(field(set), "0000000000000000") << set;
    }
    Command half = shell("exit 0");
    half.credentials.user = nobody->pw_uid;
    EXPECT_EQ(end_of(half), (ExitStatus{Kind::not_started, EINVAL})) << "with root's groups?";
}

TEST_F(LauncherTest, RootStaysRootWithoutInheritableCapabilities) {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
    EXPECT_EQ(told("exec grep -c -E '^Cap(Inh|Amb):.0000000000000000$' /proc/self/status"), "2");
    EXPECT_EQ(told("exec grep -c -E '^Cap(Eff|Bnd):.0000000000000000$' /proc/self/status"), "0");
}

TEST_F(LauncherTest, ChildrenAreNotScheduledLikeTheDaemon) {
    const sched_param real_time{.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_RR, &real_time) != 0) GTEST_SKIP() << "no real-time scheduling here";
    const std::string policy = told("set -- $(cat /proc/self/stat); echo ${41}");
    const sched_param normal{};
    sched_setscheduler(0, SCHED_OTHER, &normal);
    EXPECT_EQ(policy, std::to_string(SCHED_OTHER));
}

TEST_F(LauncherTest, SignalsForTheDaemonsGroupDoNotEndTheLauncher) {
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE}) {
        pidfd_send_signal(launcher_process_.get(), number, nullptr, 0);
    }
    EXPECT_EQ(end_of({.argv = {"/bin/true"}}), (ExitStatus{Kind::exited, 0}));
    EXPECT_EQ(died_, 0);
}

TEST_F(LauncherTest, TheLaunchersDeathIsToldAndItsChildrenGoOn) {
    const auto running = start(shell("echo up >" + pipe_path_ + "; read x <" + go_path_ + "; exit 5"));
    EXPECT_EQ(line(), "up");
    EXPECT_TRUE(end_of({.argv = {"/bin/true"}}).success()) << "replies come in order: by now the first is known";
    pidfd_send_signal(launcher_process_.get(), SIGSTOP, nullptr, 0);
    const auto pending = start(shell("exit 0"));
    pidfd_send_signal(launcher_process_.get(), SIGKILL, nullptr, 0);
    ASSERT_TRUE(until([this] { return died_ > 0; }));
    EXPECT_EQ(ends_, (std::vector<ExitStatus>{{Kind::not_started, EPIPE}}));

    const auto late = start(shell("exit 0"));
    EXPECT_EQ(ends_.size(), 1u) << "reported from within start()";
    ASSERT_TRUE(until([this] { return ends_.size() == 2; }));
    EXPECT_EQ(ends_.back(), (ExitStatus{Kind::not_started, EPIPE}));

    ASSERT_EQ(write(go_.get(), "go\n", 3), 3);
    ASSERT_TRUE(until([this] { return ends_.size() == 3; }));
    EXPECT_EQ(ends_.back(), (ExitStatus{Kind::exited, 5}));
    EXPECT_EQ(died_, 1);
}

// A daemon with one command whose group has two members, until somebody kills it.
[[noreturn]] void mini_daemon(const std::string& pipe_path) {
    LauncherProcess process = Launcher::fork_process();
    SdEventLoop loop;
    Launcher launcher(loop, std::move(process), [] { _exit(1); });
    const auto child =
        launcher.start(shell("sleep 100 & echo $PPID $$ $! >" + pipe_path + "; wait"), [](ExitStatus) { _exit(1); });
    _exit(loop.run());
}

TEST_F(LauncherTest, NothingOutlivesADaemonThatIsKilled) {
    const pid_t daemon = fork();
    ASSERT_GE(daemon, 0);
    if (daemon == 0) mini_daemon(pipe_path_);
    std::istringstream pids(line());
    pid_t parent = 0, leader = 0, other = 0;
    pids >> parent >> leader >> other;
    EXPECT_EQ(parent, daemon);
    const Descriptor leader_process(pidfd_open(leader, 0));
    const Descriptor other_process(pidfd_open(other, 0));
    ASSERT_TRUE(leader_process && other_process);
    EXPECT_FALSE(ends(leader_process, 0) || ends(other_process, 0));
    kill(daemon, SIGKILL);
    EXPECT_TRUE(ends(leader_process));
    EXPECT_TRUE(ends(other_process));
    EXPECT_EQ(waitpid(daemon, nullptr, 0), daemon);
}

TEST_F(LauncherTest, WorksOnTheProductionLoop) {
    LauncherProcess process = Launcher::fork_process();
    SdEventLoop loop;
    Launcher launcher(loop, std::move(process), [] { ADD_FAILURE() << "the launcher died"; });
    const auto guard = loop.timer([&] { loop.quit(1); }, Urgency::normal);
    guard->arm(loop.now() + std::chrono::seconds(30));
    int ended = 0;
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < 20; ++i) {
        children.push_back(
            launcher.start({.argv = {i % 2 == 0 ? "/bin/true" : "/no-such-program"}}, [&](ExitStatus status) {
                EXPECT_EQ(status.kind == Kind::not_started, !status.success());
                if (++ended == 20) loop.quit(0);
            }));
    }
    EXPECT_EQ(loop.run(), 0) << ended << " of 20 ended";
}

}  // namespace
}  // namespace vrrpd::launcher_test
