// Echoes: their bytes, and real ones in a network of the test's own.
#include <cstdlib>
#include <sched.h>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "health/ping_probe.hpp"
#include "tests/unit/health_support.hpp"

namespace vrrpd::health::health_ping_test {
namespace {

using namespace test;

TEST(HealthEcho, RequestsAreRight) {
    const auto request = echo_request(Family::ipv4, {0x1234, 0}, 0x0102);
    EXPECT_EQ(request[0], 8);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < request.size(); i += 2)
        sum += static_cast<std::uint32_t>(request[i] << 8 | request[i + 1]);
    EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffffu) << "RFC 1071";
    EXPECT_EQ(echo_request(Family::ipv6, {0x1234, 0}, 1)[0], 128);
}

TEST(HealthEcho, OnlyAnAnswerToOurOwnCounts) {
    const EchoId id{0x1234, 0x0100};
    const auto reply = [&](std::uint16_t identifier, std::uint16_t sequence, std::uint8_t type = 0) {
        const auto request = echo_request(Family::ipv4, {identifier, 0}, sequence);
        std::vector<std::uint8_t> packet(20);
        packet[0] = 0x45;
        packet.insert(packet.end(), request.begin(), request.end());
        packet[20] = type;
        return packet;
    };
    EXPECT_TRUE(is_echo_reply(reply(0x1234, 0x0100), Family::ipv4, id, 1, false));
    EXPECT_TRUE(is_echo_reply(reply(0x1234, 0x0101), Family::ipv4, id, 2, false));
    EXPECT_FALSE(is_echo_reply(reply(0x1234, 0x0101), Family::ipv4, id, 1, false)) << "was not sent";
    EXPECT_FALSE(is_echo_reply(reply(0x1234, 0x00ff), Family::ipv4, id, 2, false)) << "of an earlier probe";
    EXPECT_FALSE(is_echo_reply(reply(0x4321, 0x0100), Family::ipv4, id, 1, false)) << "another program's";
    EXPECT_FALSE(is_echo_reply(reply(0x1234, 0x0100, 8), Family::ipv4, id, 1, false)) << "our own request";
    auto packet = reply(0x1234, 0x0100);
    for (std::size_t size = 0; size < 28; ++size) {
        EXPECT_FALSE(is_echo_reply(std::span(packet).first(size), Family::ipv4, id, 1, false)) << size;
    }
    packet[0] = 0x4f;  // a header that is longer than the packet
    EXPECT_FALSE(is_echo_reply(std::span(packet).first(30), Family::ipv4, id, 1, false));
    auto six = echo_request(Family::ipv6, id, 0x0100);
    EXPECT_FALSE(is_echo_reply(six, Family::ipv6, id, 1, false));
    six[0] = 129;
    EXPECT_TRUE(is_echo_reply(six, Family::ipv6, id, 1, false));
}

/// In a network with a loopback, and a link that swallows everything.
class HealthPing : public ::testing::Test {
  protected:
    void SetUp() override {
        if (unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "needs root";
        ASSERT_EQ(
            std::system("ip link set lo up && ip link add va type veth peer name vb && ip link set vb up && ip addr "
                        "add 10.0.0.1/24 dev va &&"
                        " ip link set va arp off up && ip route add unreachable 10.9.9.9"),
            0);
    }
    Finding outcome_of(const char* address, int count = 1) {
        options.kind = Kind::ping;
        options.endpoint = {*IpAddress::parse(address), 0};
        options.timeout = 500ms;
        options.count = count;
        std::vector<Finding> findings;
        std::unique_ptr<Probe> probe = std::make_unique<PingProbe>(loop, options, [&](const Finding& finding) {
            findings.push_back(finding);
            probe.reset();
        });
        EXPECT_TRUE(findings.empty());
        settle(loop);
        const Instant began = loop.now();
        while (findings.empty()) {
            loop.advance(1ms);
            settle_now();
        }
        took = loop.now() - began;
        EXPECT_EQ(loop.next_deadline(), never) << "nothing is left";
        return findings.front();
    }
    void settle_now() {
        while (loop.poll_once(0ms)) {
        }
    }
    /// Which of the two kinds of sockets the kernel lets us have.
    static void let_ping_sockets(bool let) {
        const std::string range = let ? "0 2147483647" : "1 0";
        ASSERT_EQ(std::system(("echo '" + range + "' > /proc/sys/net/ipv4/ping_group_range").c_str()), 0);
    }

    vrrpd::test::FakeLoop loop;
    CheckOptions options;
    Duration took{};
};

TEST_F(HealthPing, AReplyIsUp) {
    for (const bool ping_sockets : {true, false}) {
        let_ping_sockets(ping_sockets);
        for (const char* address : {"127.0.0.1", "10.0.0.1", "::1"}) {
            EXPECT_EQ(outcome_of(address), (Finding{Class::up, "replied"})) << address << ping_sockets;
            EXPECT_EQ(outcome_of(address, 3), (Finding{Class::up, "replied"})) << address << ping_sockets;
        }
    }
}

TEST_F(HealthPing, SilenceIsTimedOut) {
    for (const bool ping_sockets : {true, false}) {
        let_ping_sockets(ping_sockets);
        EXPECT_EQ(outcome_of("10.0.0.77"), (Finding{Class::timed_out, "no reply in 500 ms"}));
        EXPECT_GE(took, 499ms);
        EXPECT_EQ(outcome_of("10.0.0.77", 5), (Finding{Class::timed_out, "no reply in 500 ms"}));
    }
}

TEST_F(HealthPing, NoWayIsUnreachableAndKnownAtOnce) {
    for (const bool ping_sockets : {true, false}) {
        let_ping_sockets(ping_sockets);
        for (const char* address : {"10.9.9.9", "203.0.113.1", "2001:db8::1"}) {
            EXPECT_EQ(outcome_of(address).cls, Class::unreachable) << address;
            EXPECT_LE(took, 2ms);
        }
    }
}

}  // namespace
}  // namespace vrrpd::health::health_ping_test
