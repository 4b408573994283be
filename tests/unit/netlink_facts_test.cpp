#include <gtest/gtest.h>

#include "netlink/facts.hpp"

namespace vrrpd::netlink::netlink_facts_test {
namespace {

IpAddress ip(const char* text) {
    return IpAddress::parse(text).value();
}

Link link(int index, const char* name) {
    Link result;
    result.index = index;
    result.name = name;
    result.up = result.running = true;
    return result;
}

Address address(int index, const char* prefix) {
    Address result;
    result.link = index;
    result.prefix = Prefix::parse(prefix).value();
    result.peer = result.prefix.address;
    return result;
}

Address ours(int index, const char* prefix) {
    Address result = address(index, prefix);
    result.mark = our_mark;
    return result;
}

TEST(NetlinkFacts, FindsLinksByIndexAndByNameAlsoAfterARename) {
    Facts facts;
    facts.set_link(link(3, "eth0"));
    ASSERT_NE(facts.link(3), nullptr);
    EXPECT_EQ(facts.link("eth0"), facts.link(3));
    facts.set_link(link(3, "lan0"));
    EXPECT_EQ(facts.link("eth0"), nullptr);
    EXPECT_EQ(facts.link("lan0")->index, 3);
    EXPECT_EQ(facts.link(4), nullptr);
}

TEST(NetlinkFacts, KeepsTheKernelsOrderOfAddresses) {
    Facts facts;
    facts.set_address(address(3, "10.0.0.9/24"));
    facts.set_address(address(2, "10.9.0.1/24"));
    facts.set_address(address(3, "10.0.0.1/24"));
    facts.set_address(address(3, "10.0.0.9/24"));  // said again: stays first
    const auto known = facts.addresses(3);
    ASSERT_EQ(known.size(), 2u);
    EXPECT_EQ(known[0].prefix.to_string(), "10.0.0.9/24");
    EXPECT_EQ(known[1].prefix.to_string(), "10.0.0.1/24");
    EXPECT_EQ(facts.addresses().size(), 3u);
    EXPECT_EQ(facts.addresses().front().link, 2);
}

TEST(NetlinkFacts, HoldersIgnoreThePrefixLengthButNotTheLink) {
    Facts facts;
    facts.set_address(address(1, "10.0.0.1/32"));
    facts.set_address(address(1, "10.0.0.1/24"));
    facts.set_address(address(1, "10.0.0.2/24"));
    facts.set_address(address(2, "10.0.0.1/24"));
    EXPECT_EQ(facts.holders(1, ip("10.0.0.1")).size(), 2u);
    EXPECT_EQ(facts.holders(2, ip("10.0.0.1")).size(), 1u);
    EXPECT_TRUE(facts.holders(2, ip("10.0.0.2")).empty());
    EXPECT_TRUE(facts.holders(1, ip("fe80::1")).empty());
}

TEST(NetlinkFacts, TellsOnlyWhatIsReallyDifferent) {
    Facts facts;
    facts.set_link(link(1, "lo"));
    facts.set_address(address(2, "10.0.0.1/24"));
    EXPECT_TRUE(facts.take_changed());
    EXPECT_FALSE(facts.take_changed());
    facts.set_link(link(1, "lo"));
    facts.set_address(address(2, "10.0.0.1/24"));
    facts.remove_address(address(2, "10.0.0.2/24"));
    facts.remove_link(7);
    facts.begin_resync();
    facts.set_link(link(1, "lo"));
    facts.set_address(address(2, "10.0.0.1/24"));
    facts.end_resync();
    EXPECT_FALSE(facts.take_changed());

    Address marked = address(2, "10.0.0.1/24");
    marked.mark = our_mark;
    facts.set_address(marked);
    EXPECT_TRUE(facts.take_changed()) << "it was somebody else's";
    facts.set_address(address(2, "10.0.0.1/24"));
    EXPECT_TRUE(facts.take_changed()) << "it is somebody else's";
    facts.remove_address(address(2, "10.0.0.1/24"));
    EXPECT_TRUE(facts.take_changed());
    facts.remove_link(1);
    EXPECT_TRUE(facts.take_changed());
    facts.set_address(address(3, "10.0.0.1/24"));
    facts.take_changed();
    facts.remove_link(3);  // never seen itself
    EXPECT_TRUE(facts.take_changed());
}

TEST(NetlinkFacts, AddressesWithOurMarkAreNoNews) {
    Facts facts;
    facts.set_link(link(2, "eth0"));
    facts.set_address(address(2, "10.0.0.1/24"));
    facts.take_changed();
    const auto version = facts.version();

    facts.set_address(ours(2, "10.0.0.9/24"));
    Address promoted = ours(2, "10.0.0.9/24");
    promoted.secondary = true;
    facts.set_address(promoted);
    EXPECT_EQ(facts.addresses(2).back(), promoted) << "known all the same";
    facts.remove_address(promoted);
    facts.set_address(ours(2, "10.0.0.8/24"));
    facts.begin_resync();
    facts.set_link(link(2, "eth0"));
    facts.set_address(address(2, "10.0.0.1/24"));
    facts.end_resync();
    EXPECT_EQ(facts.addresses(2).size(), 1u);
    facts.set_address(ours(3, "10.0.0.8/24"));
    facts.remove_link(3);  // never seen itself
    EXPECT_FALSE(facts.take_changed());
    EXPECT_EQ(facts.version(), version);

    facts.begin_resync();
    facts.set_link(link(2, "eth0"));
    facts.end_resync();
    EXPECT_TRUE(facts.take_changed());
    EXPECT_GT(facts.version(), version);
}

TEST(NetlinkFacts, ANameIsThatOfTheLinkOfWhichItWasSaidLast) {
    Facts facts;
    facts.set_link(link(3, "eth0"));
    facts.set_link(link(5, "eth0"));  // the end of 3 is yet to be told
    EXPECT_EQ(facts.link("eth0")->index, 5);
    facts.remove_link(3);
    ASSERT_NE(facts.link("eth0"), nullptr);
    EXPECT_EQ(facts.link("eth0")->index, 5);
    facts.set_link(link(6, "eth1"));
    facts.set_link(link(6, "eth0"));
    facts.set_link(link(5, "eth1"));  // two swap their names
    EXPECT_EQ(facts.link("eth0")->index, 6);
    EXPECT_EQ(facts.link("eth1")->index, 5);
    facts.begin_resync();
    facts.set_link(link(5, "eth1"));
    facts.end_resync();
    EXPECT_EQ(facts.link("eth0"), nullptr);
    EXPECT_EQ(facts.link("eth1")->index, 5);
}

TEST(NetlinkFacts, FindsTheHoldersOfAnAddressOnAllLinks) {
    Facts facts;
    for (const int index : {3, 1, 2, 4}) facts.set_address(address(index, "10.0.0.1/24"));
    facts.set_address(address(1, "10.0.0.2/24"));
    facts.set_address(address(2, "10.0.0.1/32"));
    const auto links = [&](const char* text) {
        std::vector<int> found;
        for (const Address& holder : facts.holders(ip(text))) found.push_back(holder.link);
        return found;
    };
    EXPECT_EQ(links("10.0.0.1"), (std::vector{1, 2, 2, 3, 4}));
    EXPECT_EQ(links("10.0.0.2"), std::vector{1});
    EXPECT_TRUE(links("10.0.0.3").empty());
    facts.remove_address(address(2, "10.0.0.1/24"));
    facts.remove_link(3);
    EXPECT_EQ(links("10.0.0.1"), (std::vector{1, 2, 4}));
    Address changed = address(4, "10.0.0.1/24");
    changed.secondary = true;
    facts.begin_resync();
    facts.set_address(changed);
    facts.end_resync();
    EXPECT_EQ(links("10.0.0.1"), std::vector{4});
    EXPECT_TRUE(facts.holders(ip("10.0.0.1")).front().secondary);
}

TEST(NetlinkFacts, ALinkTakesItsAddressesAlong) {
    Facts facts;
    for (int index : {1, 2, 3}) {
        facts.set_link(link(index, ("eth" + std::to_string(index)).c_str()));
        facts.set_address(address(index, "10.0.0.1/24"));
        facts.set_address(address(index, "fe80::1/64"));
    }
    facts.remove_link(2);
    EXPECT_EQ(facts.link(2), nullptr);
    EXPECT_TRUE(facts.addresses(2).empty());
    EXPECT_EQ(facts.addresses(1).size(), 2u);
    EXPECT_EQ(facts.addresses(3).size(), 2u);
}

TEST(NetlinkFacts, AFullReadingReplacesWhatItDoesNotSayAgain) {
    Facts facts;
    facts.set_link(link(1, "lo"));
    facts.set_link(link(2, "eth0"));
    facts.set_link(link(3, "eth1"));
    facts.set_address(address(2, "10.0.0.1/24"));
    facts.set_address(address(2, "10.0.0.2/24"));
    facts.take_changed();

    facts.begin_resync();
    facts.set_link(link(1, "lo"));
    facts.begin_resync();  // the first reading broke off
    facts.set_link(link(1, "lo"));
    facts.set_link(link(2, "eth0"));
    facts.set_address(address(2, "10.0.0.2/24"));
    EXPECT_NE(facts.link(3), nullptr) << "nothing goes before the reading is complete";
    facts.end_resync();

    EXPECT_EQ(facts.link(3), nullptr);
    EXPECT_NE(facts.link(1), nullptr);
    ASSERT_EQ(facts.addresses(2).size(), 1u);
    EXPECT_EQ(facts.addresses(2)[0].prefix.to_string(), "10.0.0.2/24");
    EXPECT_TRUE(facts.take_changed());
}

TEST(NetlinkFacts, TwoFarEndsAreTwoAddresses) {
    Facts facts;
    Address first = address(1, "10.0.0.1/32");
    first.peer = ip("10.0.0.2");
    Address second = address(1, "10.0.0.1/32");
    second.peer = ip("10.0.0.3");
    facts.set_address(first);
    facts.set_address(second);
    facts.remove_address(first);
    ASSERT_EQ(facts.addresses(1).size(), 1u);
    EXPECT_EQ(facts.addresses(1)[0].peer, ip("10.0.0.3"));
}

TEST(NetlinkFacts, ThePrimaryIpv4AddressIsNeitherOursNorAVipNorSecondary) {
    Facts facts;
    const std::array vips{ip("10.0.0.100")};
    EXPECT_EQ(facts.primary_address(2, Family::ipv4, vips), std::nullopt);

    Address ours = address(2, "10.0.0.50/24");
    ours.mark = our_mark;
    Address secondary = address(2, "10.0.0.3/24");
    secondary.secondary = true;
    facts.set_address(ours);
    facts.set_address(address(2, "10.0.0.100/24"));
    facts.set_address(address(2, "fe80::1/64"));
    EXPECT_EQ(facts.primary_address(2, Family::ipv4, vips), std::nullopt);
    facts.set_address(secondary);
    EXPECT_EQ(facts.primary_address(2, Family::ipv4, vips), ip("10.0.0.3")) << "better than none";
    facts.set_address(address(2, "10.0.0.4/24"));
    facts.set_address(address(2, "10.0.0.1/24"));
    EXPECT_EQ(facts.primary_address(2, Family::ipv4, vips), ip("10.0.0.4"));
    EXPECT_EQ(facts.primary_address(3, Family::ipv4, vips), std::nullopt);
}

// G13 G14
TEST(NetlinkFacts, ThePrimaryIpv6AddressIsLinkLocalAndReady) {
    Facts facts;
    const std::array vips{ip("fe80::100")};
    Address tentative = address(2, "fe80::9/64");
    tentative.tentative = true;
    facts.set_address(tentative);
    facts.set_address(address(2, "2001:db8::1/64"));
    facts.set_address(address(2, "fe80::100/64"));
    EXPECT_EQ(facts.primary_address(2, Family::ipv6, vips), std::nullopt);
    tentative.tentative = false;
    facts.set_address(tentative);
    EXPECT_EQ(facts.primary_address(2, Family::ipv6, vips), ip("fe80::9"));
}

TEST(NetlinkFacts, ThePrimaryIpv6AddressThatReachesFarIsNeitherLinkLocalNorOurs) {
    Facts facts;
    const std::array vips{ip("2001:db8::100"), ip("2001:db8::101")};
    const auto primary = [&] { return facts.primary_address(2, Family::ipv6, vips, Scope::global); };
    Address tentative = address(2, "2001:db8::9/64");
    tentative.tentative = true;
    for (const char* text : {"::1/128", "fe80::1/64", "2001:db8::100/64", "2001:db8::101/64", "10.0.0.1/24"}) {
        facts.set_address(address(2, text));
    }
    facts.set_address(ours(2, "2001:db8::8/64"));
    facts.set_address(tentative);
    EXPECT_EQ(primary(), std::nullopt);
    facts.set_address(address(2, "2001:db8::1/64"));
    EXPECT_EQ(primary(), ip("2001:db8::1"));
}

}  // namespace
}  // namespace vrrpd::netlink::netlink_facts_test
