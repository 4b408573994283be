// The announcements and the probes, byte for byte, and what is read of others'.
#include "vrrpd/core/frames.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "vrrpd/core/checksum.hpp"

namespace vrrpd::frames_test {
namespace {

constexpr MacAddress our_mac = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};

std::vector<std::uint8_t> bytes_of(const Frame& frame) {
    return {frame.view().begin(), frame.view().end()};
}

TEST(GratuitousArp, F01_F02_EveryByte) {
    const std::vector<std::uint8_t> expected = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x08, 0x06,  // Ethernet, broadcast
        0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,                                      // ARP request
        0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 192,  168,  30,   16,                            // sender
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 192,  168,  30,   16,                            // target
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,     // padding
        0,    0,    0,    0};
    EXPECT_EQ(bytes_of(gratuitous_arp(our_mac, *IpAddress::parse("192.168.30.16"))), expected);
    EXPECT_EQ(expected.size(), 60u);
}

TEST(UnsolicitedNeighbourAdvertisement, G02_EveryByte) {
    const std::vector<std::uint8_t> expected = {
        0x33, 0x33, 0x00, 0x00, 0x00, 0x01, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x86, 0xdd,  // to all nodes
        0x60, 0x00, 0x00, 0x00, 0x00, 0x20, 0x3a, 0xff,                                      // 32 bytes, ICMPv6, 255
        0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0x16, 0xff, 0x02, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0,    0,    0x01, 0x88, 0x00, 0x12, 0x68, 0xa0, 0x00, 0x00, 0x00,  // advertisement, R and O
        0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0,    0x16, 0x02, 0x01, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55};  // target link-layer address
    const IpAddress address = *IpAddress::parse("2001:db8::16");
    EXPECT_EQ(bytes_of(unsolicited_neighbour_advertisement(our_mac, address, address, true)), expected);
    EXPECT_EQ(expected.size(), 86u);
}

TEST(UnsolicitedNeighbourAdvertisement, CarriesTheSourceAndFlagsItIsGiven) {
    const IpAddress address = *IpAddress::parse("2001:db8::16");
    const IpAddress source = *IpAddress::parse("fe80::1:2");
    const Frame frame = unsolicited_neighbour_advertisement(our_mac, address, source, false);
    const auto at = [&](std::size_t offset, std::size_t size) { return frame.view().subspan(offset, size); };
    EXPECT_EQ(IpAddress::from_bytes(at(22, 16)), source);
    EXPECT_EQ(IpAddress::from_bytes(at(62, 16)), address);
    EXPECT_EQ(frame.bytes[58], 0x20);  // O alone
    // A receiver sums the pseudo-header and the message with its checksum, and gets nothing.
    EXPECT_EQ(internet_checksum(at(54, 32), partial_sum(at(22, 32)) + 32 + 58), 0);
}

// ---- probes

TEST(ArpProbe, NamesNoSenderAddress) {
    const IpAddress address = *IpAddress::parse("192.168.30.16");
    auto expected = bytes_of(gratuitous_arp(our_mac, address));
    std::fill_n(expected.begin() + 28, 4, std::uint8_t{0});
    EXPECT_EQ(bytes_of(arp_probe(our_mac, address)), expected);
}

TEST(NeighbourProbe, EveryByte) {
    const std::vector<std::uint8_t> expected = {
        0x33, 0x33, 0xff, 0x00, 0x12, 0x16, 0x02, 0x11, 0x22, 0x33, 0x44, 0x55, 0x86, 0xdd,  // to its group
        0x60, 0x00, 0x00, 0x00, 0x00, 0x18, 0x3a, 0xff,                                      // 24 bytes, ICMPv6, 255
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
        0xff, 0x02, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0x01, 0xff, 0x00, 0x12, 0x16,
        0x87, 0x00, 0x28, 0xc3, 0x00, 0x00, 0x00, 0x00,  // solicitation
        0x20, 0x01, 0x0d, 0xb8, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x12, 0x16};
    const Frame frame = neighbour_probe(our_mac, *IpAddress::parse("2001:db8::1216"));
    EXPECT_EQ(bytes_of(frame), expected);
    const auto at = [&](std::size_t offset, std::size_t size) { return frame.view().subspan(offset, size); };
    EXPECT_EQ(internet_checksum(at(54, 24), partial_sum(at(22, 32)) + 24 + 58), 0);
}

// ---- what others claim

