#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "netlink/messages.hpp"

namespace vrrpd::netlink::netlink_messages_test {
namespace {

// A message put together by hand, so that what libnl builds is not judged by libnl alone.
class Bytes {
  public:
    template <typename Header>
    Bytes(std::uint16_t type, const Header& header) {
        nlmsghdr message{};
        message.nlmsg_type = type;
        append(&message, sizeof message);
        append(&header, sizeof header);
    }
    Bytes& attribute(std::uint16_t type, const std::vector<std::uint8_t>& payload) {
        const nlattr head{static_cast<std::uint16_t>(sizeof(nlattr) + payload.size()), type};
        append(&head, sizeof head);
        append(payload.data(), payload.size());
        return *this;
    }
    Bytes& flags(std::uint16_t flags) {
        message().nlmsg_flags = flags;
        return *this;
    }
    nlmsghdr& message() {
        auto& header = *reinterpret_cast<nlmsghdr*>(bytes_.data());
        header.nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
        return header;
    }

  private:
    void append(const void* data, std::size_t size) {
        const auto* first = static_cast<const std::uint8_t*>(data);
        bytes_.insert(bytes_.end(), first, first + size);
        bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    }
    std::vector<std::uint8_t> bytes_;
};

ifaddrmsg address_header(int family, int length, std::uint8_t flags = 0) {
    ifaddrmsg header{};
    header.ifa_family = static_cast<std::uint8_t>(family);
    header.ifa_prefixlen = static_cast<std::uint8_t>(length);
    header.ifa_flags = flags;
    header.ifa_index = 7;
    return header;
}

ifinfomsg link_header(unsigned flags, int family = AF_UNSPEC) {
    ifinfomsg header{};
    header.ifi_family = static_cast<unsigned char>(family);
    header.ifi_index = 7;
    header.ifi_flags = flags;
    return header;
}

TEST(NetlinkMessages, ReadsAnAddressWithItsMarkAndFarEnd) {
    auto bytes = Bytes(RTM_NEWADDR, address_header(AF_INET, 24))
                     .attribute(IFA_ADDRESS, {10, 0, 0, 2})
                     .attribute(IFA_LOCAL, {10, 0, 0, 1})
                     .attribute(IFA_FLAGS, {IFA_F_SECONDARY, 0, 0, 0})
                     .attribute(IFA_PROTO, {our_mark});
    const auto address = parse_address(bytes.message());
    ASSERT_TRUE(address);
    EXPECT_EQ(address->link, 7);
    EXPECT_EQ(address->prefix.to_string(), "10.0.0.1/24");
    EXPECT_EQ(address->peer.to_string(), "10.0.0.2");
    EXPECT_EQ(address->mark, our_mark);
    EXPECT_TRUE(address->secondary);
    EXPECT_FALSE(address->tentative);
}

TEST(NetlinkMessages, TheTemporaryBitOfIpv6IsNotSecondary) {
    auto bytes = Bytes(RTM_NEWADDR, address_header(AF_INET6, 64, IFA_F_TEMPORARY | IFA_F_TENTATIVE))
                     .attribute(IFA_ADDRESS, {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    const auto address = parse_address(bytes.message());
    ASSERT_TRUE(address);
    EXPECT_EQ(address->prefix.to_string(), "fe80::1/64");
    EXPECT_FALSE(address->secondary);
    EXPECT_TRUE(address->tentative);
}

TEST(NetlinkMessages, RefusesAddressesThatMakeNoSense) {
    EXPECT_FALSE(parse_address(Bytes(RTM_NEWADDR, address_header(AF_INET, 24)).message())) << "no address";
    EXPECT_FALSE(
        parse_address(Bytes(RTM_NEWADDR, address_header(AF_INET, 33)).attribute(IFA_LOCAL, {10, 0, 0, 1}).message()));
    EXPECT_FALSE(parse_address(
        Bytes(RTM_NEWADDR, address_header(AF_INET6, 64)).attribute(IFA_ADDRESS, {10, 0, 0, 1}).message()));
    EXPECT_FALSE(
        parse_address(Bytes(RTM_NEWADDR, address_header(AF_INET, 24)).attribute(IFA_LOCAL, {10, 0, 0}).message()));
    EXPECT_FALSE(
        parse_address(Bytes(RTM_NEWADDR, address_header(AF_BRIDGE, 24)).attribute(IFA_LOCAL, {10, 0, 0, 1}).message()));
    EXPECT_FALSE(parse_address(Bytes(RTM_NEWADDR, std::uint32_t{0}).message())) << "short header";
}

TEST(NetlinkMessages, ReadsALinkAndKeepsWhatANoticeLeavesOut) {
    Facts known;
    auto full = Bytes(RTM_NEWLINK, link_header(IFF_UP | IFF_RUNNING))
                    .attribute(IFLA_IFNAME, {'e', 't', 'h', '0', 0})
                    .attribute(IFLA_ADDRESS, {2, 0, 0, 0, 0, 1});
    const auto link = parse_link(full.message(), known);
    ASSERT_TRUE(link);
    EXPECT_EQ(link->name, "eth0");
    EXPECT_TRUE(link->up && link->running);
    EXPECT_EQ(link->mac, (std::array<std::uint8_t, 6>{2, 0, 0, 0, 0, 1}));

    known.set_link(*link);
    auto partial = Bytes(RTM_NEWLINK, link_header(IFF_UP));
    const auto after = parse_link(partial.message(), known);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->name, "eth0");
    EXPECT_EQ(after->mac, link->mac);
    EXPECT_FALSE(after->running);
    EXPECT_FALSE(parse_link(partial.message(), Facts())) << "a link without a name";
}

TEST(NetlinkMessages, WhatNobodyAsksForMakesNoDifference) {
    const auto link_with = [](unsigned flags, std::uint8_t mtu) {
        return *parse_link(Bytes(RTM_NEWLINK, link_header(flags))
                               .attribute(IFLA_IFNAME, {'e', 't', 'h', '0', 0})
                               .attribute(IFLA_MTU, {mtu, 5, 0, 0})
                               .message(),
                           Facts());
    };
    EXPECT_EQ(link_with(IFF_UP, 0xdc), link_with(IFF_UP | IFF_MULTICAST | IFF_PROMISC, 0));
    const auto address_with = [](std::uint8_t flags) {
        return *parse_address(Bytes(RTM_NEWADDR, address_header(AF_INET, 24))
                                  .attribute(IFA_LOCAL, {10, 0, 0, 1})
                                  .attribute(IFA_FLAGS, {flags, 0, 0, 0})
                                  .message());
    };
    EXPECT_EQ(address_with(0), address_with(IFA_F_DEPRECATED));
}

TEST(NetlinkMessages, ABridgeThatLosesAPortIsNoLinkThatGoes) {
    auto bytes = Bytes(RTM_DELLINK, link_header(IFF_UP, AF_BRIDGE)).attribute(IFLA_IFNAME, {'e', 't', 'h', '0', 0});
    EXPECT_FALSE(parse_link(bytes.message(), Facts()));
}

TEST(NetlinkMessages, ANameWithoutItsEndIsRefused) {
    auto bytes = Bytes(RTM_NEWLINK, link_header(0)).attribute(IFLA_IFNAME, {'e', 't', 'h', '0'});
    EXPECT_FALSE(parse_link(bytes.message(), Facts()));
}

TEST(NetlinkMessages, ReadsExtendedAcksCappedAndWhole) {
    nlmsgerr said{};
    said.error = -EADDRNOTAVAIL;
    said.msg.nlmsg_seq = 42;
    said.msg.nlmsg_len = sizeof(nlmsghdr) + 8;
    const std::vector<std::uint8_t> text{'n', 'o', 0};

    auto capped = Bytes(NLMSG_ERROR, said).attribute(NLMSGERR_ATTR_MSG, text).flags(NLM_F_ACK_TLVS | NLM_F_CAPPED);
    auto ack = parse_ack(capped.message());
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->sequence, 42u);
    EXPECT_EQ(ack->error, EADDRNOTAVAIL);
    EXPECT_EQ(ack->text, "no");

    struct {
        nlmsgerr said;
        std::uint8_t request[8] = {};
    } whole{said};
    auto uncapped = Bytes(NLMSG_ERROR, whole).attribute(NLMSGERR_ATTR_MSG, text).flags(NLM_F_ACK_TLVS);
    ack = parse_ack(uncapped.message());
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->text, "no");

