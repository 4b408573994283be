#include <cerrno>

#include <gtest/gtest.h>

#include "health/check.hpp"
#include "tests/unit/health_support.hpp"

namespace vrrpd::health::health_check_test {
namespace {

using namespace test;

const ExitStatus not_executable = exit_code(127);  // hard
const ExitStatus refuses = exit_code(1);           // soft
const ExitStatus no_descriptor{ExitStatus::Kind::not_started, EMFILE};

/// A script check on virtual time: what the script does and how long it takes is said beforehand.
class HealthCheck : public ::testing::Test {
  protected:
    HealthCheck() {
        options.name = "memcached";
        options.kind = Kind::script;
        options.interval = 1s;
        options.timeout = 500ms;
        options.fall = 2;
        options.rise = 2;
        starter.outcome = good_exit;
    }
    void make() {
        check.reset();      // or both would share a prober
        loop.advance(0ns);  // its script ends
        check = std::make_unique<Check>(probers, options, [this](const Report& report) {
            reports.push_back(report);
            reported = loop.now();
        });
    }
    /// A check that is up; the instant of its first probe.
    Instant make_up() {
        make();
        check->start();
        const Instant first = loop.next_deadline();
        loop.advance_to(first);
        EXPECT_EQ(check->verdict(), Verdict::up);
        reports.clear();
        return first;
    }
    std::vector<Duration> gaps_between_starts(std::size_t from) const {
        std::vector<Duration> gaps;
        for (std::size_t i = from + 1; i < starter.children.size(); ++i) {
            gaps.push_back(starter.children[i]->at - starter.children[i - 1]->at);
        }
        return gaps;
    }

    vrrpd::test::FakeLoop loop;
    FakeStarter starter{loop};
    Probers probers{loop, starter};
    CheckOptions options;
    std::unique_ptr<Check> check;
    std::vector<Report> reports;
    Instant reported{};
};

TEST_F(HealthCheck, WhatWasNotAskedChangesNothingAndIsSaidOnceAMinute) {
    make_up();
    const auto failures = check->counters().failures;
    starter.outcome = no_descriptor;
    loop.advance(150s);
    EXPECT_EQ(check->verdict(), Verdict::up);
    EXPECT_EQ(check->last_class(), Class::not_asked);
    EXPECT_EQ(check->counters().failures, failures);
    ASSERT_EQ(reports.size(), 3u);
    EXPECT_EQ(log_line(options, reports[0]), "VRRP_Script(memcached) not asked reason=\"Too many open files\"");
    EXPECT_EQ(reports[0].verdict, Verdict::up);

    // Half way to down is where it stays, and what is short is not asked for again and again.
    reports.clear();
    int asked = 0;
    starter.decide = [&] { starter.outcome = asked++ == 0 ? not_executable : no_descriptor; };
    loop.advance(2s);
    const std::size_t before = starter.children.size();
    loop.advance(10s);
    EXPECT_LE(starter.children.size() - before, 20u);
    EXPECT_EQ(check->verdict(), Verdict::up);
    starter.decide = {};
    starter.outcome = not_executable;
    loop.advance(1s);
    EXPECT_EQ(check->verdict(), Verdict::down);

    starter.outcome = no_descriptor;
    loop.advance(10s);
    EXPECT_EQ(check->verdict(), Verdict::down) << "nor is it a success";
}

TEST_F(HealthCheck, TheFirstProbeComesSoonAndAlwaysInTheSamePhase) {
    std::vector<Duration> phases;
    for (const char* name : {"memcached", "memcached", "proxy", "redis"}) {
        options.name = name;
        make();
        EXPECT_EQ(loop.next_deadline(), never);
        check->start();
        phases.push_back(loop.next_deadline() - loop.now());
        EXPECT_LT(phases.back(), 100ms);
        EXPECT_GE(phases.back(), 0ms);
    }
    EXPECT_EQ(phases[0], phases[1]);
    EXPECT_NE(phases[1], phases[2]);
    EXPECT_NE(phases[2], phases[3]);
}

TEST_F(HealthCheck, ReportsTheFirstVerdict) {
    make();
    check->start();
    EXPECT_EQ(check->verdict(), Verdict::unknown);
    loop.advance(5s);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].verdict, Verdict::up);
    EXPECT_TRUE(reports[0].finding.success());
}

