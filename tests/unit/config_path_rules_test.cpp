// What must agree on which way adverts take: source, peers, group, routes.
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/config_support.hpp"

namespace vrrpd::config::config_path_rules_test {
namespace {

using namespace test;

TEST(ConfigPathRules, A17_RouterIdsAreUniquePerInterfaceAndFamily) {
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

TEST(ConfigPathRules, V05_UnicastNeverFallsBackToMulticast) {
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

TEST(ConfigPathRules, UnicastAndMulticastExcludeEachOther) {
    EXPECT_EQ(with("unicast_peer = 10.0.0.6\nmcast_src_ip = 10.0.0.5\nmcast_dst_ip = 224.0.0.18"),
              "6: [vrrp_instance A] mcast_src_ip: is there beside unicast_peer, allowed with peers is unicast_src_ip\n"
              "7: [vrrp_instance A] mcast_dst_ip: is there beside unicast_peer, allowed is one of the two\n");
    EXPECT_EQ(with("unicast_peer = 10.0.0.6\nmcast_src_ip =\nmcast_dst_ip ="), "");
}

TEST(ConfigPathRules, PeersAreOtherHosts) {
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

TEST(ConfigPathRules, TheSourceStaysOnThisHost) {
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

TEST(ConfigPathRules, TheGroupIsOfTheFamily) {
    EXPECT_EQ(with("mcast_dst_ip = 239.0.0.18"), "");
    EXPECT_EQ(with("mcast_dst_ip = ff02::99"),
              "5: [vrrp_instance A] mcast_dst_ip: ff02::99 is IPv6, but the instance is IPv4; allowed is one family\n");
    EXPECT_TRUE(
        has(with("mcast_dst_ip = 10.0.0.9"), "5: [vrrp_instance A] mcast_dst_ip: \"10.0.0.9\" is no multicast"));
}

TEST(ConfigPathRules, TheInterfaceMayBeMissingWithASource) {
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

TEST(ConfigPathRules, A17_UnicastInstancesMayShareARouterId) {
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

TEST(ConfigPathRules, ARouteBelongsToOneInstance) {
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

}  // namespace
}  // namespace vrrpd::config::config_path_rules_test
