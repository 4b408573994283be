// The order of a promotion and of the demotions of our own making (planned, fault), as docs/architecture.md
// gives it, and their bounds when the kernel or the services never answer. The others:
// instance_forced_test.cpp.
#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::instance_orders_test {
namespace {

using namespace std::chrono_literals;
using test::CoreDriver;
using test::plain_options;
using test::Serving;
using test::with_service;
using State = Instance::State;

// One address: 50 ms and 0.1 ms.
constexpr Duration removal_bound = 50'100us;

// F05 G09: announced is what is there.
TEST(Promotion, advert_addresses_services_announcement) {
    CoreDriver host(with_service());
    host.check(0, CheckState::passing);
    host.start();
    host.time_to_active();
    EXPECT_EQ(host.story(), "advert 100, addresses on");
    host.pass(20ms);
    EXPECT_EQ(host.story(), "") << "nothing before the kernel has answered";
    host.addresses(true);
    EXPECT_EQ(host.story(), "services run");
    host.pass(20ms);
    EXPECT_EQ(host.story(), "");
    host.services(ServicesState::ready);
    EXPECT_EQ(host.story(), "announce");
}

TEST(Promotion, adverts_wait_for_nobody) {
    CoreDriver host(with_service());
    host.check(0, CheckState::passing);
    host.start();
    host.time_to_active();
    host.story();
    host.pass(2s);
    EXPECT_EQ(host.story(), "advert 100, advert 100");
    host.addresses(true);
    host.pass(2s);
    EXPECT_EQ(host.story(), "services run, advert 100, advert 100");
}

TEST(Promotion, that_the_kernel_refuses_is_a_fault) {
    CoreDriver host(with_service());
    host.check(0, CheckState::passing);
    host.start();
    host.time_to_active();
    host.story();
    host.addresses_refused();
    EXPECT_EQ(host.last_reason(), "the kernel refused");
    EXPECT_EQ(host.instance().role(), Role::fault);
    EXPECT_EQ(host.story(), "addresses off");
    host.addresses(false);
    EXPECT_EQ(host.story(), "advert 0") << "we had claimed";
    host.pass(29s);
    EXPECT_EQ(host.roles(), "");
    host.pass(1s);
    EXPECT_EQ(host.roles(), "BACKUP") << "fault_hold is 30 s";
}

TEST(Promotion, whose_service_fails_is_a_fault) {
    CoreDriver host(with_service());
    host.check(0, CheckState::passing);
    host.start();
    host.time_to_active();
    host.addresses(true);
    host.story();
    host.services(ServicesState::failed);
    EXPECT_EQ(host.last_reason(), "proxy exited");
    EXPECT_EQ(host.story(), "services stop fast");
    host.services(ServicesState::stopped);
    EXPECT_EQ(host.story(), "addresses off");
}

TEST(PlannedDemotion, services_addresses_release_twice_E20) {
    Serving host;
    host.shutdown();
    EXPECT_EQ(host.story(), "services stop");
    EXPECT_EQ(host.state(), State::retiring);
    host.pass(200ms);
    host.services(ServicesState::stopped);
    EXPECT_EQ(host.story(), "addresses off");
    host.pass(3ms);
    EXPECT_EQ(host.story(), "");
    host.addresses(false);
    EXPECT_EQ(host.story(), "advert 0");
    EXPECT_FALSE(host.router().finished());
    EXPECT_EQ(host.until_deadline(), 2ms);
    host.pass(2ms);
    EXPECT_EQ(host.story(), "advert 0");
    EXPECT_TRUE(host.router().finished());
    EXPECT_EQ(host.router().next_deadline(), never);
}

TEST(PlannedDemotion, without_services_starts_with_the_addresses_E20) {
    CoreDriver host;
    host.become_active();
    host.shutdown();
    EXPECT_EQ(host.story(), "addresses off");
    EXPECT_EQ(host.instance().role(), Role::master) << "until the addresses are gone";
}

TEST(PlannedDemotion, goes_on_advertising_until_the_release) {
    InstanceOptions options = with_service();
    options.advert_interval = 100ms;
    options.stop_bound = 5s;
    Serving host(options);
    host.shutdown();
    host.story();
    host.pass(1s);
    EXPECT_EQ(host.story(),
              "advert 100, advert 100, advert 100, advert 100, advert 100, advert 100, "
              "advert 100, advert 100, advert 100, advert 100");
}

TEST(PlannedDemotion, is_bounded_whoever_does_not_answer_E20) {
    Serving host;
    host.shutdown();
    host.story();
    host.pass(1s - 1ns);
    EXPECT_EQ(host.story().find("addresses"), std::string::npos);
    host.pass(1ns);
    EXPECT_EQ(host.story(), "advert 100, addresses off");
    host.pass(removal_bound - 1ns);
    EXPECT_EQ(host.story().find("advert 0"), std::string::npos);
    host.pass(1ns);
    EXPECT_EQ(host.story(), "advert 0");
    host.pass(2ms);
    EXPECT_EQ(host.story(), "advert 0");
    EXPECT_TRUE(host.router().finished());
}

TEST(PlannedDemotion, waits_as_long_as_configured_for_the_services) {
    InstanceOptions options = with_service();
    options.stop_bound = 3s;
    Serving host(options);
    host.shutdown();
    host.pass(2999ms);
    EXPECT_EQ(host.story().find("addresses"), std::string::npos);
    host.pass(1ms);
    EXPECT_NE(host.story().find("addresses off"), std::string::npos);
}

TEST(PlannedDemotion, bound_grows_with_the_addresses_E20) {
    InstanceOptions options = plain_options();
    for (int i = 1; i <= 50; ++i) {
        options.excluded_addresses.push_back(test::vip(("10.9.1." + std::to_string(i)).c_str()));
    }
    CoreDriver host(options);
    host.become_active();
    host.shutdown();
    host.story();
    host.pass(55ms);
    EXPECT_EQ(host.story(), "");
    host.pass(100us);
    EXPECT_EQ(host.story(), "advert 0");
}

TEST(PlannedDemotion, a_higher_active_does_not_wait_for_our_services_E20) {
    Serving host;
    host.shutdown();
    host.story();
    host.hear(200);
    EXPECT_EQ(host.story(), "addresses off");
    host.addresses(false);
    EXPECT_EQ(host.story(), "advert 0");
    host.pass(900ms);
    EXPECT_EQ(host.story(), "") << "once: another Active was heard";
    EXPECT_FALSE(host.router().finished()) << "the services still run";
    host.pass(200ms);
    EXPECT_TRUE(host.router().finished());
}

TEST(PlannedDemotion, the_bound_on_the_removal_starts_once) {
    Serving host;
    host.shutdown();
    host.hear(200);
    host.pass(40ms);
    host.services(ServicesState::stopped);
    host.hear(200);
    host.pass(removal_bound - 40ms);
    EXPECT_EQ(host.story(), "services stop, addresses off, advert 0");
}

TEST(PlannedDemotion, an_active_heard_after_the_release_saves_the_second_E20) {
    CoreDriver host;
    host.become_active();
    host.shutdown();
    host.addresses(false);
    EXPECT_EQ(host.story(), "addresses off, advert 0");
    host.pass(1ms);
    host.hear(50);
    host.pass(10ms);
    EXPECT_EQ(host.story(), "");
    EXPECT_TRUE(host.router().finished());
}

TEST(PlannedDemotion, a_lower_advert_on_the_way_out_gets_no_announcement) {
    CoreDriver host;
    host.become_active();
    host.shutdown();
    EXPECT_EQ(host.story(), "addresses off");
    host.hear(50);
    EXPECT_EQ(host.story(), "advert 100");
}

TEST(FaultOfACheck, services_fast_addresses_release_twice_E40) {
    Serving host;
    host.check(0, CheckState::failing);
    EXPECT_EQ(host.story(), "services stop fast");
    EXPECT_EQ(host.instance().role(), Role::fault);
    host.pass(30ms);
    host.services(ServicesState::stopped);
    EXPECT_EQ(host.story(), "addresses off");
    host.addresses(false);
    host.pass(10ms);
    EXPECT_EQ(host.story(), "advert 0, advert 0");
    EXPECT_EQ(host.state(), State::initialize);
    EXPECT_EQ(host.router().next_deadline(), never);
    host.check(0, CheckState::passing);
    EXPECT_EQ(host.state(), State::backup);
}

TEST(FaultOfACheck, is_bounded_by_the_kill_E40) {
    Serving host;
    host.check(0, CheckState::failing);
    host.pass(150ms);
    EXPECT_EQ(host.story(), "services stop fast, addresses off");
    host.pass(removal_bound + 2ms);
    EXPECT_EQ(host.story(), "advert 0, advert 0");
}

TEST(FaultOfACheck, that_ends_on_the_way_out_is_carried_through) {
    Serving host;
    host.check(0, CheckState::failing);
    EXPECT_EQ(host.roles(), "FAULT");
    host.check(0, CheckState::passing);
    EXPECT_EQ(host.state(), State::retiring);
    EXPECT_EQ(host.roles(), "") << "it never becomes MASTER on the way out";
    host.services(ServicesState::stopped);
    host.addresses(false);
    EXPECT_EQ(host.roles(), "BACKUP");
}

TEST(FaultOfACheck, and_a_stop_on_the_way_out) {
    Serving host;
    host.check(0, CheckState::failing);
    host.shutdown();
    EXPECT_EQ(host.roles(), "FAULT");
    host.services(ServicesState::stopped);
    host.addresses(false);
    EXPECT_EQ(host.roles(), "INIT");
}

TEST(FaultOfAService, is_held_and_the_hold_doubles) {
    Serving host;
    for (const Duration hold : {30s, 60s, 120s, 240s, 480s, 600s, 600s}) {
        host.services(ServicesState::failed);
        EXPECT_EQ(host.story(), "services stop fast");
        const Instant begin = host.now();
        host.services(ServicesState::stopped);
        host.addresses(false);
        host.pass(hold - 1ns);
        EXPECT_EQ(host.state(), State::initialize);
        host.time_to_active();
        EXPECT_EQ(host.now() - begin, hold + 3609'375us);
        host.addresses(true);
        host.services(ServicesState::ready);
        host.story();
    }
    host.pass(11min);
    host.story();
    const Instant begin = host.now();
    host.services(ServicesState::failed);
    host.services(ServicesState::stopped);
    host.addresses(false);
    host.time_to_active();
    EXPECT_EQ(host.now() - begin, 30s + 3609'375us) << "it did not repeat";
}

// ---- close_connections

InstanceOptions closing() {
    InstanceOptions options = with_service();
    options.close_connections = true;
    return options;
}

TEST(CloseConnections, before_the_addresses_go_in_a_planned_demotion) {
    Serving host(closing());
    host.shutdown();
    EXPECT_EQ(host.story(), "services stop");
    host.services(ServicesState::stopped);
    EXPECT_EQ(host.story(), "connections closed, addresses off");
    host.pass(removal_bound - 1ns);
    EXPECT_EQ(host.story(), "");
    host.pass(1ns);
    EXPECT_EQ(host.story(), "advert 0") << "the bound is the same";
}

TEST(CloseConnections, also_after_a_failover_a_fault_and_for_a_higher_active) {
    {
        Serving host(closing());
        host.handle(HandOver{0});
        host.services(ServicesState::stopped);
        EXPECT_EQ(host.story(), "services stop, connections closed, addresses off");
    }
    {
        Serving host(closing());
        host.check(0, CheckState::failing);
        host.services(ServicesState::stopped);
        EXPECT_EQ(host.story(), "services stop fast, connections closed, addresses off");
    }
    {
        Serving host(closing());
        host.hear(200);
        EXPECT_EQ(host.story(), "connections closed, addresses off, services settle");
    }
}

TEST(CloseConnections, not_for_a_lost_link_nor_after_a_stall) {
    {
        Serving host(closing());
        host.path_down();
        EXPECT_EQ(host.story(), "addresses off, services settle");
    }
    {
        Serving host(closing());
        host.freeze(3s);
        host.expire();
        EXPECT_EQ(host.story(), "addresses off, services settle");
    }
    {
        Serving host(closing());
        host.shutdown();
        host.path_down();
        EXPECT_EQ(host.story(), "services stop, addresses off") << "that was planned, and is gone now";
    }
}

}  // namespace
}  // namespace vrrpd::instance_orders_test
