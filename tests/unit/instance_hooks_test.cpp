// Where hooks come in the orders of docs/architecture.md, what waits for them, and what does not. Groups: S05 in
// sync_group_test.cpp; every state and every two events: instance_property_test.cpp.
#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::instance_hooks_test {
namespace {

using namespace std::chrono_literals;
using test::CoreDriver;
using test::plain_options;
using State = Instance::State;

InstanceOptions with_hooks(std::initializer_list<Hook> hooks = {Hook::before_master, Hook::before_backup, Hook::notify,
                                                                Hook::notify_new_active}) {
    InstanceOptions options = plain_options();
    options.advert_interval = 1s;
    options.announce_repeat_delay = options.announce_refresh = 0s;
    for (const Hook hook : hooks) options.hooks[hook] = {"/hook"};
    return options;
}

const RunHook* last_hook(const CoreDriver& host) {
    const RunHook* last = nullptr;
    for (const Action& action : host.actions()) {
        if (const auto* hook = std::get_if<RunHook>(&action)) last = hook;
    }
    return last;
}

// Listening while a worse host serves, up to the moment at which it would be taken over from.
struct Challenger : CoreDriver {
    explicit Challenger(InstanceOptions options = with_hooks()) : CoreDriver(std::move(options)) {
        start();
        for (int i = 0; i < 4; ++i) pass(950ms), hear(50);
    }
};

struct Master : CoreDriver {
    explicit Master(InstanceOptions options = with_hooks({Hook::before_backup, Hook::notify}))
        : CoreDriver(std::move(options)) {
        become_active();
    }
};

TEST(Hooks, after_silence_adverts_come_first) {
    CoreDriver host(with_hooks());
    host.start();
    EXPECT_EQ(host.story(), "told BACKUP");
    host.time_to_active();
    EXPECT_EQ(host.story(), "advert 100, before_master");
    host.pass(2s);
    EXPECT_EQ(host.story(), "advert 100, advert 100") << "no advert waits for a hook";
    EXPECT_TRUE(host.instance().prepares());
    EXPECT_EQ(host.instance().role(), Role::master);
    host.hook(true);
    EXPECT_EQ(host.story(), "addresses on and announced");
    host.addresses(true);
    EXPECT_EQ(host.story(), "told MASTER");
}

TEST(Hooks, notify_master_comes_after_the_announcement) {
    InstanceOptions options = with_hooks({Hook::notify_master});
    options.services = {0};
    CoreDriver host(options);
    host.start();
    host.time_to_active();
    EXPECT_EQ(host.story(), "advert 100, addresses on");
    host.addresses(true);
    EXPECT_EQ(host.story(), "services run");
    host.services(ServicesState::ready);
    EXPECT_EQ(host.story(), "announce, told MASTER");
}

TEST(Hooks, know_what_happened) {
    CoreDriver host(with_hooks());
    host.start();
    host.hear(50, "10.9.0.7");
    host.time_to_active();
    const RunHook hook = *last_hook(host);
    EXPECT_EQ(hook.hook, Hook::before_master);
    EXPECT_EQ(hook.from, Role::backup);
    EXPECT_EQ(hook.to, Role::master);
    EXPECT_EQ(hook.priority, 100);
    EXPECT_EQ(hook.peer, test::ip("10.9.0.7"));
    EXPECT_EQ(hook.timeout, 5s);
    EXPECT_NE(hook.reason.view().find("10.9.0.7"), std::string_view::npos) << hook.reason.view();
}

TEST(Preemption, leaves_the_peer_alone_until_the_hook_is_done) {
    Challenger host;
    ASSERT_NE(last_hook(host), nullptr);
    EXPECT_EQ(last_hook(host)->reason, Text("preempting 10.9.0.2, which has priority 50"));
    EXPECT_NE(host.instance().reason(), last_hook(host)->reason) << "it is BACKUP, for the old reason";
    EXPECT_EQ(host.story(), "told BACKUP, notify_new_active, before_master");
    EXPECT_EQ(host.state(), State::preempting);
    EXPECT_EQ(host.instance().role(), Role::backup);
    for (int i = 0; i < 3; ++i) host.pass(900ms), host.hear(50);
    EXPECT_EQ(host.story(), "");
    host.hook(true);
    EXPECT_EQ(host.last_reason(), "preempting 10.9.0.2, which has priority 50");
    EXPECT_EQ(host.story(), "advert 100, addresses on and announced");
    host.addresses(true);
    EXPECT_EQ(host.story(), "told MASTER");
}

TEST(Preemption, of_a_peer_that_falls_silent_advertises_at_once) {
    Challenger host;
    host.story();
    host.pass(4s);
    EXPECT_EQ(host.state(), State::active);
    EXPECT_EQ(host.story(), "advert 100") << "and before_master goes on";
    host.hook(true);
    EXPECT_EQ(host.story(), "addresses on and announced");
}

TEST(Preemption, of_a_peer_that_releases_advertises_at_once) {
    Challenger host;
    host.story();
    host.hear(0, "10.9.0.9");
    EXPECT_EQ(host.story(), "") << "somebody else, who did not serve";
    host.hear(0);
    EXPECT_EQ(host.last_reason(), "10.9.0.2 released the addresses");
    EXPECT_EQ(host.story(), "advert 100");
    host.hook(true);
    EXPECT_EQ(host.story(), "addresses on and announced");
}

TEST(Preemption, backs_off_before_a_better_one) {
    Challenger host;
    host.story();
    host.hear(200, "10.9.0.3");
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_EQ(last_hook(host)->peer, test::ip("10.9.0.3"));
    EXPECT_EQ(host.story(), "hook dropped, told BACKUP, notify_new_active");
    host.hook(true);
    EXPECT_EQ(host.story(), "") << "too late";
    EXPECT_EQ(host.state(), State::backup);
}

TEST(Preemption, backs_off_when_it_may_no_more) {
    InstanceOptions options = with_hooks();
    options.gates = {7};
    CoreDriver host(options);
    host.check(7, CheckState::passing);
    host.start();
    for (int i = 0; i < 4; ++i) host.pass(950ms), host.hear(50);
    ASSERT_EQ(host.state(), State::preempting);
    host.story();
    host.check(7, CheckState::failing);
    host.hear(50);
    EXPECT_EQ(host.story(), "hook dropped, told BACKUP");
    EXPECT_EQ(host.state(), State::backup);

    Challenger drained;
    drained.story();
    drained.handle(DrainChanged{0, true});
    EXPECT_EQ(drained.story(), "hook dropped, told BACKUP");
}

TEST(Failure, of_before_master_is_a_fault_that_is_held) {
    CoreDriver host(with_hooks());
    host.start();
    host.time_to_active();
    host.story();
    host.hook(false);
    EXPECT_EQ(host.last_reason(), "the hook failed");
    EXPECT_EQ(host.instance().role(), Role::fault);
    EXPECT_EQ(host.story(), "addresses off");
    host.addresses(false);
    EXPECT_EQ(host.story(), "advert 0, told FAULT") << "we had claimed";
    host.pass(29s);
    EXPECT_EQ(host.roles(), "");
    host.pass(1s);
    EXPECT_EQ(host.roles(), "BACKUP") << "fault_hold is 30 s";
    host.time_to_active();
    host.story();
    host.hook(false);
    host.addresses(false);
    host.story();
    host.pass(59s);
    EXPECT_EQ(host.roles(), "");
    host.pass(1s);
    EXPECT_EQ(host.roles(), "BACKUP") << "and doubles";
}

TEST(Failure, while_a_peer_serves_says_nothing_to_the_peers) {
    Challenger host;
    host.story();
    host.hook(false);
    EXPECT_EQ(host.instance().role(), Role::fault);
    EXPECT_EQ(host.story(), "told FAULT");
}

// Whoever runs hooks answers. Should he not, the core does not wait for ever: once for a hook that may run before it,
// once for its own, and a second.
TEST(Failure, is_assumed_when_no_answer_comes) {
    CoreDriver host(with_hooks());
    host.start();
    host.time_to_active();
    host.pass(10900ms);
    EXPECT_EQ(host.instance().role(), Role::master);
    host.story();
    host.pass(200ms);
    EXPECT_EQ(host.last_reason(), "before_master: did not end in time");
    EXPECT_EQ(host.instance().role(), Role::fault);
}

TEST(PlannedDemotion, services_and_before_backup_side_by_side) {
    InstanceOptions options = with_hooks({Hook::before_backup, Hook::notify});
    options.services = {0};
    for (const bool hook_first : {true, false}) {
        Master host(options);
        host.shutdown();
        EXPECT_EQ(last_hook(host)->to, Role::init);
        EXPECT_EQ(host.story(), "before_backup, services stop");
        hook_first ? host.hook(true) : host.services(ServicesState::stopped);
        EXPECT_EQ(host.story(), "") << "the other one is not done";
        hook_first ? host.services(ServicesState::stopped) : host.hook(false);
        EXPECT_EQ(host.story(), "addresses off");
        host.addresses(false);
        EXPECT_EQ(host.story(), "advert 0, told INIT");
        host.pass(10ms);
        EXPECT_EQ(host.story(), "advert 0");
        EXPECT_TRUE(host.router().finished());
    }
}

TEST(PlannedDemotion, waits_a_second_and_no_longer) {
    Master host;
    host.handle(DrainChanged{0, true});
    EXPECT_EQ(last_hook(host)->to, Role::backup);
    EXPECT_EQ(last_hook(host)->timeout, 1s);
    EXPECT_EQ(host.story(), "before_backup");
    host.pass(990ms);
    EXPECT_EQ(host.story(), "");
    host.pass(10ms);
    EXPECT_EQ(host.story(), "advert 100, hook dropped, addresses off");
}

TEST(PlannedDemotion, does_not_wait_when_another_one_serves_already) {
    Master host;
    host.shutdown();
    host.story();
    host.hear(200);
    EXPECT_EQ(host.story(), "hook dropped, addresses off");
    host.addresses(false);
    EXPECT_TRUE(host.router().finished()) << "nothing is left to wait for";
}

TEST(PlannedDemotion, of_who_has_not_served_has_no_before_backup) {
    CoreDriver host(with_hooks());
    host.start();
    host.time_to_active();
    host.story();
    host.shutdown();
    EXPECT_EQ(host.story(), "hook dropped, addresses off");
}

TEST(OtherDemotions, tell_when_nothing_of_the_master_is_left) {
    InstanceOptions options = with_hooks({Hook::before_backup, Hook::notify});
    options.services = {0};
    options.checks = {Track{0, std::nullopt, false}};
    CoreDriver yielding(options);
    yielding.check(0, CheckState::passing);
    yielding.become_active();
    yielding.hear(200);
    EXPECT_EQ(yielding.story(), "addresses off, services settle");
    yielding.addresses(false);
    EXPECT_EQ(yielding.story(), "advert 100");
    yielding.services(ServicesState::stopped);
    EXPECT_EQ(yielding.story(), "told BACKUP");

    CoreDriver faulty(options);
    faulty.check(0, CheckState::passing);
    faulty.become_active();
    faulty.check(0, CheckState::failing);
    faulty.services(ServicesState::stopped);
    faulty.story();
    faulty.addresses(false);
    EXPECT_EQ(faulty.story(), "advert 0, told FAULT");

    CoreDriver cut(options);
    cut.check(0, CheckState::passing);
    cut.become_active();
    cut.path_down();
    EXPECT_EQ(cut.story(), "addresses off, services settle");
    cut.addresses(false);
    cut.services(ServicesState::stopped);
    EXPECT_EQ(cut.story(), "told FAULT");
}

// What settles back within a second is told once, as what it has become.
TEST(OtherDemotions, a_wobble_is_told_as_what_came_of_it) {
    InstanceOptions options = with_hooks({Hook::notify});
    options.services = {0};
    CoreDriver host(options);
    host.become_active();
    host.hear(200);
    host.addresses(false);
    host.hear(0);
    host.time_to_active();
    host.addresses(true);
    host.story();
    host.services(ServicesState::ready);
    EXPECT_EQ(host.story(), "announce, told MASTER");
}

TEST(NewActive, is_told_once_and_when_it_is_another) {
    CoreDriver host(with_hooks({Hook::notify_new_active}));
    host.start();
    host.hear(200);
    EXPECT_EQ(last_hook(host)->peer, test::ip("10.9.0.2"));
    EXPECT_EQ(last_hook(host)->to, Role::backup);
    EXPECT_EQ(host.story(), "notify_new_active");
    host.hear(200);
    host.hear(0);
    host.hear(200);
    EXPECT_EQ(host.story(), "") << "it left, and came back before anybody else";
    host.hear(150, "10.9.0.3");
    EXPECT_EQ(host.story(), "") << "the last advert of a worse one, or a split";
    host.hear(250, "10.9.0.4");
    EXPECT_EQ(host.story(), "notify_new_active");
    host.pass(2s);
    host.hear(150, "10.9.0.3");
    EXPECT_EQ(host.story(), "notify_new_active") << "the better one is silent";
    host.hear(0, "10.9.0.3");
    host.hear(120, "10.9.0.2");
    EXPECT_EQ(host.story(), "notify_new_active") << "the last one has left";
}

TEST(NewActive, is_told_in_fault_and_not_while_master) {
    CoreDriver faulty(with_hooks({Hook::notify_new_active}));
    faulty.start();
    faulty.handle(PathChanged{0, CoreDriver::interface_index, false, test::ip("10.9.0.1"), "no"});
    faulty.hear(200);
    EXPECT_EQ(last_hook(faulty)->to, Role::fault);
    EXPECT_EQ(faulty.story(), "notify_new_active");
    faulty.hear(200);
    EXPECT_EQ(faulty.story(), "");
    faulty.path_up();
    faulty.hear(200);
    EXPECT_EQ(faulty.story(), "notify_new_active") << "what follows it may have been ill as well";

    CoreDriver master(with_hooks({Hook::notify_new_active}));
    master.become_active();
    master.hear(50);
    EXPECT_EQ(master.story(), "advert 100, announce");
    master.hear(200);
    EXPECT_EQ(master.story(), "addresses off");
    master.hear(200);
    EXPECT_EQ(master.story(), "") << "the addresses may be there still";
    master.addresses(false);
    master.hear(200);
    EXPECT_EQ(master.story(), "advert 100, notify_new_active");
}

TEST(HealedSplit, the_winner_tells_again) {
    Master host(with_hooks({Hook::notify_master}));
    host.pass(500ms);
    host.story();
    host.hear(50);
    EXPECT_EQ(host.story(), "advert 100, announce") << "the last word of the one before us";
    host.pass(20s);
    host.story();
    host.hear(50);
    EXPECT_EQ(last_hook(host)->from, Role::master);
    EXPECT_EQ(last_hook(host)->reason, Text("10.9.0.2 was MASTER, too"));
    EXPECT_EQ(host.story(), "told MASTER, advert 100, announce");
    host.pass(900ms);
    host.story();
    host.hear(50);
    EXPECT_EQ(host.story(), "advert 100, announce") << "once";
    host.pass(20s);
    host.story();
    host.hear(50);
    EXPECT_EQ(host.story(), "told MASTER, advert 100, announce") << "another split";
}

TEST(Adopted, has_no_before_master) {
    CoreDriver host(with_hooks());
    host.path_up();
    host.handle(Startup{{{0, 100}}});
    EXPECT_EQ(host.story(), "advert 100, addresses on and announced");
    host.addresses(true);
    EXPECT_EQ(last_hook(host)->reason, Text("adopted"));
    EXPECT_EQ(last_hook(host)->from, Role::init);
    EXPECT_EQ(host.story(), "told MASTER");
}

TEST(Reload, of_who_prepares_puts_no_address_on) {
    CoreDriver host(with_hooks());
    host.start();
    host.time_to_active();
    host.story();
    InstanceOptions other = with_hooks();
    other.priority = 120;
    host.reload(other);
    EXPECT_EQ(host.story(), "advert 120");
    host.hook(true);
    EXPECT_EQ(host.story(), "addresses on and announced");
}

}  // namespace
}  // namespace vrrpd::instance_hooks_test
