#include "vrrpd/io/advert_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "vrrpd/io/socket_option.hpp"

namespace vrrpd {
namespace {

constexpr std::size_t longest_ipv4_header = 60;
constexpr std::size_t longest_datagram = longest_ipv4_header + max_message_size;

// What the kernel writes for each IPv6 packet, in this order. Anything beyond it finds no room, and says so by
// MSG_CTRUNC: extension headers, or that there were fragments. Of IPv4, where the packet has its header with it, only
// the latter is asked for, and no room is given at all.
constexpr std::size_t ipv6_control_size = CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(int));

void ask_ipv4(int socket) {
    set_option(socket, IPPROTO_IP, IP_MULTICAST_ALL, 0, "IP_MULTICAST_ALL");
    set_option(socket, IPPROTO_IP, IP_RECVFRAGSIZE, 1, "IP_RECVFRAGSIZE");
}

void ask_ipv6(int socket) {
    set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0, "IPV6_MULTICAST_ALL");
    set_option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO");
    set_option(socket, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, "IPV6_RECVHOPLIMIT");
    set_option(socket, IPPROTO_IPV6, IPV6_RECVHOPOPTS, 1, "IPV6_RECVHOPOPTS");
    set_option(socket, IPPROTO_IPV6, IPV6_RECVDSTOPTS, 1, "IPV6_RECVDSTOPTS");
    set_option(socket, IPPROTO_IPV6, IPV6_RECVRTHDR, 1, "IPV6_RECVRTHDR");
    set_option(socket, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 1, "IPV6_RECVFRAGSIZE");
}

// Joins or leaves: the two options of a family take the same structure. False: errno says why not.
bool change_membership(int socket, int interface_index, const IpAddress& group, int ipv4_option, int ipv6_option) {
    if (group.family() == Family::ipv4) {
        ip_mreqn membership{};
        std::memcpy(&membership.imr_multiaddr, group.bytes().data(), sizeof membership.imr_multiaddr);
        membership.imr_ifindex = interface_index;
        return setsockopt(socket, IPPROTO_IP, ipv4_option, &membership, sizeof membership) == 0;
    }
    ipv6_mreq membership{};
    std::memcpy(&membership.ipv6mr_multiaddr, group.bytes().data(), sizeof membership.ipv6mr_multiaddr);
    membership.ipv6mr_interface = static_cast<unsigned>(interface_index);
    return setsockopt(socket, IPPROTO_IPV6, ipv6_option, &membership, sizeof membership) == 0;
}

bool contains(const std::vector<IpAddress>& groups, const IpAddress& group) {
    return std::ranges::find(groups, group) != groups.end();
}

void read_ipv6_control(msghdr& header, Packet& packet) {
    for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
        if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info;
            std::memcpy(&info, CMSG_DATA(item), sizeof info);
            packet.destination = *IpAddress::from_bytes(info.ipi6_addr.s6_addr);
        } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_HOPLIMIT) {
            int hop_limit;
            std::memcpy(&hop_limit, CMSG_DATA(item), sizeof hop_limit);
            packet.ttl = static_cast<std::uint8_t>(hop_limit);
        }
    }
}

// What one system call fills. Set up once: what the kernel overwrites of a header and needs the next time is the size
// of the control buffer.
struct Batch {
    struct Envelope {
        alignas(cmsghdr) std::array<std::uint8_t, ipv6_control_size> control;
        sockaddr_in6 source;
        iovec vector;
    };
    std::array<mmsghdr, AdvertSocket::batch_size> messages{};
    std::array<Packet, AdvertSocket::batch_size> packets;
    std::array<Envelope, AdvertSocket::batch_size> envelopes;
    // Apart from the rest, so that pages that no datagram needs are never touched.
    std::array<std::array<std::uint8_t, longest_datagram>, AdvertSocket::batch_size> datagrams;

    explicit Batch(Family family) {
        for (std::size_t i = 0; i < messages.size(); ++i) {
            Envelope& envelope = envelopes[i];
            envelope.vector = {datagrams[i].data(), datagrams[i].size()};
            msghdr& header = messages[i].msg_hdr;
            header.msg_iov = &envelope.vector;
            header.msg_iovlen = 1;
            if (family == Family::ipv4) continue;
            header.msg_name = &envelope.source;
            header.msg_namelen = sizeof envelope.source;
            header.msg_control = envelope.control.data();
            header.msg_controllen = envelope.control.size();
        }
    }
};

// One for all sockets of a family: what one has read is used up before the next one is read.
Batch& batch_of(Family family) {
    static Batch ipv4(Family::ipv4), ipv6(Family::ipv6);
    return family == Family::ipv4 ? ipv4 : ipv6;
}

}  // namespace

AdvertSocket::AdvertSocket(Family family, int interface_index, int receive_buffer, Passes passes,
                           const Subscription& subscription)
    : family_(family), interface_index_(interface_index), passes_(passes) {
    open();
    set_receive_buffer(socket_.get(), receive_buffer);
    configure(subscription);
    last_drops_ = kernel_drops();
}

