#include "vrrpd/io/advert_receiver.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <netinet/in.h>
#include <sys/socket.h>

#include "vrrpd/io/socket_option.hpp"

namespace vrrpd {
namespace {

constexpr int vrrp_protocol = 112;
constexpr int receive_buffer = 4 << 20;
constexpr std::size_t longest_ipv4_header = 60;
constexpr std::size_t longest_datagram = longest_ipv4_header + max_message_size;
constexpr std::size_t control_size = 256;  // an extension header that is longer is seen all the same

void join_ipv4(int socket, int interface_index) {
    ip_mreqn membership{};
    std::memcpy(&membership.imr_multiaddr, vrrp_group(Family::ipv4).bytes().data(), 4);
    membership.imr_ifindex = interface_index;
    set_option(socket, IPPROTO_IP, IP_MULTICAST_ALL, 0, "IP_MULTICAST_ALL");
    set_option(socket, IPPROTO_IP, IP_RECVFRAGSIZE, 1, "IP_RECVFRAGSIZE");
    set_option(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, membership, "IP_ADD_MEMBERSHIP");
}

void join_ipv6(int socket, int interface_index) {
    ipv6_mreq membership{};
    std::memcpy(&membership.ipv6mr_multiaddr, vrrp_group(Family::ipv6).bytes().data(), 16);
    membership.ipv6mr_interface = static_cast<unsigned>(interface_index);
    set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0, "IPV6_MULTICAST_ALL");
    set_option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO");
    set_option(socket, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, "IPV6_RECVHOPLIMIT");
    set_option(socket, IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1, "IPV6_RECVHOPOPTS");
    set_option(socket, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1, "IPV6_RECVDSTOPTS");
    set_option(socket, IPPROTO_IPV6, IPV6_RECVRTHDR, 1, "IPV6_RECVRTHDR");
    set_option(socket, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 1, "IPV6_RECVFRAGSIZE");
    set_option(socket, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, membership, "IPV6_ADD_MEMBERSHIP");
}

// Adds what the kernel tells of a packet beside its bytes.
void read_control(msghdr& header, Packet& packet) {
    for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
        if (item->cmsg_level == IPPROTO_IP) {
            packet.has_options |= item->cmsg_type == IP_RECVFRAGSIZE;
        } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(item), sizeof info);
            packet.destination = *IpAddress::from_bytes(info.ipi6_addr.s6_addr);
        } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_HOPLIMIT) {
            int hop_limit = 0;
            std::memcpy(&hop_limit, CMSG_DATA(item), sizeof hop_limit);
            packet.ttl = static_cast<std::uint8_t>(hop_limit);
        } else if (item->cmsg_level == IPPROTO_IPV6) {
            packet.has_options = true;
        }
    }
}

}  // namespace

struct AdvertReceiver::Batch {
    struct Slot {
        std::array<std::uint8_t, longest_datagram> bytes;
        alignas(cmsghdr) std::array<std::uint8_t, control_size> control;
        sockaddr_in6 source;
        iovec vector;
    };
    std::array<Slot, batch_size> slots;
    std::array<mmsghdr, batch_size> messages;
    std::size_t used = batch_size;

    // The kernel writes lengths into the headers of the messages it fills; only those need to be set again.
    void reset() {
        for (std::size_t i = 0; i < used; ++i) {
            Slot& slot = slots[i];
            slot.vector = {slot.bytes.data(), slot.bytes.size()};
            messages[i] = {};
            msghdr& header = messages[i].msg_hdr;
            header.msg_name = &slot.source;
            header.msg_namelen = sizeof slot.source;
            header.msg_iov = &slot.vector;
            header.msg_iovlen = 1;
            header.msg_control = slot.control.data();
            header.msg_controllen = slot.control.size();
        }
        used = 0;
    }
};

