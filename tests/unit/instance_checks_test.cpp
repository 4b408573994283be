// What checks do to an instance: faults, weights, gates, and waiting for a first verdict.
#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::instance_checks_test {
namespace {

using namespace std::chrono_literals;
using test::CoreDriver;
using test::plain_options;
using State = Instance::State;

// Priority 100, adverts of 100 ms.
constexpr Duration skew = 60'937'500ns;
constexpr Duration down_interval = 300ms + skew;

InstanceOptions with_check(std::optional<int> weight = std::nullopt, bool reverse = false) {
    InstanceOptions options = plain_options();
    options.checks = {Track{7, weight, reverse}};
    return options;
}

TEST(Checks, unknown_ones_defer_the_takeover_E43) {
    for (const auto weight : {std::optional<int>(), std::optional<int>(20)}) {
        CoreDriver host(with_check(weight));
        host.start();
        host.pass(5s);
        EXPECT_EQ(host.state(), State::backup);
        host.check(6, CheckState::passing);
        EXPECT_EQ(host.state(), State::backup) << "another check";
        host.check(7, CheckState::passing);
        EXPECT_EQ(host.state(), State::active);
    }
}

TEST(Checks, an_active_heard_while_deferred_is_obeyed_E43) {
    CoreDriver host(with_check());
    host.start();
    host.pass(5s);
    host.hear(200);
    host.check(7, CheckState::passing);
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_EQ(host.time_to_active(), down_interval);
}

TEST(Checks, a_failing_one_is_a_silent_fault_of_a_backup_E41_E42) {
    CoreDriver host(with_check());
    host.start();
    host.check(7, CheckState::failing);
    EXPECT_EQ(host.last_reason(), "check said so");
    EXPECT_EQ(host.roles(), "BACKUP, FAULT");
    host.pass(10s);
    EXPECT_EQ(host.story(), "");
    host.check(7, CheckState::passing);
    EXPECT_EQ(host.roles(), "BACKUP");
    EXPECT_EQ(host.until_deadline(), down_interval) << "a full startup";
}

TEST(Checks, one_known_to_fail_before_the_start) {
    CoreDriver host(with_check());
    host.check(7, CheckState::failing);
    host.start();
    EXPECT_EQ(host.roles(), "FAULT");
}

TEST(Checks, reverse_makes_passing_the_fault) {
    CoreDriver host(with_check(std::nullopt, true));
    host.start();
    host.check(7, CheckState::failing);
    EXPECT_EQ(host.state(), State::backup);
    host.check(7, CheckState::passing);
    EXPECT_EQ(host.state(), State::initialize);
}

TEST(Checks, a_new_weight_counts_from_the_last_advert_D07) {
    CoreDriver host(with_check(-50));
    host.start();
    host.check(7, CheckState::passing);
    host.pass(100ms);
    host.hear(200);
    host.pass(100ms);
    host.check(7, CheckState::failing);
    EXPECT_EQ(host.instance().priority(), 50);
    EXPECT_EQ(host.until_deadline(), 200ms + 80'468'750ns);
    host.check(7, CheckState::passing);
    EXPECT_EQ(host.until_deadline(), 200ms + skew);
}

TEST(Checks, a_weight_does_not_lengthen_the_wait_after_a_release) {
    CoreDriver host(with_check(-50));
    host.start();
    host.check(7, CheckState::passing);
    host.hear(0);
    host.check(7, CheckState::failing);
    EXPECT_EQ(host.until_deadline(), skew);
}

TEST(Checks, a_priority_that_makes_the_timer_overdue_fires_at_once) {
    InstanceOptions options = plain_options();
    options.priority = 1;
    options.checks = {Track{7, 253, false}};
    CoreDriver host(options);
    host.start();
    host.check(7, CheckState::failing);
    host.hear(200);
    host.pass(350ms);
    host.check(7, CheckState::passing);
    EXPECT_EQ(host.time_to_active(), 0ns);
    EXPECT_EQ(host.story(), "advert 254, addresses on and announced");
}

TEST(Checks, a_number_moves_the_priority_and_is_never_a_fault) {
    InstanceOptions options = plain_options();
    options.checks = {Track{7, 0, false, true}};
    CoreDriver host(options);
    host.start();
    host.pass(5s);
    EXPECT_EQ(host.state(), State::backup) << "unknown defers";
    host.check(7, CheckState::failing, -40);
    EXPECT_EQ(host.state(), State::active);
    EXPECT_EQ(host.instance().priority(), 60);
    host.check(7, CheckState::failing, -41);
    EXPECT_EQ(host.instance().priority(), 59);
    host.check(7, CheckState::passing, 0);
    EXPECT_EQ(host.instance().priority(), 100);
    EXPECT_EQ(host.state(), State::active);
}

TEST(Checks, several_are_each_a_fault_and_the_last_ends_it) {
    InstanceOptions options = plain_options();
    options.checks = {Track{1, {}, false}, Track{2, {}, false}, Track{3, -20, false}};
    CoreDriver host(options);
    for (const std::size_t check : {1, 2, 3}) host.check(check, CheckState::passing);
    host.start();
    host.check(1, CheckState::failing);
    host.check(2, CheckState::failing);
    host.check(3, CheckState::failing);
    EXPECT_EQ(host.state(), State::initialize);
    EXPECT_EQ(host.instance().priority(), 80);
    host.check(1, CheckState::passing);
    EXPECT_EQ(host.state(), State::initialize) << "the other still fails";
    host.check(2, CheckState::passing);
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_EQ(host.time_to_active(), 368'750'000ns) << "priority 80";
}

TEST(Gates, one_check_may_be_a_gate_and_a_fault_at_once) {
    InstanceOptions options = with_check();
    options.gates = {7};
    CoreDriver host(options);
    host.start();
    host.check(7, CheckState::failing);
    EXPECT_EQ(host.roles(), "BACKUP, FAULT");
    host.check(7, CheckState::passing);
    host.hear(99);
    host.pass(5s);
    EXPECT_EQ(host.state(), State::active);
}

TEST(Gates, hold_back_from_a_live_peer_only) {
    InstanceOptions options = plain_options();
    options.gates = {3};
    CoreDriver host(options);
    host.start();
    const auto hear_lower = [&](int times) {
        for (int i = 0; i < times; ++i) {
            host.hear(99);
            host.pass(100ms);
        }
    };
    hear_lower(10);
    EXPECT_EQ(host.state(), State::backup) << "unknown";
    host.check(3, CheckState::failing);
    hear_lower(10);
    EXPECT_EQ(host.state(), State::backup) << "failing is no fault either";
    host.check(3, CheckState::passing);
    hear_lower(3);
    EXPECT_EQ(host.state(), State::active);

    CoreDriver alone(options);
    alone.start();
    alone.check(3, CheckState::failing);
    EXPECT_EQ(alone.time_to_active(), down_interval);
}

TEST(Gates, stay_closed_while_what_passes_is_cold) {
    InstanceOptions options = plain_options();
    options.gates = {3};
    options.checks = {Track{3, {}, false}};
    CoreDriver host(options);
    CheckChanged change{3, CheckState::passing, ""};
    change.cold = true;
    host.handle(change);
    host.start();
    for (int i = 0; i < 10; ++i) {
        host.hear(99);
        host.pass(100ms);
    }
    EXPECT_EQ(host.state(), State::backup) << "as a tracked check it passes, as a gate it does not";
    change.cold = false;
    host.handle(change);
    host.hear(99);
    host.pass(5s);
    EXPECT_EQ(host.state(), State::active);

    change.cold = true;
    CoreDriver alone(options);
    alone.handle(change);
    alone.start();
    EXPECT_EQ(alone.time_to_active(), down_interval) << "with no peer there is nobody to wait for";
}

}  // namespace
}  // namespace vrrpd::instance_checks_test
