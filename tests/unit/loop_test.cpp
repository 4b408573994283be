// The two parts that ordinary watches and timers of the production loop share.
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "vrrpd/loop/poller.hpp"
#include "vrrpd/loop/timer_queue.hpp"

namespace vrrpd::loop_test {
namespace {

using namespace std::chrono_literals;

struct Pipe {
    Pipe() {
        int ends[2];
        if (pipe(ends) != 0) throw std::runtime_error("pipe");
        out = Descriptor(ends[0]);
        in = Descriptor(ends[1]);
    }
    void write(char byte = 'x') const { ASSERT_EQ(::write(in.get(), &byte, 1), 1); }
    Descriptor out, in;
};

TEST(Poller, CallsWhatIsReadyAndOnlyThat) {
    Poller poller;
    Pipe a, b;
    std::string said;
    const auto watch_a =
        poller.watch(a.out.get(), readable, [&](std::uint32_t ready) { said += ready == readable ? "a" : "?"; });
    const auto watch_b =
        poller.watch(b.out.get(), readable, [&](std::uint32_t ready) { said += ready == hang_up ? "b" : "?"; });
    poller.dispatch();
    EXPECT_EQ(said, "");
    a.write();
    poller.dispatch();
    poller.dispatch();
    EXPECT_EQ(said, "aa") << "level triggered";
    watch_a->interest(0);
    b.in.reset();
    poller.dispatch();
    EXPECT_EQ(said, "aab") << "a hang-up comes unasked";
}

TEST(Poller, WhatIsOfNoInterestIsNotReported) {
    Poller poller;
    Pipe pipe;
    std::uint32_t said = 0;
    const auto watch = poller.watch(pipe.out.get(), readable, [&](std::uint32_t ready) { said = ready; });
    pipe.write();
    watch->interest(0);
    pipe.in.reset();
    poller.dispatch();
    EXPECT_EQ(said, 0u) << "not even a hang-up";
    watch->interest(hang_up);
    poller.dispatch();
    EXPECT_EQ(said, std::uint32_t{hang_up});
    watch->interest(readable);
    poller.dispatch();
    EXPECT_EQ(said, readable | hang_up) << "what came meanwhile is seen";
}

TEST(Poller, ACallbackMayDestroyAnyWatch) {
    Poller poller;
    Pipe pipes[3];
    std::unique_ptr<Watch> watches[3];
    int calls = 0;
    for (int i = 0; i < 3; ++i) {
        watches[i] = poller.watch(pipes[i].out.get(), readable, [&, keeps = std::string("captured")](std::uint32_t) {
            ++calls;
            for (auto& watch : watches) watch.reset();
            EXPECT_EQ(keeps, "captured");
        });
        pipes[i].write();
    }
    poller.dispatch();
    EXPECT_EQ(calls, 1) << "the others were ready in the same round";
    // A new watch in an old place hears nothing of what was meant for the old one.
    watches[0] = poller.watch(pipes[0].out.get(), writable, [&](std::uint32_t) { ++calls; });
    poller.dispatch();
    EXPECT_EQ(calls, 1);
}

TEST(Poller, RefusesWhatCannotBeWatched) {
    Poller poller;
    EXPECT_THROW(static_cast<void>(poller.watch(-1, readable, [](std::uint32_t) {})), std::system_error);
    Pipe pipe;
    const auto watch = poller.watch(pipe.out.get(), readable, [](std::uint32_t) {});
    EXPECT_THROW(static_cast<void>(poller.watch(pipe.out.get(), readable, [](std::uint32_t) {})), std::system_error);
}

class TimerQueueTest : public testing::Test {
  protected:
    std::unique_ptr<Timer> timer(char name) {
        return queue.timer([this, name] { fired += name; });
    }
    std::vector<Instant> alarms;
    TimerQueue queue{[this](Instant when) { alarms.push_back(when); }};
    std::string fired;
    const Instant t{100s};
};

TEST_F(TimerQueueTest, FiresInOrderOnceAndNeverEarly) {
    const auto a = timer('a'), b = timer('b'), c = timer('c');
    a->arm(t + 2ms);
    b->arm(t + 1ms);
    c->arm(t + 2ms);
    queue.expire(t + 1ms - 1ns);
    EXPECT_EQ(fired, "");
    queue.expire(t + 2ms);
    EXPECT_EQ(fired, "bac") << "of those that are due together the first armed first";
    queue.expire(t + 1h);
    EXPECT_EQ(fired, "bac");
}

TEST_F(TimerQueueTest, AlarmsOnlyWhenItHasToBeEarlier) {
    const auto a = timer('a'), b = timer('b');
    a->arm(t + 1s);
    b->arm(t + 2s);
    a->arm(t + 3s);
    a->disarm();
    EXPECT_EQ(alarms, (std::vector<Instant>{t + 1s}));
    b->arm(t + 500ms);
    EXPECT_EQ(alarms.back(), t + 500ms);
    b->arm(t + 2s);
    queue.expire(t + 500ms);
    EXPECT_EQ(fired, "") << "for nothing, once";
    EXPECT_EQ(alarms.back(), t + 2s);
    b->arm(never);
    queue.expire(t + 2s);
    EXPECT_EQ(fired, "");
    EXPECT_EQ(alarms.back(), t + 2s) << "nothing is armed";
}

TEST_F(TimerQueueTest, WhatIsArmedMeanwhileWaitsForTheNextTime) {
    std::unique_ptr<Timer> self;
    int times = 0;
    self = queue.timer([&] {
        ++times;
        self->arm(t);
    });
    const auto other = timer('o');
    self->arm(t);
    other->arm(t);
    queue.expire(t);
    EXPECT_EQ(times, 1);
    EXPECT_EQ(fired, "o") << "and keeps nobody else from its turn";
    EXPECT_EQ(alarms.back(), t);
    queue.expire(t);
    EXPECT_EQ(times, 2);
}

TEST_F(TimerQueueTest, ACallbackMayDestroyAnyTimer) {
    std::unique_ptr<Timer> timers[3];
    int times = 0;
    for (auto& each : timers) {
        each = queue.timer([&, keeps = std::string("captured")] {
            ++times;
            for (auto& one : timers) one.reset();
            EXPECT_EQ(keeps, "captured");
        });
        each->arm(t);
    }
    queue.expire(t);
    EXPECT_EQ(times, 1);
}

TEST_F(TimerQueueTest, ManyAtOnceLeaveRoomForWhatIsMoreUrgent) {
    std::vector<std::unique_ptr<Timer>> timers;
    for (int i = 0; i < 100; ++i) {
        timers.push_back(timer('x'));
        timers.back()->arm(t);
    }
    queue.expire(t);
    EXPECT_EQ(fired.size(), static_cast<std::size_t>(TimerQueue::batch));
    EXPECT_EQ(alarms.back(), t);
}

}  // namespace
}  // namespace vrrpd::loop_test
