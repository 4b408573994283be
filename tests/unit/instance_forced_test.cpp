// The order of a demotion that comes from outside: a higher Active, a stall, a lost link.
#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::instance_forced_test {
namespace {

using namespace std::chrono_literals;
using test::CoreDriver;
using test::plain_options;
using test::Serving;
using test::with_service;
using State = Instance::State;

// One address: 50 ms and 0.1 ms.
constexpr Duration removal_bound = 50'100us;

TEST(HigherActive, addresses_off_at_once_one_last_advert_services_left_to_settle_E23) {
    Serving host;
    host.hear(200);
    EXPECT_EQ(host.story(), "addresses off, services settle");
    host.pass(3ms);
    host.addresses(false);
    EXPECT_EQ(host.story(), "advert 100");
    host.pass(1s);
    EXPECT_EQ(host.story(), "");
    host.services(ServicesState::stopped);
    host.hear(200);
    EXPECT_EQ(host.until_deadline(), 3609'375us) << "nothing but the down timer is left";
}

TEST(HigherActive, the_last_advert_waits_no_longer_than_the_bound) {
    Serving host;
    host.hear(200);
    host.story();
    host.pass(removal_bound - 1ns);
    EXPECT_EQ(host.story(), "");
    host.pass(1ns);
    EXPECT_EQ(host.story(), "advert 100");
}

TEST(HigherActive, a_wobble_leaves_the_services_alone) {
    Serving host;
    host.hear(200);
    host.addresses(false);
    host.hear(0);  // and gone again
    host.story();
    EXPECT_LT(host.time_to_active(), 1s);
    EXPECT_EQ(host.story(), "advert 100, addresses on");
    host.addresses(true);
    EXPECT_EQ(host.story(), "services run");
    host.services(ServicesState::ready);
    host.pass(2s);
    EXPECT_EQ(host.story(), "announce, advert 100, advert 100");
}

// Our last advert must not beat the winner: it would step down for a host that serves no more.
TEST(HigherActive, no_last_advert_that_would_win) {
    InstanceOptions options = plain_options();
    options.checks = {Track{0, 150, false}};
    CoreDriver host(options);
    host.check(0, CheckState::failing);
    host.become_active();
    host.hear(200);
    host.check(0, CheckState::passing);
    host.addresses(false);
    EXPECT_EQ(host.story(), "addresses off");
}

TEST(StallOfAServer, services_left_to_settle_D11) {
    Serving host;
    host.freeze(3s);
    host.expire();
    EXPECT_EQ(host.story(), "addresses off, services settle");
    host.addresses(false);
    host.pass(10ms);
    EXPECT_EQ(host.story(), "advert 0, advert 0");
}

TEST(StallOfAServer, with_a_kernel_that_does_not_answer_D11) {
    Serving host;
    host.freeze(3s);
    host.expire();
    host.story();
    host.pass(removal_bound + 2ms);
    EXPECT_EQ(host.story(), "advert 0, advert 0");
    EXPECT_EQ(host.state(), State::backup);
}

TEST(LinkDown, addresses_off_in_silence_services_left_to_settle_E35) {
    Serving host;
    host.path_down();
    EXPECT_EQ(host.story(), "addresses off, services settle");
    EXPECT_EQ(host.state(), State::initialize);
    host.addresses(false);
    host.pass(1s);
    EXPECT_EQ(host.story(), "");
    host.services(ServicesState::stopped);
    EXPECT_EQ(host.router().next_deadline(), never);
}

TEST(LinkDown, leaves_no_timer_behind_E17_E35) {
    CoreDriver host;
    host.become_active();
    host.path_down();
    host.addresses(false);
    EXPECT_EQ(host.router().next_deadline(), never);
}

TEST(LinkDown, and_up_again_before_the_kernel_answered) {
    Serving host;
    host.path_down();
    host.path_up();
    EXPECT_EQ(host.state(), State::initialize) << "first the addresses must be gone";
    host.addresses(false);
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_EQ(host.story(), "addresses off, services settle");
}

// Deleted and made again between two looks: the new one has none of our addresses.
TEST(LinkReplaced, counts_as_gone_although_it_was_never_seen_away) {
    Serving host;
    host.handle(PathChanged{0, CoreDriver::interface_index + 1, true, *IpAddress::parse("10.9.0.1"), ""});
    EXPECT_EQ(host.story(), "addresses off, services settle");
    EXPECT_EQ(host.state(), State::initialize);
    host.addresses(false);
    EXPECT_EQ(host.state(), State::backup);
}

TEST(StandbyService, that_fails_is_a_fault_of_a_backup_too) {
    CoreDriver host(with_service());
    host.start();
    ASSERT_EQ(host.state(), State::backup);
    host.services(ServicesState::failed);
    EXPECT_EQ(host.state(), State::initialize);
    host.pass(30s);
    EXPECT_EQ(host.state(), State::backup) << "fault_hold is over";
}

TEST(LinkDown, on_the_way_out_sends_nothing_more) {
    Serving host;
    host.shutdown();
    host.story();
    host.path_down();
    EXPECT_EQ(host.story(), "addresses off");
    host.addresses(false);
    host.services(ServicesState::stopped);
    EXPECT_EQ(host.story(), "");
    EXPECT_TRUE(host.router().finished());
}

TEST(LinkDown, then_shutdown_stops_the_services_at_once) {
    Serving host;
    host.path_down();
    host.addresses(false);
    host.story();
    host.shutdown();
    EXPECT_EQ(host.story(), "services stop");
    EXPECT_FALSE(host.router().finished());
    host.services(ServicesState::stopped);
    EXPECT_TRUE(host.router().finished());
}

}  // namespace
}  // namespace vrrpd::instance_forced_test