TEST_F(HealthCheck, CountsItsProbesAndTheirTime) {
    make();
    EXPECT_EQ(check->last_class(), std::nullopt);
    starter.takes = 20ms;
    check->start();
    loop.advance(2500ms);  // three, of which the last begins within 100 ms of two seconds
    EXPECT_EQ(check->last_class(), Class::up);
    EXPECT_EQ(check->counters().probes, 3u);
    EXPECT_EQ(check->counters().failures, 0u);
    EXPECT_EQ(check->counters().took, 60ms);
    starter.outcome = refuses;
    loop.advance(1s);
    EXPECT_EQ(check->last_class(), Class::failed);
    EXPECT_GT(check->counters().failures, 0u);
    check->stop();
    EXPECT_EQ(check->last_class(), std::nullopt);
}

TEST_F(HealthCheck, HungIsKnownAfterIntervalAndFallTimesTimeout) {
    for (const int fall : {1, 2, 5}) {
        options.fall = fall;
        starter.outcome = good_exit;
        const Instant first = make_up();
        starter.outcome.reset();
        loop.advance(1min);
        ASSERT_EQ(reports.size(), 1u);
        EXPECT_EQ(reports[0].finding.cls, Class::timed_out);
        EXPECT_EQ(reported - first, options.interval + fall * options.timeout);
    }
}

TEST_F(HealthCheck, HardFailuresFollowEachOtherWithinMilliseconds) {
    options.fall = 3;
    const Instant first = make_up();
    starter.outcome = not_executable;
    loop.advance(5s);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].count, 3);
    EXPECT_EQ(reported - first, options.interval + 2 * hard_failure_pause);
}

TEST_F(HealthCheck, WithoutFastFailEveryFailureKeepsTheInterval) {
    options.fall = 3;
    options.fast_fail = false;
    for (const ExitStatus& status : {refuses, not_executable}) {
        starter.outcome = good_exit;
        const Instant first = make_up();
        starter.outcome = status;
        loop.advance(10s);
        ASSERT_EQ(reports.size(), 1u);
        EXPECT_EQ(reported - first, 3 * options.interval);
    }
    starter.outcome = good_exit;
    const Instant first = make_up();
    starter.outcome.reset();
    loop.advance(10s);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reported - first, 3 * options.interval + options.timeout);
}

TEST_F(HealthCheck, OnceDownItProbesAtTheIntervalAndNeedsRise) {
    options.rise = 3;
    make_up();
    starter.outcome = not_executable;
    loop.advance(1s + 2 * hard_failure_pause);
    ASSERT_EQ(check->verdict(), Verdict::down);
    const std::size_t down_at = starter.children.size() - 1;
    const Instant down_since = starter.children.back()->at;
    loop.advance_to(down_since + 4s);
    starter.outcome = good_exit;
    loop.advance_to(down_since + 6s);
    EXPECT_EQ(check->verdict(), Verdict::down);
    loop.advance_to(down_since + 7s);
    EXPECT_EQ(check->verdict(), Verdict::up);
    for (const Duration gap : gaps_between_starts(down_at)) EXPECT_EQ(gap, 1s);
}

TEST_F(HealthCheck, AFlapShorterThanFallMovesNothing) {
    options.fast_fail = false;
    make_up();
    for (int i = 0; i < 10; ++i) {
        starter.outcome = not_executable;
        loop.advance(1s);
        starter.outcome = good_exit;
        loop.advance(1s);
    }
    EXPECT_EQ(check->verdict(), Verdict::up);
    EXPECT_TRUE(reports.empty());
}

TEST_F(HealthCheck, NeverRunsTwoProbesAtOnce) {
    starter.takes = 400ms;
    make();
    check->start();
    for (int i = 0; i < 200; ++i) {
        loop.advance(50ms);
        check->probe_now();
        check->probe_now();
        ASSERT_LE(starter.running(), 1u);
    }
    for (const Duration gap : gaps_between_starts(0)) EXPECT_GE(gap, 400ms);
}

TEST_F(HealthCheck, AProbeAskedForDuringAProbeFollowsRightAfterIt) {
    starter.takes = 300ms;
    make();
    check->start();
    loop.advance_to(loop.next_deadline());
    check->probe_now();
    loop.advance(800ms);
    EXPECT_EQ(gaps_between_starts(0), (std::vector<Duration>{300ms}));
}

TEST_F(HealthCheck, InitFailIsDownUntilTheFirstSuccess) {
    options.init_fail = true;
    make();
    check->start();
    EXPECT_EQ(check->verdict(), Verdict::down);
    loop.advance(100ms);
    EXPECT_EQ(check->verdict(), Verdict::up);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].verdict, Verdict::up);
}

