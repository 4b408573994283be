#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "health/judgement.hpp"

namespace vrrpd::health::health_judgement_test {
namespace {

using namespace std::chrono_literals;

const Finding good{Class::up, "connected"};
const Finding soft{Class::hung, "connected, no reply in 500 ms"};
const Finding hard{Class::refused, "connection refused", true};

CheckOptions options(int rise, int fall, bool init_fail = false, bool fast_fail = true) {
    CheckOptions result;
    result.name = "memcached";
    result.kind = Kind::memcached;
    result.interval = 1s;
    result.rise = rise;
    result.fall = fall;
    result.init_fail = init_fail;
    result.fast_fail = fast_fail;
    return result;
}

// The contract, said in another way than the code does: by the length of the run that the history ends with.
struct Model {
    CheckOptions options;
    std::vector<bool> history{};
    std::vector<Class> classes{};
    Class told = Class::up;
    Verdict verdict = options.init_fail ? Verdict::down : Verdict::unknown;
    bool settled = false;

    int run() const {
        const auto end = std::find(history.rbegin(), history.rend(), !history.back());
        return static_cast<int>(end - history.rbegin());
    }
    bool feed(const Finding& finding) {
        const bool news = judge(finding.success());
        classes.push_back(finding.cls);
        const std::size_t count = classes.size();
        const bool twice = count > 1 && classes[count - 2] == finding.cls;
        const bool otherwise_ill =
            settled && verdict == Verdict::down && !finding.success() && twice && finding.cls != told;
        if (news || otherwise_ill) told = finding.cls;
        return news || otherwise_ill;
    }
    bool judge(bool success) {
        history.push_back(success);
        const bool to_up = success && (!settled || (verdict == Verdict::down && run() >= options.rise));
        const bool to_down = !success && run() >= options.fall && !(settled && verdict == Verdict::down);
        if (to_up && settled && verdict == Verdict::up) return false;
        if (!to_up && !to_down) return false;
        verdict = to_up ? Verdict::up : Verdict::down;
        settled = true;
        return true;
    }
};

void compare(const CheckOptions& checked, unsigned sequence, int length) {
    Judgement judgement(checked);
    Model model{checked};
    for (int i = 0; i < length; ++i, sequence /= 3) {
        const Finding& finding = sequence % 3 == 0 ? good : sequence % 3 == 1 ? soft : hard;
        const bool news = model.feed(finding);
        const auto report = judgement.feed(finding);
        ASSERT_EQ(report.has_value(), news);
        ASSERT_EQ(judgement.verdict(), model.verdict);
        if (report) {
            ASSERT_EQ(report->verdict, model.verdict);
            ASSERT_EQ(report->finding, finding);
            ASSERT_EQ(report->count, report->needed);
        }
        const Instant started(100s);
        const Instant ended = started + 300ms;
        const bool hurry =
            checked.fast_fail && !finding.success() && !(model.settled && model.verdict == Verdict::down);
        // A soft failure that came back at once is not asked again before its timeout would have been over.
        const Instant hurried = finding.hard ? ended + hard_failure_pause : std::max(ended, started + checked.timeout);
        ASSERT_EQ(judgement.next_probe(started, ended), hurry ? hurried : started + 1s);
    }
}

TEST(HealthJudgement, AgreesWithTheModelOnEverySequence) {
    constexpr int length = 7;
    constexpr unsigned sequences = 2187;  // 3^7
    for (const int rise : {1, 2, 3}) {
        for (const int fall : {1, 2, 3}) {
            for (const bool init_fail : {false, true}) {
                for (const bool fast_fail : {false, true}) {
                    for (unsigned sequence = 0; sequence < sequences; ++sequence) {
                        SCOPED_TRACE(sequence);
                        compare(options(rise, fall, init_fail, fast_fail), sequence, length);
                        if (HasFatalFailure()) return;
                    }
                }
            }
        }
    }
}

TEST(HealthJudgement, FromTheStartOneSuccessIsUp) {
    for (const bool init_fail : {false, true}) {
        Judgement judgement(options(5, 3, init_fail));
        EXPECT_EQ(judgement.verdict(), init_fail ? Verdict::down : Verdict::unknown);
        EXPECT_FALSE(judgement.feed(soft));
        const auto report = judgement.feed(good);
        ASSERT_TRUE(report);
        EXPECT_EQ(report->verdict, Verdict::up);
        EXPECT_EQ(report->needed, 1);
    }
}

TEST(HealthJudgement, TheFirstVerdictIsNewsEvenIfInitFailHadItRight) {
    Judgement judgement(options(2, 2, true));
    EXPECT_FALSE(judgement.feed(hard));
    const auto report = judgement.feed(hard);
    ASSERT_TRUE(report);
    EXPECT_EQ(*report, (Report{Verdict::down, hard, 2, 2}));
    EXPECT_FALSE(judgement.feed(good));
    EXPECT_TRUE(judgement.feed(good));
}

TEST(HealthJudgement, IllInAnotherWayIsNewsTheSecondTime) {
    Judgement judgement(options(2, 1));
    EXPECT_TRUE(judgement.feed(hard));
    EXPECT_FALSE(judgement.feed(hard));
    EXPECT_FALSE(judgement.feed(soft));
    const auto report = judgement.feed(soft);
    ASSERT_TRUE(report);
    EXPECT_EQ(*report, (Report{Verdict::down, soft, 0, 0}));
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(judgement.feed(hard)) << "one that is now this and now that says nothing new";
        EXPECT_FALSE(judgement.feed(soft));
    }
}

TEST(HealthJudgement, AFlapOnEitherSideStartsTheCountAfresh) {
    Judgement judgement(options(2, 2));
    judgement.feed(good);
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(judgement.feed(soft));
        EXPECT_FALSE(judgement.feed(good));
    }
    judgement.feed(soft);
    EXPECT_TRUE(judgement.feed(soft));
    for (int i = 0; i < 5; ++i) {
        EXPECT_FALSE(judgement.feed(good));
        EXPECT_FALSE(judgement.feed(soft));
    }
    EXPECT_EQ(judgement.verdict(), Verdict::down);
}

