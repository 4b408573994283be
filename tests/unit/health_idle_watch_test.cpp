#include <gtest/gtest.h>

#include "health/idle_watch.hpp"
#include "tests/unit/health_support.hpp"

namespace vrrpd::health::health_idle_watch_test {
namespace {

using namespace test;

class HealthIdleWatch : public ::testing::Test {
  protected:
    /// Lets the server close the connection that is held, as one with an idle time-out would.
    void end_by_server() {
        Descriptor guest = listener.accept();
        guest.reset();
        settle(loop);
    }

    vrrpd::test::FakeLoop loop;
    Listener listener;
    int ends = 0;
    IdleWatch watch{loop, listener.endpoint(), [this] { ++ends; }};
};

TEST_F(HealthIdleWatch, HoldsOneConnectionAndSaysNothing) {
    watch.hold();
    watch.hold();
    settle(loop);
    const Descriptor guest = listener.accept();
    EXPECT_FALSE(listener.has_guest());
    char byte = 0;
    EXPECT_EQ(recv(guest.get(), &byte, 1, MSG_DONTWAIT), -1);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_EQ(ends, 0);
}

TEST_F(HealthIdleWatch, ItsEndIsToldOnce) {
    watch.hold();
    end_by_server();
    EXPECT_EQ(ends, 1);
}

TEST_F(HealthIdleWatch, AResetIsAnEnd) {
    watch.hold();
    Descriptor guest = listener.accept();
    reset_on_close(guest);
    guest.reset();
    settle(loop);
    EXPECT_EQ(ends, 1);
}

TEST_F(HealthIdleWatch, ARefusedConnectIsAnEndToldFromTheLoop) {
    listener.close();
    watch.hold();
    EXPECT_EQ(ends, 0);
    settle(loop);
    EXPECT_EQ(ends, 1);
}

TEST_F(HealthIdleWatch, DropsWhatComesInUpToItsBound) {
    watch.hold();
    const Descriptor guest = listener.accept();
    const std::string kilobyte(1024, 'x');
    for (int i = 0; i < 64; ++i) {
        say(guest, kilobyte);
        while (loop.poll_once(0ms)) {
        }
    }
    settle(loop);
    EXPECT_EQ(ends, 0);
    say(guest, "x");
    settle(loop);
    EXPECT_EQ(ends, 1);
}

TEST_F(HealthIdleWatch, AHabitOfClosingPausesLongerEachTimeUpToAMinute) {
    watch.hold();
    end_by_server();
    watch.hold();  // after the first end there is no pause
    EXPECT_TRUE(listener.has_guest());
    for (const Duration pause : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
        end_by_server();
        loop.advance(pause - 1ns);
        watch.hold();
        EXPECT_FALSE(listener.has_guest());
        loop.advance(1ns);
        watch.hold();
        EXPECT_TRUE(listener.has_guest());
    }
    EXPECT_EQ(ends, 9);
}

TEST_F(HealthIdleWatch, AFailureForgetsThePauses) {
    watch.hold();
    end_by_server();
    watch.hold();
    end_by_server();
    watch.hold();
    EXPECT_FALSE(listener.has_guest());
    watch.release();
    watch.hold();
    EXPECT_TRUE(listener.has_guest());
}

TEST_F(HealthIdleWatch, AConnectionThatLivedAMinuteIsNoHabit) {
    for (int i = 0; i < 5; ++i) {
        watch.hold();
        EXPECT_TRUE(listener.has_guest());
        loop.advance(1min);
        end_by_server();
    }
    EXPECT_EQ(ends, 5);
}

TEST_F(HealthIdleWatch, ReleaseClosesInSilence) {
    watch.hold();
    const Descriptor guest = listener.accept();
    watch.release();
    EXPECT_EQ(hear(guest), "");
    settle(loop);
    EXPECT_EQ(ends, 0);
}

}  // namespace
}  // namespace vrrpd::health::health_idle_watch_test
