// What an administrator should hear of: slips of the configuration, rivals, flapping, lost addresses.
#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::instance_signs_test {
namespace {

using namespace std::chrono_literals;
using test::CoreDriver;
using test::ip;
using test::Message;
using test::plain_options;
using test::with_service;
using State = Instance::State;

// ---- our addresses under another VRID

Message slip(const CoreDriver& host, int virtual_router_id) {
    return host.advert(200).byte(1, static_cast<std::uint8_t>(virtual_router_id)).seal();
}

TEST(Slip, our_address_under_another_id_is_said_once_and_changes_nothing) {
    CoreDriver host;
    host.start();
    const Instant deadline = host.router().next_deadline();
    for (int i = 0; i < 3; ++i) host.handle(slip(host, 52).view());
    EXPECT_EQ(host.count_notices(Notice::Kind::foreign_router_id), 1);
    EXPECT_EQ(host.unassigned(Refusal::vrid), 3u);
    EXPECT_EQ(host.router().next_deadline(), deadline);
}

TEST(Slip, other_addresses_under_another_id_are_the_neighbours_own_business) {
    CoreDriver host;
    host.start();
    Message message = host.advert(200).byte(1, 52).byte(11, 77);
    host.handle(message.seal().view());
    EXPECT_EQ(host.count_notices(Notice::Kind::foreign_router_id), 0);
}

TEST(Slip, a_broken_message_says_nothing) {
    CoreDriver host;
    host.start();
    host.handle(slip(host, 52).byte(6, 0).byte(7, 0).view());
    EXPECT_EQ(host.count_notices(Notice::Kind::foreign_router_id), 0);
}

// ---- IPv6 without a link-local address in front: B16, H35

TEST(FirstAddress, that_is_global_is_processed_counted_and_said_once_B16_H35) {
    InstanceOptions options = plain_options();
    options.family = Family::ipv6;
    options.addresses = {{*Prefix::parse("2001:db8::100"), "", ""}};
    CoreDriver host(options);
    host.start("fe80::1");
    for (int i = 0; i < 3; ++i) host.hear(200, "fe80::2");
    EXPECT_EQ(host.instance().counters().adverts_received, 3u);
    EXPECT_EQ(host.instance().counters().first_global, 3u);
    EXPECT_EQ(host.count_notices(Notice::Kind::first_is_global), 1);
}

// ---- learned intervals: H23

TEST(Learning, a_long_interval_is_learned_as_the_rfc_says_H23) {
    CoreDriver host;
    host.start();
    host.hear_every(40950ms, 200);
    EXPECT_EQ(host.instance().active_interval(), 40950ms);
    EXPECT_EQ(host.count_notices(Notice::Kind::interval_clamped), 0);
}

TEST(Learning, has_a_ceiling_if_so_configured_H23) {
    InstanceOptions options = plain_options();
    options.max_learned_interval = 1s;
    CoreDriver host(options);
    host.start();
    host.hear_every(40950ms, 200);
    EXPECT_EQ(host.instance().active_interval(), 1s);
    EXPECT_EQ(host.count_notices(Notice::Kind::interval_clamped), 1);
    EXPECT_EQ(host.time_to_active(), 3s + 1000000us * 156 / 256);
}

// ---- rivals: L09

TEST(Twins, two_hosts_with_one_priority_are_named_L09) {
    CoreDriver host;
    host.start();
    host.hear(255, "10.9.0.2");
    host.hear(255, "10.9.0.3");
    EXPECT_EQ(host.count_notices(Notice::Kind::twins), 1);
}

TEST(Twins, a_takeover_is_none_L09) {
    CoreDriver host;
    host.start();
    host.hear(200, "10.9.0.2");
    host.hear(0, "10.9.0.2");
    host.hear(200, "10.9.0.3");
    EXPECT_EQ(host.count_notices(Notice::Kind::twins), 0);
}

// ---- flapping: L08, H40

TEST(Flapping, four_terms_within_a_minute_are_said_L08_H40) {
    CoreDriver host;
    host.become_active();
    int said = 0;
    for (int term = 2; term <= 4; ++term) {
        EXPECT_EQ(said, 0) << term;
        host.hear(200);
        host.time_to_active();
        said += host.count_notices(Notice::Kind::flapping);
        host.addresses(true);
        host.story();
    }
    EXPECT_EQ(said, 1);
}

TEST(Flapping, four_terms_in_a_long_time_are_not_L08) {
    CoreDriver host;
    host.become_active();
    for (int term = 2; term <= 6; ++term) {
        host.pass(30s);
        host.story();
        host.hear(200);
        host.time_to_active();
        EXPECT_EQ(host.count_notices(Notice::Kind::flapping), 0);
        host.addresses(true);
    }
}

// ---- addresses that somebody else removes: E36

struct Robbed : CoreDriver {
    Robbed() { become_active(); }
    void rob() { handle(AddressesLost{0, "10.9.0.100/32 is gone from eth0"}); }
    // Until they are wanted again; 0 if at once.
    Duration time_to_restoration() {
        const Instant begin = now();
        while (now() - begin < 10s) {
            freeze(std::max(Duration::zero(), std::min<Duration>(until_deadline(), 1ms)));
            expire();
            if (story().find("addresses on and announced") != std::string::npos) return now() - begin;
        }
        return Duration::max();
    }
};

TEST(LostAddresses, are_put_back_at_once_and_announced_E36) {
    Robbed host;
    host.rob();
    EXPECT_EQ(host.count_notices(Notice::Kind::addresses_lost), 1);
    EXPECT_LE(host.time_to_restoration(), 1ms);
    host.addresses(true);
    EXPECT_EQ(host.story(), "") << "that would announce them twice";
    EXPECT_EQ(host.state(), State::active);
}

TEST(LostAddresses, that_come_back_after_the_announcement_are_announced_too) {
    CoreDriver host(with_service());
    host.check(0, CheckState::passing);
    host.start();
    host.time_to_active();
    host.addresses(true);
    host.story();
    host.handle(AddressesLost{0, "10.9.0.100/24 is gone from eth0"});
    host.expire();
    EXPECT_EQ(host.story(), "addresses on") << "it does not serve yet";
    host.services(ServicesState::ready);
    EXPECT_EQ(host.story(), "announce");
    host.addresses(true);
    EXPECT_EQ(host.story(), "announce");
    host.handle(AddressesLost{0, "10.9.0.100/24 is gone from eth0"});
    host.pass(100ms);
    EXPECT_EQ(host.story(), "addresses on and announced");
    host.addresses(true);
    EXPECT_EQ(host.story(), "");
}

TEST(LostAddresses, are_put_back_later_each_time_and_given_up_the_fifth_E36) {
    Robbed host;
    for (const Duration expected : {Duration(0), Duration(100ms), Duration(200ms), Duration(400ms)}) {
        host.rob();
        EXPECT_NEAR(static_cast<double>((host.time_to_restoration() - expected) / 1us), 0, 1000) << expected / 1ms;
        host.addresses(true);
    }
    host.rob();
    EXPECT_EQ(host.instance().role(), Role::fault);
    host.addresses(false);
    EXPECT_EQ(host.state(), State::initialize);
}

TEST(LostAddresses, are_forgotten_after_a_minute_E36) {
    Robbed host;
    for (int i = 0; i < 20; ++i) {
        host.rob();
        EXPECT_LE(host.time_to_restoration(), 1ms);
        host.addresses(true);
        host.pass(61s);
        host.story();
    }
    EXPECT_EQ(host.state(), State::active);
}

TEST(LostAddresses, that_cannot_be_put_back_are_a_fault_E36) {
    Robbed host;
    host.rob();
    host.time_to_restoration();
    host.addresses_refused();
    EXPECT_EQ(host.instance().role(), Role::fault);
}

TEST(LostAddresses, concern_nobody_who_is_backup) {
    CoreDriver host;
    host.start();
    host.handle(AddressesLost{0, "gone"});
    EXPECT_EQ(host.count_notices(Notice::Kind::addresses_lost), 0);
}

// ---- drain

TEST(Drain, hands_over_and_stays_away_until_resume) {
    CoreDriver host;
    host.become_active();
    host.handle(DrainChanged{0, true});
    host.addresses(false);
    host.pass(2ms);
    EXPECT_EQ(host.story(), "addresses off, advert 0, advert 0");
    EXPECT_EQ(host.state(), State::backup);
    host.pass(1h);
    EXPECT_EQ(host.state(), State::backup) << "although nobody else is there";
    host.handle(DrainChanged{0, false});
    EXPECT_EQ(host.state(), State::active);
}

// The simulator found it: a drained owner claimed at once again, without end.
TEST(Drain, holds_for_an_owner_too) {
    InstanceOptions options = plain_options();
    options.priority = owner_priority;
    CoreDriver host(options);
    host.become_active();
    host.handle(DrainChanged{0, true});
    host.addresses(false);
    EXPECT_EQ(host.state(), State::backup);
    host.pass(1h);
    EXPECT_EQ(host.state(), State::backup);
}

// ---- failover

struct HandedOver : CoreDriver {
    explicit HandedOver(InstanceOptions options = plain_options()) : CoreDriver(std::move(options)) {
        become_active();
        handle(HandOver{0});
        addresses(false);
        pass(2ms);
    }
};

TEST(Failover, is_a_planned_demotion_and_a_lower_priority_may_serve) {
    HandedOver host;
    EXPECT_EQ(host.story(), "addresses off, advert 0, advert 0");
    for (int i = 0; i < 50; ++i) {
        host.hear(50);
        host.pass(100ms);
    }
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_TRUE(host.instance().aside());
    host.pass(1s);
    EXPECT_EQ(host.state(), State::active) << "that Active fell silent";
    EXPECT_FALSE(host.instance().aside());
}

TEST(Failover, what_nobody_takes_is_taken_back_after_a_down_interval) {
    HandedOver host;
    const Duration down = active_down_interval(Version::v3, 100, 100ms, 3);
    EXPECT_EQ(host.time_to_active(), down - 2ms);
    host.hear(50);
    host.hear(0, "10.9.0.3");
    EXPECT_EQ(host.state(), State::active);
    EXPECT_FALSE(host.instance().aside()) << "preempts again from now on";
}

TEST(Failover, the_one_who_took_it_leaves) {
    HandedOver host;
    host.hear(50);
    host.hear(0);
    EXPECT_LT(host.time_to_active(), 100ms);
}

TEST(Failover, resume_lets_it_preempt_again) {
    HandedOver host;
    for (int i = 0; i < 20; ++i) {
        host.hear(50);
        host.pass(100ms);
    }
    EXPECT_EQ(host.state(), State::backup);
    host.handle(DrainChanged{0, false});
    for (int i = 0; i < 4; ++i) {
        host.hear(50);
        host.pass(100ms);
    }
    EXPECT_EQ(host.state(), State::active);
}

TEST(Failover, hands_over_an_owner_too) {
    InstanceOptions options = plain_options();
    options.priority = owner_priority;
    HandedOver host(options);
    host.hear(50);
    host.pass(100ms);
    host.hear(50);
    EXPECT_EQ(host.state(), State::backup);
    host.handle(DrainChanged{0, false});
    EXPECT_LT(host.time_to_active(), 500ms);
}

TEST(Failover, is_nothing_to_who_is_not_master) {
    CoreDriver host;
    host.start();
    host.hear(200);
    host.handle(HandOver{0});
    EXPECT_FALSE(host.instance().aside());
    EXPECT_EQ(host.story(), "");
}

// ---- what lasts of a notice

TEST(Signs, are_kept_with_sender_and_time_beyond_the_limit_of_the_log) {
    CoreDriver host;
    host.start();
    const Instant begin = host.now();
    for (int i = 0; i < 3; ++i) {
        host.hear_every(200ms, 200);
        host.pass(1ms);
    }
    const auto signs = host.instance().signs().all();
    ASSERT_EQ(signs.size(), 1u);
    EXPECT_STREQ(word_of(signs[0]), "interval_differs");
    EXPECT_EQ(signs[0].source, test::ip("10.9.0.2"));
    EXPECT_EQ(signs[0].count, 3u);
    EXPECT_EQ(signs[0].first, begin);
    EXPECT_EQ(signs[0].last, begin + 2ms);
    EXPECT_EQ(host.count_notices(Notice::Kind::interval_differs), 1);
}

TEST(Signs, are_one_for_each_kind_however_many_hosts_there_are) {
    CoreDriver host;
    host.start();
    for (int i = 2; i < 250; ++i) {
        host.hear_every(200ms, i, ("10.9.0." + std::to_string(i)).c_str());
        const auto message = host.advert(200);
        Packet packet = message.view();
        packet.message = packet.message.first(7);
        host.handle(packet);
    }
    EXPECT_LE(host.instance().signs().all().size(), 2u);
}

TEST(Signs, of_ordinary_things_there_are_none) {
    CoreDriver host;
    host.become_active();
    host.hear(50);
    host.hear(200);
    EXPECT_TRUE(host.instance().signs().all().empty());
}

// ---- on the way out without a way to send: E20, E37

TEST(Mute, nobody_is_told_that_the_addresses_are_free_while_they_are_not_E20_E37) {
    InstanceOptions options = test::with_service();
    options.advert_interval = 100ms;
    options.checks.clear();
    CoreDriver host(options);
    host.become_active();
    host.handle(Shutdown{});
    for (const Instant end = host.now() + 250ms; host.now() < end;) {
        host.freeze(host.until_deadline());
        host.expire();
        host.handle(SendFailed{0, "Network is down"});
    }
    host.story();
    host.pass(700ms);  // of the second that the service has for its end
    EXPECT_EQ(host.story().find("advert 0"), std::string::npos);
    EXPECT_EQ(host.state(), State::retiring);
}

// ---- an owner that leaves: B24

TEST(Owner, its_release_is_heard_although_it_comes_from_a_virtual_address_B24) {
    CoreDriver host;
    host.start();
    host.hear(255, "10.9.0.100");
    host.hear(0, "10.9.0.100");
    EXPECT_EQ(host.time_to_active(), 100000000ns * 156 / 256);
}

// ---- reload

TEST(Reload, a_master_stays_it_and_tells_the_peers_at_once) {
    CoreDriver host;
    host.become_active();
    InstanceOptions other = plain_options();
    other.priority = 150;
    other.advert_interval = 200ms;
    host.pass(50ms);
    host.reload(other);
    EXPECT_EQ(host.story(), "advert 150") << "the addresses are the same";
    EXPECT_EQ(host.until_deadline(), 200ms);
    EXPECT_EQ(host.state(), State::active);
}

// The sequences of events found it: adverts paused for what was left of the old interval.
TEST(Reload, who_is_on_the_way_out_keeps_the_new_interval) {
    InstanceOptions options = test::with_service();
    options.checks.clear();
    CoreDriver host(options);
    host.become_active();
    host.handle(DrainChanged{0, true});
    InstanceOptions other = options;
    other.advert_interval = 200ms;
    host.reload(other);
    EXPECT_LE(host.until_deadline(), 200ms);
    host.story();
    host.pass(200ms);
    EXPECT_EQ(host.story(), "advert 100");
}

TEST(Reload, a_backup_counts_from_the_last_advert) {
    CoreDriver host;
    host.start();
    host.hear(200);
    host.pass(100ms);
    InstanceOptions other = plain_options();
    other.priority = 1;
    host.reload(other);
    EXPECT_EQ(host.until_deadline(), 200ms + 100000000ns * 255 / 256);
}

TEST(Reload, what_is_known_of_a_check_stays_known) {
    InstanceOptions options = plain_options();
    options.checks = {Track{3, -30, false}, Track{4, std::nullopt, false}};
    CoreDriver host(options);
    host.start();
    host.check(3, CheckState::failing);
    host.check(4, CheckState::passing);
    EXPECT_EQ(host.instance().priority(), 70);
    InstanceOptions other = options;
    other.checks = {Track{4, std::nullopt, false}, Track{3, -50, false}};
    host.reload(other);
    EXPECT_EQ(host.instance().priority(), 50);
    EXPECT_EQ(host.time_to_active(), 300ms + 100000000ns * 206 / 256) << "no verdict is missing";
}

}  // namespace
}  // namespace vrrpd::instance_signs_test