TEST(HealthJudgement, ALateProbeIsMadeUpForOnce) {
    Judgement judgement(options(2, 2));
    judgement.feed(good);
    const Instant started(100s);
    const Instant woken = started + 60s;
    EXPECT_EQ(judgement.next_probe(started, woken), woken);
    EXPECT_EQ(judgement.next_probe(woken, woken), woken + 1s);
}

TEST(HealthReport, LogLinesAreThoseOfTheContract) {
    CheckOptions memcached = options(2, 2);
    EXPECT_EQ(log_line(memcached, {Verdict::down, soft, 2, 2}),
              R"(Check(memcached) failed reason="hung: connected, no reply in 500 ms" count=2/2)");
    EXPECT_EQ(log_line(memcached, {Verdict::up, good, 2, 2}), "Check(memcached) succeeded");
    const Finding cold{Class::up, "uptime 3 s", false, true};
    EXPECT_EQ(log_line(memcached, {Verdict::up, cold, 1, 1}), R"(Check(memcached) succeeded cold reason="uptime 3 s")");
    EXPECT_EQ(log_line(memcached, {Verdict::up, cold, 0, 0}), R"(Check(memcached) cold reason="uptime 3 s")");
    EXPECT_EQ(log_line(memcached, {Verdict::up, good, 0, 0}), "Check(memcached) warm");
    CheckOptions script = memcached;
    script.name = "chk";
    script.kind = Kind::script;
    EXPECT_EQ(log_line(script, {Verdict::up, good, 1, 1}), "VRRP_Script(chk) succeeded");
    EXPECT_EQ(log_line(script, {Verdict::down, {Class::failed, "exit code 3"}, 3, 3}),
              R"(VRRP_Script(chk) failed reason="failed: exit code 3" count=3/3)");
    EXPECT_EQ(log_line(script, {Verdict::down, {Class::timed_out, "no exit in 500 ms"}, 2, 2}),
              R"(VRRP_Script(chk) timed_out reason="timed out: no exit in 500 ms" count=2/2)");
}

TEST(HealthReport, WhatAServerSaysCannotEndTheQuotes) {
    const Finding finding{Class::wrong_protocol, R"(x" count=0/9 \)"};
    EXPECT_EQ(log_line(options(2, 2), {Verdict::down, finding, 2, 2}),
              R"(Check(memcached) failed reason="wrong protocol: x\" count=0/9 \\" count=2/2)");
}

TEST(HealthFinding, PrintsClassAndEvidence) {
    EXPECT_EQ(to_string(hard), "refused: connection refused");
    EXPECT_EQ(to_string(Finding{}), "up");
    EXPECT_EQ(in_milliseconds(1500ms), "1500 ms");
}

TEST(HealthOptions, EndpointsPrintAsTheyAreWritten) {
    EXPECT_EQ((Endpoint{*IpAddress::parse("127.0.0.1"), 11211}.to_string()), "127.0.0.1:11211");
    EXPECT_EQ((Endpoint{*IpAddress::parse("::1"), 11211}.to_string()), "[::1]:11211");
}

Finding with_cold(bool cold) {
    Finding finding = good;
    finding.cold = cold;
    return finding;
}

TEST(HealthJudgement, TurningColdOrWarmIsReportedWithTheVerdictItHas) {
    Judgement judgement(options(1, 2));
    const auto first = judgement.feed(with_cold(true));
    ASSERT_TRUE(first);
    EXPECT_TRUE(first->is_cold());
    EXPECT_EQ(first->count, 1);
    EXPECT_FALSE(judgement.feed(with_cold(true)));
    EXPECT_FALSE(judgement.feed(soft));
    EXPECT_FALSE(judgement.feed(with_cold(true))) << "a failure in between is no news of that";
    EXPECT_EQ(judgement.feed(with_cold(false)), (Report{Verdict::up, with_cold(false), 0, 0}));
    EXPECT_FALSE(judgement.feed(with_cold(false)));
    EXPECT_FALSE(judgement.feed(soft)) << "a restart that no verdict notices";
    EXPECT_EQ(judgement.feed(with_cold(true)), (Report{Verdict::up, with_cold(true), 0, 0}));
}

TEST(HealthJudgement, ColdnessWhileDownWaitsForTheVerdict) {
    Judgement judgement(options(2, 1));
    judgement.feed(with_cold(false));
    EXPECT_EQ(judgement.feed(hard)->verdict, Verdict::down);
    EXPECT_FALSE(judgement.feed(with_cold(true)));
    const auto up = judgement.feed(with_cold(true));
    ASSERT_TRUE(up);
    EXPECT_EQ(up->count, 2);
    EXPECT_TRUE(up->is_cold());
}

}  // namespace
}  // namespace vrrpd::health::health_judgement_test
