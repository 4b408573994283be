#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <poll.h>
#include <sched.h>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netlink/channel.hpp"
#include "netlink/messages.hpp"
#include "tests/support/held_rtnl.hpp"
#include "tests/unit/netlink_kernel.hpp"

namespace vrrpd::netlink::netlink_channel_test {
namespace {

class NetlinkChannel : public NetlinkKernel {
  protected:
    static std::optional<Channel::Incoming> next(Channel& channel, std::chrono::milliseconds limit) {
        pollfd descriptor{channel.descriptor(), POLLIN, 0};
        Channel::Incoming incoming;
        if (poll(&descriptor, 1, static_cast<int>(limit.count())) != 1 || !channel.receive(incoming)) {
            return std::nullopt;
        }
        return incoming;
    }
    static std::optional<Ack> next_ack(Channel& channel) {
        auto incoming = next(channel, 10s);
        std::optional<Ack> ack;
        if (incoming) for_each_message(incoming->datagram, [&](nlmsghdr& message) { ack = parse_ack(message); });
        return ack;
    }
    std::vector<std::uint8_t> addition(std::uint32_t sequence) const {
        return addition_request(a0_, prefix(numbered(static_cast<int>(sequence))), "", sequence);
    }
    bool kernel_has(std::uint32_t sequence) const {
        return std::system(
                   ("ip -o addr show dev a0 | grep -q ' " + numbered(static_cast<int>(sequence)) + " '").c_str()) == 0;
    }
    // The newest thread of a channel, by its name.
    static std::string thread() {
        std::vector<std::string> found;
        for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
            std::string name;
            std::getline(std::ifstream(task.path() / "comm"), name);
            if (name == "vrrpd-netlink") found.push_back(task.path().filename());
        }
        return found.empty() ? "" : *std::ranges::max_element(found, {}, [](const auto& id) { return std::stoi(id); });
    }
    static std::string status(const std::string& thread, const std::string& key) {
        std::ifstream file("/proc/self/task/" + thread + "/status");
        for (std::string line; std::getline(file, line);) {
            if (line.starts_with(key + ":")) return line.substr(line.find('\t') + 1);
        }
        return {};
    }
};

TEST_F(NetlinkChannel, ItsOwnerDoesNotWaitForTheKernel) {
    Channel channel;
    test::HeldRtnl held("a0");
    ASSERT_TRUE(channel.send(addition(1)));
    EXPECT_FALSE(next(channel, 20ms)) << "the kernel was to be held up";
    held.release();
    const auto ack = next_ack(channel);
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->sequence, 1u);
    EXPECT_EQ(ack->error, 0);
    Channel::Incoming none;
    EXPECT_FALSE(channel.receive(none));
    EXPECT_TRUE(kernel_has(1));
}

TEST_F(NetlinkChannel, WhatWaitsIsBoundedAndLeavesInOrder) {
    Channel channel;
    test::HeldRtnl held("a0");
    std::uint32_t taken = 0;
    while (taken <= 2 * Channel::max_outgoing && channel.send(addition(taken + 1))) ++taken;
    EXPECT_GE(taken, Channel::max_outgoing);
    EXPECT_LE(taken, Channel::max_outgoing + 1) << "one of them may be with the kernel";
    held.release();
    for (std::uint32_t expected = 1; expected <= taken; ++expected) {
        const auto ack = next_ack(channel);
        ASSERT_TRUE(ack) << expected;
        EXPECT_EQ(ack->sequence, expected);
        EXPECT_EQ(ack->error, 0);
    }
    EXPECT_TRUE(channel.send(addition(taken + 1)));
    EXPECT_TRUE(next_ack(channel));
}

