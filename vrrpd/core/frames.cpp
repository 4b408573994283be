#include "vrrpd/core/frames.hpp"

#include <algorithm>
#include <cassert>

#include "vrrpd/core/checksum.hpp"

namespace vrrpd {
namespace {

constexpr MacAddress broadcast_mac = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr MacAddress all_nodes_mac = {0x33, 0x33, 0x00, 0x00, 0x00, 0x01};
constexpr std::array<std::uint8_t, 16> all_nodes = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01};

constexpr std::size_t minimum_frame = 60;
constexpr std::size_t icmpv6_size = 32;  // the advertisement and one option
constexpr std::uint8_t icmpv6_protocol = 58;

// Appends fields in wire order.
class Writer {
  public:
    explicit Writer(Frame& frame) : frame_(frame) {}

    Writer& bytes(std::span<const std::uint8_t> field) {
        std::copy(field.begin(), field.end(), frame_.bytes.begin() + static_cast<std::ptrdiff_t>(frame_.size));
        frame_.size += field.size();
        return *this;
    }
    Writer& u8(std::uint8_t value) { return bytes({&value, 1}); }
    Writer& u16(std::uint16_t value) {
        return u8(static_cast<std::uint8_t>(value >> 8)).u8(static_cast<std::uint8_t>(value));
    }

  private:
    Frame& frame_;
};

// The sum over what an ICMPv6 checksum covers besides the message (RFC 8200 section 8.1).
std::uint32_t pseudo_header_sum(const IpAddress& source) {
    const std::uint32_t addresses = partial_sum(all_nodes, partial_sum(source.bytes()));
    return addresses + icmpv6_size + icmpv6_protocol;
}

}  // namespace

Frame gratuitous_arp(const MacAddress& sender, const IpAddress& address) {
    assert(address.family() == Family::ipv4);
    Frame frame;
    Writer(frame)
        .bytes(broadcast_mac)
        .bytes(sender)
        .u16(0x0806)
        .u16(1)       // hardware: Ethernet
        .u16(0x0800)  // protocol: IPv4
        .u8(6)
        .u8(4)
        .u16(1)  // request
        .bytes(sender)
        .bytes(address.bytes())
        .bytes(MacAddress{})
        .bytes(address.bytes());
    frame.size = minimum_frame;
    return frame;
}

Frame unsolicited_neighbour_advertisement(const MacAddress& sender, const IpAddress& address, const IpAddress& source,
                                          bool router) {
    assert(address.family() == Family::ipv6 && source.family() == Family::ipv6);
    constexpr std::uint8_t router_flag = 0x80;
    constexpr std::uint8_t override_flag = 0x20;
    Frame frame;
    Writer writer(frame);
    writer.bytes(all_nodes_mac).bytes(sender).u16(0x86dd);
    writer.u16(0x6000).u16(0).u16(icmpv6_size).u8(icmpv6_protocol).u8(255).bytes(source.bytes()).bytes(all_nodes);

    const std::size_t message = frame.size;
    writer.u8(136).u8(0).u16(0);
    writer.u8(static_cast<std::uint8_t>(override_flag | (router ? router_flag : 0))).u8(0).u16(0);
    writer.bytes(address.bytes());
    writer.u8(2).u8(1).bytes(sender);

    const std::uint16_t checksum = internet_checksum(frame.view().subspan(message), pseudo_header_sum(source));
    frame.bytes[message + 2] = static_cast<std::uint8_t>(checksum >> 8);
    frame.bytes[message + 3] = static_cast<std::uint8_t>(checksum);
    return frame;
}

}  // namespace vrrpd