TEST_F(HealthCheck, StoppedItIsUnknownAndDoesNothing) {
    starter.takes = 100ms;
    make();
    check->probe_now();
    EXPECT_TRUE(starter.children.empty());
    check->start();
    loop.advance(250ms);
    ASSERT_EQ(check->verdict(), Verdict::up);
    check->probe_now();
    ASSERT_EQ(starter.running(), 1u);
    check->stop();
    loop.advance(0ns);
    EXPECT_EQ(starter.running(), 0u);
    EXPECT_EQ(check->verdict(), Verdict::unknown);
    EXPECT_EQ(loop.next_deadline(), never);
    check->start();
    loop.advance(250ms);
    EXPECT_EQ(check->verdict(), Verdict::up);
    EXPECT_EQ(reports.size(), 2u);
}

TEST_F(HealthCheck, TheListenerMayStopOrDestroyIt) {
    for (const bool destroy : {false, true}) {
        check = std::make_unique<Check>(probers, options, [this, destroy](const Report& report) {
            reports.push_back(report);
            destroy ? check.reset() : check->stop();
        });
        check->start();
        loop.advance(10s);
    }
    EXPECT_EQ(reports.size(), 2u);
    EXPECT_EQ(starter.children.size(), 2u);
}

TEST_F(HealthCheck, APauseOfThisProcessFailsNoCheck) {
    starter.takes = 100ms;
    std::vector<std::unique_ptr<Check>> checks;
    for (int i = 0; i < 20; ++i) {
        options.name = std::string("check").append(std::to_string(i));
        options.fall = 1;
        make();
        check->start();
        checks.push_back(std::move(check));
    }
    for (int i = 0; i < 20; ++i) {
        loop.advance(77ms);
        loop.sleep_through(10s);  // whatever is in flight, its deadline passes unseen
    }
    loop.advance(2s);
    EXPECT_EQ(reports.size(), checks.size());
    for (const auto& each : checks) EXPECT_EQ(each->verdict(), Verdict::up);
}

/// A memcached check against a listener that the test answers by hand, with its idle connection.
class HealthCheckWatch : public HealthCheck {
  protected:
    HealthCheckWatch() {
        options.kind = Kind::memcached;
        options.endpoint = listener.endpoint();
        options.fall = 3;
    }
    void answer() {
        settle(loop);
        const Descriptor guest = listener.accept();
        EXPECT_EQ(hear(guest), "version\r\n");
        say(guest, "VERSION 1.6.18\r\n");
        settle(loop);
    }
    void come_up() {
        make();
        check->start();
        loop.advance_to(loop.next_deadline());
        answer();
        ASSERT_EQ(check->verdict(), Verdict::up);
        idle = listener.accept();
        reports.clear();
    }

    Listener listener;
    Descriptor idle;  // the server's end of the idle connection
};

TEST_F(HealthCheckWatch, ADeadServerIsDownWithinMilliseconds) {
    come_up();
    const Instant death = loop.now();
    listener.close();
    idle.reset();
    for (int i = 0; i < 3; ++i) {
        settle(loop);
        loop.advance(hard_failure_pause);
    }
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(log_line(options, reports[0]),
              R"(Check(memcached) failed reason="refused: connection refused" count=3/3)");
    EXPECT_EQ(reported - death, 2 * hard_failure_pause);
}

TEST_F(HealthCheckWatch, AnEndThatProvesHarmlessIsOneProbeAndANewConnection) {
    come_up();
    idle.reset();
    settle(loop);
    answer();
    EXPECT_TRUE(listener.has_guest());
    EXPECT_TRUE(reports.empty());
    idle = listener.accept();
    idle.reset();
    answer();
    EXPECT_FALSE(listener.has_guest()) << "the second end in a row pauses";
}

TEST_F(HealthCheckWatch, AnEndDuringAProbeIsFollowedByAnother) {
    come_up();
    loop.advance(1s);
    settle(loop);
    ASSERT_TRUE(listener.has_guest());
    idle.reset();
    answer();
    const Descriptor next_idle = listener.accept();
    loop.advance(0ns);
    answer();
    EXPECT_EQ(check->verdict(), Verdict::up);
}

TEST_F(HealthCheckWatch, WithoutWatchThereIsNoIdleConnection) {
    options.watch = false;
    make();
    check->start();
    loop.advance_to(loop.next_deadline());
    answer();
    EXPECT_FALSE(listener.has_guest());
}

TEST_F(HealthCheckWatch, StopClosesTheIdleConnection) {
    come_up();
    check->stop();
    EXPECT_EQ(hear(idle), "");
}

}  // namespace
}  // namespace vrrpd::health::health_check_test
