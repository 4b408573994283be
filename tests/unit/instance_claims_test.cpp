// Another holder of our addresses, and a LAN on which nobody is heard: said, answered, and never a reason to change the
// role (conformance G07, H43).
#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::instance_claims_test {
namespace {

using namespace std::chrono_literals;
using test::CoreDriver;
using test::ip;
using test::plain_options;
using test::vip;
using test::with_service;
using State = Instance::State;

constexpr MacAddress their_mac = {0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee};

struct Claims : CoreDriver {
    using CoreDriver::CoreDriver;

    void hear_claim(const char* address = "10.9.0.100") { handle(AddressClaimed{0, ip(address), their_mac}); }
    void claim(const char* address = "10.9.0.100") {
        hear_claim(address);
        pass(Instance::claim_patience);
    }
    int said() const { return count_notices(Notice::Kind::claimed_by_other); }
    std::uint64_t counted() const { return instance().counters().foreign_claims; }
    /// The addresses that were announced because of claims.
    std::vector<std::string> answered() const {
        std::vector<std::string> all;
        for (const Action& action : actions()) {
            const auto* announce = std::get_if<Announce>(&action);
            if (announce != nullptr && announce->only) all.push_back(announce->only->to_string());
        }
        return all;
    }
    std::size_t probes() const {
        return static_cast<std::size_t>(std::ranges::count_if(
            actions(), [](const Action& action) { return std::holds_alternative<Probe>(action); }));
    }
};

/// Active for so long that it has heard all of the host before it.
struct Settled : Claims {
    explicit Settled(const InstanceOptions& options = quiet()) : Claims(options) {
        become_active();
        pass(Instance::handover_time);
        story();
    }
    static InstanceOptions quiet() {
        InstanceOptions options = plain_options();
        options.announce_repeat_delay = options.announce_refresh = Duration::zero();
        return options;
    }
};
using Answers = std::vector<std::string>;

TEST(Claim, is_said_counted_and_answered_G07_H43) {
    Settled host;
    host.claim();
    ASSERT_EQ(host.said(), 1);
    for (const Action& action : host.actions()) {
        if (const auto* notice = std::get_if<Notice>(&action)) {
            EXPECT_EQ(notice->source, ip("10.9.0.100"));
            EXPECT_EQ(notice->text.view(), "02:aa:bb:cc:dd:ee");
        }
    }
    EXPECT_EQ(host.counted(), 1u);
    EXPECT_EQ(host.answered(), Answers{"10.9.0.100"});
    EXPECT_EQ(host.state(), State::active);
}

TEST(Claim, of_an_address_is_answered_once_a_second_and_said_once_a_minute_H43) {
    Settled host;
    for (int i = 0; i < 50; ++i) {
        host.hear_claim();
        host.pass(40ms);
    }
    EXPECT_EQ(host.answered().size(), 2u);
    host.pass(200ms);
    host.claim();
    EXPECT_EQ(host.answered().size(), 3u);
    EXPECT_EQ(host.said(), 1);
    EXPECT_EQ(host.counted(), 26u) << "two that come within the patience are one";
    EXPECT_EQ(host.state(), State::active);
    host.pass(1min);
    host.story();
    host.claim();
    EXPECT_EQ(host.said(), 1);
}

TEST(Claim, of_who_wins_a_moment_later_is_neither_said_nor_answered) {
    Settled host;
    host.hear_claim();
    host.pass(Instance::claim_patience - 1ms);
    host.hear(200);
    host.addresses(false);
    host.pass(100ms);
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_EQ(host.said() + static_cast<int>(host.counted() + host.answered().size()), 0);
}

TEST(Claim, of_each_address_is_answered_for_itself_but_not_of_thousands) {
    InstanceOptions options = Settled::quiet();
    for (int i = 0; i < 200; ++i) options.addresses.push_back(vip(("10.9.1." + std::to_string(i)).c_str()));
    Settled host(options);
    host.claim();
    host.hear_claim("10.9.1.7");
    host.claim("10.9.1.7");
    EXPECT_EQ(host.answered(), (Answers{"10.9.0.100", "10.9.1.7"}));
    for (const VirtualAddress& address : options.addresses) host.hear_claim(address.prefix.address.to_string().c_str());
    host.pass(Instance::claim_patience);
    EXPECT_EQ(host.answered().size(), 64u);
    EXPECT_EQ(host.said(), 8);
    host.pass(1s);
    host.claim("10.9.1.199");
    EXPECT_EQ(host.answered().size(), 65u);
}

TEST(Claim, is_no_news_to_who_is_not_active) {
    Claims host;
    host.start();
    host.hear(200);
    host.claim();
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_EQ(host.said() + static_cast<int>(host.counted() + host.answered().size()), 0);

    Settled loser;
    loser.hear(200);
    ASSERT_EQ(loser.state(), State::backup);
    loser.claim();
    EXPECT_EQ(loser.said() + static_cast<int>(loser.counted() + loser.answered().size()), 0);
}

TEST(Claim, is_no_news_to_who_hands_over) {
    Settled host(with_service());
    host.check(0, CheckState::passing);
    host.become_active();
    host.pass(Instance::handover_time);
    host.shutdown();
    ASSERT_EQ(host.state(), State::retiring);
    host.claim();
    EXPECT_EQ(host.said() + static_cast<int>(host.counted() + host.answered().size()), 0);
}

// The Active before us may have an announcement under way, which has told the neighbours something wrong.
TEST(Claim, right_after_a_takeover_is_answered_and_not_said) {
    Claims host(Settled::quiet());
    host.become_active();
    host.claim();
    EXPECT_EQ(host.answered().size(), 1u);
    host.pass(Instance::handover_time - 1ms - 2 * Instance::claim_patience);
    host.claim();
    EXPECT_EQ(host.said(), 0);
    EXPECT_EQ(host.counted(), 0u);
    host.pass(1ms);
    host.claim();
    EXPECT_EQ(host.said(), 1);
    EXPECT_EQ(host.counted(), 1u);
}

TEST(Claim, is_not_answered_before_we_serve) {
    Claims host(with_service());
    host.check(0, CheckState::passing);
    host.start();
    host.time_to_active();
    host.addresses(true);
    host.pass(2s);
    ASSERT_EQ(host.state(), State::active);
    host.claim();
    EXPECT_EQ(host.said(), 1);
    EXPECT_TRUE(host.answered().empty());
    host.services(ServicesState::ready);
    host.claim();
    EXPECT_EQ(host.answered().size(), 1u);
}

TEST(Probing, once_a_term_when_the_one_before_us_has_had_time_to_go) {
    Claims host;
    host.become_active();
    host.pass(Instance::handover_time - 1ms);
    EXPECT_EQ(host.probes(), 0u);
    host.pass(1ms);
    EXPECT_EQ(host.probes(), 1u);
    host.pass(1min);
    EXPECT_EQ(host.probes(), 1u);
    host.hear(200);
    host.addresses(false);
    host.pass(1min);
    ASSERT_EQ(host.state(), State::active);
    EXPECT_EQ(host.probes(), 2u);
}

TEST(Probing, not_by_who_was_active_for_a_moment) {
    Claims host;
    host.become_active();
    host.hear(200);
    host.addresses(false);
    host.hear_every(40s, 200);
    host.pass(1min);
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_EQ(host.probes(), 0u);
}

// 10 * (3 * 100 ms + 156 / 256 * 100 ms)
TEST(NoPeer, is_said_after_ten_down_intervals_once_a_term) {
    Claims host;
    host.become_active();
    host.pass(3609ms);
    EXPECT_EQ(host.count_notices(Notice::Kind::no_peer_heard), 0);
    EXPECT_FALSE(host.instance().lonely());
    host.pass(1ms);
    EXPECT_EQ(host.count_notices(Notice::Kind::no_peer_heard), 1);
    EXPECT_TRUE(host.instance().lonely());
    host.pass(10min);
    EXPECT_EQ(host.count_notices(Notice::Kind::no_peer_heard), 1);
    host.path_down();
    EXPECT_FALSE(host.instance().lonely());
    host.addresses(false);
    host.path_up();
    host.pass(10s);
    EXPECT_EQ(host.count_notices(Notice::Kind::no_peer_heard), 2);
    host.hear(50);
    EXPECT_FALSE(host.instance().lonely());
}

TEST(NoPeer, is_said_with_the_probe_where_adverts_are_fast) {
    InstanceOptions options = plain_options();
    options.advert_interval = 10ms;
    Claims host(options);
    host.become_active();
    host.pass(Instance::handover_time);
    EXPECT_EQ(host.count_notices(Notice::Kind::no_peer_heard), 1);
    EXPECT_EQ(host.probes(), 1u);
}

TEST(NoPeer, is_not_said_by_who_heard_one_ever) {
    Claims host;
    host.start();
    host.hear(200);
    host.pass(10min);
    ASSERT_EQ(host.state(), State::active);
    EXPECT_EQ(host.count_notices(Notice::Kind::no_peer_heard), 0);
    EXPECT_FALSE(host.instance().lonely());
}

// With dont_track_primary = yes the link's being down is no fault.
TEST(Carrier, that_is_back_is_announced) {
    Settled host;
    const auto link = [&](bool carrier) {
        host.handle(PathChanged{0, CoreDriver::interface_index, true, ip("10.9.0.1"), "", carrier});
    };
    link(false);
    EXPECT_EQ(host.story(), "");
    link(true);
    EXPECT_EQ(host.story(), "announce");
    link(true);
    EXPECT_EQ(host.story(), "");
}

}  // namespace
}  // namespace vrrpd::instance_claims_test
