// A service with real processes: `listener` (listener.cpp), which lies beside this program, is the service.
#include "vrrpd/service/service.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "tests/support/fake_loop.hpp"
#include "tests/unit/listener.hpp"
#include "vrrpd/launcher/launcher.hpp"

namespace vrrpd::service::service_test {
namespace {

using namespace std::chrono_literals;
using test::listener_on;
using Events = std::vector<std::string>;

// Below the range of ports that the kernel gives to outgoing connections.
std::uint16_t free_port() {
    static std::uint16_t port = static_cast<std::uint16_t>(20000 + getpid() % 10000);
    for (;;) {
        const int socket = listener_on(++port);
        if (socket < 0) continue;
        close(socket);
        return port;
    }
}

class ServiceTest : public testing::Test {
  protected:
    ServiceTest() : launcher_(loop_, Launcher::fork_process(), [] { ADD_FAILURE() << "the launcher died"; }) {
        options_.name = "proxy";
        options_.listen = health::Endpoint{*IpAddress::parse("127.0.0.1"), free_port()};
        options_.start_timeout = 10s;
        listens_after(0);
    }

    void listens_after(int delay_ms) {
        options_.command = {std::filesystem::read_symlink("/proc/self/exe").replace_filename("listener"),
                            std::to_string(options_.listen->port), std::to_string(delay_ms)};
    }

    Service& service() {
        if (!service_) {
            const auto log = [this](const char* event) { return [this, event] { events_.push_back(event); }; };
            const auto log_reason = [this](const char* event) {
                return [this, event](const std::string& reason) { events_.push_back(event + (": " + reason)); };
            };
            service_ = std::make_unique<Service>(
                loop_, launcher_, options_, false,
                Listener{log("ready"), log("stopped"), log_reason("failed"), log_reason("restarted"),
                         [this](bool wanted) { events_.push_back(wanted ? "check" : "no check"); }});
        }
        return *service_;
    }

    // Turns the loop's clock as fast as the real one until `count` events were seen. False: nothing came for long.
    [[nodiscard]] bool until_events(std::size_t count) {
        const auto limit = std::chrono::steady_clock::now() + 20s;
        while (events_.size() < count && std::chrono::steady_clock::now() < limit) turn();
        return events_.size() >= count;
    }

    void turn() {
        loop_.poll_once(1ms);
        const auto now = std::chrono::steady_clock::now();
        loop_.advance(now - std::exchange(turned_, now));
    }

    // The service's process, by its parent and its name.
    pid_t process() const {
        std::ifstream list("/proc/self/task/" + std::to_string(getpid()) + "/children");
        for (pid_t pid; list >> pid;) {
            std::ifstream arguments("/proc/" + std::to_string(pid) + "/cmdline");
            std::string program;
            std::getline(arguments, program, '\0');
            if (program == options_.command.front()) return pid;
        }
        return 0;
    }

    bool somebody_listens() const {
        const int socket = listener_on(options_.listen->port);
        if (socket >= 0) close(socket);
        return socket < 0;
    }