    whole.said.msg.nlmsg_len = 0xffffffff;  // a length that points far behind the message
    ack = parse_ack(Bytes(NLMSG_ERROR, whole).attribute(NLMSGERR_ATTR_MSG, text).flags(NLM_F_ACK_TLVS).message());
    ASSERT_TRUE(ack);
    EXPECT_EQ(ack->text, "");
    EXPECT_FALSE(parse_ack(Bytes(NLMSG_ERROR, std::uint32_t{0}).message()));
}

TEST(NetlinkMessages, TheEndOfADumpSaysWhetherItBrokeOff) {
    EXPECT_EQ(parse_dump_end(Bytes(NLMSG_DONE, std::int32_t{0}).message()), 0);
    EXPECT_EQ(parse_dump_end(Bytes(NLMSG_DONE, std::int32_t{-EMSGSIZE}).message()), EMSGSIZE);
    EXPECT_EQ(parse_dump_end(Bytes(NLMSG_ERROR, std::int32_t{0}).message()), std::nullopt);
    // Fuzzing found it: the smallest number has no positive twin.
    EXPECT_EQ(parse_dump_end(Bytes(NLMSG_DONE, std::numeric_limits<std::int32_t>::min()).message()), EPROTO);
}

TEST(NetlinkMessages, WhatWeAskForReadsBackAsWhatWeMeant) {
    for (const char* text : {"10.0.0.1/24", "10.0.0.1/32", "2001:db8::1/128", "2001:db8::1/64"}) {
        auto bytes = addition_request(7, *Prefix::parse(text), "eth0:1", 5);
        auto& message = *reinterpret_cast<nlmsghdr*>(bytes.data());
        ASSERT_EQ(message.nlmsg_type, RTM_NEWADDR);
        EXPECT_EQ(message.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
        EXPECT_EQ(message.nlmsg_seq, 5u);
        const auto address = parse_address(message);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->prefix.to_string(), text);
        EXPECT_EQ(address->peer, address->prefix.address);
        EXPECT_EQ(address->link, 7);
        EXPECT_EQ(address->mark, our_mark);

        auto removal = removal_request(7, *Prefix::parse(text), 6);
        auto& gone = *reinterpret_cast<nlmsghdr*>(removal.data());
        ASSERT_EQ(gone.nlmsg_type, RTM_DELADDR);
        EXPECT_EQ(gone.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
        EXPECT_EQ(gone.nlmsg_seq, 6u);
        ASSERT_TRUE(parse_address(gone)) << text;
        EXPECT_EQ(parse_address(gone)->link, 7);
        EXPECT_EQ(parse_address(gone)->prefix.to_string(), text);
    }
    EXPECT_TRUE(addition_request(7, *Prefix::parse("10.0.0.1"), std::string(16, 'x'), 1).empty());
}

rtmsg route_header(int family, int length, std::uint8_t protocol = our_mark) {
    rtmsg header{};
    header.rtm_family = static_cast<std::uint8_t>(family);
    header.rtm_dst_len = static_cast<std::uint8_t>(length);
    header.rtm_table = 100;
    header.rtm_protocol = protocol;
    return header;
}

TEST(NetlinkMessages, ReadsARouteOfOurs) {
    auto bytes = Bytes(RTM_NEWROUTE, route_header(AF_INET, 16))
                     .attribute(RTA_DST, {10, 1, 0, 0})
                     .attribute(RTA_GATEWAY, {10, 0, 0, 2})
                     .attribute(RTA_PREFSRC, {10, 0, 0, 1})
                     .attribute(RTA_OIF, {7, 0, 0, 0})
                     .attribute(RTA_PRIORITY, {50, 0, 0, 0});
    const auto route = parse_route(bytes.message());
    ASSERT_TRUE(route);
    EXPECT_EQ(route->link, 7);
    EXPECT_EQ(route->destination.to_string(), "10.1.0.0/16");
    EXPECT_EQ(route->gateway, IpAddress::parse("10.0.0.2"));
    EXPECT_EQ(route->source, IpAddress::parse("10.0.0.1"));
    EXPECT_EQ(route->table, 100u);
    EXPECT_EQ(route->metric, 50u);

    auto everything = Bytes(RTM_NEWROUTE, route_header(AF_INET6, 0)).attribute(RTA_TABLE, {0xe8, 3, 0, 0});
    const auto all = parse_route(everything.message());
    ASSERT_TRUE(all);
    EXPECT_EQ(all->destination.to_string(), "::/0");
    EXPECT_EQ(all->table, 1000u);
    EXPECT_FALSE(all->gateway || all->source);
}

TEST(NetlinkMessages, RefusesRoutesOfOthersAndSuchAsMakeNoSense) {
    const auto read = [](const rtmsg& header, std::uint16_t type = RTM_NEWROUTE) {
        return parse_route(Bytes(type, header).attribute(RTA_DST, {10, 1, 0, 0}).message());
    };
    EXPECT_TRUE(read(route_header(AF_INET, 16)));
    EXPECT_FALSE(read(route_header(AF_INET, 16, RTPROT_STATIC)));
    EXPECT_FALSE(read(route_header(AF_INET, 16), RTM_DELROUTE));
    EXPECT_FALSE(read(route_header(AF_INET, 33)));
    EXPECT_FALSE(read(route_header(AF_INET6, 16))) << "an address of another family";
    EXPECT_FALSE(read(route_header(AF_MPLS, 16)));
    EXPECT_FALSE(parse_route(Bytes(RTM_NEWROUTE, std::uint32_t{0}).message())) << "short header";
    auto short_number = Bytes(RTM_NEWROUTE, route_header(AF_INET, 16)).attribute(RTA_PRIORITY, {1, 2});
    EXPECT_FALSE(parse_route(short_number.message()));
}

TEST(NetlinkMessages, ARouteThatWeAskForReadsBackAsWhatWeMeant) {
    Route near;
    near.link = 7;
    near.destination = *Prefix::parse("10.1.0.0/16");
    near.table = 1000;
    Route far = near;
    far.destination = *Prefix::parse("2001:db8:1::/48");
    far.gateway = IpAddress::parse("fe80::1");
    far.source = IpAddress::parse("2001:db8::9");
    far.table = 100;
    far.metric = 50;
    for (const Route& route : {near, far}) {
        auto bytes = addition_request(route, 5);
        auto& message = *reinterpret_cast<nlmsghdr*>(bytes.data());
        EXPECT_EQ(message.nlmsg_type, RTM_NEWROUTE);
        EXPECT_EQ(message.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
        EXPECT_EQ(message.nlmsg_seq, 5u);
        EXPECT_EQ(parse_route(message), route);
        const auto& header = *static_cast<const rtmsg*>(NLMSG_DATA(&message));
        EXPECT_EQ(header.rtm_type, RTN_UNICAST);
        EXPECT_EQ(header.rtm_scope, route.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK);
        EXPECT_EQ(header.rtm_table, route.table < 256 ? route.table : RT_TABLE_UNSPEC);

        auto removal = removal_request(route, 6);
        auto& gone = *reinterpret_cast<nlmsghdr*>(removal.data());
        EXPECT_EQ(gone.nlmsg_type, RTM_DELROUTE);
        EXPECT_EQ(gone.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
        EXPECT_EQ(gone.nlmsg_seq, 6u);
        gone.nlmsg_type = RTM_NEWROUTE;
        Route without_source = route;
        without_source.source.reset();
        EXPECT_EQ(parse_route(gone), without_source);
    }
    far.metric = 0;
    auto bytes = removal_request(far, 7);
    auto& message = *reinterpret_cast<nlmsghdr*>(bytes.data());
    message.nlmsg_type = RTM_NEWROUTE;
    EXPECT_EQ(parse_route(message)->metric, 1024u) << "without a metric the kernel removes the first it comes to";
}

// Meant for a build with the address sanitizer: whatever comes, nothing outside the datagram is read.
TEST(NetlinkMessages, GarbageIsReadWithinItsBounds) {
    std::mt19937 random(20240607);
    Facts facts;
    std::size_t understood = 0;
    const auto read = [&](nlmsghdr& message) {
        understood += parse_address(message).has_value() + parse_link(message, facts).has_value() +
                      parse_route(message).has_value() + parse_ack(message).has_value() +
                      parse_dump_end(message).has_value();
    };
    for (int round = 0; round < 20000; ++round) {
        auto whole = Bytes(static_cast<std::uint16_t>(random() % 28), address_header(AF_INET, 24))
                         .attribute(IFA_LOCAL, {10, 0, 0, 1})
                         .attribute(IFLA_IFNAME, {'e', 0});
        const auto& header = whole.message();
        const auto* first = reinterpret_cast<const std::uint8_t*>(&header);
        std::vector<std::uint8_t> datagram(first, first + header.nlmsg_len);
        for (auto flips = random() % 6; flips > 0; --flips) {
            datagram[random() % datagram.size()] = static_cast<std::uint8_t>(random());
        }
        datagram.resize(random() % (datagram.size() + 1));
        datagram.shrink_to_fit();
        for_each_message(datagram, read);
    }
    EXPECT_GT(understood, 0u);
}

}  // namespace
}  // namespace vrrpd::netlink::netlink_messages_test
