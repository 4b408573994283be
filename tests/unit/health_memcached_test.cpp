// The memcached check against Debian's memcached on the real event loop.

#include <csignal>
#include <cstdio>

#include <gtest/gtest.h>

#include "health/check.hpp"
#include "tests/unit/real_service.hpp"

namespace vrrpd::health::health_memcached_test {
namespace {

using namespace test;

class Memcached : public Process {
  public:
    explicit Memcached(std::uint16_t port)
        : Process({"memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", std::to_string(port), "-U", "0", "-t", "1"}) {}
};

/// For checks that start nothing.
class NoStarter final : public ChildStarter {
    std::unique_ptr<Child> start(const Command&, std::function<void(ExitStatus)>) override { return nullptr; }
};

class HealthMemcached : public ::testing::Test {
  protected:
    HealthMemcached() {
        options.name = "memcached";
        options.kind = Kind::memcached;
        options.endpoint = {*IpAddress::parse("127.0.0.1"), free_port()};
        options.interval = 500ms;
        options.timeout = 300ms;
        options.fall = 3;
        options.rise = 1;
    }
    /// Runs a check until `react` ends the loop.
    void run(std::function<void(const Report&)> react) {
        Check check(probers, options, [this, &react](const Report& report) {
            last = report;
            react(report);
        });
        // The first probe may come before memcached listens.
        const auto look_again = timer([&] { check.probe_now(); });
        const auto give_up = timer([this] {
            ADD_FAILURE() << "no verdict in 20 s, the last one: " << log_line(options, last);
            loop.quit(1);
        });
        check.start();
        look_again->arm(loop.now() + 500ms);
        give_up->arm(loop.now() + 20s);
        loop.run();
    }
    std::unique_ptr<Timer> timer(std::function<void()> fired) { return loop.timer(std::move(fired), Urgency::normal); }

    SdEventLoop loop;
    NoStarter starter;
    Probers probers{loop, starter};
    CheckOptions options;
    Report last;
};

double milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

TEST_F(HealthMemcached, KilledIsKnownInMilliseconds) {
    const Memcached memcached(options.endpoint.port);
    options.interval = 5s;  // so that only the idle connection can be what tells
    Instant killed{};
    Duration took{};
    const auto kill_it = timer([&] {
        killed = loop.now();
        memcached.send(SIGKILL);
    });
    run([&](const Report& report) {
        if (report.verdict == Verdict::up) {
            EXPECT_EQ(report.finding.evidence.substr(0, 8), "VERSION ");
            kill_it->arm(loop.now() + 1s);  // well after the last probe
        } else if (killed != Instant{}) {
            took = loop.now() - killed;
            loop.quit(0);
        }
    });
    EXPECT_EQ(last.count, 3);
    EXPECT_NE(last.finding.cls, Class::hung);
    EXPECT_LT(took, 1s);
    std::printf("SIGKILL to down (fall 3): %.2f ms, %s\n", milliseconds(took), log_line(options, last).c_str());
}

TEST_F(HealthMemcached, StoppedIsHungAndContinuedIsUpAgain) {
    const Memcached memcached(options.endpoint.port);
    options.fall = 2;
    Instant stopped{};
    Duration took{};
    run([&](const Report& report) {
        if (stopped == Instant{}) {
            if (report.verdict != Verdict::up) return;
            stopped = loop.now();
            memcached.send(SIGSTOP);
        } else if (report.verdict == Verdict::down) {
            took = loop.now() - stopped;
            EXPECT_EQ(to_string(report.finding), "hung: connected, no reply in 300 ms");
            memcached.send(SIGCONT);
        } else {
            loop.quit(0);
        }
    });
    EXPECT_GE(took, 2 * options.timeout);
    EXPECT_LT(took, options.interval + 2 * options.timeout + 1s);
    std::printf("SIGSTOP to down (fall 2): %.1f ms\n", milliseconds(took));
}

}  // namespace
}  // namespace vrrpd::health::health_memcached_test
