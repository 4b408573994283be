// Scripts that have to wait: for others, and for what is left of their own predecessor.
#include <algorithm>

#include <gtest/gtest.h>

#include "health/check.hpp"
#include "tests/unit/health_support.hpp"

namespace vrrpd::health::health_scripts_test {
namespace {

using namespace test;

class HealthScripts : public ::testing::Test {
  protected:
    HealthScripts() {
        options.kind = Kind::script;
        options.interval = 1s;
        options.timeout = 500ms;
        options.fall = 2;
        options.rise = 1;
    }
    /// Checks of different scripts.
    void make(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            options.name = std::string("check").append(std::to_string(checks.size()));
            options.command = {"/bin/" + options.name};
            checks.push_back(std::make_unique<Check>(probers, options, [this, i](const Report& report) {
                reports.push_back({i, report, loop.now()});
            }));
            checks.back()->start();
        }
    }
    std::size_t count_of(Class cls) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(reports, [&](const auto& told) { return told.report.finding.cls == cls; }));
    }

    struct Told {
        std::size_t check;
        Report report;
        Instant at;
    };
    vrrpd::test::FakeLoop loop;
    FakeStarter starter{loop};
    Probers probers{loop, starter};
    CheckOptions options;
    std::vector<std::unique_ptr<Check>> checks;
    std::vector<Told> reports;
};

TEST_F(HealthScripts, NoMoreThanTheBoundRunTogetherAndAllGetTheirTurn) {
    starter.outcome = good_exit;
    starter.takes = 100ms;
    make(200);
    std::size_t most = 0;
    for (int i = 0; i < 1000; ++i) {
        loop.advance(1ms);
        most = std::max(most, starter.running());
    }
    EXPECT_EQ(most, ScriptRunner::most_at_once);
    EXPECT_EQ(reports.size(), 200u);
    EXPECT_EQ(count_of(Class::up), 200u) << "though some waited longer than their timeout";
    for (std::size_t i = 1; i < 200; ++i) {
        EXPECT_GE(starter.children[i]->at, starter.children[i - 1]->at);
    }
}

TEST_F(HealthScripts, TheDeadlineCountsFromTheStart) {
    make(ScriptRunner::most_at_once + 1);
    loop.advance(150ms);
    ASSERT_EQ(starter.running(), ScriptRunner::most_at_once);
    loop.advance(500ms);  // the first ones are killed, and the last one may start
    ASSERT_EQ(starter.running(), ScriptRunner::most_at_once);
    const auto last = *std::ranges::find_if(starter.children, [](const auto& child) { return child->alive; });
    const Instant began = last->at;
    loop.advance_to(began + 500ms - 1ns);
    EXPECT_TRUE(last->alive);
    loop.advance_to(began + 500ms);
    EXPECT_FALSE(last->alive);
}

TEST_F(HealthScripts, OneThatIsStuckIsNotStartedAgainAndStaysTimedOut) {
    starter.outcome = good_exit;
    make(1);
    loop.advance(200ms);
    ASSERT_EQ(checks[0]->verdict(), Verdict::up);
    starter.outcome.reset();
    starter.stuck = true;
    const std::size_t before = starter.children.size();
    loop.advance(1min);
    EXPECT_EQ(starter.children.size(), before + 1) << "one, however long it takes";
    EXPECT_EQ(checks[0]->verdict(), Verdict::down);
    EXPECT_EQ(reports.back().report.finding,
              (Finding{Class::timed_out, "the script that was killed has not ended yet"}));
    EXPECT_EQ(reports.back().at - starter.children.back()->at, options.fall * options.timeout)
        << "known as soon as that of a script that can be killed";
    EXPECT_EQ(starter.children.back()->signals, (std::vector<int>{SIGKILL}));

    starter.stuck = false;
    starter.outcome = good_exit;
    starter.end(*starter.children.back(), {ExitStatus::Kind::signalled, SIGKILL});
    loop.advance(options.interval);
    EXPECT_EQ(checks[0]->verdict(), Verdict::up) << "and it goes on once it is gone";
}

TEST_F(HealthScripts, WithoutAPlaceForTooLongTheAnswerIsStale) {
    starter.stuck = true;
    make(ScriptRunner::most_at_once);
    loop.advance(10s);
    ASSERT_EQ(count_of(Class::timed_out), ScriptRunner::most_at_once);
    reports.clear();
    make(1);
    const Instant began = loop.now();
    loop.advance(10s);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_EQ(reports[0].report.finding,
              (Finding{Class::stale, "not started for 3000 ms, too many other scripts run"}));
    EXPECT_LE(reports[0].at - began, 100ms + options.fall * 2 * (options.interval + options.timeout));
    EXPECT_EQ(checks.back()->verdict(), Verdict::down);
}

TEST_F(HealthScripts, OneThatIsStuckTakesNoOthersTurn) {
    starter.stuck = true;
    make(1);
    loop.advance(5s);
    starter.outcome = good_exit;
    make(3);
    loop.advance(200ms);
    EXPECT_EQ(count_of(Class::up), 3u);
}

TEST_F(HealthScripts, AStoppedCheckLeavesTheQueue) {
    make(ScriptRunner::most_at_once + 1);
    loop.advance(150ms);
    const std::size_t started = starter.children.size();
    ASSERT_EQ(started, ScriptRunner::most_at_once);
    for (auto& check : checks) {
        if (starter.children.size() == started) check->stop();
    }
    loop.advance(5s);
    EXPECT_EQ(starter.running(), 0u);
    EXPECT_EQ(starter.children.size(), started);
}

TEST_F(HealthScripts, EndsWithItsRunnerWhateverStillRuns) {
    auto runner = std::make_unique<ScriptRunner>(starter);
    const auto run = runner->run(runner->new_owner(), {.argv = {"/bin/x"}}, {[] {}, [](ExitStatus) {}});
    EXPECT_EQ(starter.running(), 1u);
    starter.stuck = true;
    auto stuck = runner->run(runner->new_owner(), {.argv = {"/bin/y"}}, {[] {}, [](ExitStatus) {}});
    stuck.reset();
    EXPECT_EQ(starter.running(), 2u) << "it does not end";
}

}  // namespace
}  // namespace vrrpd::health::health_scripts_test
