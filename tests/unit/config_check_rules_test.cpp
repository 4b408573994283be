// What the keys of checks and services must agree on.
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/config_support.hpp"

namespace vrrpd::config::config_check_rules_test {
namespace {

using namespace test;

const std::string check_at_vip = "[check c]\ntype = tcp\naddress = 10.0.0.1:80\n";

TEST(ConfigCheckRules, ATrackedCheckAsksNoVirtualAddress) {
    const auto text = problems_of(four + "track_check = c\n" + check_at_vip);
    EXPECT_TRUE(has(text, "5: [vrrp_instance A] track_check: [check c] asks 10.0.0.1, which is a virtual address"));
    EXPECT_EQ(problems_of(four + "service = s\n[service s]\ncommand = true\ncheck = c\n" + check_at_vip), "");
}

TEST(ConfigCheckRules, ChecksHaveTheKeysOfTheirType) {
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

TEST(ConfigCheckRules, ChecksHaveTheKeysOfTheirWayOfAsking) {
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

TEST(ConfigCheckRules, WhatAThresholdAndAColdCacheAreFor) {
    const std::string check_of = "[check c]\ntype = memcached\naddress = 127.0.0.1:1\nprobe = stats\n";
    EXPECT_TRUE(has(problems_of(four + "track_check = c\n" + check_of + "max_connections_percent = 90\n"),
                    "10: [check c] max_connections_percent: warning: a track_check without a weight makes"));
    EXPECT_EQ(problems_of(four + "track_check = c\n" + check_of + "cold_after_restart = 10min\n"),
              "10: [check c] cold_after_restart: warning: changes nothing without a preempt_check of its name\n");
    EXPECT_EQ(problems_of(four + "preempt_check = c\n" + check_of + "cold_after_restart = 10min\n"), "");
}

TEST(ConfigCheckRules, EachKindHasItsKeys) {
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

TEST(ConfigCheckRules, OnlyAFileSaysANumber) {
    const std::string file = "[check c]\ntype = file\npath = /run/flag\n";
    EXPECT_EQ(problems_of(four + "track_check = c weight file\n" + file), "");
    EXPECT_TRUE(has(problems_of(four + "track_check = c weight file\n" + check),
                    "5: [vrrp_instance A] track_check: weight file, but [check c] is not of type = file"));
    EXPECT_TRUE(has(problems_of(four + "track_interface = eth1 weight file\n"), "an interface says no number"));
}

TEST(ConfigCheckRules, UsersAndProgramsExist) {
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

TEST(ConfigCheckRules, AServiceIsAProgramOrAUnit) {
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

TEST(ConfigCheckRules, InstancesMayShareAService) {
    const std::string both = four + "service = s\n" + second +
                             "virtual_ipaddress = 10.0.0.2\nservice = s\n[service s]\n"
                             "command = true\n";
    EXPECT_EQ(problems_of(both), "");
    EXPECT_EQ(problems_of(both + "run = always\n"), "");
}

TEST(ConfigCheckRules, ACheckBelongsToOneService) {
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

}  // namespace
}  // namespace vrrpd::config::config_check_rules_test
