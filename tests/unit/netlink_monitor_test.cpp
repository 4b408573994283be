#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netlink/messages.hpp"
#include "netlink/monitor.hpp"
#include "netlink/requests.hpp"
#include "tests/support/fake_loop.hpp"
#include "tests/unit/netlink_kernel.hpp"

namespace vrrpd::netlink {
namespace {

class NetlinkMonitor : public NetlinkKernel {};

// A monitor whose notices are soon too many and whose readings can be looked at on their way.
class NetlinkReading : public NetlinkKernel {
  protected:
    void SetUp() override {
        NetlinkKernel::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        // Duplicate detection would end some time later and make facts() and truth() differ.
        for (const std::string link : {"a0", "b0"}) {
            shell("ip link set " + link + " addrgenmode none && ip -6 addr flush dev " + link);
        }
        Descriptor of_notices(open("/dev/null", O_RDONLY | O_CLOEXEC));
        readings_ = next_descriptor();
        of_notices.reset();
        monitor_.emplace(
            fake_, [] {}, 4096);
        monitor_->start();
    }

    // `count` addresses at once: more than 20 are more notices than the monitor can take.
    static void change(const std::string& verb, const std::string& network, int count) {
        shell("for i in $(seq 1 " + std::to_string(count) + "); do echo addr " + verb + " " + network +
              ".$((i / 250)).$((i % 250 + 1))/32 dev a0; done | ip -batch -");
    }

