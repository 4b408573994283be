// Process checks with real processes.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "health/check.hpp"
#include "health/process_method.hpp"
#include "tests/unit/health_support.hpp"

namespace vrrpd::health::health_process_test {
namespace {

using namespace test;
namespace fs = std::filesystem;

/// A child of this test that waits to be killed.
class Child {
  public:
    explicit Child(const std::string& name) {
        int ready[2];
        if (pipe(ready) != 0) throw std::runtime_error("pipe");
        pid_ = fork();
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            prctl(PR_SET_NAME, name.c_str());
            close(ready[0]);
            close(ready[1]);
            for (;;) pause();
        }
        close(ready[1]);
        char byte;
        EXPECT_EQ(read(ready[0], &byte, 1), 0) << "its end of the pipe is closed once it has its name";
        close(ready[0]);
    }
    ~Child() {
        kill();
        reap();
    }
    pid_t pid() const { return pid_; }
    void kill() const { ::kill(pid_, SIGKILL); }
    void reap() {
        if (std::exchange(reaped_, true)) return;
        waitpid(pid_, nullptr, 0);
    }

  private:
    pid_t pid_;
    bool reaped_ = false;
};

class HealthProcess : public ::testing::Test {
  protected:
    HealthProcess() {
        char name[] = "/tmp/health_process.XXXXXX";
        folder = mkdtemp(name);
        options.name = "memcached";
        options.kind = Kind::process;
        options.fall = 3;
        options.rise = 1;
    }
    ~HealthProcess() override { fs::remove_all(folder); }

    /// Names are the test process's own, so that no other test's child is found.
    static std::string own_name(char letter) { return std::string("t") + letter + std::to_string(getpid()); }

    void by_file() { options.pid_file = folder / "pid"; }
    void file_says(const std::string& text) { std::ofstream(folder / "pid") << text; }

    void start() {
        check = std::make_unique<Check>(probers, options, [this](const Report& report) { reports.push_back(report); });
        check->start();
        turn(200ms);
    }
    void turn(Duration by) {
        for (const Instant end = loop.now() + by; loop.now() < end; loop.advance(1ms)) loop.poll_once(0ms);
    }
    std::string last_line() const { return reports.empty() ? "" : log_line(options, reports.back()); }

    vrrpd::test::FakeLoop loop;
    FakeStarter starter{loop};
    Probers probers{loop, starter};
    CheckOptions options;
    fs::path folder;
    std::unique_ptr<Check> check;
    std::vector<Report> reports;
};

TEST_F(HealthProcess, FoundByNameAndItsEndIsKnownWithinMilliseconds) {
    options.process_name = own_name('a');
    Child child(options.process_name);
    start();
    EXPECT_EQ(last_line(), "Check(memcached) succeeded");
    EXPECT_EQ(reports.back().finding.evidence, "pid " + std::to_string(child.pid()));
    child.kill();
    ASSERT_TRUE(loop.poll_once()) << "the pidfd";
    turn(30ms);
    EXPECT_EQ(last_line(), R"(Check(memcached) failed reason="failed: no process is called so" count=3/3)")
        << "though it is a zombie still";
}

TEST_F(HealthProcess, AnotherOneOfThatNameWillDo) {
    options.process_name = own_name('b');
    Child first(options.process_name);
    start();
    Child second(options.process_name);
    first.kill();
    ASSERT_TRUE(loop.poll_once());
    turn(30ms);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(check->verdict(), Verdict::up);
    second.kill();
    ASSERT_TRUE(loop.poll_once()) << "now that one is held";
    turn(30ms);
    EXPECT_EQ(check->verdict(), Verdict::down);
}

TEST_F(HealthProcess, AbsentItIsLookedForOnceAnInterval) {
    options.process_name = own_name('c');
    start();
    ASSERT_EQ(check->verdict(), Verdict::down);
    const Child child(options.process_name);
    turn(500ms);
    EXPECT_EQ(check->verdict(), Verdict::down);
    turn(600ms);
    EXPECT_EQ(check->verdict(), Verdict::up);
}

TEST_F(HealthProcess, FoundByPidFile) {
    by_file();
    Child child("whatever");
    file_says(std::to_string(child.pid()) + "\n/var/lib\n");
    start();
    EXPECT_EQ(check->verdict(), Verdict::up);
    child.kill();
    ASSERT_TRUE(loop.poll_once());
    turn(30ms);
    EXPECT_EQ(last_line(), R"(Check(memcached) failed reason="failed: pid )" + std::to_string(child.pid()) +
                               R"( of the pid file has ended" count=3/3)");
}

