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
constexpr std::size_t ethernet_header = 14;
constexpr std::size_t icmpv6_size = 32;  // the advertisement and one option
constexpr std::uint8_t icmpv6_protocol = 58;
constexpr std::uint8_t neighbour_advertisement = 136;

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

// The checksum of the ICMPv6 message at the end of a frame, which covers more than the message (RFC 8200 section 8.1).
void seal(Frame& frame, std::size_t message) {
    constexpr std::size_t addresses = ethernet_header + 8;
    const auto ends = frame.view().subspan(addresses, 32);
    const auto size = static_cast<std::uint32_t>(frame.size - message);
    const std::uint16_t checksum =
        internet_checksum(frame.view().subspan(message), partial_sum(ends) + size + icmpv6_protocol);
    frame.bytes[message + 2] = static_cast<std::uint8_t>(checksum >> 8);
    frame.bytes[message + 3] = static_cast<std::uint8_t>(checksum);
}

// A broadcast request: `said` is the address that the sender has, `asked` the one that it asks for.
Frame arp_request(const MacAddress& sender, const IpAddress& said, const IpAddress& asked) {
    assert(said.family() == Family::ipv4 && asked.family() == Family::ipv4);
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
        .bytes(said.bytes())
        .bytes(MacAddress{})
        .bytes(asked.bytes());
    frame.size = minimum_frame;
    return frame;
}

std::optional<Claim> read_arp(std::span<const std::uint8_t> packet) {
    constexpr std::array<std::uint8_t, 7> ethernet_and_ipv4 = {0, 1, 8, 0, 6, 4, 0};
    constexpr std::size_t size = 28;
    if (packet.size() < size || !std::ranges::equal(packet.first(7), ethernet_and_ipv4)) return std::nullopt;
    const std::uint8_t operation = packet[7];
    if (operation != 1 && operation != 2) return std::nullopt;
    Claim claim{*IpAddress::from_bytes(packet.subspan(14, 4)), {}};
    if (claim.address.is_unspecified()) return std::nullopt;
    std::ranges::copy(packet.subspan(8, 6), claim.mac.begin());
    return claim;
}

// The hardware address of a target link-layer option; none: it is that of the frame.
std::optional<MacAddress> read_target_option(std::span<const std::uint8_t> options) {
    constexpr std::uint8_t target_link_layer = 2;
    while (options.size() >= 8) {
        const std::size_t size = std::size_t{8} * options[1];
        if (size == 0 || size > options.size()) return std::nullopt;
        if (options[0] == target_link_layer) {
            MacAddress mac;
            std::ranges::copy(options.subspan(2, 6), mac.begin());
            return mac;
        }
        options = options.subspan(size);
    }
    return std::nullopt;
}

std::optional<Claim> read_advertisement(std::span<const std::uint8_t> packet, const MacAddress& sender) {
    constexpr std::size_t header = 40, fixed = 24;
    if (packet.size() < header + fixed || packet[0] >> 4 != 6) return std::nullopt;
    const auto length = static_cast<std::size_t>(packet[4] << 8 | packet[5]);
    const bool from_this_link = packet[6] == icmpv6_protocol && packet[7] == 255;
    if (!from_this_link || length < fixed || length > packet.size() - header) return std::nullopt;
    const auto message = packet.subspan(header, length);
    if (message[0] != neighbour_advertisement || message[1] != 0) return std::nullopt;
    return Claim{*IpAddress::from_bytes(message.subspan(8, 16)),
                 read_target_option(message.subspan(fixed)).value_or(sender)};
}

}  // namespace

Frame gratuitous_arp(const MacAddress& sender, const IpAddress& address) {
    return arp_request(sender, address, address);
}

Frame arp_probe(const MacAddress& sender, const IpAddress& address) {
    return arp_request(sender, IpAddress(), address);
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
    writer.u8(neighbour_advertisement).u8(0).u16(0);
    writer.u8(static_cast<std::uint8_t>(override_flag | (router ? router_flag : 0))).u8(0).u16(0);
    writer.bytes(address.bytes());
    writer.u8(2).u8(1).bytes(sender);
    seal(frame, message);
    return frame;
}

Frame neighbour_probe(const MacAddress& sender, const IpAddress& address) {
    assert(address.family() == Family::ipv6);
    constexpr std::array<std::uint8_t, 16> unspecified{};
    constexpr std::uint16_t size = 24;
    const auto end = address.bytes().last(3);
    std::array<std::uint8_t, 16> group = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff};
    std::ranges::copy(end, group.begin() + 13);
    MacAddress group_mac = {0x33, 0x33, 0xff};
    std::ranges::copy(end, group_mac.begin() + 3);

    Frame frame;
    Writer writer(frame);
    writer.bytes(group_mac).bytes(sender).u16(0x86dd);
    writer.u16(0x6000).u16(0).u16(size).u8(icmpv6_protocol).u8(255).bytes(unspecified).bytes(group);
    const std::size_t message = frame.size;
    writer.u8(135).u8(0).u16(0).u16(0).u16(0).bytes(address.bytes());
    seal(frame, message);
    return frame;
}

std::optional<Claim> read_claim(std::span<const std::uint8_t> frame) {
    if (frame.size() < ethernet_header) return std::nullopt;
    const int type = frame[12] << 8 | frame[13];
    const auto packet = frame.subspan(ethernet_header);
    if (type == 0x0806) return read_arp(packet);
    if (type != 0x86dd) return std::nullopt;
    MacAddress sender;
    std::ranges::copy(frame.subspan(6, 6), sender.begin());
    return read_advertisement(packet, sender);
}

}  // namespace vrrpd