const IpAddress vip4 = *IpAddress::parse("192.168.30.16"), vip6 = *IpAddress::parse("2001:db8::16");
constexpr MacAddress their_mac = {0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee};

std::vector<std::uint8_t> arp() {
    return bytes_of(gratuitous_arp(their_mac, vip4));
}
std::vector<std::uint8_t> advertisement() {
    return bytes_of(unsolicited_neighbour_advertisement(their_mac, vip6, vip6, false));
}
std::vector<std::uint8_t> with(std::vector<std::uint8_t> frame, std::size_t at, std::uint8_t value) {
    frame.at(at) = value;
    return frame;
}

TEST(ReadClaim, TheSenderOfArpWhateverItIsFor_G07) {
    const Claim expected{vip4, their_mac};
    EXPECT_EQ(read_claim(arp()), expected);
    EXPECT_EQ(read_claim(with(arp(), 21, 2)), expected);    // a reply
    EXPECT_EQ(read_claim(with(arp(), 41, 99)), expected);   // a question for another address
    EXPECT_EQ(read_claim(with(arp(), 6, 0x04)), expected);  // the frame itself came from elsewhere
}

TEST(ReadClaim, WhatIsNoClaimInArp) {
    EXPECT_FALSE(read_claim(bytes_of(arp_probe(their_mac, vip4))));
    EXPECT_FALSE(read_claim(with(arp(), 21, 3)));  // reverse ARP
    EXPECT_FALSE(read_claim(with(arp(), 21, 0)));
    for (const std::size_t at : {12u, 14u, 15u, 16u, 17u, 18u, 19u, 20u}) {
        EXPECT_FALSE(read_claim(with(arp(), at, 0x77))) << at;
    }
}

TEST(ReadClaim, TheTargetOfAnAdvertisement_G07) {
    EXPECT_EQ(read_claim(advertisement()), (Claim{vip6, their_mac}));
    EXPECT_EQ(read_claim(with(advertisement(), 57, 1)), (Claim{vip6, their_mac}));  // no checksum yet
    // The option says where; without one it is the sender of the frame.
    const MacAddress elsewhere = {0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0x01};
    EXPECT_EQ(read_claim(with(advertisement(), 85, 1)), (Claim{vip6, elsewhere}));
    EXPECT_EQ(read_claim(with(with(advertisement(), 85, 1), 78, 1)), (Claim{vip6, their_mac}));
    EXPECT_EQ(read_claim(with(with(advertisement(), 85, 1), 79, 0)), (Claim{vip6, their_mac}));
    EXPECT_EQ(read_claim(with(with(advertisement(), 85, 1), 79, 2)), (Claim{vip6, their_mac}));
    auto after_another = advertisement();
    after_another.insert(after_another.begin() + 78, {14, 1, 9, 9, 9, 9, 9, 9});
    after_another[19] = 40;
    after_another.back() = 1;
    EXPECT_EQ(read_claim(after_another), (Claim{vip6, elsewhere}));
}

TEST(ReadClaim, WhatIsNoClaimInIpv6) {
    EXPECT_FALSE(read_claim(bytes_of(neighbour_probe(their_mac, vip6))));
    EXPECT_FALSE(read_claim(with(advertisement(), 14, 0x40)));  // version
    EXPECT_FALSE(read_claim(with(advertisement(), 19, 23)));    // shorter than an advertisement
    EXPECT_FALSE(read_claim(with(advertisement(), 19, 33)));    // longer than the frame
    EXPECT_FALSE(read_claim(with(advertisement(), 20, 17)));    // UDP
    EXPECT_FALSE(read_claim(with(advertisement(), 21, 254)));   // from beyond a router
    EXPECT_FALSE(read_claim(with(advertisement(), 54, 135)));
    EXPECT_FALSE(read_claim(with(advertisement(), 55, 1)));  // code
}

TEST(ReadClaim, WhatIsCutOffIsNoClaim) {
    const auto four = arp(), six = advertisement();
    for (std::size_t size = 0; size < 42; ++size) EXPECT_FALSE(read_claim(std::span(four).first(size))) << size;
    EXPECT_TRUE(read_claim(std::span(four).first(42)));
    for (std::size_t size = 0; size < six.size(); ++size) EXPECT_FALSE(read_claim(std::span(six).first(size))) << size;
}

}  // namespace
}  // namespace vrrpd::frames_test
