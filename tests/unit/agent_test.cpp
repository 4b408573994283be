// The pure parts of the agent: log lines to the letter, and paths from facts.
#include <gtest/gtest.h>

#include "vrrpd/agent/log_lines.hpp"
#include "vrrpd/agent/paths.hpp"

namespace vrrpd {
namespace {

InstanceOptions sample() {
    InstanceOptions options;
    options.name = "VI_1";
    options.interface = "eth0";
    options.virtual_router_id = 51;
    options.priority = 250;
    options.addresses = {{*Prefix::parse("192.168.30.16/24"), "", ""}};
    return options;
}

struct Lines : testing::Test {
    InstanceOptions options = sample();
    Instance instance{0, options};

    Notice notice(Notice::Kind kind) {
        Notice said;
        said.kind = kind;
        said.source = *IpAddress::parse("10.0.0.2");
        said.our_priority = 100;
        return said;
    }
};

TEST_F(Lines, RoleChange) {
    const RoleChanged change{0, Role::backup, Role::master, 250, "no advert heard for 3.023 s"};
    const LogLine line = log_line(change, instance);
    EXPECT_EQ(line.text,
              "(VI_1) Entering MASTER STATE reason=\"no advert heard for 3.023 s\" from=BACKUP priority=250");
    EXPECT_EQ(line.level, log::Level::notice);
}

TEST_F(Lines, FaultIsAWarning) {
    const LogLine line = log_line(RoleChanged{0, Role::master, Role::fault, 250, "eth0 is down"}, instance);
    EXPECT_TRUE(line.text.starts_with("(VI_1) Entering FAULT STATE reason=\"eth0 is down\"")) << line.text;
    EXPECT_EQ(line.level, log::Level::warning);
}

TEST_F(Lines, LowerPriorityDiscarded) {
    Notice said = notice(Notice::Kind::lower_discarded);
    said.their_priority = 99;
    EXPECT_EQ(log_line(said, instance).text, "(VI_1) received lower priority (99) advert from 10.0.0.2 - discarding");
}

TEST_F(Lines, HigherPriorityHeard) {
    Notice said = notice(Notice::Kind::higher_heard);
    said.their_priority = 200;
    EXPECT_EQ(log_line(said, instance).text,
              "(VI_1) Master received advert from 10.0.0.2 with higher priority 200, ours 100");
}

TEST_F(Lines, RefusalsNameTheirReasonAndHowOften) {
    Notice said = notice(Notice::Kind::refused);
    said.refusal = Refusal::auth_fail;
    said.repeated = 7;
    const LogLine line = log_line(said, instance);
    EXPECT_EQ(line.level, log::Level::warning);
    EXPECT_TRUE(line.text.find("reason=auth_fail") != std::string::npos) << line.text;
    EXPECT_TRUE(line.text.ends_with("repeated=7")) << line.text;
}

struct Paths : testing::Test {
    InstanceOptions options = sample();
    netlink::Facts facts;

    Paths() {
        set_link(true, true);
        set_address("192.168.30.10/24", 0);
    }
    void set_link(bool up, bool running) {
        netlink::Link link;
        link.index = 7;
        link.name = "eth0";
        link.up = up;
        link.running = running;
        facts.set_link(link);
    }
    void set_address(const char* text, std::uint8_t mark) {
        netlink::Address address;
        address.link = 7;
        address.prefix = *Prefix::parse(text);
        address.peer = address.prefix.address;
        address.mark = mark;
        facts.set_address(address);
    }
    PathChanged path() { return find_path(0, options, facts, virtual_addresses(std::span(&options, 1))); }
};

TEST_F(Paths, UsablePathHasTheInterfacesOwnAddress) {
    EXPECT_EQ(path().interface_index, 7);
    EXPECT_TRUE(path().up);
    EXPECT_EQ(path().source, IpAddress::parse("192.168.30.10"));
    EXPECT_TRUE(path().reason.empty());
}

TEST_F(Paths, EachFaultNamesTheInterface) {
    set_link(false, false);
    EXPECT_FALSE(path().up);
    EXPECT_EQ(path().reason.view(), "interface eth0 is down");
    set_link(true, false);
    EXPECT_FALSE(path().up);
    EXPECT_EQ(path().reason.view(), "interface eth0 has no carrier");
    options.interface = "eth9";
    EXPECT_EQ(path().interface_index, 0);
    EXPECT_EQ(path().reason.view(), "interface eth9 does not exist");
}

TEST_F(Paths, AVirtualAddressIsNeverTheSource) {
    netlink::Address own;
    own.link = 7;
    own.prefix = *Prefix::parse("192.168.30.10/24");
    own.peer = own.prefix.address;
    facts.remove_address(own);
    set_address("192.168.30.16/24", 0);  // the VIP, whoever put it there
    set_address("192.168.30.77/24", netlink::our_mark);
    EXPECT_FALSE(path().source);
    EXPECT_EQ(path().reason.view(), "interface eth0 has no IPv4 address of its own");
}

TEST_F(Paths, AnOwnersOwnAddressIsTheVirtualOne) {
    netlink::Address own;
    own.link = 7;
    own.prefix = *Prefix::parse("192.168.30.10/24");
    own.peer = own.prefix.address;
    facts.remove_address(own);
    set_address("192.168.30.16/24", 0);
    options.priority = owner_priority;
    EXPECT_EQ(path().source, IpAddress::parse("192.168.30.16"));
}

TEST_F(Paths, FamilyDecidesWhichAddress) {
    options.family = Family::ipv6;
    EXPECT_FALSE(path().source);
    set_address("2001:db8::10/64", 0);
    EXPECT_FALSE(path().source) << "adverts over IPv6 come from a link-local address";
    set_address("fe80::10/64", 0);
    EXPECT_EQ(path().source, IpAddress::parse("fe80::10"));
}

TEST_F(Paths, AnAddressMayLiveOnALinkOfItsOwn) {
    netlink::Link other;
    other.index = 9;
    other.name = "eth1";
    facts.set_link(other);
    EXPECT_EQ(link_of({*Prefix::parse("10.1.1.1"), "eth1", ""}, options, facts)->index, 9);
    EXPECT_EQ(link_of({*Prefix::parse("10.1.1.1"), "", ""}, options, facts)->index, 7);
    EXPECT_EQ(link_of({*Prefix::parse("10.1.1.1"), "eth2", ""}, options, facts), nullptr);
}

}  // namespace
}  // namespace vrrpd