TEST_F(HealthProcess, WhatAPidFileMayBeWrongIn) {
    by_file();
    options.fall = 1;
    Child dead("dead");
    dead.kill();
    dead.reap();
    const std::string dead_pid = std::to_string(dead.pid());
    for (const auto& [text, reason] : std::vector<std::pair<std::string, std::string>>{
             {"", "the pid file says '', which is no pid"},
             {"memcached\n", "the pid file says 'memcached', which is no pid"},
             {"-1\n", "the pid file says '-1', which is no pid"},
             {"0\n", "the pid file says '0', which is no pid"},
             {dead_pid, "pid " + dead_pid + " of the pid file does not run"}}) {
        file_says(text);
        reports.clear();
        start();
        ASSERT_EQ(reports.size(), 1u) << text;
        EXPECT_EQ(reports[0].finding, (Finding{Class::failed, reason, true}));
    }
    fs::remove(folder / "pid");
    reports.clear();
    start();
    EXPECT_EQ(reports.at(0).finding, (Finding{Class::failed, "pid file: No such file or directory", true}));
}

TEST_F(HealthProcess, ANumberThatAnotherHasNowIsNotTakenForIt) {
    by_file();
    Child child(own_name('d'));
    file_says(std::to_string(child.pid()));
    options.process_name = own_name('e');
    options.fall = 1;
    start();
    EXPECT_EQ(reports.at(0).finding.evidence,
              "pid " + std::to_string(child.pid()) + " of the pid file is called '" + own_name('d') + "'");
}

TEST_F(HealthProcess, AFileThatWasLeftBehindNamesNobody) {
    HeldProcess held(loop, [] {});
    by_file();
    file_says("7");
    struct stat before {
    }, after{};
    ASSERT_EQ(stat(options.pid_file.c_str(), &before), 0);
    const Child child("x");
    ASSERT_EQ(held.hold(child.pid(), &before), 0);
    EXPECT_TRUE(held.is_left_behind(child.pid(), before));
    EXPECT_FALSE(held.is_left_behind(child.pid() + 1, before));
    fs::remove(folder / "pid");
    file_says("77");
    ASSERT_EQ(stat(options.pid_file.c_str(), &after), 0);
    EXPECT_FALSE(held.is_left_behind(child.pid(), after)) << "written anew: the same number came again";
}

TEST_F(HealthProcess, ThousandsOfProcessesAreLookedAtInPortions) {
    options.process_name = own_name('f');
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < 100; ++i) children.push_back(std::make_unique<Child>("other"));
    check = std::make_unique<Check>(probers, options, [this](const Report& report) { reports.push_back(report); });
    check->start();
    loop.advance_to(loop.next_deadline());
    // Each look ends with a timer for the next: a loop in production reads its sockets in between.
    EXPECT_TRUE(reports.empty());
    loop.advance(100ms);
    EXPECT_EQ(check->verdict(), Verdict::down);
}

TEST_F(HealthProcess, StoppedItHoldsNothing) {
    options.process_name = own_name('g');
    Child child(options.process_name);
    start();
    check->stop();
    child.kill();
    EXPECT_FALSE(loop.poll_once(20ms));
    EXPECT_EQ(loop.next_deadline(), never);
}

}  // namespace
}  // namespace vrrpd::health::health_process_test