// Several times of what may wait for the owner.
TEST_F(NetlinkChannel, ALongReadingIsReadAsFastAsItIsTaken) {
    constexpr int count = 4000;
    shell(
        "for i in $(seq 0 3999); do echo addr add 10.2.$((i / 250)).$((i % 250 + 1))/32"
        " dev a0; done | ip -batch -");
    Channel channel;
    ASSERT_TRUE(channel.send(dump_request(RTM_GETADDR, 7)));
    int addresses = 0;
    std::size_t bytes = 0;
    bool ended = false;
    while (!ended) {
        auto incoming = next(channel, 10s);
        ASSERT_TRUE(incoming) << "after " << addresses;
        ASSERT_EQ(incoming->error, 0);
        bytes += incoming->datagram.size();
        for_each_message(incoming->datagram, [&](nlmsghdr& message) {
            const auto address = parse_address(message);
            addresses += address && address->link == a0_ && address->prefix.length == 32;
            ended |= parse_dump_end(message).has_value();
        });
    }
    EXPECT_EQ(addresses, count);
    EXPECT_GT(bytes, 4 * Channel::max_incoming) << "too short for this test";
}

TEST_F(NetlinkChannel, WhatCouldNotBeSentComesBack) {
    const int descriptor = next_descriptor();
    Channel channel;
    const int smallest = 1;  // the kernel makes 4.5 KiB of it
    ASSERT_EQ(setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest), 0);
    const std::vector<std::uint8_t> too_long(8192, 0x55);
    ASSERT_TRUE(channel.send(too_long));
    ASSERT_TRUE(channel.send(addition(1)));
    const auto returned = next(channel, 10s);
    ASSERT_TRUE(returned);
    EXPECT_EQ(returned->error, EMSGSIZE);
    EXPECT_EQ(returned->datagram, too_long);
    const auto ack = next_ack(channel);
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->sequence, 1u);
}

TEST_F(NetlinkChannel, ItsEndIsBoundedWhileTheKernelIsSlow) {
    std::optional<Channel> channel(std::in_place);
    test::HeldRtnl held("a0");
    ASSERT_TRUE(channel->send(addition(1)));
    EXPECT_FALSE(next(*channel, 20ms));
    const std::string left = thread();
    ASSERT_TRUE(channel->send(addition(2)));
    const Instant begin = loop_.now();
    channel.reset();
    EXPECT_LT(loop_.now() - begin, 5s) << "that long the lock is held";
    ASSERT_FALSE(status(left, "State").empty()) << "there was nothing to wait for";
    held.release();
    while (!status(left, "State").empty()) std::this_thread::yield();
    EXPECT_TRUE(kernel_has(1));
    EXPECT_FALSE(kernel_has(2)) << "sent after the end";
}

TEST_F(NetlinkChannel, ItsThreadHandlesNoSignalsAndIsRealTimeBelowItsMaker) {
    Channel ordinary;
    ASSERT_TRUE(ordinary.send(addition(1)));
    ASSERT_TRUE(next_ack(ordinary));  // from here on it has prepared itself
    const std::string first = thread();
    const std::uint64_t blocked = std::stoull(status(first, "SigBlk"), nullptr, 16);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE}) {
        EXPECT_TRUE(blocked >> (signal - 1) & 1) << signal;
    }
    EXPECT_EQ(sched_getscheduler(std::stoi(first)), SCHED_OTHER);

    sched_param parameters{};
    parameters.sched_priority = 10;
    if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters) != 0) GTEST_SKIP() << "may not be real-time";
    {
        Channel urgent;
        EXPECT_TRUE(urgent.send(addition(2)));
        EXPECT_TRUE(next_ack(urgent));
        const int id = std::stoi(thread());
        EXPECT_NE(std::to_string(id), first);
        EXPECT_EQ(sched_getscheduler(id), SCHED_RR);
        EXPECT_EQ(sched_getparam(id, &parameters), 0);
        EXPECT_EQ(parameters.sched_priority, 9);
    }
    parameters.sched_priority = 0;
    sched_setscheduler(0, SCHED_OTHER, &parameters);
}

}  // namespace
}  // namespace vrrpd::netlink::netlink_channel_test
