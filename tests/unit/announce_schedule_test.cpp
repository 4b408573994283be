// The pacing of announcements, in virtual time.
#include "vrrpd/core/announce_schedule.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace vrrpd::announce_schedule_test {
namespace {

using namespace std::chrono_literals;

constexpr Instant start(1000s);

IpAddress vip(unsigned number) {
    const std::array<std::uint8_t, 4> bytes = {10, 1, static_cast<std::uint8_t>(number >> 8),
                                               static_cast<std::uint8_t>(number)};
    return *IpAddress::from_bytes(bytes);
}

Announcement burst_of(unsigned number, int count = 5, Duration interval = 20ms, int link = 2) {
    Announcement announcement;
    announcement.link = link;
    announcement.address = vip(number);
    announcement.count = count;
    announcement.interval = interval;
    return announcement;
}

struct Sent {
    Instant when;
    int link;
    IpAddress address;
};

// Runs the schedule as a timer that is never early would: at each deadline, plus `lateness`.
std::vector<Sent> run(AnnounceSchedule& schedule, Instant until = never, Duration lateness = 0ms) {
    std::vector<Sent> sent;
    std::vector<Announcement> out;
    for (Instant next = schedule.next_deadline(); next < until; next = schedule.next_deadline()) {
        out.clear();
        const Instant now = std::max(next, start) + lateness;
        schedule.due(now, out);
        EXPECT_FALSE(out.empty()) << "a deadline without anything to do";
        for (const auto& announcement : out) sent.push_back({now, announcement.link, announcement.address});
    }
    return sent;
}

void expect_paced(const std::vector<Sent>& sent) {
    std::map<int, std::vector<Instant>> by_link;
    for (const auto& one : sent) by_link[one.link].push_back(one.when);
    for (const auto& [link, times] : by_link) {
        for (std::size_t i = 64; i < times.size(); ++i) {
            ASSERT_GE(times[i] - times[i - 64], 1ms) << "65 in a millisecond on link " << link << " at " << i;
        }
    }
}

TEST(AnnounceSchedule, NothingPendingIsNoDeadline) {
    AnnounceSchedule schedule;
    std::vector<Announcement> out;
    EXPECT_EQ(schedule.next_deadline(), never);
    schedule.due(start, out);
    EXPECT_TRUE(out.empty());
}

TEST(AnnounceSchedule, OneBurstGoesAtOnceAndThenEveryInterval) {
    AnnounceSchedule schedule;
    schedule.burst(burst_of(1), start);
    EXPECT_LE(schedule.next_deadline(), start);
    const auto sent = run(schedule);
    ASSERT_EQ(sent.size(), 5u);
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(sent[i].when, start + static_cast<int>(i) * 20ms);
}

TEST(AnnounceSchedule, RepeatsKeepTheirDistanceFromALateAnnouncement) {
    AnnounceSchedule schedule;
    schedule.burst(burst_of(1, 3), start);
    const auto sent = run(schedule, never, 7ms);
    ASSERT_EQ(sent.size(), 3u);
    EXPECT_GE(sent[1].when - sent[0].when, 20ms);
    EXPECT_GE(sent[2].when - sent[1].when, 20ms);
}

TEST(AnnounceSchedule, FourThousandAddressesArePacedAndEachIsFirstAnnouncedBeforeAnyIsRepeated) {
    AnnounceSchedule schedule;
    constexpr unsigned count = 4000;
    for (unsigned i = 0; i < count; ++i) schedule.burst(burst_of(i), start);
    const auto sent = run(schedule);
    ASSERT_EQ(sent.size(), 5u * count);
    expect_paced(sent);
    for (unsigned i = 0; i < count; ++i) ASSERT_EQ(sent[i].address, vip(i));
    EXPECT_LE(sent[count - 1].when - start, 63ms);
    std::map<IpAddress, std::vector<Instant>> times;
    for (const auto& one : sent) times[one.address].push_back(one.when);
    for (const auto& [address, at] : times) {
        ASSERT_EQ(at.size(), 5u);
        for (std::size_t i = 1; i < at.size(); ++i) ASSERT_GE(at[i] - at[i - 1], 20ms);
    }
}

TEST(AnnounceSchedule, LinksDoNotSlowEachOther) {
    AnnounceSchedule schedule;
    for (unsigned i = 0; i < 64; ++i) {
        schedule.burst(burst_of(i, 1, 20ms, 2), start);
        schedule.burst(burst_of(i, 1, 20ms, 3), start);
    }
    std::vector<Announcement> out;
    schedule.due(start, out);
    EXPECT_EQ(out.size(), 128u);
}

TEST(AnnounceSchedule, ANewBurstReplacesTheRunningOne) {
    AnnounceSchedule schedule;
    schedule.burst(burst_of(1, 5), start);
    ASSERT_EQ(run(schedule, start + 30ms).size(), 2u);
    Announcement replacement = burst_of(1, 2, 50ms);
    replacement.sender = {2, 0, 0, 0, 0, 9};
    schedule.burst(replacement, start + 30ms);
    std::vector<Announcement> out;
    schedule.due(start + 30ms, out);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].sender, replacement.sender);
    EXPECT_EQ(schedule.next_deadline(), start + 80ms);
    schedule.due(start + 80ms, out);
    EXPECT_EQ(out.size(), 2u);
    EXPECT_EQ(schedule.next_deadline(), never);
}

