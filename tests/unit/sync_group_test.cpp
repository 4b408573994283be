// Sync groups: S01-S04, S07.
#include <map>

#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::sync_group_test {
namespace {

using namespace std::chrono_literals;
using test::ip;
using test::Message;
using test::plain_options;
using State = Instance::State;

constexpr int interface_of[] = {2, 3, 4};

// A router with some instances on links of their own, all in one group.
class Group {
  public:
    explicit Group(std::vector<InstanceOptions> options)
        : options_(named(std::move(options))), groups_{{"VG_1", all_of(options_)}}, router_(options_, groups_) {}
    explicit Group(std::size_t size = 2) : Group(std::vector<InstanceOptions>(size, plain_options())) {}

    void start() {
        for (InstanceId id = 0; id < options_.size(); ++id) path(id, true);
        router_.handle(Startup{}, now_, actions_);
    }
    void path(InstanceId id, bool up) {
        handle(PathChanged{id, interface_of[id], up, ip("10.9.0.1"), up ? "" : "its link is down"});
    }
    void check(std::size_t index, CheckState state) { handle(CheckChanged{index, state, "check said so"}); }
    void hear(InstanceId id, int priority, const char* source = "10.9.0.2") {
        const InstanceOptions& ours = options_[id];
        Outgoing advert;
        advert.virtual_router_id = ours.virtual_router_id;
        advert.priority = static_cast<std::uint8_t>(priority);
        advert.interval = ours.advert_interval;
        advert.addresses = ours.addresses;
        advert.source = ip(source);
        advert.destination = vrrp_group(ours.family);
        const Message message(advert, interface_of[id]);
        handle(message.view());
    }
    /// The latest hook that was waited for, and seen in a story, ends.
    void hook(InstanceId id, bool ok) { handle(HookEnded{id, runs_.at(id), ok, ok ? "" : "the hook failed"}); }
    void handle(const Event& event) { router_.handle(event, now_, actions_); }
    void settle_addresses(bool present) {
        for (InstanceId id = 0; id < options_.size(); ++id) handle(AddressesSettled{id, present, false, ""});
    }
    void pass(Duration duration) {
        const Instant end = now_ + duration;
        while (router_.next_deadline() <= end) {
            now_ = std::max(now_, router_.next_deadline());
            router_.expire(now_, actions_);
        }
        now_ = end;
    }
    void become_active() {
        start();
        pass(400ms);
        settle_addresses(true);
        ASSERT_EQ(states(), "AA");
        story();
    }

    void freeze(Duration duration) { now_ += duration; }
    void expire() { router_.expire(now_, actions_); }
    int role_changes() const {
        return static_cast<int>(std::ranges::count_if(
            actions_, [](const Action& action) { return std::holds_alternative<RoleChanged>(action); }));
    }

    // One letter for each instance: Initialize, Backup, Preempting, Active, Retiring.
    std::string states() const {
        std::string states;
        for (InstanceId id = 0; id < router_.size(); ++id) {
            states += "IBPAR"[static_cast<std::size_t>(router_.instance(id).state())];
        }
        return states;
    }
    // Adverts and addresses since the last call: "0 advert 100, 1 on".
    std::string story() {
        std::string words;
        for (const Action& action : std::exchange(actions_, {})) {
            std::string word;
            if (const auto* send = std::get_if<SendAdvert>(&action)) {
                word = std::to_string(send->instance) + " advert " + std::to_string(send->priority);
            } else if (const auto* set = std::get_if<SetAddresses>(&action)) {
                word = std::to_string(set->instance) + (set->wanted              ? " on"
                                                        : set->close_connections ? " closed and off"
                                                                                 : " off");
            } else if (const auto* hook = std::get_if<RunHook>(&action)) {
                const bool told = hook->hook == Hook::notify;
                word = std::to_string(hook->instance) + " " + (told ? to_string(hook->to) : to_string(hook->hook));
                if (hook->run != 0) runs_[hook->instance] = hook->run;
            } else if (const auto* told = std::get_if<RunGroupHook>(&action)) {
                if (options_.front().hooks.any()) word = std::string("group told ") + to_string(told->to);
            } else if (const auto* dropped = std::get_if<DropHook>(&action)) {
                word = std::to_string(dropped->instance) + " dropped";
            } else if (const auto* group = std::get_if<GroupChanged>(&action)) {
                word = std::string("group ") + to_string(group->to);
            }
            if (!word.empty()) words += (words.empty() ? "" : ", ") + word;
        }
        return words;
    }
    int promotions(InstanceId id) const {
        return static_cast<int>(router_.instance(id).counters().became(Role::master));
    }
    const Instance& instance(InstanceId id) const { return router_.instance(id); }
    Router& router() { return router_; }

