// Configurations side by side: what only shows when two hosts are compared, and how bad it is.
#include <filesystem>
#include <sstream>

#include <gtest/gtest.h>

#include "vrrpd/config/lint.hpp"
#include "vrrpd/config/load.hpp"

namespace vrrpd::config::config_lint_test {
namespace {

const std::string router = "[vrrp_instance VI_1]\ninterface = eth0\n";
const std::string usual = "virtual_router_id = 51\nvirtual_ipaddress = 10.0.0.1/24\n";

HostConfig host(const std::string& file, const std::string& text) {
    Loaded loaded = load_text(text, file);
    for (const Problem& problem : loaded.problems) {
        EXPECT_EQ(problem.severity, Severity::warning) << to_string(problem);
    }
    return {file, std::move(loaded.config)};
}

/// What the comparison says, a line each.
std::string compare(const std::string& a, const std::string& b) {
    const std::vector<HostConfig> hosts{host("A.ini", a), host("B.ini", b)};
    std::string text;
    for (const Problem& problem : lint(hosts)) {
        const std::string line = to_string(problem);
        EXPECT_NE(line.find("A.ini"), std::string::npos) << line;
        EXPECT_NE(line.find("B.ini"), std::string::npos) << line;
        text += line + "\n";
    }
    return text;
}

/// The same for two hosts that have `router` and these lines besides.
std::string beside(const std::string& a, const std::string& b) {
    return compare(router + a, router + b);
}

std::string with(const std::string& lines, int priority) {
    return usual + "priority = " + std::to_string(priority) + "\n" + lines;
}

TEST(ConfigLint, APairThatFitsSaysNothing) {
    EXPECT_EQ(beside(with("nopreempt = yes\n", 250), with("nopreempt = yes\n", 249)), "");
    const std::filesystem::path samples = std::filesystem::path(SOURCE_ROOT) / "etc" / "s1";
    const std::vector<HostConfig> hosts{{"a", load((samples / "cache-a.ini").string()).config},
                                        {"b", load((samples / "cache-b.ini").string()).config}};
    for (const Problem& problem : lint(hosts)) ADD_FAILURE() << to_string(problem);
}

TEST(ConfigLint, OneFileIsNoPair) {
    const std::vector<HostConfig> hosts{host("A.ini", router + usual)};
    EXPECT_TRUE(lint(hosts).empty());
}

// The slip of scenario S1.
TEST(ConfigLint, AnotherVridForTheSameAddressIsAnError) {
    EXPECT_EQ(
        beside("priority = 250\n" + usual,
               "priority = 200\nvirtual_router_id = 52\nvirtual_ipaddress = 10.0.0.1/24, 10.0.0.2/24\n"),
        "A.ini: [vrrp_instance VI_1] virtual_router_id: 51, but [vrrp_instance VI_1] of B.ini has 52 and 10.0.0.1 "
        "as well: both hosts would be MASTER; give both the same\n");
}

TEST(ConfigLint, AnExcludedAddressIsSharedToo) {
    const std::string found = beside("priority = 250\n" + usual + "virtual_ipaddress_excluded = 10.0.0.9\n",
                                     "virtual_router_id = 52\nvirtual_ipaddress = 10.0.0.9/24\n");
    EXPECT_NE(found.find("virtual_router_id: 51, but"), std::string::npos) << found;
}

TEST(ConfigLint, AnotherVridForOtherAddressesIsAnotherRouter) {
    EXPECT_EQ(beside(usual, "virtual_router_id = 52\nvirtual_ipaddress = 10.0.0.2/24\n"),
              "A.ini: [vrrp_instance VI_1]: warning: is not in B.ini: nobody takes over from this host\n"
              "B.ini: [vrrp_instance VI_1]: warning: is not in A.ini: nobody takes over from this host\n");
}

TEST(ConfigLint, VersionAndPasswordAreErrors) {
    EXPECT_EQ(beside(with("version = 2\n", 250), with("version = 3\n", 200)),
              "A.ini: [vrrp_instance VI_1] version: 2, but 3 in [vrrp_instance VI_1] of B.ini: neither understands the "
              "other, both would be MASTER\n");
    const std::string password = "version = 2\nauth_type = PASS\nauth_pass = ";
    const std::string differs =
        "A.ini: [vrrp_instance VI_1] auth_pass: differs from that of [vrrp_instance VI_1] of B.ini: each refuses the "
        "other's adverts, both would be MASTER\n";
    EXPECT_EQ(beside(with(password + "one\n", 250), with(password + "two\n", 200)), differs);
    EXPECT_EQ(beside(with("version = 2\n", 250), with(password + "two\n", 200)), differs);
    EXPECT_EQ(beside(with(password + "one\n", 250), with(password + "one\n", 200)), "");
}

TEST(ConfigLint, AnotherIntervalIsAnErrorInVersion2Only) {
    EXPECT_EQ(beside(with("version = 2\nadvert_int = 1s\n", 250), with("version = 2\nadvert_int = 2s\n", 200)),
              "A.ini: [vrrp_instance VI_1] advert_int: 1s, but 2s in [vrrp_instance VI_1] of B.ini: version 2 refuses "
              "adverts of another interval, both would be MASTER\n");
    EXPECT_EQ(
        beside(with("advert_int = 100ms\n", 250), with("", 200)),
        "A.ini: [vrrp_instance VI_1] advert_int: warning: 100ms, but 1s in [vrrp_instance VI_1] of B.ini: how fast "
        "a takeover is depends on who was MASTER; give both the same\n");
}

TEST(ConfigLint, AddressListsAreComparedBothWays) {
    const std::string a = "virtual_router_id = 51\nvirtual_ipaddress = 10.0.0.1/24, 10.0.0.2/24\npriority = 250\n";
    const std::string b = "virtual_router_id = 51\nvirtual_ipaddress = 10.0.0.3/24, 10.0.0.1/24\n";
    EXPECT_EQ(beside(a, b),
              "A.ini: [vrrp_instance VI_1] virtual_ipaddress: warning: not that of [vrrp_instance VI_1] of B.ini: only "
              "here 10.0.0.2, only there 10.0.0.3; what moves must be the same on both\n");
    EXPECT_EQ(beside(with("virtual_ipaddress_excluded = 10.0.0.7\n", 250), usual),
              "A.ini: [vrrp_instance VI_1] virtual_ipaddress_excluded: warning: not that of [vrrp_instance VI_1] of "
              "B.ini: only here 10.0.0.7; what moves must be the same on both\n");
    EXPECT_EQ(beside(with("", 250), "virtual_router_id = 51\nvirtual_ipaddress = 10.0.0.1/32\n"),
              "A.ini: [vrrp_instance VI_1] virtual_ipaddress: warning: 10.0.0.1/24, but /32 in [vrrp_instance VI_1] of "
              "B.ini\n");
}

TEST(ConfigLint, EqualPriorities) {
    EXPECT_EQ(
        beside(usual, usual),
        "A.ini: [vrrp_instance VI_1] priority: warning: 100 as in [vrrp_instance VI_1] of B.ini: the higher sender "
        "address wins, which nobody sees in a file; let them differ\n");
}

// Scenario S6: the address goes where the role is.
TEST(ConfigLint, EqualPrioritiesThatFollowARoleAreMeant) {
    const std::string follow = usual +
                               "track_check = role weight 50\n[check role]\ntype = redis\naddress = 127.0.0.1:6379\n"
                               "require = master\n";
    EXPECT_EQ(beside(follow, follow), "");
}

TEST(ConfigLint, UnicastPeersNameEachOther) {
    const auto peer = [](int priority, const std::string& own, const std::string& other) {
        return with("unicast_src_ip = " + own + "\nunicast_peer = " + other + "\n", priority);
    };
    EXPECT_EQ(beside(peer(250, "10.0.0.10", "10.0.0.11"), peer(200, "10.0.0.11", "10.0.0.10")), "");
    EXPECT_EQ(beside(peer(250, "10.0.0.10", "10.0.0.12"), peer(200, "10.0.0.11", "10.0.0.13")),
              "A.ini: [vrrp_instance VI_1] unicast_peer: warning: A.ini does not name 10.0.0.11, the unicast_src_ip of "
              "[vrrp_instance VI_1] of B.ini: it neither sends there nor hears what comes from there\n"
              "A.ini: [vrrp_instance VI_1] unicast_peer: warning: B.ini does not name 10.0.0.10, the unicast_src_ip of "
              "[vrrp_instance VI_1] of A.ini: it neither sends there nor hears what comes from there\n");
    EXPECT_EQ(beside(peer(250, "10.0.0.10", "10.0.0.11"), peer(200, "10.0.0.10", "10.0.0.11")),
              "A.ini: [vrrp_instance VI_1] unicast_src_ip: warning: 10.0.0.10 is also that of [vrrp_instance VI_1] of "
              "B.ini; each host has its own\n");
    EXPECT_EQ(beside(peer(250, "10.0.0.10", "10.0.0.11"), with("", 200)),
              "A.ini: [vrrp_instance VI_1] unicast_peer: warning: there, but not in [vrrp_instance VI_1] of B.ini: "
              "multicast and unicast do not meet, both would be MASTER\n");
    EXPECT_EQ(beside(with("mcast_dst_ip = 224.0.0.77\n", 250), with("", 200)),
              "A.ini: [vrrp_instance VI_1] mcast_dst_ip: warning: differs from that of [vrrp_instance VI_1] of B.ini: "
              "neither hears the other\n");
}

const std::string ping = "[check p]\ntype = ping\naddress = 10.0.0.200\n";

TEST(ConfigLint, WeightsThatCannotChangeTheWinner) {
    const std::string weak = with("track_check = p weight -20\n" + ping, 250);
    EXPECT_EQ(beside(weak, with("", 200)),
              "A.ini: [vrrp_instance VI_1] track_check: warning: the weights can never change who is MASTER: A.ini has "
              "230 at worst and B.ini has 200 at best; let the priorities differ by less, or track without a weight\n");
    EXPECT_EQ(beside(weak, with("", 240)), "");
    EXPECT_EQ(beside(with("track_check = p weight 60\n" + ping, 150), with("", 200)), "");
    const std::string low = beside(with("", 220), with("track_check = p weight 40\n" + ping, 150));
    EXPECT_NE(low.find("A.ini has 220 at worst and B.ini has 190 at best"), std::string::npos) << low;
    // Several add up, and nothing goes beyond 254.
    EXPECT_EQ(
        beside(with("track_check = p weight -30\ntrack_interface = eth1 weight -30\n" + ping, 250), with("", 200)), "");
    const std::string file = "[check f]\ntype = file\npath = /run/number\n";
    EXPECT_EQ(beside(with("track_check = f weight file\n" + file, 250), with("", 10)), "");
}

TEST(ConfigLint, NopreemptTraps) {
    EXPECT_EQ(
        beside(with("", 250), with("nopreempt = yes\n", 200)),
        "A.ini: [vrrp_instance VI_1] nopreempt: warning: is there in B.ini and not in A.ini, which has the higher "
        "priority and takes the address back when it returns; there it would have an effect\n");
    EXPECT_EQ(beside(with("nopreempt = yes\n", 250), with("", 200)), "");
    EXPECT_EQ(
        beside(with("", 255), with("nopreempt = yes\n", 200)),
        "A.ini: [vrrp_instance VI_1] nopreempt: warning: is there in B.ini, but A.ini has priority 255 and always "
        "takes over\n");
    const std::string found = beside(with("track_check = p weight -60\n" + ping, 250), with("nopreempt = yes\n", 200));
    EXPECT_NE(found.find("B.ini has it and does not take over when a weight lowers the priority in A.ini"),
              std::string::npos)
        << found;
}

TEST(ConfigLint, GroupsOfOneHostOnly) {
    const std::string two = router + usual + "[vrrp_instance VI_2]\ninterface = eth1\nvirtual_router_id = 52\n" +
                            "virtual_ipaddress = 10.1.0.1/24\n";
    const std::string defaults = "[defaults]\npriority = 200\n";
    const std::string group = "[vrrp_sync_group G]\nmember = VI_1, VI_2\n";
    EXPECT_EQ(compare(two + group, two + defaults + group), "");
    EXPECT_EQ(
        compare(two + group, two + defaults),
        "A.ini: vrrp_sync_group: warning: groups are not those of B.ini: addresses that move together on one host "
        "and not on the other end up divided\n");
}

TEST(ConfigLint, OfThreeHostsEveryTwoAreCompared) {
    const std::vector<HostConfig> hosts{host("A.ini", router + with("", 250)), host("B.ini", router + with("", 200)),
                                        host("C.ini", router + with("", 200))};
    const Problems problems = lint(hosts);
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_EQ(problems[0].file, "B.ini");
    EXPECT_NE(problems[0].text.find("C.ini"), std::string::npos);
}

}  // namespace
}  // namespace vrrpd::config::config_lint_test
