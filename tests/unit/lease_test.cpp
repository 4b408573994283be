// The arithmetic of leases and of the guard.
#include "vrrpd/core/lease.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace vrrpd::lease_test {
namespace {

using namespace std::chrono_literals;

TEST(Lease, is_the_largest_that_ends_before_a_peers_shortest_down_time) {
    EXPECT_EQ(automatic_lease(1s, 3), 2s);
    EXPECT_EQ(automatic_lease(500ms, 3), 1s);
    EXPECT_EQ(automatic_lease(800ms, 3), 2s);  // 2.4 s
    EXPECT_EQ(automatic_lease(799ms, 3), 1s);
    EXPECT_EQ(automatic_lease(40'950ms, 3), 122s);
    EXPECT_EQ(automatic_lease(1s, 5), 4s);
}

TEST(Lease, is_never_less_than_a_second) {
    for (const Duration interval : {Duration(10ms), Duration(100ms), Duration(300ms)}) {
        EXPECT_EQ(automatic_lease(interval, 3), 1s);
    }
}

// How often a minute of adverts renews.
int renewals(Duration interval, Duration lease) {
    Instant renewed{};
    int count = 0;
    for (Instant now = Instant() + interval; now < Instant() + 60s; now += interval) {
        if (!is_renewal_due(renewed, now, interval, lease)) continue;
        EXPECT_LT(now - renewed, lease - interval / 2) << "too late";
        renewed = now;
        ++count;
    }
    return count;
}

TEST(Lease, is_renewed_by_each_advert_or_by_few_of_them) {
    EXPECT_EQ(renewals(1s, 2s), 59);
    EXPECT_EQ(renewals(500ms, 1s), 119);
    EXPECT_EQ(renewals(100ms, 1s), 99);  // each sixth
    EXPECT_EQ(renewals(10ms, 1s), 99);
    EXPECT_EQ(renewals(1s, 10s), 9);  // each sixth
}

TEST(Guard, is_in_time_before_any_peer_for_adverts_of_100_ms_and_more) {
    InstanceOptions options;
    options.addresses.resize(1);
    for (const Duration interval : {Duration(100ms), Duration(1s), Duration(40s)}) {
        options.advert_interval = interval;
        EXPECT_EQ(holder_bounds(options).with_guard, 0s);
    }
    EXPECT_EQ(guard_patience(10ms), 100ms);
    options.advert_interval = 10ms;
    EXPECT_EQ(holder_bounds(options).with_guard, 90'100us);
}

TEST(Guard, without_it_the_lease_bounds_the_time_with_two_holders) {
    InstanceOptions options;
    EXPECT_FALSE(holder_bounds(options).without_guard);
    options.lease = 2s;
    EXPECT_EQ(holder_bounds(options).without_guard, 500ms);
    options.advert_interval = 2s;
    EXPECT_EQ(holder_bounds(options).without_guard, 0s);
}

}  // namespace
}  // namespace vrrpd::lease_test