    test::FakeLoop loop_;
    std::chrono::steady_clock::time_point turned_ = std::chrono::steady_clock::now();
    Launcher launcher_;
    ServiceOptions options_;
    Events events_;
    std::unique_ptr<Service> service_;
};

TEST_F(ServiceTest, IsReadyOnlyWhenItAccepts) {
    listens_after(200);
    const auto begin = std::chrono::steady_clock::now();
    service().want_run();
    EXPECT_TRUE(events_.empty());
    ASSERT_TRUE(until_events(2));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 200ms);
    EXPECT_EQ(events_, (Events{"check", "ready"}));
    EXPECT_TRUE(service().ready());
    EXPECT_TRUE(somebody_listens());
}

TEST_F(ServiceTest, WithoutAListenAddressReadyComesFromTheLoop) {
    options_.listen.reset();
    service().want_run();
    EXPECT_EQ(events_, (Events{"check"}));
    ASSERT_TRUE(until_events(2));
    EXPECT_EQ(events_.back(), "ready");
}

TEST_F(ServiceTest, KilledItIsRestartedAndReadyAgain) {
    service().want_run();
    ASSERT_TRUE(until_events(2));
    const pid_t first = process();
    ASSERT_GT(first, 0);
    kill(first, SIGKILL);
    ASSERT_TRUE(until_events(6));
    EXPECT_EQ(events_, (Events{"check", "ready", "no check", "restarted: killed by signal 9, restarted at once",
                               "check", "ready"}));
    EXPECT_NE(process(), first);
    EXPECT_TRUE(service().ready());
}

TEST_F(ServiceTest, StopsWhenTold) {
    service().want_run();
    ASSERT_TRUE(until_events(2));
    service().want_stop(StopMode::planned);
    EXPECT_EQ(events_.back(), "no check");
    ASSERT_TRUE(until_events(4));
    EXPECT_EQ(events_.back(), "stopped");
    EXPECT_EQ(process(), 0);
    EXPECT_FALSE(somebody_listens());
}

// The kernel ends a stopped process by a SIGTERM that it does not catch: the bound is for those that do.
TEST_F(ServiceTest, OneThatHangsIsKilledWithinTheBound) {
    options_.stop_timeout = 300ms;
    options_.command.push_back("stubborn");
    service().want_run();
    ASSERT_TRUE(until_events(2));
    ASSERT_GT(process(), 0);
    kill(process(), SIGSTOP);
    const auto begin = std::chrono::steady_clock::now();
    service().want_stop(StopMode::planned);
    ASSERT_TRUE(until_events(4));
    const auto took = std::chrono::steady_clock::now() - begin;
    EXPECT_EQ(events_.back(), "stopped");
    EXPECT_GE(took, 300ms) << "it was not given its time";
    EXPECT_LT(took, 5s);
    EXPECT_EQ(process(), 0);
}

TEST_F(ServiceTest, OneThatNeverListensFails) {
    listens_after(60000);
    options_.start_timeout = 100ms;
    service().want_run();
    ASSERT_TRUE(until_events(1));
    EXPECT_EQ(events_.back(), "failed: not listening on " + options_.listen->to_string() + " 100 ms after its start");
    service().want_stop(StopMode::fault);
    ASSERT_TRUE(until_events(2));
    EXPECT_EQ(events_.back(), "stopped");
}

TEST_F(ServiceTest, AMissingProgramFailsWithItsReason) {
    options_.command = {"/usr/sbin/no-such-program"};
    options_.restart_limit = 2;
    service().want_run();
    ASSERT_TRUE(until_events(2));
    EXPECT_EQ(events_.back(), "failed: could not be started: No such file or directory, 2 ends in a row");
}

TEST_F(ServiceTest, AWobbleKeepsTheProcess) {
    service().want_run();
    ASSERT_TRUE(until_events(2));
    const pid_t first = process();
    service().want_stop(StopMode::settled);
    service().want_run();
    ASSERT_TRUE(until_events(5));
    EXPECT_EQ(events_, (Events{"check", "ready", "no check", "check", "ready"}));
    EXPECT_EQ(process(), first);
}

TEST_F(ServiceTest, AFailingCheckIsToldFromTheLoop) {
    service().want_run();
    ASSERT_TRUE(until_events(2));
    service().check_failed("hung: no reply");
    EXPECT_EQ(events_.back(), "no check");
    ASSERT_TRUE(until_events(4));
    EXPECT_EQ(events_.back(), "failed: hung: no reply");
    EXPECT_GT(process(), 0) << "its end is the owner's wish";
}

TEST_F(ServiceTest, ANewerWishOvertakesWhatWasNotToldYet) {
    options_.listen.reset();
    service().want_run();
    service().want_stop(StopMode::fault);
    ASSERT_TRUE(until_events(3));
    EXPECT_EQ(events_, (Events{"check", "no check", "stopped"}));
}

TEST_F(ServiceTest, AlwaysRunningItOutlivesTheRoleButNotTheDaemon) {
    options_.run = Run::always;
    service().begin();
    while (process() == 0) turn();
    const pid_t first = process();
    service().want_run();
    ASSERT_TRUE(until_events(2));
    service().want_stop(StopMode::planned);
    ASSERT_TRUE(until_events(4));
    EXPECT_EQ(events_, (Events{"check", "ready", "no check", "stopped"}));
    EXPECT_EQ(process(), first);
    service().shut_down(StopMode::planned);
    ASSERT_TRUE(until_events(5));
    EXPECT_EQ(process(), 0);
}

TEST_F(ServiceTest, DestroyingItKillsTheProcess) {
    service().want_run();
    ASSERT_TRUE(until_events(2));
    service_.reset();
    const auto limit = std::chrono::steady_clock::now() + 20s;
    // A process that ends loses its memory, and with it its name in /proc, before its sockets.
    while ((process() != 0 || somebody_listens()) && std::chrono::steady_clock::now() < limit) turn();
    EXPECT_EQ(process(), 0);
    EXPECT_FALSE(somebody_listens());
}

// Nobody listens at first: the attempts are counted by the deadlines they leave on the loop.
TEST(ListenProbe, TriesEachMillisecondAndThenEachFive) {
    test::FakeLoop loop;
    const std::uint16_t port = free_port();
    int accepted = 0;
    ListenProbe probe(loop, {*IpAddress::parse("127.0.0.1"), port}, [&] { ++accepted; });
    probe.begin();
    EXPECT_EQ(loop.next_deadline(), loop.now());
    for (int i = 0; i < 200; ++i) {
        const Instant before = loop.now();
        loop.advance_to(loop.next_deadline());
        // A refusal is known at once or with the next look at the socket.
        loop.poll_once(0ms);
        const Duration pause = loop.next_deadline() - before;
        if (i > 0 && i < 49) {
            EXPECT_LE(pause, 2 * ListenProbe::quick_pause) << i;
        } else if (i > 60) {
            EXPECT_GE(pause, ListenProbe::pause) << i;
        }
    }
    EXPECT_EQ(accepted, 0);

    const int socket = listener_on(port);
    ASSERT_GE(socket, 0);
    for (int i = 0; i < 3 && accepted == 0; ++i) {
        loop.advance_to(loop.next_deadline());
        loop.poll_once(100ms);
    }
    EXPECT_EQ(accepted, 1);
    EXPECT_EQ(loop.next_deadline(), never);

    const int connection = accept(socket, nullptr, nullptr);
    char byte;
    EXPECT_EQ(read(connection, &byte, 1), 0) << "closed cleanly";
    close(connection);

    probe.begin();
    probe.end();
    EXPECT_EQ(loop.next_deadline(), never);
    close(socket);
}

}  // namespace
}  // namespace vrrpd::service::service_test