    // What the monitor will read next, left where it is.
    std::span<std::uint8_t> next_answer() {
        const auto length = recv(readings_, answer_, sizeof answer_, MSG_DONTWAIT | MSG_PEEK);
        return {answer_, static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
    }
    bool ends_the_reading() {
        bool ends = false;
        for_each_message(next_answer(), [&](nlmsghdr& message) { ends |= message.nlmsg_type == NLMSG_DONE; });
        return ends;
    }
    void poll_until_it_reads() {
        for (int tries = 0; tries < 50 && next_answer().empty(); ++tries) ASSERT_TRUE(fake_.poll_once());
        ASSERT_FALSE(next_answer().empty());
    }
    void settle() {
        while (fake_.poll_once(20ms)) continue;
        if (fake_.next_deadline() == never) return;
        fake_.advance_to(fake_.next_deadline());
        settle();
    }

    std::vector<Address> facts() const { return sorted(*monitor_); }
    std::vector<Address> truth() {
        Monitor fresh(fake_, [] {});
        fresh.start();
        return sorted(fresh);
    }
    static std::vector<Address> sorted(const Monitor& monitor) {
        auto addresses = monitor.facts().addresses();
        std::ranges::sort(addresses, {}, &Address::prefix);
        return addresses;
    }

    test::FakeLoop fake_;
    std::optional<Monitor> monitor_;
    int readings_ = -1;
    alignas(nlmsghdr) std::uint8_t answer_[1 << 16];
};

TEST_F(NetlinkMonitor, OthersAreSeen) {
    int told = 0;
    Monitor monitor(loop_, [&] { ++told; });
    monitor.start();
    EXPECT_EQ(told, 0);
    ASSERT_NE(monitor.facts().link("a0"), nullptr);
    EXPECT_EQ(monitor.facts().link("a0")->index, a0_);
    EXPECT_TRUE(monitor.facts().link("a0")->up);
    EXPECT_NE(monitor.facts().link("a0")->mac, (std::array<std::uint8_t, 6>{}));
    EXPECT_TRUE(known(monitor, "10.0.0.1/24"));

    const auto a0 = [&] { return monitor.facts().link("a0"); };
    run({{[] {}, [&] { return a0()->running; }},
         {[&] {
              told = 0;
              shell("ip addr add 10.0.0.2/24 dev a0");
          },
          [&] { return known(monitor, "10.0.0.2/24").has_value(); }},
         {[&] {
              EXPECT_GT(told, 0);
              EXPECT_TRUE(known(monitor, "10.0.0.2/24")->secondary);
              shell("ip addr del 10.0.0.2/24 dev a0");
          },
          [&] { return !known(monitor, "10.0.0.2/24"); }},
         {[] { shell("ip link set b0 down"); }, [&] { return !a0()->running && a0()->up; }},
         {[] { shell("ip link set b0 up"); }, [&] { return a0()->running; }},
         {[] { shell("ip link set a0 down"); }, [&] { return !a0()->up && !a0()->running; }},
         {[] { shell("ip link set a0 name lan0"); }, [&] { return a0() == nullptr && monitor.facts().link("lan0"); }},
         {[] { shell("ip link del b0"); }, [&] { return monitor.facts().link(a0_) == nullptr; }}});
    EXPECT_TRUE(monitor.facts().addresses(a0_).empty());
    EXPECT_EQ(monitor.resyncs(), 0u);
}

TEST_F(NetlinkMonitor, OurOwnAddressesAreKnownButNotTold) {
    int told = 0;
    Monitor monitor(loop_, [&] { ++told; });
    monitor.start();
    Requests requests(loop_);
    const int b0 = static_cast<int>(if_nametoindex("b0"));
    const auto is_ready = [&](int link) {
        return monitor.facts().link(link)->running && monitor.facts().primary_address(link, Family::ipv6, {});
    };
    std::optional<Answer> added, removed;
    run({{[] {}, [&] { return is_ready(a0_) && is_ready(b0); }},
         {[&] {
              told = 0;
              requests.add_address(a0_, prefix("10.0.0.9/24"), "", into(added));
              requests.flush();
          },
          [&] { return known(monitor, "10.0.0.9/24").has_value(); }},
         {[&] {
              requests.remove_address(a0_, prefix("10.0.0.9/24"), into(removed));
              requests.flush();
          },
          [&] { return removed && !known(monitor, "10.0.0.9/24"); }},
         {[&] {
              EXPECT_EQ(told, 0);
              shell("ip addr add 10.0.0.2/24 dev a0");
          },
          [&] { return known(monitor, "10.0.0.2/24").has_value(); }}});
    EXPECT_EQ(told, 1);
}

TEST_F(NetlinkMonitor, ALinkLocalAddressBecomesTheIpv6SourceWhenItIsReady) {
    Monitor monitor(loop_, [] {});
    monitor.start();
    run({{[] {}, [&] { return monitor.facts().primary_address(a0_, Family::ipv6, {}).has_value(); }}});
    EXPECT_TRUE(monitor.facts().primary_address(a0_, Family::ipv6, {})->is_link_local());
}

// H45
TEST_F(NetlinkMonitor, LostNoticesAreMadeUpForByReadingEverything) {
    constexpr int count = 600;
    int answered = 0;
    const auto one_answered = [&](int error, const std::string& text) {
        EXPECT_EQ(error, 0) << text;
        ++answered;
    };
    Monitor monitor(
        loop_, [] {}, 4096);
    monitor.start();
    Requests requests(loop_);
    const auto facts_are = [&](int first, int end) {
        int right = 0;
        for (int i = 0; i < count; ++i) right += known(monitor, numbered(i)).has_value() == (i >= first && i < end);
        return right == count;
    };
    std::uint64_t resyncs = 0;
    run({{[&] {
              for (int i = 0; i < count; ++i) requests.add_address(a0_, prefix(numbered(i)), "", one_answered);
              requests.flush();
          },
          [&] { return answered == count && facts_are(0, count); }},
         {[&] {
              resyncs = monitor.resyncs();
              EXPECT_GT(resyncs, 0u) << "the small buffer did not overrun";
              for (int i = 0; i < count / 2; ++i) requests.remove_address(a0_, prefix(numbered(i)), one_answered);
              requests.flush();
          },
          [&] { return answered == count + count / 2 && facts_are(count / 2, count); }},
         // After all that it follows single notices again.
         {[&] {
              EXPECT_GT(monitor.resyncs(), resyncs);
              shell("ip addr add 10.0.0.3/24 dev a0");
          },
          [&] { return known(monitor, "10.0.0.3/24").has_value(); }}});
}

TEST_F(NetlinkReading, OneThatNeverEndsIsBegunAgain) {
    change("add", "10.2", 100);
    poll_until_it_reads();
    EXPECT_EQ(monitor_->resyncs(), 1u);
    while (recv(readings_, answer_, sizeof answer_, MSG_DONTWAIT) > 0) continue;  // the answer goes astray
    EXPECT_FALSE(known(*monitor_, "10.2.0.100/32"));
    EXPECT_TRUE(known(*monitor_, "10.0.0.1/24")) << "what was known stays until a reading is complete";

    fake_.advance(2s);  // given up
    shell("ip addr del 10.0.0.1/24 dev a0");
    ASSERT_TRUE(fake_.poll_once());
    EXPECT_FALSE(known(*monitor_, "10.0.0.1/24")) << "notices are followed between two readings";
    settle();
    EXPECT_TRUE(known(*monitor_, "10.2.0.100/32"));
    EXPECT_EQ(facts(), truth());
    EXPECT_EQ(monitor_->resyncs(), 1u);
    EXPECT_EQ(fake_.next_deadline(), never);
}

// What is removed shifts the rest, so that the kernel leaves out as many: without another reading they were gone.
TEST_F(NetlinkReading, OneThatTheKernelCallsInconsistentIsDoneAgain) {
    change("add", "10.2", 3000);
    poll_until_it_reads();
    ASSERT_TRUE(fake_.poll_once());
    ASSERT_FALSE(next_answer().empty() || ends_the_reading()) << "too few addresses for this test";
    change("del", "10.2", 3);
    settle();
    EXPECT_EQ(monitor_->resyncs(), 1u);
    EXPECT_EQ(facts().size(), truth().size());
    EXPECT_EQ(facts(), truth());
}

// The window is small: the reading is complete in its socket, but not yet taken. How much is read in a
// wake-up decides whether it opens, so the test adds addresses until it does.
TEST_F(NetlinkReading, NoticesLostWhileItsEndLiesReadyCauseAnother) {
    change("add", "10.2", 2000);
    bool open = false;
    for (int tries = 0; tries < 40 && !open; ++tries) {
        settle();
        change("add", "10." + std::to_string(100 + tries), 120);
        poll_until_it_reads();
        ASSERT_TRUE(fake_.poll_once());
        while (!next_answer().empty() && !ends_the_reading()) ASSERT_TRUE(fake_.poll_once());
        open = !next_answer().empty();
    }
    ASSERT_TRUE(open);
    const auto before = monitor_->resyncs();
    change("del", "10.2", 100);
    settle();
    EXPECT_EQ(monitor_->resyncs(), before + 1);
    EXPECT_EQ(facts(), truth());
}

}  // namespace
}  // namespace vrrpd::netlink