AdvertReceiver::AdvertReceiver(Loop& loop, Family family, int interface_index, const AdvertFilter& filter,
                               std::function<void(const Packet&)> receive)
    : family_(family),
      interface_index_(interface_index),
      receive_(std::move(receive)),
      batch_(std::make_unique<Batch>()) {
    open_socket(filter);
    watch_ = loop.watch(socket_.get(), readable, [this](std::uint32_t) { drain(1); });
}

AdvertReceiver::~AdvertReceiver() = default;

void AdvertReceiver::open_socket(const AdvertFilter& filter) {
    const int domain = family_ == Family::ipv4 ? AF_INET : AF_INET6;
    socket_ = Descriptor(::socket(domain, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, vrrp_protocol));
    if (!socket_) throw std::system_error(errno, std::generic_category(), "cannot open a raw socket");
    const int socket = socket_.get();

    // From its birth to this line the socket heard every interface.
    attach_filter(socket, drop_all_program());
    set_option(socket, SOL_SOCKET, SO_BINDTOIFINDEX, interface_index_, "SO_BINDTOIFINDEX");
    char discarded = 0;
    while (recv(socket, &discarded, sizeof discarded, MSG_TRUNC) >= 0) continue;

    set_receive_buffer(socket, receive_buffer);
    set_filter(filter);
    if (family_ == Family::ipv4) {
        join_ipv4(socket, interface_index_);
    } else {
        join_ipv6(socket, interface_index_);
    }
}

void AdvertReceiver::set_filter(const AdvertFilter& filter) {
    attach_filter(socket_.get(), advert_filter_program(family_, filter));
}

std::size_t AdvertReceiver::drain(std::size_t batches) {
    std::size_t total = 0;
    for (std::size_t batch = 0; batch < batches; ++batch) {
        const std::size_t count = read_batch();
        total += count;
        if (count < batch_size) break;
    }
    return total;
}

std::size_t AdvertReceiver::read_batch() {
    batch_->reset();
    // An error says that nothing waits, or is one that the socket held (the interface went down) and is now read.
    const int count = recvmmsg(socket_.get(), batch_->messages.data(), batch_size, MSG_DONTWAIT, nullptr);
    if (count <= 0) return 0;
    batch_->used = static_cast<std::size_t>(count);
    for (std::size_t i = 0; i < batch_->used; ++i) deliver(i);
    return batch_->used;
}

void AdvertReceiver::deliver(std::size_t index) {
    Batch::Slot& slot = batch_->slots[index];
    mmsghdr& message = batch_->messages[index];
    if (message.msg_hdr.msg_flags & MSG_TRUNC) {
        ++counters_.truncated;
        return;
    }
    const std::span<const std::uint8_t> bytes(slot.bytes.data(), message.msg_len);
    Packet packet;
    if (family_ == Family::ipv4) {
        const auto datagram = read_ipv4_datagram(bytes);
        if (!datagram) {
            ++counters_.malformed;
            return;
        }
        packet = *datagram;
    } else {
        packet.source = *IpAddress::from_bytes(slot.source.sin6_addr.s6_addr);
        packet.message = bytes;
    }
    packet.interface_index = interface_index_;
    read_control(message.msg_hdr, packet);
    ++counters_.received;
    receive_(packet);
}

std::optional<Packet> read_ipv4_datagram(std::span<const std::uint8_t> datagram) {
    constexpr std::size_t shortest_header = 20;
    if (datagram.size() < shortest_header || datagram[0] >> 4 != 4) return std::nullopt;
    const std::size_t header_size = std::size_t{4} * (datagram[0] & 0x0f);
    const auto total_size = static_cast<std::size_t>(datagram[2] << 8 | datagram[3]);
    if (header_size < shortest_header || header_size > total_size || total_size > datagram.size()) {
        return std::nullopt;
    }
    Packet packet;
    packet.source = *IpAddress::from_bytes(datagram.subspan(12, 4));
    packet.destination = *IpAddress::from_bytes(datagram.subspan(16, 4));
    packet.ttl = datagram[8];
    packet.has_options = header_size > shortest_header;
    packet.message = datagram.subspan(header_size, total_size - header_size);
    return packet;
}

}  // namespace vrrpd
