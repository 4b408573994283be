// IP headers that no VRRP sender would make: what reaches the core of them, and with which mark.
#include <algorithm>

#include "tests/unit/io_advert_support.hpp"
#include "vrrpd/core/checksum.hpp"

namespace vrrpd::io_hostile_headers_test {
namespace {

using namespace test;

TEST_F(Adverts, AMessageLongerThanAnyAdvertIsCountedAndDropped) {
    Ear ear(loop, lan.far(), "far0", Family::ipv4, wants({51, 52}));
    send({ipv4(advert(51, max_message_size + 100)), ipv4(advert(52))});
    hear(ear, 1);
    EXPECT_EQ(ear.virtual_router_ids(), std::vector<int>({52}));
    EXPECT_EQ(ear.receiver->unreadable(), 1u);
}

class Headers : public AdvertsOfFamily {};
INSTANTIATE_TEST_SUITE_P(Families, Headers, testing::Values(Family::ipv4, Family::ipv6), name_of);

TEST_P(Headers, H31_H33_AReassembledAdvertSaysSo) {
    Ear ear(loop, lan.far(), "far0", GetParam(), wants({51, 52}));
    const Bytes message = advert(51, 3000), whole = advert(52);
    send({multicast(GetParam(), message), multicast(GetParam(), whole)});
    hear(ear, 2);
    EXPECT_EQ(ear.heard.at(0).message, message);
    EXPECT_TRUE(ear.heard.at(0).packet.has_options);
    EXPECT_EQ(ear.heard.at(1).message, whole);
    EXPECT_FALSE(ear.heard.at(1).packet.has_options);

    // The place that the first one had is used again.
    send({multicast(GetParam(), whole)});
    hear(ear, 3);
    EXPECT_FALSE(ear.heard.at(2).packet.has_options);
    EXPECT_EQ(ear.heard.at(2).packet.destination, vrrp_group(GetParam()));
    EXPECT_EQ(ear.heard.at(2).packet.ttl, 255);
}

// Frames made by hand, for what no socket would send.
Bytes ipv4_frame(const Bytes& options, const Bytes& message, int total_length_error = 0) {
    Bytes header = {0x45, 0xc0, 0, 0, 0, 0, 0, 0, 255, 112, 0, 0, 10, 77, 0, 1, 224, 0, 0, 18};
    header.insert(header.end(), options.begin(), options.end());
    header[0] = static_cast<std::uint8_t>(0x40 | header.size() / 4);
    const auto total = static_cast<int>(header.size() + message.size()) + total_length_error;
    header[2] = static_cast<std::uint8_t>(total >> 8);
    header[3] = static_cast<std::uint8_t>(total);
    const std::uint16_t checksum = internet_checksum(header);
    header[10] = static_cast<std::uint8_t>(checksum >> 8);
    header[11] = static_cast<std::uint8_t>(checksum);
    Bytes frame = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x12, 2, 0, 0, 0, 0, 1, 0x08, 0x00};
    frame.insert(frame.end(), header.begin(), header.end());
    frame.insert(frame.end(), message.begin(), message.end());
    frame.resize(std::max<std::size_t>(frame.size(), 60));
    return frame;
}

Bytes ipv6_frame(std::uint8_t next_header, const Bytes& extension, const Bytes& message) {
    const std::size_t payload = extension.size() + message.size();
    Bytes frame = {0x33, 0x33, 0x00, 0x00, 0x00, 0x12, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x6c, 0, 0, 0};
    frame.insert(frame.end(), {static_cast<std::uint8_t>(payload >> 8), static_cast<std::uint8_t>(payload)});
    frame.insert(frame.end(), {next_header, 255});
    for (const char* text : {"fe80::77", "ff02::12"}) {
        const IpAddress one = address(text);
        frame.insert(frame.end(), one.bytes().begin(), one.bytes().end());
    }
    frame.insert(frame.end(), extension.begin(), extension.end());
    frame.insert(frame.end(), message.begin(), message.end());
    return frame;
}

TEST_F(Adverts, B07_H28_H29_H30_HostileIpv4Headers) {
    Ear ear(loop, lan.far(), "far0", Family::ipv4, wants({1, 2, 3, 4, 5, 6, 7}));
    Tap tap(lan.near(), "near0", ETH_P_LOOP);
    tap.put(ipv4_frame({}, advert(1, 8)));                     // padded to the minimum of Ethernet
    tap.put(ipv4_frame({1, 1, 1, 1}, advert(2)));              // four NOPs
    tap.put(ipv4_frame({0x94, 0x04, 0x00, 0x00}, advert(3)));  // router alert
    tap.put(ipv4_frame(Bytes(40, 1), advert(4)));              // longest header
    tap.put(ipv4_frame({}, advert(5, 40), +20));               // promises more than it has
    tap.put(ipv4_frame({}, advert(6, 40), -4));                // has more than it promises
    tap.put(ipv4_frame({}, advert(7)));
    hear(ear, 6);
    EXPECT_EQ(ear.virtual_router_ids(), std::vector<int>({1, 2, 3, 4, 6, 7}));
    std::vector<bool> options;
    for (const auto& one : ear.heard) options.push_back(one.packet.has_options);
    EXPECT_EQ(options, std::vector<bool>({false, true, true, true, false, false}));
    EXPECT_EQ(ear.heard.at(0).message, advert(1, 8));
    EXPECT_EQ(ear.heard.at(3).message, advert(4));
    EXPECT_EQ(ear.heard.at(4).message.size(), 36u);
}

TEST_F(Adverts, H32_H33_Ipv6ExtensionHeadersAreSeen) {
    Ear ear(loop, lan.far(), "far0", Family::ipv6, wants({1, 2, 3, 4, 5, 6}));
    Tap tap(lan.near(), "near0", ETH_P_LOOP);
    const Bytes padding = {112, 0, 1, 4, 0, 0, 0, 0};
    // Two experimental options, to be skipped by whoever does not know them.
    Bytes long_options = {112, 40, 0x1e, 255};
    long_options.resize(8 * 41);
    long_options[4 + 255] = 0x1e;
    long_options[4 + 255 + 1] = 8 * 41 - (4 + 255 + 2);
    tap.put(ipv6_frame(0, padding, advert(1)));                      // hop by hop
    tap.put(ipv6_frame(60, padding, advert(2)));                     // destination options
    tap.put(ipv6_frame(44, {112, 0, 0, 0, 1, 2, 3, 4}, advert(3)));  // atomic fragment
    tap.put(ipv6_frame(43, {112, 0, 4, 0, 0, 0, 0, 0}, advert(4)));  // routing: Linux drops it
    tap.put(ipv6_frame(60, long_options, advert(5)));                // too long for what we keep of it
    tap.put(ipv6_frame(112, {}, advert(6)));
    hear(ear, 5);
    EXPECT_EQ(ear.virtual_router_ids(), std::vector<int>({1, 2, 3, 5, 6}));
    for (const auto& [packet, message] : ear.heard) {
        EXPECT_EQ(packet.has_options, message.at(1) != 6) << int{message.at(1)};
        EXPECT_EQ(message, advert(message.at(1)));
        EXPECT_EQ(packet.ttl, 255);
    }
}

TEST(Ipv4Datagram, NothingIsReadPastItsEnd) {
    const Bytes frame = ipv4_frame({1, 1, 1, 1}, advert(9));
    const Bytes datagram(frame.begin() + 14, frame.begin() + 14 + 24 + 12);
    Packet packet;
    ASSERT_TRUE(read_ipv4_datagram(datagram, packet));
    EXPECT_EQ(packet.message.size(), 12u);
    for (std::size_t size = 0; size < datagram.size(); ++size) {
        const Bytes shorter(datagram.begin(), datagram.begin() + static_cast<int>(size));
        EXPECT_FALSE(read_ipv4_datagram(shorter, packet)) << size;
    }
    Bytes bad = datagram;
    for (const std::uint8_t first : {0x44, 0x40, 0x4f, 0x65, 0x05}) {
        bad[0] = first;
        EXPECT_FALSE(read_ipv4_datagram(bad, packet)) << int{first};
    }
    bad = datagram;
    bad[3] = 23;  // total length inside the header
    EXPECT_FALSE(read_ipv4_datagram(bad, packet));
}

}  // namespace
}  // namespace vrrpd::io_hostile_headers_test