TEST(AnnounceSchedule, ACancelledAddressOrLinkIsNeverAnnounced) {
    AnnounceSchedule schedule;
    for (unsigned i = 0; i < 100; ++i) schedule.burst(burst_of(i, 2, 20ms, i % 2 == 0 ? 2 : 3), start);
    schedule.cancel(2, vip(4));
    schedule.cancel(2, vip(5));  // on the other link: nothing to cancel
    schedule.cancel(3);
    schedule.cancel(9);
    const auto sent = run(schedule);
    EXPECT_EQ(sent.size(), 2u * 49);
    for (const auto& one : sent) {
        EXPECT_EQ(one.link, 2);
        EXPECT_NE(one.address, vip(4));
    }
}

TEST(AnnounceSchedule, ABurstOfNoneEndsTheRunningOne) {
    AnnounceSchedule schedule;
    schedule.burst(burst_of(1), start);
    schedule.burst(burst_of(1, 0), start);
    EXPECT_EQ(schedule.next_deadline(), never);
}

TEST(AnnounceSchedule, ThePaceHoldsOverACancellation) {
    AnnounceSchedule schedule;
    std::vector<Announcement> out;
    for (unsigned i = 0; i < 64; ++i) schedule.burst(burst_of(i), start);
    schedule.due(start, out);
    schedule.cancel(2);
    schedule.burst(burst_of(1), start);
    schedule.due(start, out);
    EXPECT_EQ(out.size(), 64u);
    EXPECT_EQ(schedule.next_deadline(), start + 1ms);
}

// Bursts, cancellations and late timers at random: the promises hold whatever comes.
class RandomSchedule : public testing::TestWithParam<unsigned> {};

TEST_P(RandomSchedule, KeepsItsPromises) {
    std::mt19937 random(GetParam());
    const auto below = [&random](unsigned limit) { return static_cast<unsigned>(random() % limit); };
    AnnounceSchedule schedule;
    std::vector<Sent> sent;
    std::map<std::pair<int, IpAddress>, int> allowed;    // announcements still permitted
    std::map<std::pair<int, IpAddress>, bool> awaiting;  // its first announcement is still to come
    Instant now = start;
    for (int step = 0; step < 3000; ++step) {
        const int link = 2 + static_cast<int>(below(3));
        const unsigned number = below(500);
        switch (below(8)) {
            case 0:
                schedule.cancel(link, vip(number));
                allowed[{link, vip(number)}] = 0;
                awaiting[{link, vip(number)}] = false;
                break;
            case 1:
                now += std::chrono::microseconds(below(200));
                break;
            default:
                const int count = 1 + static_cast<int>(below(6));
                schedule.burst(burst_of(number, count, std::chrono::milliseconds(below(30)), link), now);
                allowed[{link, vip(number)}] = count;
                awaiting[{link, vip(number)}] = true;
        }
        if (schedule.next_deadline() > now) continue;
        std::vector<Announcement> out;
        schedule.due(now, out);
        for (const auto& one : out) {
            const std::pair key(one.link, one.address);
            ASSERT_GT(allowed[key]--, 0) << "announced after its end, seed " << GetParam();
            if (!std::exchange(awaiting[key], false)) {
                for (const auto& [other, waits] : awaiting) {
                    ASSERT_FALSE(waits && other.first == key.first) << "repeat before a first, seed " << GetParam();
                }
            }
            sent.push_back({now, one.link, one.address});
        }
    }
    expect_paced(sent);
    run(schedule);
    EXPECT_EQ(schedule.next_deadline(), never);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomSchedule, testing::Range(1u, 21u));

// ---- probes

Announcement probe_of(unsigned number) {
    Announcement probe = burst_of(number, 1);
    probe.probe = true;
    return probe;
}

TEST(AnnounceSchedule, AProbeEndsNoAnnouncementOfItsAddress) {
    AnnounceSchedule schedule;
    schedule.burst(burst_of(1, 3), start);
    schedule.burst(probe_of(1), start);
    std::vector<Announcement> out;
    schedule.due(start, out);
    ASSERT_EQ(out.size(), 2u);
    EXPECT_FALSE(out[0].probe);
    EXPECT_TRUE(out[1].probe);
    EXPECT_EQ(run(schedule).size(), 2u);
}

TEST(AnnounceSchedule, ThousandsOfProbesArePacedAndKeepNoFirstAnnouncementWaiting) {
    AnnounceSchedule schedule;
    for (unsigned i = 0; i < 4000; ++i) schedule.burst(probe_of(i), start);
    std::vector<Announcement> out;
    schedule.due(start, out);
    EXPECT_EQ(out.size(), 64u);
    for (unsigned i = 5000; i < 5064; ++i) schedule.burst(burst_of(i, 1), start);
    out.clear();
    schedule.due(start + 1ms, out);
    ASSERT_EQ(out.size(), 64u);
    EXPECT_TRUE(std::ranges::none_of(out, &Announcement::probe));
    const auto rest = run(schedule);
    expect_paced(rest);
    EXPECT_EQ(rest.size(), 4000u - 64);
}

TEST(AnnounceSchedule, AnAddressThatWasGivenUpIsNotAskedFor) {
    AnnounceSchedule schedule;
    schedule.burst(burst_of(1), start);
    schedule.burst(probe_of(1), start);
    schedule.cancel(2, vip(1));
    EXPECT_EQ(schedule.next_deadline(), never);
}

}  // namespace
}  // namespace vrrpd::announce_schedule_test
