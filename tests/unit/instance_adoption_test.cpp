// A start that goes on where a predecessor stopped, and a stop that leaves it something to go on with (L04).
#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::instance_adoption_test {
namespace {

using namespace std::chrono_literals;
using State = Instance::State;
using namespace test;

Startup adopting(int priority) {
    return {{{0, priority}}};
}

TEST(Adoption, is_master_at_once) {
    CoreDriver host;
    host.path_up();
    host.handle(adopting(100));
    EXPECT_EQ(host.last_reason(), "adopted");
    EXPECT_EQ(host.roles(), "MASTER");
}

TEST(Adoption, sends_before_anything_else) {
    CoreDriver host;
    host.path_up();
    host.handle(adopting(100));
    EXPECT_EQ(host.story(), "advert 100, addresses on and announced");
    EXPECT_EQ(host.until_deadline(), 100ms);
}

TEST(Adoption, without_a_path_is_an_ordinary_start) {
    CoreDriver host;
    host.handle(adopting(100));
    EXPECT_EQ(host.roles(), "FAULT");
    host.path_up();
    EXPECT_EQ(host.roles(), "BACKUP");
    EXPECT_EQ(host.instance().priority(), 100);
}

TEST(Adoption, waits_for_no_delay_and_no_check) {
    InstanceOptions options = plain_options();
    options.startup_delay = 10s;
    options.checks = {{0, {}, false}, {1, {}, false}};
    CoreDriver host(options);
    host.path_up();
    host.handle(adopting(100));
    host.check(1, CheckState::unproven);
    EXPECT_EQ(host.roles(), "MASTER");
    host.check(0, CheckState::passing);
    host.check(1, CheckState::failing);
    EXPECT_EQ(host.state(), State::retiring) << "a check that has told something counts";
}

TEST(Adoption, an_unproven_check_is_a_fault_of_everybody_else) {
    InstanceOptions options = plain_options();
    options.checks = {{0, {}, false}};
    CoreDriver host(options);
    host.start();
    host.check(0, CheckState::unproven);
    EXPECT_EQ(host.roles(), "BACKUP, FAULT");
    host.check(0, CheckState::passing);
    EXPECT_EQ(host.roles(), "BACKUP");
}

TEST(Adoption, keeps_the_priority_until_the_checks_have_spoken) {
    InstanceOptions options = plain_options();
    options.checks = {{0, 50, false}, {1, -20, false}};
    CoreDriver host(options);
    host.path_up();
    host.handle(adopting(150));
    EXPECT_EQ(host.story(), "advert 150, addresses on and announced");
    host.check(0, CheckState::passing);
    EXPECT_EQ(host.instance().priority(), 150);
    host.check(1, CheckState::failing);
    EXPECT_EQ(host.instance().priority(), 130);
}

TEST(Adoption, a_priority_that_no_check_changes_is_the_configured_one) {
    CoreDriver host;
    host.path_up();
    host.handle(adopting(250));
    EXPECT_EQ(host.story(), "advert 100, addresses on and announced");
}

TEST(Adoption, yields_to_who_took_over_meanwhile) {
    CoreDriver host;
    host.path_up();
    host.handle(adopting(100));
    host.addresses(true);
    host.story();
    host.hear(200);
    EXPECT_EQ(host.story(), "addresses off");
    EXPECT_EQ(host.state(), State::backup);
}

TEST(Remaining, goes_on_until_the_end_and_sends_a_last_advert) {
    CoreDriver host;
    host.become_active();
    host.handle(Shutdown{{0}});
    EXPECT_TRUE(host.router().finished());
    host.pass(100ms);
    EXPECT_EQ(host.story(), "advert 100");
    host.pass(50ms);
    host.handle(Parting{});
    EXPECT_EQ(host.story(), "advert 100");
    EXPECT_EQ(host.state(), State::active);
}

TEST(Remaining, is_not_finished_before_it_serves) {
    CoreDriver host;
    host.start();
    host.time_to_active();
    host.handle(Shutdown{{0}});
    EXPECT_FALSE(host.router().finished());
    host.addresses(true);
    EXPECT_TRUE(host.router().finished());
}

TEST(Remaining, may_be_thrown_out_still) {
    CoreDriver host;
    host.become_active();
    host.handle(Shutdown{{0}});
    host.hear(200);
    EXPECT_FALSE(host.router().finished()) << "the addresses are still there";
    host.addresses(false);
    EXPECT_TRUE(host.router().finished());
    host.story();
    host.handle(Parting{});
    EXPECT_EQ(host.story(), "");
}

TEST(Remaining, who_serves_nothing_just_stops) {
    CoreDriver host;
    host.start();
    host.handle(Shutdown{{0}});
    EXPECT_EQ(host.state(), State::initialize);
    EXPECT_TRUE(host.router().finished());
}

}  // namespace
}  // namespace vrrpd::instance_adoption_test
