// What several keys or several sections must agree on: one message for each mistake, at its line.
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "vrrpd/config/load.hpp"

namespace vrrpd::config::config_rules_test {
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

TEST(ConfigRules, A17_RouterIdsAreUniquePerInterfaceAndFamily) {
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

TEST(ConfigRules, ChecksHaveTheKeysOfTheirType) {
    const auto of = [](const std::string& keys) { return problems_of(four + "track_check = c\n[check c]\n" + keys); };
    EXPECT_TRUE(has(of("type = tcp\naddress = 127.0.0.1:1\ncommand = true\n"),
                    "9: [check c] command: is only for type = script"));
    EXPECT_TRUE(has(of("type = script\ncommand = true\nwatch = yes\n"), "9: [check c] watch: is only for"));
    EXPECT_TRUE(has(of("type = tcp\naddress = 127.0.0.1:1\nprobe = version\n"), "9: [check c] probe: is only for"));
    EXPECT_TRUE(
        has(of("type = tcp\naddress = 127.0.0.1:1\ntimeout = 2s\n"), "9: [check c] timeout: the timeout 2s is longer"));
    EXPECT_TRUE(
        has(of("type = tcp\naddress = 127.0.0.1:1\ninterval = 200ms\n"), "9: [check c] interval: the timeout 500ms"));
    EXPECT_EQ(of("type = tcp\naddress = 127.0.0.1:1\ntimeout = 1s\n"), "");
    EXPECT_EQ(of("type = send_expect\naddress = 127.0.0.1:1\n"),
              "6: [check c] expect: missing, write expect = text with \\r \\n \\t \\\\ \\xHH\n");
    EXPECT_EQ(of("type = http\naddress = 127.0.0.1:1\nrequire = pong\nuser = joe\n"),
              "9: [check c] require: is only for type = redis\n"
              "10: [check c] user: is only for type = script or redis\n");
    EXPECT_TRUE(has(of("type = script\ncommand = true\naddress = 127.0.0.1:1\n"),
                    "address: is only for type = tcp, memcached, redis, http, send_expect or ping"));
    EXPECT_TRUE(
        has(of("type = http\naddress = 127.0.0.1:1\npath = /a b\n"), "9: [check c] path: \"/a b\" has a blank"));
    EXPECT_TRUE(has(of("type = http\naddress = 127.0.0.1:1\nhost = a b\n"), "9: [check c] host: \"a b\" has a blank"));
    EXPECT_EQ(of("type = file\npath = /run/a b\n"), "");
}

TEST(ConfigRules, ChecksHaveTheKeysOfTheirWayOfAsking) {
    const auto of = [](const std::string& keys) {
        return problems_of(four + "track_check = c weight -20\npreempt_check = c\n[check c]\naddress = 127.0.0.1:1\n" +
                           keys);
    };
    EXPECT_EQ(of("type = memcached\nprobe = stats\nmax_connections_percent = 90\ncold_after_restart = 10min\n"), "");
    EXPECT_EQ(of("type = memcached\nprobe = set_get\nmax_connections_percent = 90\ncold_after_restart = 10min\n"),
              "11: [check c] max_connections_percent: is only for probe = stats\n"
              "12: [check c] cold_after_restart: is only for probe = stats\n");
    EXPECT_EQ(of("type = memcached\nprobe = version\ncold_after_restart = 0s\n"), "");
    EXPECT_EQ(of("type = memcached\nprobe = statistics\nmax_connections_percent = 90\n"),
              "10: [check c] probe: \"statistics\" is unknown, allowed: version, set_get, stats\n");
    EXPECT_EQ(of("type = redis\nrequire = replica_in_sync\nmax_lag = 100\n"), "");
    EXPECT_EQ(of("type = redis\nrequire = master\nmax_lag = 100\nuser = joe\n"),
              "11: [check c] max_lag: is only for require = replica_in_sync\n"
              "12: [check c] user: a user without a password, write password_file = PATH\n");
}

TEST(ConfigRules, WhatAThresholdAndAColdCacheAreFor) {
    const std::string check_of = "[check c]\ntype = memcached\naddress = 127.0.0.1:1\nprobe = stats\n";
    EXPECT_TRUE(has(problems_of(four + "track_check = c\n" + check_of + "max_connections_percent = 90\n"),
                    "10: [check c] max_connections_percent: warning: a track_check without a weight makes"));
    EXPECT_EQ(problems_of(four + "track_check = c\n" + check_of + "cold_after_restart = 10min\n"),
              "10: [check c] cold_after_restart: warning: changes nothing without a preempt_check of its name\n");
    EXPECT_EQ(problems_of(four + "preempt_check = c\n" + check_of + "cold_after_restart = 10min\n"), "");
}

TEST(ConfigRules, EachKindHasItsKeys) {
    const auto of = [](const std::string& keys) { return problems_of(four + "track_check = c\n[check c]\n" + keys); };
    for (const char* good :
         {"type = process\nname = memcached\n", "type = process\npid_file = /run/m.pid\n",
          "type = process\npid_file = /run/m.pid\nname = memcached\n", "type = file\npath = /run/flag\n",
          "type = ping\naddress = 10.0.0.9\n", "type = ping\naddress = 2001:db8::1\ncount = 3\n"}) {
        EXPECT_EQ(of(good), "") << good;
    }
    EXPECT_TRUE(has(of("type = process\n"), "6: [check c] pid_file: missing, write pid_file = PATH or name = NAME"));
    EXPECT_TRUE(
        has(of("type = process\nname = a-name-of-16-let\n"), "8: [check c] name: \"a-name-of-16-let\" is no name"));
    EXPECT_TRUE(has(of("type = file\n"), "6: [check c] path: missing, write path = absolute path"));
    EXPECT_TRUE(has(of("type = file\npath = run/flag\n"), "8: [check c] path: \"run/flag\" is no absolute path"));
    EXPECT_TRUE(has(of("type = file\npath = /run/\n"), "8: [check c] path: \"/run/\" is a folder"));
    EXPECT_TRUE(has(of("type = file\npath = /run/flag\nwatch = no\n"), "9: [check c] watch: is only for type = tcp"));
    EXPECT_TRUE(has(of("type = ping\naddress = 10.0.0.1:1\n"), "8: [check c] address: an echo goes to no port"));
    EXPECT_TRUE(has(of("type = ping\naddress = fe80::1\n"), "8: [check c] address: \"fe80::1\" is a link-local"));
    EXPECT_TRUE(has(of("type = tcp\naddress = 10.0.0.1\n"), "8: [check c] address: has no port, allowed is ADDR:PORT"));
    EXPECT_TRUE(
        has(of("type = tcp\naddress = 10.0.0.1:1\ncount = 2\n"), "9: [check c] count: is only for type = ping"));
}

TEST(ConfigRules, OnlyAFileSaysANumber) {
    const std::string file = "[check c]\ntype = file\npath = /run/flag\n";
    EXPECT_EQ(problems_of(four + "track_check = c weight file\n" + file), "");
    EXPECT_TRUE(has(problems_of(four + "track_check = c weight file\n" + check),
                    "5: [vrrp_instance A] track_check: weight file, but [check c] is not of type = file"));
    EXPECT_TRUE(has(problems_of(four + "track_interface = eth1 weight file\n"), "an interface says no number"));
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

TEST(ConfigRules, AServiceIsAProgramOrAUnit) {
    const auto of = [](const std::string& keys) { return problems_of(four + "service = s\n[service s]\n" + keys); };
    EXPECT_EQ(of("unit = proxy@1.service\n"), "");
    EXPECT_TRUE(
        has(of("run = always\n"), "6: [service s] command: missing, write command = PROGRAM ARGUMENTS or unit"));
    EXPECT_EQ(of("unit = p.service\ncommand = true\n"),
              "7: [service s] unit: there is a command, allowed is one of the two\n");
    EXPECT_EQ(of("unit = p.service\nuser = root\n"),
              "8: [service s] user: a unit runs as its own User= says, allowed is user only with a command\n");
    for (const char* bad : {"nutcracker", ".service", "a/b.service", "a b.service", "a.socket"})
        EXPECT_TRUE(has(of(std::string("unit = ") + bad + "\n"), "is no name of a service unit")) << bad;
    EXPECT_EQ(problems_of(four + "service = s, u\n[service s]\nunit = p.service\n[service u]\nunit = p.service\n"),
              "9: [service u] unit: p.service belongs to [service s], allowed is one service for a unit\n");
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

TEST(ConfigRules, V05_UnicastNeverFallsBackToMulticast) {
    EXPECT_EQ(with("unicast_src_ip = 10.0.0.5"),
              "5: [vrrp_instance A] unicast_src_ip: is there without a unicast_peer, which does not mean multicast; "
              "write unicast_peer, or mcast_src_ip instead\n");
    EXPECT_EQ(with("unicast_peer =\nunicast_src_ip = 10.0.0.5"),
              "5: [vrrp_instance A] unicast_peer: has no value, allowed is ADDR [min_ttl N]\n");
    EXPECT_EQ(with("unicast_peer = x\nunicast_src_ip = 10.0.0.5"),
              "5: [vrrp_instance A] unicast_peer: \"x\" is no address, allowed is ADDR, without a length\n");
    EXPECT_EQ(with("unicast_peer = 10.0.0.6\nunicast_src_ip = 10.0.0.5"), "");
    EXPECT_EQ(with("unicast_ttl = 64"),
              "5: [vrrp_instance A] unicast_ttl: warning: changes nothing without unicast_peer\n");
}

TEST(ConfigRules, UnicastAndMulticastExcludeEachOther) {
    EXPECT_EQ(with("unicast_peer = 10.0.0.6\nmcast_src_ip = 10.0.0.5\nmcast_dst_ip = 224.0.0.18"),
              "6: [vrrp_instance A] mcast_src_ip: is there beside unicast_peer, allowed with peers is unicast_src_ip\n"
              "7: [vrrp_instance A] mcast_dst_ip: is there beside unicast_peer, allowed is one of the two\n");
    EXPECT_EQ(with("unicast_peer = 10.0.0.6\nmcast_src_ip =\nmcast_dst_ip ="), "");
}

TEST(ConfigRules, PeersAreOtherHosts) {
    EXPECT_EQ(with("unicast_peer = 10.0.0.6, 10.0.0.6 min_ttl 9"),
              "5: [vrrp_instance A] unicast_peer: 10.0.0.6 is there twice, an instance has each peer once\n");
    EXPECT_EQ(with("unicast_src_ip = 10.0.0.5\nunicast_peer = 10.0.0.6\nunicast_peer = 10.0.0.5"),
              "7: [vrrp_instance A] unicast_peer: 10.0.0.5 is our own unicast_src_ip, allowed are other hosts\n");
    EXPECT_EQ(
        with("unicast_peer = 10.0.0.1"),
        "5: [vrrp_instance A] unicast_peer: 10.0.0.1 is a virtual address, allowed is one that stays on the other "
        "host\n");
    EXPECT_TRUE(has(with("unicast_peer = 10.0.0.7\nvirtual_ipaddress_excluded = 10.0.0.7"),
                    "5: [vrrp_instance A] unicast_peer: 10.0.0.7 is a virtual address"));
    EXPECT_EQ(with("unicast_peer = 10.0.0.6, fe80::6"),
              "5: [vrrp_instance A] unicast_peer: fe80::6 is IPv6, but the instance is IPv4; allowed is one family\n");
    EXPECT_EQ(problems_of(six + "unicast_peer = 10.0.0.6\n"),
              "5: [vrrp_instance A] unicast_peer: 10.0.0.6 is IPv4, but the instance is IPv6; allowed is one family\n");
    EXPECT_EQ(with("version = 2\nunicast_peer = 10.0.0.6"), "");
}

TEST(ConfigRules, TheSourceStaysOnThisHost) {
    EXPECT_EQ(
        with("unicast_peer = 10.0.0.6\nunicast_src_ip = fe80::5"),
        "6: [vrrp_instance A] unicast_src_ip: fe80::5 is IPv6, but the instance is IPv4; allowed is one family\n");
    EXPECT_EQ(with("mcast_src_ip = fe80::5"),
              "5: [vrrp_instance A] mcast_src_ip: fe80::5 is IPv6, but the instance is IPv4; allowed is one family\n");
    EXPECT_EQ(with("mcast_src_ip = 10.0.0.1"),
              "5: [vrrp_instance A] mcast_src_ip: 10.0.0.1 is a virtual address, which only the MASTER has; allowed is "
              "one that stays on this host\n");
    EXPECT_EQ(with("mcast_src_ip = 10.0.0.1\npriority = 255"), "");
    EXPECT_EQ(with("mcast_src_ip = 10.0.0.5"), "");
    EXPECT_EQ(problems_of(six + "mcast_src_ip = fe80::5\n"), "");
    EXPECT_EQ(problems_of(six + "mcast_src_ip = 2001:db8::5\n"),
              "5: [vrrp_instance A] mcast_src_ip: 2001:db8::5 is not link-local, which adverts to an IPv6 group must "
              "come from (RFC 9568 5.1.2.1)\n");
    EXPECT_EQ(problems_of(six + "unicast_peer = 2001:db8::6\nunicast_src_ip = 2001:db8::5\n"), "");
    EXPECT_EQ(
        with("mcast_src_ip = 127.0.0.1"),
        "5: [vrrp_instance A] mcast_src_ip: \"127.0.0.1\" is a loopback address, which no other host can reach\n");
}

TEST(ConfigRules, TheGroupIsOfTheFamily) {
    EXPECT_EQ(with("mcast_dst_ip = 239.0.0.18"), "");
    EXPECT_EQ(with("mcast_dst_ip = ff02::99"),
              "5: [vrrp_instance A] mcast_dst_ip: ff02::99 is IPv6, but the instance is IPv4; allowed is one family\n");
    EXPECT_TRUE(
        has(with("mcast_dst_ip = 10.0.0.9"), "5: [vrrp_instance A] mcast_dst_ip: \"10.0.0.9\" is no multicast"));
}

TEST(ConfigRules, TheInterfaceMayBeMissingWithASource) {
    const auto of = [](const std::string& keys) {
        return problems_of("[vrrp_instance A]\nvirtual_router_id = 1\n" + keys);
    };
    const std::string vip = "virtual_ipaddress = 10.0.0.1\n";
    const std::string unicast = vip + "unicast_peer = 10.0.0.6\nunicast_src_ip = 10.0.0.5\n";
    EXPECT_EQ(of(unicast), "");
    EXPECT_EQ(
        of(unicast + "[vrrp_instance B]\nvirtual_router_id = 2\n" + unicast),
        "8: [vrrp_instance B] virtual_ipaddress: 10.0.0.1 belongs to [vrrp_instance A], allowed is one instance for "
        "an address\n");
    EXPECT_EQ(of(vip), "1: [vrrp_instance A] interface: missing, write interface = interface\n");
    EXPECT_EQ(of(vip + "unicast_peer = 10.0.0.6\n"),
              "1: [vrrp_instance A] unicast_src_ip: missing without an interface, write unicast_src_ip = ADDR\n");
    for (const std::string keys : {"unicast_peer = fe80::6\nunicast_src_ip = 2001:db8::5\n",
                                   "unicast_peer = 2001:db8::6\nunicast_src_ip = fe80::6\n"}) {
        EXPECT_EQ(of("virtual_ipaddress = fe80::1\n" + keys),
                  "1: [vrrp_instance A] interface: missing for the link-local fe80::6, write interface = interface\n");
    }
    EXPECT_EQ(of(vip + "unicast_peer = 10.0.0.6\nunicast_src_ip = 10.0.0.5\n"
                       "virtual_routes = 10.1.0.0/16, 10.2.0.0/16 via 10.0.0.9, 10.3.0.0/16 dev eth0\n"
                       "virtual_routes = default via fe80::9\n"),
              "6: [vrrp_instance A] virtual_routes: 10.1.0.0/16 needs dev IF or via ADDR, as the instance has no "
              "interface\n"
              "7: [vrrp_instance A] virtual_routes: ::/0 needs dev IF, as the instance has no interface\n");
}

TEST(ConfigRules, A17_UnicastInstancesMayShareARouterId) {
    const auto pair = [](const std::string& one, const std::string& other) {
        return problems_of("[vrrp_instance A]\nvirtual_router_id = 1\nvirtual_ipaddress = 10.0.0.1\n" + one +
                           "[vrrp_instance B]\nvirtual_router_id = 1\nvirtual_ipaddress = 10.0.0.2\n" + other);
    };
    const std::string eth0 = "interface = eth0\n";
    const std::string source = "unicast_src_ip = 10.0.0.5\n";
    const std::string same =
        ": [vrrp_instance B] virtual_router_id: 1 with the peer 10.0.0.7 belongs to [vrrp_instance A], allowed is one "
        "that is unique, or other peers\n";
    EXPECT_EQ(pair(eth0 + "unicast_peer = 10.0.0.6, 10.0.0.7\n", eth0 + "unicast_peer = 10.0.0.8\n"), "");
    EXPECT_EQ(pair(eth0 + "unicast_peer = 10.0.0.6, 10.0.0.7\n", eth0 + "unicast_peer = 10.0.0.8, 10.0.0.7\n"),
              "7" + same);
    EXPECT_EQ(pair(eth0 + "unicast_peer = 10.0.0.7\n", "interface = eth1\nunicast_peer = 10.0.0.7\n"), "");
    EXPECT_EQ(pair(source + "unicast_peer = 10.0.0.7\n", source + "unicast_peer = 10.0.0.7\n"), "7" + same);
    EXPECT_EQ(pair(source + "unicast_peer = 10.0.0.7\n", source + "unicast_peer = 10.0.0.8\n"), "");
    EXPECT_EQ(pair(source + "unicast_peer = 10.0.0.7\n", eth0 + "unicast_peer = 10.0.0.7\n"), "7" + same);
    const std::string mixed =
        ": [vrrp_instance B] virtual_router_id: 1 on eth0 belongs to [vrrp_instance A], allowed is one that is unique "
        "per "
        "interface and family\n";
    EXPECT_EQ(pair(eth0 + "unicast_peer = 10.0.0.7\n", eth0), "7" + mixed);
    EXPECT_EQ(pair(eth0, eth0 + "unicast_peer = 10.0.0.7\n"), "6" + mixed);
}

TEST(ConfigRules, ARouteBelongsToOneInstance) {
    const std::string other =
        "[vrrp_instance B]\ninterface = eth0\nvirtual_router_id = 2\nvirtual_ipaddress = 10.0.0.2\n";
    EXPECT_EQ(
        with("virtual_routes = 10.1.0.0/16, 10.1.0.0/16 via 10.0.0.9"),
        "5: [vrrp_instance A] virtual_routes: 10.1.0.0/16 is there twice, allowed is one route for a destination, "
        "table and metric\n");
    EXPECT_EQ(with("virtual_routes = 10.1.0.0/16, 10.1.0.0/16 metric 5, 10.1.0.0/16 table 9"), "");
    EXPECT_TRUE(has(with("virtual_routes = ::/0, ::/0 metric 1024"), ": ::/0 is there twice"));
    EXPECT_EQ(with("virtual_routes = 0.0.0.0/0, 0.0.0.0/0 metric 1024"), "");
    EXPECT_EQ(
        with("virtual_routes = default via 10.0.0.9\n" + other + "virtual_routes = default via 10.0.0.8"),
        "10: [vrrp_instance B] virtual_routes: 0.0.0.0/0 belongs to [vrrp_instance A], allowed is one route for a "
        "destination, table and metric\n");
    EXPECT_EQ(with("priority = 255\nvirtual_routes = default via 10.0.0.9"), "");
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
