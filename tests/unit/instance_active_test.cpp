// An instance that is Active (conformance 1.6): adverts, answers, elections, stalls, failed sends.
#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::instance_active_test {
namespace {

using namespace std::chrono_literals;
using test::CoreDriver;
using test::plain_options;
using State = Instance::State;

int adverts_in(const Actions& actions) {
    return static_cast<int>(std::ranges::count_if(
        actions, [](const Action& action) { return std::holds_alternative<SendAdvert>(action); }));
}

TEST(Active, advertises_every_interval_E21) {
    CoreDriver host;
    host.become_active();
    host.pass(100ms);
    EXPECT_EQ(host.story(), "advert 100");
    EXPECT_EQ(host.until_deadline(), 100ms);
}

TEST(Active, period_does_not_drift_D10) {
    InstanceOptions options = plain_options();
    options.announce_repeat_delay = options.announce_refresh = 0s;
    CoreDriver host(options);
    host.become_active();
    host.hear(90);
    host.pass(Instance::handover_time);  // until nothing else is due
    host.story();
    const Instant begin = host.now();
    // Each expiry is noticed up to 7 ms late, or up to 1 ms early.
    for (int i = 1; i <= 1000; ++i) {
        host.freeze(host.until_deadline() + (i % 9 - 1) * 1ms);
        host.expire();
        EXPECT_EQ(adverts_in(host.actions()), 1) << i;
        host.story();
        EXPECT_EQ(host.until_deadline() + host.now(), begin + (i + 1) * 100ms);
    }
}

TEST(Active, a_late_advert_is_not_followed_by_a_burst_D10) {
    InstanceOptions options = plain_options();
    options.advert_interval = 10ms;
    for (const Duration late : {5000us, 8999us, 9000us, 9500us, 9999us, 10'000us, 15'000us, 19'500us}) {
        CoreDriver host(options);
        host.become_active();
        host.freeze(host.until_deadline() + late);
        host.expire();
        EXPECT_EQ(host.story(), late <= 10ms ? "advert 100" : "advert 100, announce") << late.count();
    }
}

TEST(Active, answers_a_release_at_once_and_counts_anew_E22) {
    CoreDriver host;
    host.become_active();
    host.pass(40ms);
    host.hear(0);
    EXPECT_EQ(host.story(), "advert 100");
    EXPECT_EQ(host.until_deadline(), 100ms);
}

TEST(Active, yields_to_a_higher_priority_E23) {
    InstanceOptions options = plain_options();
    options.preempt = false;  // irrelevant here
    CoreDriver host(options);
    host.become_active();
    host.hear_every(200ms, 200);
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_EQ(host.instance().active_interval(), 200ms);
    EXPECT_EQ(host.count_notices(Notice::Kind::higher_heard), 1);
    EXPECT_EQ(host.last_reason(), "10.9.0.2 has priority 200, ours is 100");
    EXPECT_EQ(host.story(), "addresses off");
    host.addresses(false);
    EXPECT_EQ(host.story(), "advert 100") << "E33: the winner shall announce again";
    EXPECT_EQ(host.time_to_active(), 2 * (300ms + 60'937'500ns));
}

TEST(Active, equal_priorities_are_decided_by_the_address_E24_E25_E30) {
    for (const auto& [peer, wins] : {std::pair("10.9.0.10", true), std::pair("9.255.255.255", false),
                                     std::pair("10.9.0.8", false), std::pair("200.0.0.1", true)}) {
        CoreDriver host;
        host.start("10.9.0.9");
        host.time_to_active();
        host.hear(100, peer);
        EXPECT_EQ(host.state(), wins ? State::backup : State::active) << peer;
    }
}

TEST(Active, rebuts_a_losing_advert_at_once_E25_E26_E34) {
    for (const auto& [priority, source] : {std::pair(99, "10.9.0.2"), std::pair(100, "10.9.0.0")}) {
        CoreDriver host;
        host.become_active();
        host.pass(40ms);
        host.hear(priority, source);
        EXPECT_EQ(host.count_notices(Notice::Kind::rebutted), 1);
        EXPECT_EQ(host.story(), "advert 100, announce");
        EXPECT_EQ(host.until_deadline(), 60ms) << "the timer is not touched";
    }
}

TEST(Active, does_not_announce_what_it_does_not_serve_yet) {
    CoreDriver host;
    host.start();
    host.time_to_active();
    host.story();
    host.hear(99);
    EXPECT_EQ(host.story(), "advert 100");
}

TEST(Active, answers_are_limited_E28_H20_H21) {
    CoreDriver host;
    host.become_active();
    int answers = 0;
    for (int i = 0; i < 1000; ++i) {
        host.hear(i % 2 == 0 ? 0 : 50);
        host.freeze(1ms);
        answers += adverts_in(host.actions());
        host.story();
    }
    EXPECT_LE(answers, 10);
    EXPECT_GE(answers, 9);
    EXPECT_EQ(host.state(), State::active);
}

TEST(Active, a_flood_does_not_stop_the_adverts_E28) {
    CoreDriver host;
    host.become_active();
    for (int i = 0; i < 10'000; ++i) {
        host.hear(i % 2 == 0 ? 0 : 50);
        host.pass(100us);
    }
    const int sent = adverts_in(host.actions());
    EXPECT_GE(sent, 10);
    EXPECT_LE(sent, 21);
}

TEST(Active, own_address_changes_the_tie_break_E29) {
    CoreDriver host;
    host.become_active();
    host.path_up("10.9.0.5");
    EXPECT_EQ(host.story(), "advert 100") << "the peers shall see the new address at once";
    host.hear(100, "10.9.0.4");
    EXPECT_EQ(host.state(), State::active);
    host.hear(100, "10.9.0.6");
    EXPECT_EQ(host.state(), State::backup);
}

TEST(Active, a_path_told_again_sends_nothing) {
    CoreDriver host;
    host.become_active();
    host.path_up();
    EXPECT_EQ(host.story(), "");
}

// M08: as when a switch sends our adverts back to us.
TEST(Active, who_has_our_own_address_takes_no_part_in_an_election_E27) {
    CoreDriver host;
    host.become_active();
    const Instant deadline = host.router().next_deadline();
    for (const int priority : {0, 99, 100, 200, 255}) host.hear(priority, "10.9.0.1");
    EXPECT_EQ(host.refused(Refusal::own_source), 5u);
    EXPECT_EQ(host.count_notices(Notice::Kind::refused), 1);
    EXPECT_EQ(host.story(), "");
    EXPECT_EQ(host.state(), State::active);
    EXPECT_EQ(host.router().next_deadline(), deadline);
}

// B11: an owner reads the adverts of others, too.
TEST(Active, two_owners_are_decided_by_the_address_E31) {
    InstanceOptions options = plain_options();
    options.priority = 255;
    CoreDriver host(options);
    host.become_active();
    host.hear(255, "10.9.0.0");
    EXPECT_EQ(host.state(), State::active);
    host.hear(255, "10.9.0.2");
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_EQ(host.count_notices(Notice::Kind::equal_heard), 1);
}

// Any priority: an owner is nothing but a higher one.
TEST(Active, an_owner_appears_H18) {
    CoreDriver host;
    host.become_active();
    host.hear(255);
    EXPECT_EQ(host.state(), State::backup);
}

TEST(Active, announces_again_and_again_E32) {
    InstanceOptions options = plain_options();
    options.announce_repeat_delay = 5s;
    options.announce_refresh = 60s;
    CoreDriver host(options);
    host.become_active();
    const auto announced = [&](Duration duration) {
        host.pass(duration);
        const std::string story = host.story();
        int count = 0;
        for (auto at = story.find("announce"); at != story.npos; at = story.find("announce", at + 1)) ++count;
        return count;
    };
    EXPECT_EQ(announced(4999ms), 0);
    EXPECT_EQ(announced(1ms), 1);
    EXPECT_EQ(announced(59'999ms), 0);
    EXPECT_EQ(announced(1ms), 1);
    EXPECT_EQ(announced(120s), 2);
    host.hear(200);
    host.addresses(false);
    host.hear(200);
    host.story();
    EXPECT_EQ(announced(200ms), 0);
}

TEST(Active, announces_once_if_the_repeats_are_off_E32) {
    InstanceOptions options = plain_options();
    options.announce_repeat_delay = options.announce_refresh = 0s;
    CoreDriver host(options);
    host.become_active();
    host.pass(200s);
    EXPECT_EQ(host.story().find("announce"), std::string::npos);
}

TEST(Active, a_new_weight_is_in_the_next_advert_A11) {
    InstanceOptions options = plain_options();
    options.checks = {Track{0, 200, false}};
    CoreDriver host(options);
    host.check(0, CheckState::failing);
    host.become_active();
    host.check(0, CheckState::passing);
    EXPECT_EQ(host.state(), State::active);
    host.pass(100ms);
    EXPECT_EQ(host.story(), "advert 254");
}

// ---- stalls: D11

TEST(Stall, addresses_first_then_release_then_a_full_start_D11) {
    CoreDriver host;
    host.become_active();
    host.freeze(400ms);
    host.expire();
    EXPECT_EQ(host.count_notices(Notice::Kind::stalled), 1);
    EXPECT_EQ(host.story(), "addresses off");
    EXPECT_EQ(host.state(), State::initialize);
    host.pass(5ms);
    host.addresses(false);
    EXPECT_EQ(host.story(), "advert 0");
    EXPECT_EQ(host.state(), State::backup);
    host.pass(10ms);
    EXPECT_EQ(host.story(), "advert 0") << "E20: twice";
    EXPECT_EQ(host.time_to_active(), 350'937'500ns);
}

TEST(Stall, is_seen_by_whatever_comes_first_D11_D12) {
    CoreDriver host;
    host.become_active();
    host.freeze(300ms);
    host.hear(50);  // it took over meanwhile
    EXPECT_EQ(host.state(), State::initialize);
    EXPECT_EQ(host.story(), "addresses off");
    EXPECT_EQ(host.roles(), "");
}

TEST(Stall, a_shorter_pause_is_none_D11) {
    CoreDriver host;
    host.become_active();
    host.freeze(249ms);
    host.expire();
    EXPECT_EQ(host.story(), "advert 100, announce");
    EXPECT_EQ(host.state(), State::active);
    EXPECT_EQ(host.until_deadline(), 100ms);
}

TEST(Stall, a_pause_that_the_guard_does_not_wait_for_puts_the_addresses_back_D11) {
    CoreDriver host;
    host.become_active();
    host.freeze(299ms);
    host.expire();
    EXPECT_EQ(host.story(), "advert 100, addresses on and announced");
    EXPECT_EQ(host.state(), State::active);
}

TEST(Stall, addresses_that_expire_in_a_pause_are_nobodys_loss_D11) {
    CoreDriver host;
    host.become_active();
    for (int i = 0; i < 10; ++i) {
        host.freeze(260ms);
        host.handle(AddressesLost{0, "10.9.0.100/32 is gone from eth0"});
        host.expire();
        EXPECT_EQ(host.story(), "advert 100, addresses on and announced");
    }
    EXPECT_EQ(host.instance().counters().addresses_lost, 0u);
    EXPECT_EQ(host.state(), State::active);
}

TEST(Stall, who_answers_another_after_such_a_pause_puts_the_addresses_back_first_D11) {
    CoreDriver host;
    host.become_active();
    host.freeze(260ms);
    host.hear(50);
    EXPECT_EQ(host.story(), "advert 100") << "nothing is announced that is not there";
    host.handle(AddressesLost{0, "10.9.0.100/32 is gone from eth0"});
    host.expire();
    EXPECT_EQ(host.story(), "advert 100, addresses on and announced");
    EXPECT_EQ(host.instance().counters().addresses_lost, 0u) << "it was the guard";
    EXPECT_EQ(host.state(), State::active);
}

TEST(Stall, a_pause_of_a_backup_is_none) {
    CoreDriver host;
    host.start();
    host.freeze(10s);
    host.hear(200);
    EXPECT_EQ(host.state(), State::backup) << "D12: the packet is heard before the timer fires";
    EXPECT_EQ(host.count_notices(Notice::Kind::stalled), 0);
}

// ---- sends that fail: E37

TEST(SendFailure, is_counted_and_tried_again_soon_E37) {
    CoreDriver host;
    host.become_active();
    host.pass(100ms);
    host.handle(SendFailed{0});
    EXPECT_EQ(host.instance().counters().sends_failed, 1u);
    EXPECT_EQ(host.until_deadline(), 10ms);
    host.story();
    host.pass(10ms);
    EXPECT_EQ(host.story(), "advert 100");
    EXPECT_EQ(host.until_deadline(), 100ms);
}

TEST(SendFailure, waits_at_most_100_ms_E37) {
    InstanceOptions options = plain_options();
    options.advert_interval = 10s;
    CoreDriver host(options);
    host.become_active();
    host.handle(SendFailed{0});
    EXPECT_EQ(host.until_deadline(), 100ms);
}

TEST(SendFailure, of_the_first_advert_is_no_stall_E37) {
    CoreDriver host;
    host.start();
    host.time_to_active();
    host.handle(SendFailed{0});
    host.addresses(true);
    EXPECT_EQ(host.count_notices(Notice::Kind::stalled), 0);
    EXPECT_EQ(host.state(), State::active);
}

// Also when it was Active before, long ago.
TEST(SendFailure, of_the_first_advert_of_a_second_term_is_no_stall_E37) {
    CoreDriver host;
    host.become_active();
    for (int i = 0; i < 20; ++i) {
        host.hear(200);
        host.pass(100ms);
    }
    host.time_to_active();
    host.handle(SendFailed{0});
    host.addresses(true);
    EXPECT_EQ(host.count_notices(Notice::Kind::stalled), 0);
    EXPECT_EQ(host.state(), State::active);
}

// Every advert fails until told otherwise.
struct Mute : CoreDriver {
    void pass_failing(Duration duration) {
        const Instant end = now() + duration;
        while (router().next_deadline() <= end) {
            freeze(std::max(Duration::zero(), until_deadline()));
            expire();
            if (adverts_in(actions()) > 0) handle(SendFailed{0, "Network is down"});
            story_ += story();
        }
        freeze(end - now());
    }
    std::string story_;
};

TEST(SendFailure, of_all_is_a_fault_after_two_intervals_E37) {
    Mute host;
    host.become_active();
    host.pass_failing(199ms);
    EXPECT_EQ(host.state(), State::active);
    host.pass_failing(11ms);
    EXPECT_EQ(host.instance().role(), Role::fault);
    EXPECT_EQ(host.count_notices(Notice::Kind::stalled), 0);
}

TEST(SendFailure, to_one_of_several_peers_is_counted_and_nothing_else_V08) {
    CoreDriver host;
    host.become_active();
    host.pass(100ms);
    const Duration before = host.until_deadline();
    host.handle(SendFailed{0, "Operation not permitted", true});
    EXPECT_EQ(host.instance().counters().sends_failed, 1u);
    EXPECT_EQ(host.until_deadline(), before);
}

TEST(SendFailure, is_over_when_a_try_leaves_E37) {
    Mute host;
    host.become_active();
    host.pass_failing(310ms);
    host.addresses(false);
    host.story_.clear();
    host.pass_failing(2s);
    EXPECT_EQ(host.instance().role(), Role::fault);
    EXPECT_EQ(host.story_, "advert 0advert 0advert 0advert 0advert 0") << "one try each down interval";
    host.roles();
    for (int i = 0; i < 400 && host.instance().role() == Role::fault; ++i) host.pass(1ms);
    EXPECT_EQ(host.roles(), "BACKUP");
    EXPECT_GT(host.time_to_active(), 300ms) << "a full start";
}

TEST(SendFailure, is_no_fault_of_a_link_that_shall_not_matter_E37) {
    InstanceOptions options = plain_options();
    options.track_primary = false;
    CoreDriver host(options);
    host.become_active();
    for (int i = 0; i < 100; ++i) {
        host.freeze(host.until_deadline());
        host.expire();
        host.handle(SendFailed{0, "Network is down"});
    }
    EXPECT_EQ(host.state(), State::active);
}

}  // namespace
}  // namespace vrrpd::instance_active_test
