// Table 1b of the conformance page, who wins, and what weights make of a priority.
#include "vrrpd/core/election.hpp"

#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::election_test {
namespace {

using namespace std::chrono_literals;
using test::ip;

double milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

struct Row {
    int priority;
    double v2_skew, v2_down, v2_down_of_3s;       // seconds
    double skew_100, down_100, skew_10, down_10;  // centiseconds, at an interval of 100 and 10
    double skew_1, down_1, down_4095;
};

// Table 1b as it is printed: the last digit is rounded.
constexpr Row table_1b[] = {
    {1, 0.99609, 3.99609, 9.99609, 99.609, 399.609, 9.9609, 39.9609, 0.9961, 3.9961, 16364.0},
    {50, 0.80469, 3.80469, 9.80469, 80.469, 380.469, 8.0469, 38.0469, 0.8047, 3.8047, 15580.2},
    {100, 0.60938, 3.60938, 9.60938, 60.938, 360.938, 6.0938, 36.0938, 0.6094, 3.6094, 14780.4},
    {150, 0.41406, 3.41406, 9.41406, 41.406, 341.406, 4.1406, 34.1406, 0.4141, 3.4141, 13980.6},
    {200, 0.21875, 3.21875, 9.21875, 21.875, 321.875, 2.1875, 32.1875, 0.2188, 3.2188, 13180.8},
    {254, 0.00781, 3.00781, 9.00781, 0.781, 300.781, 0.0781, 30.0781, 0.0078, 3.0078, 12317.0},
    {255, 0.00391, 3.00391, 9.00391, 0.391, 300.391, 0.0391, 30.0391, 0.0039, 3.0039, 12301.0},
};

// D01 D02 D03 D04 D06, as printed.
TEST(Election, table_1b_to_its_last_digit) {
    const auto v2 = Version::v2, v3 = Version::v3;
    for (const Row& row : table_1b) {
        const int p = row.priority;
        SCOPED_TRACE(p);
        EXPECT_NEAR(milliseconds(skew_time(v2, p, 1s)) / 1e3, row.v2_skew, 0.000006);
        EXPECT_NEAR(milliseconds(active_down_interval(v2, p, 1s, 3)) / 1e3, row.v2_down, 0.000006);
        EXPECT_NEAR(milliseconds(active_down_interval(v2, p, 3s, 3)) / 1e3, row.v2_down_of_3s, 0.000006);
        EXPECT_NEAR(milliseconds(skew_time(v3, p, 1s)) / 10, row.skew_100, 0.0006);
        EXPECT_NEAR(milliseconds(active_down_interval(v3, p, 1s, 3)) / 10, row.down_100, 0.0006);
        EXPECT_NEAR(milliseconds(skew_time(v3, p, 100ms)) / 10, row.skew_10, 0.00006);
        EXPECT_NEAR(milliseconds(active_down_interval(v3, p, 100ms, 3)) / 10, row.down_10, 0.00006);
        EXPECT_NEAR(milliseconds(skew_time(v3, p, 10ms)) / 10, row.skew_1, 0.00006);
        EXPECT_NEAR(milliseconds(active_down_interval(v3, p, 10ms, 3)) / 10, row.down_1, 0.00006);
        EXPECT_NEAR(milliseconds(active_down_interval(v3, p, 40950ms, 3)) / 10, row.down_4095, 0.06);
    }
}

// D06: against exact fractions, for every priority.
TEST(Election, skew_is_exact_to_a_microsecond_for_every_priority) {
    for (int priority = 1; priority <= 255; ++priority) {
        for (const Duration interval : {Duration(10ms), Duration(100ms), Duration(1s), Duration(40950ms)}) {
            const double exact = (256.0 - priority) / 256.0 * static_cast<double>(interval.count());
            const Duration skew = skew_time(Version::v3, priority, interval);
            EXPECT_NEAR(static_cast<double>(skew.count()), exact, 1000) << priority;
            EXPECT_EQ(active_down_interval(Version::v3, priority, interval, 3), 3 * interval + skew);
            EXPECT_EQ(skew_time(Version::v2, priority, interval), skew_time(Version::v3, priority, 1s));
        }
    }
}

TEST(Election, neighbours_never_expire_together_D06) {
    for (int priority = 1; priority < 255; ++priority) {
        EXPECT_GT(skew_time(Version::v3, priority, 10ms), skew_time(Version::v3, priority + 1, 10ms));
    }
    // At 10 cs: one apart is 0.39 ms, 26 apart is 10 ms.
    EXPECT_NEAR(milliseconds(skew_time(Version::v3, 100, 100ms) - skew_time(Version::v3, 101, 100ms)), 0.39, 0.001);
    EXPECT_NEAR(milliseconds(skew_time(Version::v3, 100, 100ms) - skew_time(Version::v3, 126, 100ms)), 10.16, 0.01);
}

TEST(Election, other_multipliers_D08) {
    EXPECT_EQ(active_down_interval(Version::v3, 100, 1s, 5), 5s + skew_time(Version::v3, 100, 1s));
}

TEST(Election, compares_priorities_first) {
    const IpAddress low = ip("10.0.0.1"), high = ip("10.0.0.2");
    EXPECT_EQ(compare(0, high, 100, low), Standing::zero);
    EXPECT_EQ(compare(99, high, 100, low), Standing::lower);
    EXPECT_EQ(compare(101, low, 100, high), Standing::higher);
    EXPECT_EQ(compare(255, low, 254, high), Standing::higher);
    EXPECT_EQ(compare(100, low, 100, high), Standing::equal_lower);
    EXPECT_EQ(compare(100, high, 100, low), Standing::equal_higher);
}

// E24 E30
TEST(Election, compares_addresses_as_numbers_in_network_order) {
    EXPECT_EQ(compare(1, ip("9.0.0.1"), 1, ip("10.0.0.1")), Standing::equal_lower);
    EXPECT_EQ(compare(1, ip("10.0.0.9"), 1, ip("10.0.0.10")), Standing::equal_lower);
    EXPECT_EQ(compare(1, ip("10.0.1.0"), 1, ip("10.0.0.255")), Standing::equal_higher);
    EXPECT_EQ(compare(1, ip("200.0.0.1"), 1, ip("100.0.0.1")), Standing::equal_higher) << "unsigned";
    EXPECT_EQ(compare(1, ip("fe80::9"), 1, ip("fe80::10")), Standing::equal_lower);
    EXPECT_EQ(compare(1, ip("fe80::1:0:0:0"), 1, ip("fe80::ffff")), Standing::equal_higher) << "128 bits";
}

constexpr auto up = CheckState::passing, down = CheckState::failing, unknown = CheckState::unknown;

int effective(int configured, std::vector<Track> tracks, std::vector<CheckState> states,
              std::vector<int> numbers = {0, 0, 0}) {
    return effective_priority(configured, tracks, states, numbers);
}

TEST(EffectivePriority, positive_weights_count_while_passing_negative_ones_while_failing) {
    EXPECT_EQ(effective(100, {{0, 20, false}}, {up}), 120);
    EXPECT_EQ(effective(100, {{0, 20, false}}, {down}), 100);
    EXPECT_EQ(effective(100, {{0, -20, false}}, {up}), 100);
    EXPECT_EQ(effective(100, {{0, -20, false}}, {down}), 80);
    EXPECT_EQ(effective(100, {{0, 20, false}, {1, -30, false}, {2, 5, false}}, {up, down, up}), 95);
}

TEST(EffectivePriority, reverse_swaps_them) {
    EXPECT_EQ(effective(100, {{0, 20, true}}, {up}), 100);
    EXPECT_EQ(effective(100, {{0, 20, true}}, {down}), 120);
    EXPECT_EQ(effective(100, {{0, -20, true}}, {up}), 80);
    EXPECT_EQ(effective(100, {{0, -20, true}}, {down}), 100);
}

TEST(EffectivePriority, a_number_is_added_whatever_the_state) {
    const Track by_number{0, 0, false, true};
    for (const CheckState state : {up, down, unknown}) {
        EXPECT_EQ(effective(100, {by_number}, {state}, {-30}), 70);
        EXPECT_EQ(effective(100, {by_number, {1, 20, false}}, {state, up}, {7, 50}), 127) << "its own number only";
    }
    EXPECT_EQ(effective(100, {by_number}, {down}, {999'999}), 254);
    EXPECT_EQ(effective(100, {by_number}, {down}, {-999'999}), 1);
    EXPECT_EQ(effective(255, {by_number}, {down}, {-30}), 255) << "an owner";
}

TEST(EffectivePriority, unknown_and_unweighted_checks_count_nothing) {
    EXPECT_EQ(effective(100, {{0, 20, false}, {1, -20, false}}, {unknown, unknown}), 100);
    EXPECT_EQ(effective(100, {{0, -20, true}}, {unknown}), 100);
    EXPECT_EQ(effective(100, {{0, std::nullopt, false}}, {down}), 100);
}

// A11
TEST(EffectivePriority, is_clipped_to_1_and_254) {
    EXPECT_EQ(effective(250, {{0, 20, false}}, {up}), 254);
    EXPECT_EQ(effective(10, {{0, -20, false}}, {down}), 1);
    EXPECT_EQ(effective(10, {{0, -253, false}, {1, 253, false}}, {down, up}), 10) << "the sum is clipped";
}

TEST(EffectivePriority, nothing_changes_an_owner_A11) {
    EXPECT_EQ(effective(255, {{0, -200, false}}, {down}), 255);
    EXPECT_EQ(effective(255, {{0, 20, false}}, {up}), 255);
}

}  // namespace
}  // namespace vrrpd::election_test
