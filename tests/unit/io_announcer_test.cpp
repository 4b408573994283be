// Announcements over a real link, on a clock turned by hand.
#include <gtest/gtest.h>

#include "tests/support/fake_loop.hpp"
#include "tests/unit/io_support.hpp"
#include "vrrpd/io/announcer.hpp"

namespace vrrpd::io_announcer_test {
namespace {

using namespace std::chrono_literals;
using test::FakeLoop;
using test::Inside;
using test::Tap;
using test::TwoHosts;
using Bytes = std::vector<std::uint8_t>;

constexpr MacAddress our_mac = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};

bool is_ours(const Bytes& frame) {
    return std::equal(our_mac.begin(), our_mac.end(), frame.begin() + 6);
}

class AnnouncerOnALink : public testing::Test {
  protected:
    static Announcer make(AnnouncerOnALink& test) {
        const Inside inside(test.lan.near());
        return {test.loop, [&test](const Announcement& announcement, int error) {
                    test.failures.emplace_back(announcement, error);
                    if (test.on_failure) test.on_failure();
                }};
    }
    Announcement announcement(const char* text) const {
        Announcement result;
        result.link = near0;
        result.sender = our_mac;
        result.address = *IpAddress::parse(text);
        return result;
    }

    TwoHosts lan;
    FakeLoop loop;
    int near0 = TwoHosts::index(lan.near(), "near0");
    std::vector<std::pair<Announcement, int>> failures;
    std::function<void()> on_failure;
    Announcer announcer = make(*this);
};

TEST_F(AnnouncerOnALink, F01_GratuitousArpIsSeenByTheOtherHost) {
    Tap tap(lan.far(), "far0", ETH_P_ARP);
    announcer.announce(announcement("10.77.0.16"));
    EXPECT_EQ(announcer.counters().sent, 0u);  // not inside the call
    loop.advance(0ms);
    const auto frame = tap.next(is_ours);
    ASSERT_TRUE(frame);
    const Frame expected = gratuitous_arp(our_mac, *IpAddress::parse("10.77.0.16"));
    EXPECT_EQ(*frame, Bytes(expected.view().begin(), expected.view().end()));
    loop.advance(79ms);
    EXPECT_EQ(announcer.counters().sent, 4u);
    loop.advance(1s);
    EXPECT_EQ(announcer.counters().sent, 5u);
    EXPECT_EQ(loop.next_deadline(), never);
    EXPECT_TRUE(failures.empty());
}

TEST_F(AnnouncerOnALink, G02_NeighbourAdvertisementIsSeenByTheOtherHost) {
    Tap tap(lan.far(), "far0", ETH_P_IPV6);
    Announcement one = announcement("2001:db8::16");
    one.source = IpAddress::parse("fe80::5");
    one.router = true;
    announcer.announce(one);
    one.address = *IpAddress::parse("2001:db8::17");
    one.source.reset();
    announcer.announce(one);
    loop.advance(0ms);
    for (const auto& [address, source] : {std::pair("2001:db8::16", "fe80::5"), {"2001:db8::17", "2001:db8::17"}}) {
        const Frame expected =
            unsolicited_neighbour_advertisement(our_mac, *IpAddress::parse(address), *IpAddress::parse(source), true);
        const auto frame = tap.next(is_ours);
        ASSERT_TRUE(frame);
        EXPECT_EQ(*frame, Bytes(expected.view().begin(), expected.view().end()));
    }
}

TEST_F(AnnouncerOnALink, ThousandsArePaced) {
    for (int i = 0; i < 4000; ++i) {
        Announcement one = announcement("10.77.0.16");
        const std::array<std::uint8_t, 4> bytes = {10, 9, static_cast<std::uint8_t>(i >> 8),
                                                   static_cast<std::uint8_t>(i)};
        one.address = *IpAddress::from_bytes(bytes);
        one.count = 1;
        announcer.announce(one);
    }
    loop.advance(0ms);
    EXPECT_EQ(announcer.counters().sent, 64u);
    loop.advance(10ms);
    EXPECT_EQ(announcer.counters().sent, 11u * 64);
    loop.advance(60ms);
    EXPECT_EQ(announcer.counters().sent, 4000u);
}

TEST_F(AnnouncerOnALink, ACancelledAddressIsAnnouncedNoMore) {
    announcer.announce(announcement("10.77.0.16"));
    announcer.announce(announcement("10.77.0.17"));
    loop.advance(0ms);
    announcer.cancel(near0, *IpAddress::parse("10.77.0.16"));
    loop.advance(20ms);
    EXPECT_EQ(announcer.counters().sent, 3u);
    announcer.cancel(near0);
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(AnnouncerOnALink, AFailureIsReportedAndStopsNoOther) {
    Announcement lost = announcement("10.77.0.16");
    lost.link = 4711;
    announcer.announce(lost);
    announcer.announce(announcement("10.77.0.17"));
    on_failure = [this] { announcer.cancel(4711); };
    loop.advance(1s);
    ASSERT_EQ(failures.size(), 1u);
    EXPECT_EQ(failures.at(0).first.address, lost.address);
    EXPECT_EQ(failures.at(0).second, ENXIO);
    EXPECT_EQ(announcer.counters().failed, 1u);
    EXPECT_EQ(announcer.counters().sent, 5u);
}

TEST_F(AnnouncerOnALink, ProbesAreSentAndCountedApart) {
    for (const auto& [text, type] : {std::pair("10.77.0.16", ETH_P_ARP), {"2001:db8::16", ETH_P_IPV6}}) {
        Tap tap(lan.far(), "far0", type);
        Announcement probe = announcement(text);
        probe.probe = true;
        probe.count = 1;
        announcer.announce(probe);
        loop.advance(0ms);
        const Frame expected = (type == ETH_P_ARP ? arp_probe : neighbour_probe)(our_mac, probe.address);
        const auto frame = tap.next(is_ours);
        ASSERT_TRUE(frame);
        EXPECT_EQ(*frame, Bytes(expected.view().begin(), expected.view().end()));
    }
    EXPECT_EQ(announcer.counters().probes, 2u);
    EXPECT_EQ(announcer.counters().sent, 0u);
}

}  // namespace
}  // namespace vrrpd::io_announcer_test
