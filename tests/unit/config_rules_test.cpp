// What several keys or several sections must agree on: one message for each mistake, at its line.
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/config_support.hpp"

namespace vrrpd::config::config_rules_test {
namespace {

using namespace test;

TEST(ConfigRules, AGoodOneHasNoProblems) {
    EXPECT_EQ(problems_of(four), "");
    EXPECT_EQ(problems_of(six), "");
}

TEST(ConfigRules, A04_IntervalsOfVersion3) {
    for (const auto* good : {"10ms", "40.95s", "0.5", "1s", "30ms"})
        EXPECT_EQ(with(std::string("advert_int = ") + good), "");
    for (const auto* bad : {"15ms", "0.011", "40.96s", "41s", "255s", "1.005", "10.001ms"}) {
        EXPECT_TRUE(has(with(std::string("advert_int = ") + bad), "5: [vrrp_instance A] advert_int: ")) << bad;
    }
    for (const auto* bad : {"0", "9ms", "256s"}) {
        EXPECT_TRUE(has(with(std::string("advert_int = ") + bad), "out of range")) << bad;
    }
    EXPECT_EQ(with("advert_int = 15ms"),
              "5: [vrrp_instance A] advert_int: 15ms with version 3, allowed is 10ms to 40.95s in steps of 10ms\n");
}

TEST(ConfigRules, A05_IntervalsOfVersion2) {
    for (const auto* good : {"1s", "255s", "1min", "2"}) {
        EXPECT_EQ(with(std::string("version = 2\nadvert_int = ") + good), "") << good;
    }
    for (const auto* bad : {"500ms", "1.5", "10ms"}) {
        EXPECT_TRUE(has(with(std::string("version = 2\nadvert_int = ") + bad), "allowed are whole seconds")) << bad;
    }
    EXPECT_TRUE(has(with("version = 2\nadvert_int = 256"), "out of range"));
}

TEST(ConfigRules, A16_Version2HasNoIpv6) {
    EXPECT_EQ(problems_of(six + "version = 2\n"),
              "5: [vrrp_instance A] version: version 2 has no IPv6 addresses, allowed is version 3\n");
    EXPECT_EQ(with("version = 2\nvirtual_ipaddress_excluded = 2001:db8::1"), "");
    EXPECT_TRUE(has(with("version = 4"), "allowed: 2, 3"));
}

TEST(ConfigRules, T04_T06_T07_Passwords) {
    EXPECT_EQ(with("version = 2\nauth_type = PASS\nauth_pass = 12345678"), "");
    EXPECT_EQ(with("version = 2\nauth_type = none"), "");
    EXPECT_TRUE(has(with("auth_type = PASS\nauth_pass = x"), "5: [vrrp_instance A] auth_type: version 3 has no auth"));
    EXPECT_TRUE(has(with("version = 2\nauth_type = PASS"), "6: [vrrp_instance A] auth_type: PASS needs a password"));
    EXPECT_TRUE(
        has(with("version = 2\nauth_pass = x"), "6: [vrrp_instance A] auth_pass: a password without auth_type"));
    EXPECT_TRUE(has(with("version = 2\nauth_type = AH\nauth_pass = x"), "\"AH\" is not there"));
    const auto too_long = with("version = 2\nauth_type = PASS\nauth_pass = 123456789");
    EXPECT_EQ(too_long,
              "7: [vrrp_instance A] auth_pass: 9 characters long, allowed are 1 to 8: the rest would not be "
              "sent\n");
}

// A15
TEST(ConfigRules, OneFamilyForAnInstance) {
    EXPECT_TRUE(has(with("virtual_ipaddress = 2001:db8::1"),
                    "5: [vrrp_instance A] virtual_ipaddress: 2001:db8::1 is of another"));
    EXPECT_EQ(with("virtual_ipaddress_excluded = 2001:db8::1"), "");
    EXPECT_EQ(load_text(six, "t").config.instances[0].family, Family::ipv6);
}

TEST(ConfigRules, A18_AsManyAddressesAsFit) {
    const auto many = [](const std::string& prefix, int count) {
        std::string text = bare;
        for (int i = 1; i <= count; ++i) {
            char number[8];
            std::snprintf(number, sizeof number, prefix.ends_with(':') ? "%x" : "%d", i);
            text += "virtual_ipaddress = " + prefix + number + "\n";
        }
        return problems_of(text);
    };
    EXPECT_EQ(many("fe80::", 89), "");
    EXPECT_TRUE(has(many("fe80::", 90), "4: [vrrp_instance A] virtual_ipaddress: 90 IPv6 addresses do not fit"));
    EXPECT_EQ(many("10.0.0.", 255), "");
    std::string text = bare;
    for (int i = 1; i <= 256; ++i) {
        text += "virtual_ipaddress = 10.0." + std::to_string(i / 200) + "." + std::to_string(i % 200 + 1) + "\n";
    }
    EXPECT_TRUE(has(problems_of(text), "virtual_ipaddress: 256 addresses do not fit"));
}

TEST(ConfigRules, AddressesBelongToOneInstance) {
    EXPECT_EQ(with("virtual_ipaddress = 10.0.0.2, 10.0.0.1/32"),
              "5: [vrrp_instance A] virtual_ipaddress: 10.0.0.1 is there twice, an instance has each address "
              "once\n");
    EXPECT_EQ(problems_of(four + second + "virtual_ipaddress = 10.0.0.7\nvirtual_ipaddress_excluded = 10.0.0.1\n"),
              "9: [vrrp_instance B] virtual_ipaddress_excluded: 10.0.0.1 on eth0 belongs to [vrrp_instance A], "
              "allowed is "
              "one instance for an address\n");
    EXPECT_EQ(problems_of(four + second + "virtual_ipaddress = 10.0.0.1 dev eth1\n"), "");
}

TEST(ConfigRules, ReferencesResolve) {
    EXPECT_EQ(problems_of(four + "track_check = d\npreempt_check = c, x\nservice = s\n" + check),
              "5: [vrrp_instance A] track_check: there is no [check d], allowed: c\n"
              "6: [vrrp_instance A] preempt_check: there is no [check x], allowed: c\n"
              "7: [vrrp_instance A] service: there is no [service s], write one\n");
    EXPECT_EQ(problems_of(four + "service = s\n[service s]\ncommand = true\ncheck = memcache\n" +
                          "[check memcached]\ntype = tcp\naddress = 127.0.0.1:80\n"),
              "8: [service s] check: there is no [check memcache], did you mean memcached?\n");
    // The mistake is the section's kind, and a reference to it is no second one.
    EXPECT_EQ(problems_of(four + "track_check = c\n[chekc c]\n"),
              "6: [chekc c]: unknown section, did you mean [check NAME]?\n");
}

TEST(ConfigRules, Weights) {
    EXPECT_EQ(problems_of(four + "track_check = c weight -20\n" + check), "");
    for (const auto* bad : {"0", "254", "-254"}) {
        EXPECT_TRUE(has(problems_of(four + "track_check = c weight " + bad + "\n" + check),
                        "5: [vrrp_instance A] track_check: "));
    }
    EXPECT_TRUE(has(problems_of(four + "track_check = c weight 5\nnopreempt = yes\n" + check),
                    "5: [vrrp_instance A] track_check: warning: a weight changes nothing"));
}

TEST(ConfigRules, AWeightThatFollowsTheRoleOfTheDataGoesWithNopreempt) {
    const auto problems = [](const std::string& weight, const std::string& require) {
        return problems_of(four + "track_check = c weight " + weight + "\nnopreempt = yes\n" +
                           "[check c]\ntype = redis\naddress = 127.0.0.1:6379\nrequire = " + require + "\n");
    };
    EXPECT_EQ(problems("4", "master"), "");
    const auto* const warning = "5: [vrrp_instance A] track_check: warning: a weight changes nothing";
    EXPECT_TRUE(has(problems("-4", "master"), warning));
    EXPECT_TRUE(has(problems("4", "replica_in_sync"), warning));
    EXPECT_TRUE(has(problems("4", "pong"), warning));
}

TEST(ConfigRules, AnOwnerCannotStepBack) {
    EXPECT_EQ(with("priority = 255"), "");
    EXPECT_EQ(
        problems_of(four + "priority = 255\ntrack_check = c\nservice = s\n" + check + "[service s]\ncommand = true\n"),
        "6: [vrrp_instance A] track_check: priority 255 owns the addresses and cannot step back, "
        "allowed is priority 1 "
        "to 254\n"
        "7: [vrrp_instance A] service: priority 255 owns the addresses and cannot step back, allowed "
        "is priority 1 to "
        "254\n");
}

TEST(ConfigRules, LearnedIntervals) {
    EXPECT_EQ(with("max_learned_interval = 1s"), "");
    EXPECT_EQ(with("max_learned_interval = 0"), "");
    EXPECT_EQ(with("max_learned_interval = 10ms\nadvert_int = 10ms"), "");
    EXPECT_EQ(with("max_learned_interval = 990ms"),
              "5: [vrrp_instance A] max_learned_interval: 990ms is below the advert_int 1s, allowed is 0 or 1s to "
              "40.95s\n");
    EXPECT_EQ(with("max_learned_interval = 5ms\nadvert_int = 10ms"),
              "5: [vrrp_instance A] max_learned_interval: 5ms is below the advert_int 10ms, allowed is 0 or 10ms to "
              "40.95s\n");
    EXPECT_EQ(with("max_learned_interval = 41s"),
              "5: [vrrp_instance A] max_learned_interval: \"41s\" is out of range, allowed is 0s to 40.95s\n");
    EXPECT_EQ(with("max_learned_interval = 2s\nversion = 2\nadvert_int = 100"),
              "5: [vrrp_instance A] max_learned_interval: warning: changes nothing with version 2, which learns no "
              "interval\n");
}

TEST(ConfigRules, TrackedInterfaces) {
    EXPECT_EQ(with("track_interface = eth0, eth1 weight 20 reverse"), "");
    EXPECT_EQ(with("track_interface = eth1, eth1 weight 5"),
              "5: [vrrp_instance A] track_interface: \"eth1\" is there twice, an instance tracks it once\n");
    EXPECT_TRUE(
        has(with("track_interface = a/b"), "5: [vrrp_instance A] track_interface: \"a/b\" is no interface name"));
    EXPECT_EQ(with("track_interface = eth1 weight 300"),
              "5: [vrrp_instance A] track_interface: the weight \"300\" is out of range, allowed are -253 to 253\n");
    EXPECT_EQ(with("track_interface = eth1 weight 5\nnopreempt = yes"),
              "5: [vrrp_instance A] track_interface: warning: a weight changes nothing while a peer with nopreempt is "
              "BACKUP; without a weight a failing one means FAULT, and the address moves\n");
    EXPECT_EQ(with("track_interface = eth1\nnopreempt = yes"), "");
    EXPECT_EQ(with("track_interface = eth0 weight 5"),
              "5: [vrrp_instance A] track_interface: warning: a weight of the instance's own interface is of no use: "
              "while it is down there is FAULT; write dont_track_primary = yes or leave it out\n");
    EXPECT_EQ(with("track_interface = eth0 weight 5\ndont_track_primary = yes"), "");
    for (const std::string weight : {"", " weight 5"}) {
        EXPECT_EQ(
            with("track_interface = eth1" + weight + "\npriority = 255"),
            "5: [vrrp_instance A] track_interface: priority 255 owns the addresses and cannot step back, allowed is "
            "priority 1 to 254\n");
    }
}

const std::string plain_b =
    "[vrrp_instance B]\ninterface = eth1\nvirtual_router_id = 1\nvirtual_ipaddress = 10.0.0.2\n";

/// The problems of `group` (from line 1), A (`four` and `keys_a`) and B (`plain_b` and `keys_b`).
std::string grouped(const std::string& group, const std::string& keys_a = "", const std::string& keys_b = "") {
    return problems_of(group + four + keys_a + plain_b + keys_b);
}

TEST(ConfigRules, MembersOfAGroup) {
    const std::string g = "[vrrp_sync_group G]\n";
    EXPECT_EQ(grouped(g + "member = A, B\n"), "");
    EXPECT_EQ(grouped(g), "1: [vrrp_sync_group G] member: missing, write member = NAME of a [vrrp_instance NAME]\n");
    EXPECT_EQ(grouped(g + "member =\n"),
              "2: [vrrp_sync_group G] member: has no value, allowed is NAME of a [vrrp_instance NAME]\n");
    EXPECT_EQ(
        grouped(g + "member = A\n"),
        "2: [vrrp_sync_group G] member: warning: there is one member only, and nothing that it could move together "
        "with\n");
    EXPECT_EQ(grouped(g + "member = A, X\n"),
              "2: [vrrp_sync_group G] member: there is no [vrrp_instance X], allowed: A, B\n");
    EXPECT_EQ(grouped(g + "member = A, B, A\n"),
              "2: [vrrp_sync_group G] member: \"A\" is there twice, once is enough\n");
    EXPECT_EQ(
        grouped(g + "member = A, B\n[vrrp_sync_group H]\nmember = B, A\n"),
        "4: [vrrp_sync_group H] member: [vrrp_instance B] belongs to [vrrp_sync_group G], allowed is one group for "
        "an instance\n"
        "4: [vrrp_sync_group H] member: [vrrp_instance A] belongs to [vrrp_sync_group G], allowed is one group for "
        "an instance\n");
    EXPECT_EQ(grouped(g + "member = A, B\n", "priority = 255\n"),
              "2: [vrrp_sync_group G] member: [vrrp_instance A] has priority 255, owns its addresses and cannot step "
              "back with the others, allowed is priority 1 to 254\n");
    EXPECT_EQ(grouped(g + "member = A, B\n" + g),
              "3: [vrrp_sync_group G]: is there twice, first in line 1; names are unique\n");
}

TEST(ConfigRules, S06_MembersThatTwoHostsCouldDivide) {
    const std::string group = "[vrrp_sync_group G]\nmember = A\nmember = B\n" + check;  // 6 lines
    const std::string used = "preempt_check = c\n";
    const std::string both =
        " [vrrp_instance A]: two hosts could each win one of them and move neither; give all members the same\n";
    EXPECT_EQ(grouped(group, used + "priority = 200\n", "priority = 200\n"), "");
    EXPECT_EQ(grouped(group, used, "priority = 200\n"),
              "3: [vrrp_sync_group G] member: warning: [vrrp_instance B] has priority 200, not 100 as" + both);
    const std::string weights =
        "3: [vrrp_sync_group G] member: warning: [vrrp_instance B] has other weights than" + both;
    EXPECT_EQ(grouped(group, "track_check = c weight 5\n"), weights);
    EXPECT_EQ(grouped(group, "track_check = c weight 5\n", "track_check = c weight 6\n"), weights);
    EXPECT_EQ(grouped(group, "track_check = c weight 5\n", "track_check = c weight 5 reverse\n"), weights);
    EXPECT_EQ(grouped(group, used, "track_interface = eth9 weight 5\n"), weights);
    EXPECT_EQ(grouped(group, "track_interface = e weight 5, f weight 5\ntrack_check = c\n",
                      "track_interface = f weight 5, e weight 5\n"),
              "");
}

/// What one member keeps from having an effect is said where it stands, at another member, and nowhere else.
TEST(ConfigRules, S04_TheStrictestMemberIsJudged) {
    const std::string group = "[vrrp_sync_group G]\nmember = A, B\n";
    EXPECT_EQ(grouped(group, "nopreempt = yes\n", "preempt_delay = 5s\n"),
              "12: [vrrp_instance B] preempt_delay: warning: changes nothing with nopreempt\n");
    EXPECT_EQ(grouped(group + check, "preempt_check = c\n", "nopreempt = yes\n"),
              "10: [vrrp_instance A] preempt_check: warning: changes nothing with nopreempt\n");
}

TEST(ConfigRules, ControlSocket) {
    const auto of = [](const std::string& line) { return problems_of("[global]\n" + line + "\n" + four); };
    EXPECT_EQ(of("control_socket = /tmp/x\ncontrol_group = root"), "");
    EXPECT_EQ(of("control_group ="), "");
    EXPECT_EQ(of("control_socket = x"),
              "2: [global] control_socket: \"x\" is no absolute path, it must begin with /\n");
    EXPECT_EQ(of("control_socket = /" + std::string(106, 'x')), "");
    EXPECT_EQ(of("control_socket = /" + std::string(107, 'x')),
              "2: [global] control_socket: 108 bytes long, allowed for a socket are 107\n");
    EXPECT_EQ(
        of("control_group = no-such-group"),
        "2: [global] control_group: there is no group \"no-such-group\" on this host, allowed is one that exists\n");
}

TEST(ConfigRules, A14_TheFirstIpv6AddressShouldBeLinkLocal) {
    EXPECT_EQ(problems_of(bare + "virtual_ipaddress = 2001:db8::1, fe80::1\n"),
              "4: [vrrp_instance A] virtual_ipaddress: warning: the first IPv6 address should be link-local (RFC 9568 "
              "5.2.9), 2001:db8::1 is not\n");
    EXPECT_EQ(problems_of(bare + "virtual_ipaddress = fe80::1, 2001:db8::1\n"), "");
}

TEST(ConfigRules, WhatIsProbablyNotMeant) {
    EXPECT_TRUE(has(with("down_timer_adverts = 5"), "5: [vrrp_instance A] down_timer_adverts: warning: "));
    EXPECT_TRUE(has(problems_of(four + check), "5: [check c]: warning: nobody uses it"));
    EXPECT_TRUE(has(problems_of(four + "[service s]\ncommand = true\n"), "5: [service s]: warning: nobody uses it"));
    EXPECT_TRUE(has(with("nopreempt = yes\npreempt_delay = 5"), "6: [vrrp_instance A] preempt_delay: warning: "));
    EXPECT_TRUE(has(problems_of(six + "checksum = rfc5798\n"), "5: [vrrp_instance A] checksum: warning: "));
}

// Peers refuse count 0 (B08), so each host would hold whatever else it has.
TEST(ConfigRules, AnInstanceHasAnAddress) {
    EXPECT_TRUE(has(problems_of(bare), "1: [vrrp_instance A] virtual_ipaddress: there is none, and peers refuse"));
    EXPECT_TRUE(has(problems_of(bare + "virtual_ipaddress_excluded = 10.0.0.9\n"), "virtual_ipaddress: there is none"));
}

}  // namespace
}  // namespace vrrpd::config::config_rules_test