  private:
    static std::vector<InstanceOptions> named(std::vector<InstanceOptions> options) {
        for (std::size_t i = 0; i < options.size(); ++i) options[i].name = "VI_" + std::to_string(i);
        return options;
    }
    static std::vector<std::size_t> all_of(const std::vector<InstanceOptions>& options) {
        std::vector<std::size_t> all(options.size());
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
        return all;
    }

    std::map<InstanceId, std::uint64_t> runs_;
    const std::vector<InstanceOptions> options_;
    const std::vector<SyncGroupOptions> groups_;
    Router router_;
    Actions actions_;
    Instant now_{std::chrono::hours(1)};
};

std::vector<InstanceOptions> two_with(std::function<void(InstanceOptions& first, InstanceOptions& second)> change) {
    std::vector<InstanceOptions> options(2, plain_options());
    change(options[0], options[1]);
    return options;
}

TEST(SyncGroup, all_become_active_in_one_step_S02) {
    Group group(two_with([](auto&, auto& slow) { slow.advert_interval = 1s; }));
    group.start();
    group.pass(360ms);
    EXPECT_EQ(group.states(), "BB");
    group.story();
    group.pass(1ms);
    EXPECT_EQ(group.states(), "AA") << "the timer of the second would have run for 3.6 s";
    EXPECT_EQ(group.story(), "0 advert 100, 0 on, group MASTER, 1 advert 100, 1 on");
}

TEST(SyncGroup, none_becomes_active_while_one_is_at_fault_S01_S02) {
    Group group;
    group.start();
    group.path(1, false);
    EXPECT_EQ(group.states(), "II");
    EXPECT_EQ(group.instance(0).role(), Role::fault);
    group.pass(10s);
    EXPECT_EQ(group.promotions(0), 0);
    group.path(1, true);
    EXPECT_EQ(group.states(), "BB");
    group.pass(400ms);
    EXPECT_EQ(group.states(), "AA");
}

TEST(SyncGroup, a_fault_of_one_releases_the_others_S01) {
    Group group;
    group.become_active();
    group.path(1, false);
    EXPECT_EQ(group.states(), "RI");
    group.settle_addresses(false);
    EXPECT_EQ(group.states(), "II");
    EXPECT_EQ(group.story(), "1 off, group FAULT, 0 off, 0 advert 0") << "nothing leaves on the dead link";
    EXPECT_EQ(group.instance(0).role(), Role::fault);
}

TEST(SyncGroup, one_fault_of_two_that_ends_changes_nothing_S01) {
    Group group;
    group.start();
    group.path(0, false);
    group.path(1, false);
    group.path(0, true);
    EXPECT_EQ(group.states(), "II");
    group.path(1, true);
    EXPECT_EQ(group.states(), "BB");
}

TEST(SyncGroup, a_higher_active_on_one_demotes_the_others_addresses_first_S03) {
    Group group;
    group.become_active();
    group.hear(0, 200);
    EXPECT_EQ(group.states(), "BB");
    EXPECT_EQ(group.story(), "0 off, group BACKUP, 1 off");
    group.settle_addresses(false);
    EXPECT_EQ(group.story(), "0 advert 100, 1 advert 0") << "the winner announces again, a peer may take the other";
}

TEST(SyncGroup, clients_of_all_are_told_of_a_demotion_but_those_behind_a_lost_link_S03) {
    Group group(two_with([](auto& first, auto& second) { first.close_connections = second.close_connections = true; }));
    group.become_active();
    group.path(0, false);
    EXPECT_EQ(group.story(), "0 off, group FAULT, 1 closed and off");
}

TEST(SyncGroup, obeys_as_long_as_one_member_hears_its_better_S02_S07) {
    Group group;
    group.start();
    for (int i = 0; i < 100; ++i) {
        group.hear(0, 200);
        group.pass(100ms);
    }
    EXPECT_EQ(group.states(), "BB") << "nobody advertises for the second";
    EXPECT_EQ(group.promotions(1), 0);
    group.pass(400ms);
    EXPECT_EQ(group.states(), "AA");
}

TEST(SyncGroup, a_lower_active_on_both_is_preempted_S02) {
    Group group;
    group.start();
    for (int i = 0; i < 4; ++i) {
        group.hear(0, 50);
        group.hear(1, 50);
        group.pass(100ms);
    }
    EXPECT_EQ(group.states(), "AA");
}

TEST(SyncGroup, waits_for_the_startup_delay_of_the_strictest_S02) {
    Group group(two_with([](auto&, auto& second) { second.startup_delay = 5s; }));
    group.start();
    group.pass(4999ms);
    EXPECT_EQ(group.states(), "BB");
    group.pass(1ms);
    EXPECT_EQ(group.states(), "AA") << "at once: the timers have long run out";
}

TEST(SyncGroup, waits_for_an_unknown_check_of_another_S02) {
    Group group(two_with([](auto&, auto& second) { second.checks = {Track{7, std::nullopt, false}}; }));
    group.start();
    group.pass(5s);
    EXPECT_EQ(group.states(), "BB");
    group.check(7, CheckState::passing);
    EXPECT_EQ(group.states(), "AA");
    group.check(7, CheckState::failing);
    group.settle_addresses(false);
    EXPECT_EQ(group.states(), "II");
}

TEST(SyncGroup, the_addresses_of_all_are_gone_before_the_next_start_S02) {
    Group group;
    group.become_active();
    group.path(1, false);
    group.path(1, true);
    group.handle(AddressesSettled{1, false, false, ""});
    group.pass(45ms);
    EXPECT_EQ(group.states(), "RB") << "the kernel has not answered for the first";
    EXPECT_EQ(group.promotions(1), 1);
    group.pass(1s);
    EXPECT_EQ(group.states(), "AA");
}

TEST(SyncGroup, a_refused_address_of_one_is_a_fault_of_all_S01) {
    Group group;
    group.start();
    group.pass(400ms);
    group.handle(AddressesSettled{0, true, false, ""});
    group.handle(AddressesSettled{1, true, true, "refused"});
    group.settle_addresses(false);
    EXPECT_EQ(group.states(), "II");
    EXPECT_EQ(group.instance(0).role(), Role::fault);
}

TEST(SyncGroup, a_shutdown_is_planned_for_each_S04) {
    Group group;
    group.become_active();
    group.handle(Shutdown{});
    EXPECT_EQ(group.story(), "0 off, 1 off, group BACKUP");
    group.settle_addresses(false);
    group.pass(2ms);
    EXPECT_EQ(group.story(), "0 advert 0, 1 advert 0, 0 advert 0, 1 advert 0");
    EXPECT_TRUE(group.router().finished());
}

TEST(SyncGroup, a_drain_of_one_hands_over_all_S04) {
    Group group;
    group.become_active();
    group.handle(DrainChanged{1, true});
    group.settle_addresses(false);
    group.pass(1h);
    EXPECT_EQ(group.states(), "BB") << "although nobody else is there";
    EXPECT_EQ(group.story(), "0 off, 1 off, group BACKUP, 0 advert 0, 1 advert 0, 0 advert 0, 1 advert 0");
    group.handle(DrainChanged{1, false});
    EXPECT_EQ(group.states(), "AA");
}

TEST(SyncGroup, a_failover_of_one_hands_over_all_and_is_taken_back_together) {
    Group group;
    group.become_active();
    group.handle(HandOver{1});
    group.settle_addresses(false);
    group.pass(2ms);
    EXPECT_EQ(group.states(), "BB");
    EXPECT_EQ(group.story(), "0 off, 1 off, group BACKUP, 0 advert 0, 1 advert 0, 0 advert 0, 1 advert 0");
    for (int i = 0; i < 20; ++i) {
        group.hear(0, 50);
        group.hear(1, 50);
        group.pass(100ms);
    }
    EXPECT_EQ(group.states(), "BB") << "preempts";
    group.pass(1s);
    EXPECT_EQ(group.states(), "AA");
}

// A release only says that an Active leaves; whether another one is there is known when Skew_Time is over.
TEST(SyncGroup, a_release_is_no_permission_at_once_E09_H19) {
    Group group;
    group.start();
    for (int i = 0; i < 6; ++i) {
        group.hear(0, 200);
        group.pass(100ms);
    }
    EXPECT_EQ(group.states(), "BB") << "the second would claim, but waits for the first";
    group.hear(0, 0);
    EXPECT_EQ(group.states(), "BB");
    group.pass(30ms);
    group.hear(0, 200);
    group.pass(200ms);
    EXPECT_EQ(group.states(), "BB") << "the Active has answered";
    group.hear(0, 0);
    group.pass(61ms);
    EXPECT_EQ(group.states(), "AA");
}

TEST(SyncGroup, a_stall_that_only_a_timer_notices_ends_the_term_of_all_S03) {
    Group group(two_with([](auto&, auto& slow) { slow.advert_interval = 10s; }));
    group.start();
    group.pass(400ms);
    group.settle_addresses(true);
    ASSERT_EQ(group.states(), "AA");
    group.freeze(1s);
    group.expire();
    EXPECT_EQ(group.states(), "IB");
}

TEST(SyncGroup, one_fault_of_two_that_ends_says_nothing_S01) {
    Group group;
    group.start();
    group.path(0, false);
    group.path(1, false);
    group.story();
    group.path(0, true);
    EXPECT_EQ(group.role_changes(), 0);
}

TEST(SyncGroup, preempt_delay_counts_anew_after_a_handover_E15_S03) {
    Group group(two_with([](auto& first, auto& second) { first.preempt_delay = second.preempt_delay = 60s; }));
    group.start();
    const auto hear_lower_for = [&](Duration duration) {
        for (Duration passed{}; passed < duration; passed += 100ms) {
            group.hear(0, 50);
            group.hear(1, 50);
            group.pass(100ms);
        }
    };
    hear_lower_for(61s);
    ASSERT_EQ(group.states(), "AA");
    group.settle_addresses(true);
    group.hear(0, 200);
    group.settle_addresses(false);
    hear_lower_for(30s);
    EXPECT_EQ(group.states(), "BB");
}

TEST(SyncGroup, a_stall_ends_the_term_of_all_S03) {
    Group group;
    group.become_active();
    group.freeze(400ms);
    group.hear(0, 50);
    EXPECT_EQ(group.states(), "IB");
    group.settle_addresses(false);
    EXPECT_EQ(group.states(), "BB");
    EXPECT_EQ(group.story(), "0 off, group BACKUP, 1 off, 0 advert 0, 1 advert 0");
}

// ---- hooks

std::vector<InstanceOptions> with_hooks(std::initializer_list<std::size_t> preparing) {
    std::vector<InstanceOptions> options(2, plain_options());
    for (const std::size_t id : preparing) options[id].hooks[Hook::before_master] = {"/promote"};
    for (InstanceOptions& each : options) each.hooks[Hook::notify] = {"/notify"};
    return options;
}

TEST(GroupHooks, no_address_before_the_hooks_of_all_S05) {
    for (const InstanceId last : {0u, 1u}) {
        Group group(with_hooks({0, 1}));
        group.start();
        group.pass(370ms);
        EXPECT_EQ(group.story(),
                  "0 BACKUP, 1 BACKUP, group told BACKUP, 0 advert 100, 0 before_master, group MASTER, "
                  "1 advert 100, 1 before_master");
        group.hook(1 - last, true);
        EXPECT_EQ(group.story(), "") << "the other one is not done";
        group.hook(last, true);
        EXPECT_EQ(group.states(), "AA");
        const std::string story = group.story();
        EXPECT_TRUE(story == "0 on, 1 on" || story == "1 on, 0 on") << story;
        group.settle_addresses(true);
        EXPECT_EQ(group.story(), "0 MASTER, 1 MASTER, group told MASTER");
    }
}

TEST(GroupHooks, who_has_none_waits_for_who_has_S05) {
    for (const InstanceId one : {0u, 1u}) {
        Group group(with_hooks({one}));
        group.start();
        group.pass(370ms);
        EXPECT_EQ(group.story().find(" on"), std::string::npos);
        group.hook(one, true);
        const std::string story = group.story();
        EXPECT_TRUE(story == "0 on, 1 on" || story == "1 on, 0 on") << story;
    }
}

TEST(GroupHooks, the_failure_of_one_is_a_fault_of_all) {
    Group group(with_hooks({0, 1}));
    group.start();
    group.pass(370ms);
    group.story();
    group.hook(1, false);
    EXPECT_EQ(group.story(), "1 off, group FAULT, 0 dropped, 0 off");
    group.settle_addresses(false);
    EXPECT_EQ(group.states(), "II");
    EXPECT_EQ(group.instance(0).role(), Role::fault);
    const std::string story = group.story();
    EXPECT_NE(story.find("0 advert 0"), std::string::npos) << story;
    EXPECT_NE(story.find("group told FAULT"), std::string::npos) << story;
}

TEST(GroupHooks, a_live_peer_serves_until_all_are_done) {
    Group group(with_hooks({1}));
    group.start();
    const auto peer = [&] {
        group.pass(90ms);
        group.hear(0, 50);
        group.hear(1, 50);
    };
    for (int i = 0; i < 6; ++i) peer();
    EXPECT_EQ(group.states(), "PP");
    EXPECT_EQ(group.story(), "0 BACKUP, 1 BACKUP, group told BACKUP, 1 before_master");
    group.hook(1, true);
    EXPECT_EQ(group.states(), "AA");
    const std::string story = group.story();
    EXPECT_EQ(story.find("before_master"), std::string::npos) << story;
    EXPECT_NE(story.find("0 on"), std::string::npos) << story;
    EXPECT_NE(story.find("1 on"), std::string::npos) << story;
}

TEST(GroupHooks, a_better_one_on_any_link_calls_it_off) {
    Group group(with_hooks({1}));
    group.start();
    for (int i = 0; i < 6; ++i) {
        group.pass(90ms);
        group.hear(0, 50);
        group.hear(1, 50);
    }
    ASSERT_EQ(group.states(), "PP");
    group.story();
    group.hear(0, 200, "10.9.0.3");
    EXPECT_EQ(group.states(), "BB");
    EXPECT_EQ(group.story(), "1 dropped, 1 BACKUP, group told BACKUP");
}

}  // namespace
}  // namespace vrrpd::sync_group_test
