// The announcements, byte for byte.
#include "vrrpd/core/frames.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "vrrpd/core/checksum.hpp"

namespace vrrpd {
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

}  // namespace
}  // namespace vrrpd
