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
#include "tests/support/held_rtnl.hpp"
#include "tests/unit/netlink_kernel.hpp"

namespace vrrpd::netlink::netlink_monitor_test {
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
        monitor_.emplace(
            fake_, [] {}, 4096);
        monitor_->start();
    }

    // `count` addresses at once: more than 20 are more notices than the monitor can take.
    static void change(const std::string& verb, const std::string& network, int count) {
        shell("for i in $(seq 1 " + std::to_string(count) + "); do echo addr " + verb + " " + network +
              ".$((i / 250)).$((i % 250 + 1))/32 dev a0; done | ip -batch -");
    }

    // Until there were more notices than it can take, and it asks for everything.
    void poll_until_it_reads() {
        for (int tries = 0; tries < 50 && monitor_->resyncs() == resyncs_; ++tries) ASSERT_TRUE(fake_.poll_once());
        ASSERT_EQ(monitor_->resyncs(), ++resyncs_);
        while (fake_.next_deadline() < fake_.now() + 1s) ASSERT_TRUE(fake_.poll_once());
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
    std::uint64_t resyncs_ = 0;
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
    run({{[&] {
              for (int i = 0; i < count; ++i) requests.add_address(a0_, prefix(numbered(i)), "", one_answered);
              requests.flush();
              // Nobody reads the notices meanwhile.
              shell("until ip addr show dev a0 | grep -q ' " + numbered(59) + " '; do :; done");
          },
          [&] { return answered == count && facts_are(0, count); }},
         {[&] {
              EXPECT_GT(monitor.resyncs(), 0u) << "the small buffer did not overrun";
              for (int i = 0; i < count / 2; ++i) requests.remove_address(a0_, prefix(numbered(i)), one_answered);
              requests.flush();
              shell("while ip addr show dev a0 | grep -q ' " + numbered(59) + " '; do :; done");
          },
          [&] { return answered == count + count / 2 && facts_are(count / 2, count); }},
         // After all that it follows single notices again.
         {[&] { shell("ip addr add 10.0.0.3/24 dev a0"); },
          [&] { return known(monitor, "10.0.0.3/24").has_value(); }}});
}

TEST_F(NetlinkReading, WaitsForTheKernelAndIsBegunAgainWhenThatTakesTooLong) {
    change("add", "10.2", 100);
    std::optional<test::HeldRtnl> held(std::in_place, "a0");
    poll_until_it_reads();
    EXPECT_FALSE(fake_.poll_once(20ms)) << "the kernel was to be held up";
    EXPECT_FALSE(known(*monitor_, "10.2.0.100/32"));
    EXPECT_TRUE(known(*monitor_, "10.0.0.1/24")) << "what was known stays until a reading is complete";

    fake_.advance(2s);  // given up
    held.reset();
    shell("ip addr del 10.0.0.1/24 dev a0");
    for (int tries = 0; tries < 10 && known(*monitor_, "10.0.0.1/24"); ++tries) ASSERT_TRUE(fake_.poll_once());
    EXPECT_FALSE(known(*monitor_, "10.0.0.1/24")) << "notices are followed between two readings";
    EXPECT_FALSE(known(*monitor_, "10.2.0.100/32")) << "what comes too late is nobody's";
    settle();
    EXPECT_TRUE(known(*monitor_, "10.2.0.100/32"));
    EXPECT_EQ(facts(), truth());
    EXPECT_EQ(monitor_->resyncs(), 1u);
    EXPECT_EQ(fake_.next_deadline(), never);
}

// What is removed shifts the rest, so that the kernel leaves out as many: without another reading they were gone.
// The kernel is read only as far ahead as a channel keeps for its owner, a fraction of these.
TEST_F(NetlinkReading, OneThatTheKernelCallsInconsistentIsDoneAgain) {
    change("add", "10.2", 4000);
    poll_until_it_reads();
    while (!known(*monitor_, "10.2.0.2/32")) ASSERT_TRUE(fake_.poll_once());
    EXPECT_FALSE(known(*monitor_, "10.2.16.1/32"));
    change("del", "10.2", 3);
    settle();
    EXPECT_EQ(monitor_->resyncs(), 1u);
    EXPECT_EQ(facts().size(), truth().size());
    EXPECT_EQ(facts(), truth());
}

TEST_F(NetlinkReading, NoticesLostMeanwhileCauseAnother) {
    change("add", "10.2", 2000);
    poll_until_it_reads();
    const auto before = monitor_->resyncs();
    change("del", "10.2", 100);
    settle();
    EXPECT_EQ(monitor_->resyncs(), before + 1);
    EXPECT_EQ(facts(), truth());
}

}  // namespace
}  // namespace vrrpd::netlink::netlink_monitor_test