void AdvertSocket::open() {
    char name[IF_NAMESIZE];
    if (if_indextoname(static_cast<unsigned>(interface_index_), name) == nullptr) {
        throw std::system_error(errno, std::generic_category(), "no such interface");
    }
    const bool ipv4 = family_ == Family::ipv4;
    socket_ = Descriptor(::socket(ipv4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, vrrp_protocol));
    if (!socket_) throw std::system_error(errno, std::generic_category(), "cannot open a raw socket");

    // From its birth to this line the socket heard every interface.
    attach_filter(socket_.get(), drop_all_program());
    set_option(socket_.get(), SOL_SOCKET, SO_BINDTOIFINDEX, interface_index_, "SO_BINDTOIFINDEX");
    char discarded = 0;
    while (recv(socket_.get(), &discarded, sizeof discarded, MSG_TRUNC) >= 0) continue;

    if (ipv4) {
        ask_ipv4(socket_.get());
    } else {
        ask_ipv6(socket_.get());
    }
}

void AdvertSocket::configure(const Subscription& subscription) {
    attach_filter(socket_.get(), advert_filter_program(family_, subscription.filter, passes_));
    for (const IpAddress& group : std::vector(joined_)) {
        if (!contains(subscription.groups, group)) leave(group);
    }
    for (const IpAddress& group : subscription.groups) {
        if (!contains(joined_, group)) join(group);
    }
}

void AdvertSocket::join(const IpAddress& group) {
    if (!change_membership(socket_.get(), interface_index_, group, IP_ADD_MEMBERSHIP, IPV6_ADD_MEMBERSHIP)) {
        const int error = errno;
        const bool too_many = family_ == Family::ipv4 && error == ENOBUFS;
        throw std::system_error(
            error, std::generic_category(),
            "cannot join group " + group.to_string() + (too_many ? ", more than net.ipv4.igmp_max_memberships" : ""));
    }
    joined_.push_back(group);
}

// The kernel refuses it only when the membership is gone with the interface.
void AdvertSocket::leave(const IpAddress& group) {
    change_membership(socket_.get(), interface_index_, group, IP_DROP_MEMBERSHIP, IPV6_DROP_MEMBERSHIP);
    std::erase(joined_, group);
}

std::size_t AdvertSocket::read(std::size_t limit, const PacketSink& sink) {
    // An error says that nothing waits, or is one that the socket held (the interface went down) and is now read.
    const auto room = static_cast<unsigned>(std::min(limit, batch_size));
    Batch& batch = batch_of(family_);
    const int count = recvmmsg(socket_.get(), batch.messages.data(), room, MSG_DONTWAIT, nullptr);
    if (count <= 0) return 0;
    const auto read = static_cast<std::size_t>(count);
    std::size_t good = 0, unreadable = 0;
    for (std::size_t i = 0; i < read; ++i) {
        ++(take_apart(i, batch.packets[good]) ? good : unreadable);
    }
    unreadable_ += unreadable;
    if (good > 0) sink({batch.packets.data(), good});
    return read;
}

bool AdvertSocket::take_apart(std::size_t index, Packet& packet) {
    Batch& batch = batch_of(family_);
    const Batch::Envelope& envelope = batch.envelopes[index];
    mmsghdr& message = batch.messages[index];
    packet = {};
    packet.interface_index = interface_index_;
    const std::span<const std::uint8_t> bytes(batch.datagrams[index].data(), message.msg_len);
    if (family_ == Family::ipv6) {
        packet.source = *IpAddress::from_bytes(envelope.source.sin6_addr.s6_addr);
        packet.message = bytes;
        read_ipv6_control(message.msg_hdr, packet);
        message.msg_hdr.msg_controllen = envelope.control.size();
    }
    if (message.msg_hdr.msg_flags & MSG_TRUNC) return false;
    if (family_ == Family::ipv4 && !read_ipv4_datagram(bytes, packet)) return false;
    if (message.msg_hdr.msg_flags & MSG_CTRUNC) packet.has_options = true;
    return true;
}

std::uint32_t AdvertSocket::kernel_drops() const {
    std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
    socklen_t size = sizeof memory;
    if (getsockopt(socket_.get(), SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) {
        throw std::system_error(errno, std::generic_category(), "cannot read SO_MEMINFO");
    }
    return memory[SK_MEMINFO_DROPS];
}

std::uint64_t AdvertSocket::overflowed() {
    const std::uint32_t drops = kernel_drops();
    overflowed_ += drops - last_drops_;  // the kernel's number wraps
    last_drops_ = drops;
    return overflowed_;
}

bool read_ipv4_datagram(std::span<const std::uint8_t> datagram, Packet& packet) {
    constexpr std::size_t shortest_header = 20;
    if (datagram.size() < shortest_header || datagram[0] >> 4 != 4) return false;
    const std::size_t header_size = std::size_t{4} * (datagram[0] & 0x0f);
    const auto total_size = static_cast<std::size_t>(datagram[2] << 8 | datagram[3]);
    if (header_size < shortest_header || header_size > total_size || total_size > datagram.size()) return false;
    packet.source = *IpAddress::from_bytes(datagram.subspan(12, 4));
    packet.destination = *IpAddress::from_bytes(datagram.subspan(16, 4));
    packet.ttl = datagram[8];
    packet.has_options = header_size > shortest_header;
    packet.message = datagram.subspan(header_size, total_size - header_size);
    return true;
}

}  // namespace vrrpd
