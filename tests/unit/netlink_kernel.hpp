// The netlink room against the real kernel: each test enters a network namespace of its own, with a veth pair
// a0-b0 and 10.0.0.1/24 on a0, which goes when the test does.
#pragma once

#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <optional>
#include <sched.h>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <net/if.h>

#include "netlink/facts.hpp"
#include "netlink/monitor.hpp"
#include "netlink/requests.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/sd_event_loop.hpp"

namespace vrrpd::netlink {

using namespace std::chrono_literals;

inline Prefix prefix(const std::string& text) {
    return Prefix::parse(text).value();
}

/// The addresses of the tests that need many.
inline std::string numbered(int number) {
    return "10.1." + std::to_string(number / 250) + "." + std::to_string(1 + number % 250) + "/32";
}

inline void shell(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

/// The lowest free descriptor, which is what the next socket gets.
inline int next_descriptor() {
    return Descriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)).get();
}

class NetlinkKernel : public testing::Test {
  protected:
    void SetUp() override {
        home_ = Descriptor(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
        ASSERT_TRUE(home_);
        if (unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "needs root, to make a network namespace";
        shell("ip link add a0 type veth peer name b0");
        shell("ip addr add 10.0.0.1/24 dev a0");
        shell("ip link set lo up && ip link set a0 up && ip link set b0 up");
        a0_ = static_cast<int>(if_nametoindex("a0"));
        ASSERT_GT(a0_, 0);
    }
    void TearDown() override { ASSERT_EQ(setns(home_.get(), CLONE_NEWNET), 0); }

    struct Step {
        std::function<void()> act;
        std::function<bool()> done;
    };

    // Runs each step until it is done, looking every few milliseconds; a step that never is fails the test.
    void run(std::vector<Step> steps) {
        std::size_t current = 0;
        const auto guard = loop_.timer([&] { loop_.quit(1); }, Urgency::normal);
        guard->arm(loop_.now() + 30s);
        std::unique_ptr<Timer> tick;
        tick = loop_.timer(
            [&] {
                while (steps[current].done()) {
                    if (++current == steps.size()) return loop_.quit(0);
                    steps[current].act();
                }
                tick->arm(loop_.now() + 2ms);
            },
            Urgency::normal);
        steps[0].act();
        tick->arm(loop_.now());
        EXPECT_EQ(loop_.run(), 0) << "step " << current << " did not come to its end";
    }

    // A completion that keeps what it was told.
    struct Answer {
        int error = 0;
        std::string text;
    };
    Requests::Completion into(std::optional<Answer>& answer) {
        return [&answer](int error, const std::string& text) { answer = Answer{error, text}; };
    }

    std::optional<Address> known(const Monitor& monitor, const std::string& text) const {
        for (const Address& address : monitor.facts().addresses(a0_)) {
            if (address.prefix == prefix(text)) return address;
        }
        return std::nullopt;
    }

    Descriptor home_;
    SdEventLoop loop_;
    int a0_ = 0;
};

}  // namespace vrrpd::netlink
