// An instance that listens: Initialize and Backup (conformance 1.5), and delays.
#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::instance_test {
namespace {

using namespace std::chrono_literals;
using test::CoreDriver;
using test::ip;
using test::plain_options;
using State = Instance::State;

// Priority 100, adverts of 100 ms.
constexpr Duration skew = 60'937'500ns;
constexpr Duration down_interval = 300ms + skew;

InstanceOptions of_priority(int priority) {
    InstanceOptions options = plain_options();
    options.priority = priority;
    return options;
}

TEST(Startup, of_an_owner_is_active_at_once_E01) {
    CoreDriver host(of_priority(255));
    host.start();
    EXPECT_EQ(host.state(), State::active);
    EXPECT_EQ(host.story(), "advert 255, addresses on and announced");
    EXPECT_EQ(host.until_deadline(), 100ms);
    host.addresses(true);
    EXPECT_EQ(host.story(), "") << "that would announce them twice";
}

TEST(Startup, listens_in_silence_E02) {
    CoreDriver host;
    host.start();
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_EQ(host.instance().active_interval(), 100ms);
    EXPECT_EQ(host.until_deadline(), down_interval);
    EXPECT_EQ(host.roles(), "BACKUP");
    host.pass(down_interval - 1ns);
    EXPECT_TRUE(host.actions().empty());
}

TEST(Startup, adverts_before_it_are_ignored_E03) {
    CoreDriver host;
    host.path_up();
    for (const int priority : {0, 1, 100, 255}) host.hear(priority);
    EXPECT_EQ(host.state(), State::initialize);
    EXPECT_EQ(host.router().next_deadline(), never);
    EXPECT_EQ(host.story(), "");
}

TEST(Startup, without_a_path_is_a_fault_until_there_is_one_E05) {
    CoreDriver host;
    host.handle(Startup{});
    EXPECT_EQ(host.roles(), "FAULT");
    host.handle(PathChanged{0, 2, true, std::nullopt, "eth0 has no address"});
    EXPECT_EQ(host.state(), State::initialize);
    host.path_down();
    EXPECT_EQ(host.router().next_deadline(), never);
    host.path_up();
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_EQ(host.until_deadline(), down_interval);
    EXPECT_EQ(host.roles(), "BACKUP");
}

TEST(Backup, shutdown_is_silent_E06) {
    CoreDriver host;
    host.start();
    host.pass(10ms);
    host.story();
    host.shutdown();
    EXPECT_TRUE(host.router().finished());
    EXPECT_EQ(host.router().next_deadline(), never);
    EXPECT_EQ(host.roles(), "INIT");
    host.hear(50);
    host.pass(10s);
    EXPECT_EQ(host.story(), "");
}

TEST(Backup, down_timer_sends_an_advert_before_the_addresses_E07) {
    CoreDriver host;
    host.start();
    EXPECT_EQ(host.time_to_active(), down_interval);
    EXPECT_EQ(host.story(), "advert 100, addresses on and announced");
    EXPECT_EQ(host.until_deadline(), 100ms);
    host.addresses(true);
    EXPECT_EQ(host.story(), "") << "that would announce them twice";
}

TEST(Backup, release_is_answered_after_skew_E08) {
    CoreDriver host;
    host.start();
    host.hear_every(200ms, 200);
    host.pass(100ms);
    host.hear_every(400ms, 0);
    EXPECT_EQ(host.instance().active_interval(), 200ms) << "not learned from a release";
    EXPECT_EQ(host.time_to_active(), 2 * skew);
}

TEST(Backup, release_of_version_2_after_skew_D01) {
    InstanceOptions options = of_priority(200);
    options.version = Version::v2;
    options.advert_interval = 1s;
    CoreDriver host(options);
    host.start();
    host.hear(0);
    EXPECT_EQ(host.time_to_active(), 218'750us);
}

TEST(Backup, releases_only_ever_shorten_the_timer_E09_H19) {
    CoreDriver host;
    host.start();
    const Instant begin = host.now();
    host.hear(0);
    for (int i = 0; i < 5; ++i) {
        host.pass(10ms);
        host.hear(0);
    }
    host.time_to_active();
    EXPECT_EQ(host.now() - begin, skew);

    CoreDriver late;
    late.start();
    late.pass(350ms);
    late.hear(0);
    EXPECT_EQ(late.time_to_active(), down_interval - 350ms);
}

TEST(Backup, the_next_true_advert_undoes_a_release_H19) {
    CoreDriver host;
    host.start();
    host.hear(0);
    host.pass(50ms);
    host.hear(200);
    EXPECT_EQ(host.time_to_active(), down_interval);
}

TEST(Backup, learns_the_interval_of_the_active_E10_E16_D04) {
    InstanceOptions options = of_priority(100);
    options.advert_interval = 1s;
    CoreDriver host(options);
    host.start();
    host.hear_every(100ms, 100);
    EXPECT_EQ(host.until_deadline(), 360'937'500ns);
    host.hear_every(3s, 200);
    EXPECT_EQ(host.until_deadline(), 9s + 3 * 609'375us) << "the last one counts";

    options.priority = 150;
    CoreDriver other(options);
    other.start();
    other.hear_every(3s, 200);
    EXPECT_EQ(other.until_deadline(), 10'242'187'500ns);
    other.time_to_active();
    EXPECT_EQ(other.until_deadline(), 1s) << "D05: as Active the own interval";
}

TEST(Backup, lower_priority_does_not_touch_the_timer_E11) {
    CoreDriver host;
    host.start();
    const Instant begin = host.now();
    for (int i = 0; i < 3; ++i) {
        host.pass(100ms);
        host.hear(99);
    }
    EXPECT_EQ(host.count_notices(Notice::Kind::lower_discarded), 1);
    host.time_to_active();
    EXPECT_EQ(host.now() - begin, down_interval);
    EXPECT_EQ(host.last_reason(), "preempting 10.9.0.2, which has priority 99");
}

TEST(Backup, nopreempt_lets_a_lower_priority_serve_E12) {
    InstanceOptions options = plain_options();
    options.preempt = false;
    CoreDriver host(options);
    host.start();
    for (int i = 0; i < 20; ++i) {
        host.pass(100ms);
        host.hear_every(200ms, 99);
    }
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_EQ(host.time_to_active(), 2 * down_interval) << "its interval was learned";
}

TEST(Backup, equal_priority_is_obeyed_from_any_address_E13) {
    CoreDriver host;
    host.start();
    for (const char* source : {"10.9.0.0", "10.9.0.2", "200.0.0.1"}) {
        host.pass(300ms);
        host.hear(100, source);
        EXPECT_EQ(host.until_deadline(), down_interval) << source;
    }
}

TEST(Backup, an_owner_preempts_even_with_nopreempt_E14) {
    InstanceOptions options = of_priority(255);
    options.preempt = false;
    CoreDriver host(options);
    host.start();
    host.hear(255, "10.9.0.9");
    ASSERT_EQ(host.state(), State::backup) << "E31: two owners, the higher address wins";
    host.pass(200ms);
    host.hear(254);
    EXPECT_EQ(host.time_to_active(), 100ms + 390'625ns);
}

TEST(Backup, preempt_delay_counts_from_the_first_lower_advert_E15) {
    InstanceOptions options = plain_options();
    options.preempt_delay = 1s;
    CoreDriver host(options);
    host.start();
    const auto hear_lower_until_active = [&] {
        const Instant begin = host.now();
        while (host.state() == State::backup && host.now() - begin < 1min) {
            host.hear(99);
            host.pass(100ms);
        }
        return host.now() - begin;
    };
    // Obeyed until 0.9 s; from 1.0 s on they no longer re-arm the timer.
    EXPECT_EQ(hear_lower_until_active(), 1300ms);

    host.hear(200);
    ASSERT_EQ(host.state(), State::backup);
    host.hear(99);
    host.pass(900ms - down_interval);  // nothing yet
    for (int i = 0; i < 4; ++i) host.hear(99);
    host.hear(200);  // cancels what has been waited
    EXPECT_EQ(hear_lower_until_active(), 1300ms);
}

TEST(Backup, preempt_delay_does_not_delay_the_takeover_from_a_dead_peer) {
    InstanceOptions options = plain_options();
    options.preempt_delay = 10min;
    CoreDriver host(options);
    host.start();
    host.hear(99);
    EXPECT_EQ(host.time_to_active(), down_interval);
}

TEST(Backup, one_high_packet_and_silence_H22) {
    CoreDriver host;
    host.become_active();
    host.hear(254, "10.9.0.9");
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_EQ(host.time_to_active(), down_interval);
}

TEST(Backup, loses_its_path_and_starts_in_full_again_E17_E41_E42) {
    CoreDriver host;
    host.start();
    host.hear_every(1s, 200);
    host.roles();
    host.path_down();
    EXPECT_EQ(host.last_reason(), "eth0 is down");
    EXPECT_EQ(host.roles(), "FAULT");
    EXPECT_EQ(host.router().next_deadline(), never);
    host.pass(10s);
    EXPECT_EQ(host.story(), "");
    host.path_up();
    EXPECT_EQ(host.instance().active_interval(), 100ms) << "nothing learned is left";
    EXPECT_EQ(host.until_deadline(), down_interval);
    EXPECT_EQ(host.last_reason(), "recovered from: eth0 is down");
}

TEST(Backup, startup_delay_defers_the_takeover_E19) {
    InstanceOptions options = plain_options();
    options.startup_delay = 2s;
    CoreDriver host(options);
    host.start();
    EXPECT_EQ(host.time_to_active(), 2s);

    CoreDriver with_peer(options);
    with_peer.start();
    with_peer.pass(1900ms);
    EXPECT_EQ(with_peer.count_notices(Notice::Kind::deferred), 1);
    with_peer.hear(200);
    EXPECT_EQ(with_peer.time_to_active(), down_interval) << "an Active was heard meanwhile";
}

TEST(Backup, other_multiplier_D08) {
    InstanceOptions options = plain_options();
    options.down_timer_adverts = 5;
    CoreDriver host(options);
    host.start();
    EXPECT_EQ(host.until_deadline(), 500ms + skew);
}

// M07: so it is with a cluster of others that has our VRID.
TEST(Backup, tells_once_of_other_intervals_and_lists_B13_B17_B18_H27) {
    CoreDriver host;
    host.start();
    const std::vector<VirtualAddress> other = {test::vip("10.9.0.101")};
    for (int i = 0; i < 3; ++i) {
        Outgoing advert{Version::v3,     51, 200, 200ms, {}, other, ChecksumForm::pseudo_header, ip("10.9.0.2"),
                        ip("224.0.0.18")};
        host.handle(test::Message(advert, 2).view());
    }
    EXPECT_EQ(host.count_notices(Notice::Kind::list_differs), 1);
    EXPECT_EQ(host.count_notices(Notice::Kind::interval_differs), 1);
    EXPECT_EQ(host.instance().counters().lists_differed, 3u);
    EXPECT_EQ(host.until_deadline(), 2 * down_interval) << "obeyed all the same";
}

TEST(Backup, follows_a_peer_of_version_2_with_another_list_and_says_so_B17) {
    InstanceOptions options = plain_options();
    options.version = Version::v2;
    options.advert_interval = 1s;
    CoreDriver host(options);
    host.start();
    for (int i = 0; i < 2; ++i) {
        host.pass(2s);
        host.handle(host.advert(200).byte(11, 101).seal().view());  // where ours is 10.9.0.100
    }
    EXPECT_EQ(host.count_notices(Notice::Kind::list_differs), 1);
    EXPECT_EQ(host.instance().counters().lists_differed, 2u);
    EXPECT_EQ(host.until_deadline(), 3609'375us);
}

}  // namespace
}  // namespace vrrpd::instance_test
