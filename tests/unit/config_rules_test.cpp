// What several keys or several sections must agree on: one message for each mistake, at its line.
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "vrrpd/config/load.hpp"

namespace vrrpd::config {
namespace {

/// The problems of a configuration, one a line, without the file name.
std::string problems_of(std::string_view text) {
    std::string lines;
    for (const Problem& problem : load_text(text, "t").problems) lines += to_string(problem).substr(2) + "\n";
    return lines;
}

const std::string bare = "[vrrp_instance A]\ninterface = eth0\nvirtual_router_id = 1\n";  // lines 1 to 3
const std::string four = bare + "virtual_ipaddress = 10.0.0.1/24\n";                      // line 4
const std::string six = bare + "virtual_ipaddress = fe80::1/64\n";                        // line 4
const std::string second = "[vrrp_instance B]\ninterface = eth0\nvirtual_router_id = 2\n";
const std::string check = "[check c]\ntype = tcp\naddress = 127.0.0.1:80\n";
const std::string check_at_vip = "[check c]\ntype = tcp\naddress = 10.0.0.1:80\n";

/// The problems behind `four` and one more line, which is line 5.
std::string with(const std::string& line) {
    return problems_of(four + line + "\n");
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(ConfigRules, AGoodOneHasNoProblems) {
    EXPECT_EQ(problems_of(four), "");
    EXPECT_EQ(problems_of(six), "");
}

TEST(ConfigRules, IntervalsOfVersion3) {
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

TEST(ConfigRules, IntervalsOfVersion2) {
    for (const auto* good : {"1s", "255s", "1min", "2"}) {
        EXPECT_EQ(with(std::string("version = 2\nadvert_int = ") + good), "") << good;
    }
    for (const auto* bad : {"500ms", "1.5", "10ms"}) {
        EXPECT_TRUE(has(with(std::string("version = 2\nadvert_int = ") + bad), "allowed are whole seconds")) << bad;
    }
    EXPECT_TRUE(has(with("version = 2\nadvert_int = 256"), "out of range"));
}

TEST(ConfigRules, Version2HasNoIpv6) {
    EXPECT_EQ(problems_of(six + "version = 2\n"),
              "5: [vrrp_instance A] version: version 2 has no IPv6 addresses, allowed is version 3\n");
    EXPECT_EQ(with("version = 2\nvirtual_ipaddress_excluded = 2001:db8::1"), "");
    EXPECT_TRUE(has(with("version = 4"), "allowed: 2, 3"));
}

TEST(ConfigRules, Passwords) {
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

TEST(ConfigRules, OneFamilyForAnInstance) {
    EXPECT_TRUE(has(with("virtual_ipaddress = 2001:db8::1"),
                    "5: [vrrp_instance A] virtual_ipaddress: 2001:db8::1 is of another"));
    EXPECT_EQ(with("virtual_ipaddress_excluded = 2001:db8::1"), "");
    EXPECT_EQ(load_text(six, "t").config.instances[0].family, Family::ipv6);
}

TEST(ConfigRules, AsManyAddressesAsFit) {
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

TEST(ConfigRules, RouterIdsAreUniquePerInterfaceAndFamily) {
    const auto other = [](const std::string& interface, const std::string& address) {
        return problems_of(four + "[vrrp_instance B]\ninterface = " + interface +
                           "\nvirtual_router_id = 1\nvirtual_ipaddress = " + address + "\n");
    };
    EXPECT_EQ(other("eth0", "10.0.0.2"),
              "7: [vrrp_instance B] virtual_router_id: 1 on eth0 belongs to [vrrp_instance A], allowed is "
              "one that is unique "
              "per interface and family\n");
    EXPECT_EQ(other("eth1", "10.0.0.2"), "");
    EXPECT_EQ(other("eth0", "fe80::2"), "");
    for (const auto* id : {"0", "256", "-1", "x"}) {
        const auto text = "[vrrp_instance A]\ninterface = eth0\nvirtual_ipaddress = 10.0.0.1\nvirtual_router_id = ";
        EXPECT_TRUE(has(problems_of(std::string(text) + id + "\n"), "4: [vrrp_instance A] virtual_router_id: ")) << id;
    }
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

TEST(ConfigRules, ATrackedCheckAsksNoVirtualAddress) {
    const auto text = problems_of(four + "track_check = c\n" + check_at_vip);
    EXPECT_TRUE(has(text, "5: [vrrp_instance A] track_check: [check c] asks 10.0.0.1, which is a virtual address"));
    EXPECT_EQ(problems_of(four + "service = s\n[service s]\ncommand = true\ncheck = c\n" + check_at_vip), "");
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

TEST(ConfigRules, ChecksHaveTheKeysOfTheirType) {
    const auto of = [](const std::string& keys) { return problems_of(four + "track_check = c\n[check c]\n" + keys); };
    EXPECT_TRUE(has(of("type = tcp\naddress = 127.0.0.1:1\ncommand = true\n"),
                    "9: [check c] command: is only for type = script"));
    EXPECT_TRUE(has(of("type = script\ncommand = true\nwatch = yes\n"), "9: [check c] watch: is only for"));
    EXPECT_TRUE(has(of("type = tcp\naddress = 127.0.0.1:1\nprobe = version\n"), "9: [check c] probe: is only for"));
    EXPECT_TRUE(has(of("type = redis\n"), "7: [check c] type: \"redis\" is not supported by this version"));
    EXPECT_TRUE(has(of("type = memcached\naddress = 127.0.0.1:1\nprobe = set_get\n"), "not supported by this version"));
    EXPECT_TRUE(
        has(of("type = tcp\naddress = 127.0.0.1:1\ntimeout = 2s\n"), "9: [check c] timeout: the timeout 2s is longer"));
    EXPECT_TRUE(
        has(of("type = tcp\naddress = 127.0.0.1:1\ninterval = 200ms\n"), "9: [check c] interval: the timeout 500ms"));
    EXPECT_EQ(of("type = tcp\naddress = 127.0.0.1:1\ntimeout = 1s\n"), "");
}

TEST(ConfigRules, UsersAndProgramsExist) {
    const auto of = [](const std::string& keys) { return problems_of(four + "service = s\n[service s]\n" + keys); };
    EXPECT_TRUE(
        has(of("command = true\nuser = no-such-user\n"), "8: [service s] user: there is no user \"no-such-user\""));
    EXPECT_TRUE(
        has(of("command = /no/such/program x\n"), "7: [service s] command: \"/no/such/program\" cannot be executed"));
    EXPECT_TRUE(has(of("command = /etc/passwd\n"), "cannot be executed"));
    EXPECT_TRUE(has(of("command = /usr\n"), "cannot be executed: Is a directory"));
    EXPECT_TRUE(has(of("command = no-such-program\n"), "there is no program \"no-such-program\""));
    EXPECT_EQ(
        problems_of("[global]\nscript_user = no-such-user\n" + four + "service = s\n[service s]\ncommand = true\n"),
        "2: [global] script_user: there is no user \"no-such-user\" on this host, allowed is one that "
        "exists\n");
}

TEST(ConfigRules, InstancesMayShareAService) {
    const std::string both = four + "service = s\n" + second +
                             "virtual_ipaddress = 10.0.0.2\nservice = s\n[service s]\n"
                             "command = true\n";
    EXPECT_EQ(problems_of(both), "");
    EXPECT_EQ(problems_of(both + "run = always\n"), "");
}

TEST(ConfigRules, ACheckBelongsToOneService) {
    const std::string services =
        "service = s, u\n[service s]\ncommand = true\ncheck = c\n"
        "[service u]\ncommand = true\n";
    EXPECT_EQ(problems_of(four + services + check), "");
    EXPECT_EQ(problems_of(four + services + "check = c\n" + check),
              "11: [service u] check: [check c] belongs to [service s], allowed is one service for a check\n");
    // That it does not exist is the mistake, and two services without it are no further one.
    EXPECT_EQ(problems_of(four + services + "check = c\n[check d]\ntype = tcp\naddress = 127.0.0.1:80\n"),
              "8: [service s] check: there is no [check c], allowed: d\n"
              "11: [service u] check: there is no [check c], allowed: d\n");
}

TEST(ConfigRules, WhatIsProbablyNotMeant) {
    EXPECT_TRUE(has(problems_of(bare), "1: [vrrp_instance A] virtual_ipaddress: warning: "));
    EXPECT_TRUE(has(with("down_timer_adverts = 5"), "5: [vrrp_instance A] down_timer_adverts: warning: "));
    EXPECT_TRUE(has(problems_of(bare + "virtual_ipaddress = 2001:db8::1\n"),
                    "4: [vrrp_instance A] virtual_ipaddress: warning: "));
    EXPECT_TRUE(has(problems_of(four + check), "5: [check c]: warning: nobody uses it"));
    EXPECT_TRUE(has(problems_of(four + "[service s]\ncommand = true\n"), "5: [service s]: warning: nobody uses it"));
    EXPECT_TRUE(has(with("nopreempt = yes\npreempt_delay = 5"), "6: [vrrp_instance A] preempt_delay: warning: "));
    EXPECT_TRUE(has(problems_of(six + "checksum = rfc5798\n"), "5: [vrrp_instance A] checksum: warning: "));
    EXPECT_TRUE(load_text(bare, "t").valid());
}

}  // namespace
}  // namespace vrrpd::config
