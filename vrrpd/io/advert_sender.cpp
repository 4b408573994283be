#include "vrrpd/io/advert_sender.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include "vrrpd/io/advert_filter.hpp"
#include "vrrpd/io/socket_option.hpp"
#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd {
namespace {

constexpr int vrrp_protocol = 112;
constexpr int traffic_class = 0xc0;   // internetwork control
constexpr int send_buffer = 4 << 20;  // 255 adverts are more than the default holds
constexpr std::size_t batch_size = 64;
constexpr std::size_t control_size = CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(int));

struct Queued {
    Datagram datagram;  // its message is not valid: the bytes are in the queue's
    std::size_t offset;
    std::size_t size;
};

struct Slot {
    alignas(cmsghdr) std::array<std::uint8_t, control_size> control;
    union {
        sockaddr_in ipv4;
        sockaddr_in6 ipv6;
    } destination;
    iovec vector;
};

// Highest of the priorities that need no privilege: first out of Linux's default queue. IP_TOS sets a lower one.
void set_urgent(int socket) {
    set_option(socket, SOL_SOCKET, SO_PRIORITY, 6, "SO_PRIORITY");
}

// A raw socket gets a copy of all that arrives for its protocol. This one wants none, from its first moment.
void set_deaf(int socket) {
    attach_filter(socket, drop_all_program());
    set_option(socket, SOL_SOCKET, SO_RCVBUF, 0, "SO_RCVBUF");
}

void configure_ipv4(int socket) {
    set_option(socket, IPPROTO_IP, IP_TOS, traffic_class, "IP_TOS");
    set_option(socket, IPPROTO_IP, IP_MULTICAST_LOOP, 0, "IP_MULTICAST_LOOP");
}

void configure_ipv6(int socket) {
    set_option(socket, IPPROTO_IPV6, IPV6_TCLASS, traffic_class, "IPV6_TCLASS");
    set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, "IPV6_MULTICAST_LOOP");
}

template <typename Value>
void put_control(cmsghdr* item, int level, int type, const Value& value) {
    item->cmsg_level = level;
    item->cmsg_type = type;
    item->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(item), &value, sizeof value);
}

void address_ipv4(const Datagram& datagram, Slot& slot, msghdr& header) {
    slot.destination.ipv4 = {};
    slot.destination.ipv4.sin_family = AF_INET;
    std::memcpy(&slot.destination.ipv4.sin_addr, datagram.destination.bytes().data(), 4);
    header.msg_namelen = sizeof slot.destination.ipv4;

    in_pktinfo from{};
    from.ipi_ifindex = datagram.interface_index;
    if (datagram.source.family() == Family::ipv4) {
        std::memcpy(&from.ipi_spec_dst, datagram.source.bytes().data(), 4);
    }
    header.msg_controllen = CMSG_SPACE(sizeof from) + CMSG_SPACE(sizeof(int));
    cmsghdr* item = CMSG_FIRSTHDR(&header);
    put_control(item, IPPROTO_IP, IP_PKTINFO, from);
    put_control(CMSG_NXTHDR(&header, item), IPPROTO_IP, IP_TTL, int{datagram.ttl});
}

void address_ipv6(const Datagram& datagram, Slot& slot, msghdr& header) {
    const bool needs_scope = datagram.destination.is_multicast() || datagram.destination.is_link_local();
    slot.destination.ipv6 = {};
    slot.destination.ipv6.sin6_family = AF_INET6;
    slot.destination.ipv6.sin6_scope_id = needs_scope ? static_cast<std::uint32_t>(datagram.interface_index) : 0;
    std::memcpy(&slot.destination.ipv6.sin6_addr, datagram.destination.bytes().data(), 16);
    header.msg_namelen = sizeof slot.destination.ipv6;

    in6_pktinfo from{};
    from.ipi6_ifindex = static_cast<unsigned>(datagram.interface_index);
    if (datagram.source.family() == Family::ipv6) {
        std::memcpy(&from.ipi6_addr, datagram.source.bytes().data(), 16);
    }
    header.msg_controllen = CMSG_SPACE(sizeof from) + CMSG_SPACE(sizeof(int));
    cmsghdr* item = CMSG_FIRSTHDR(&header);
    put_control(item, IPPROTO_IPV6, IPV6_PKTINFO, from);
    put_control(CMSG_NXTHDR(&header, item), IPPROTO_IPV6, IPV6_HOPLIMIT, int{datagram.ttl});
}

}  // namespace

/// The socket of one family and what waits for it.
class AdvertSender::Channel {
  public:
    explicit Channel(Family family) : family_(family) {
        const int domain = family == Family::ipv4 ? AF_INET : AF_INET6;
        socket_ = Descriptor(::socket(domain, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, vrrp_protocol));
        if (!socket_ && errno == EAFNOSUPPORT) return;
        if (!socket_) throw std::system_error(errno, std::generic_category(), "cannot open a raw socket");
        set_deaf(socket_.get());
        if (family == Family::ipv4) {
            configure_ipv4(socket_.get());
        } else {
            configure_ipv6(socket_.get());
        }
        set_urgent(socket_.get());
        set_send_buffer(socket_.get(), send_buffer);
        queued_.reserve(batch_size);
        bytes_.reserve(batch_size * 64);
    }

    void queue(const Datagram& datagram) {
        queued_.push_back({datagram, bytes_.size(), datagram.message.size()});
        bytes_.insert(bytes_.end(), datagram.message.begin(), datagram.message.end());
    }

    std::size_t flush(const std::function<void(std::size_t, int)>& failed) {
        std::size_t sent = 0;
        for (std::size_t from = 0; from < queued_.size(); from += batch_size) {
            sent += send_batch(std::span(queued_).subspan(from, std::min(batch_size, queued_.size() - from)), failed);
        }
        queued_.clear();
        bytes_.clear();
        return sent;
    }

  private:
    std::size_t send_batch(std::span<const Queued> batch, const std::function<void(std::size_t, int)>& failed) {
        for (std::size_t i = 0; i < batch.size(); ++i) prepare(i, batch[i]);
        std::size_t sent = 0;
        for (std::size_t at = 0; at < batch.size();) {
            // After a message that fails the kernel returns the number before it; the error comes with the next call.
            const int count = sendmmsg(socket_.get(), messages_.data() + at, static_cast<unsigned>(batch.size() - at),
                                       MSG_DONTWAIT | MSG_NOSIGNAL);
            if (count > 0) {
                sent += static_cast<std::size_t>(count);
                at += static_cast<std::size_t>(count);
            } else {
                failed(batch[at].datagram.tag, socket_ ? errno : EAFNOSUPPORT);
                ++at;
            }
        }
        return sent;
    }

    void prepare(std::size_t index, const Queued& queued) {
        Slot& slot = slots_[index];
        slot.vector = {bytes_.data() + queued.offset, queued.size};
        slot.control.fill(0);
        messages_[index] = {};
        msghdr& header = messages_[index].msg_hdr;
        header.msg_name = &slot.destination;
        header.msg_iov = &slot.vector;
        header.msg_iovlen = 1;
        header.msg_control = slot.control.data();
        header.msg_controllen = slot.control.size();
        if (family_ == Family::ipv4) {
            address_ipv4(queued.datagram, slot, header);
        } else {
            address_ipv6(queued.datagram, slot, header);
        }
    }

    Family family_;
    Descriptor socket_;
    std::vector<Queued> queued_;
    std::vector<std::uint8_t> bytes_;
    std::array<Slot, batch_size> slots_;
    std::array<mmsghdr, batch_size> messages_;
};

AdvertSender::AdvertSender()
    : ipv4_(std::make_unique<Channel>(Family::ipv4)), ipv6_(std::make_unique<Channel>(Family::ipv6)) {}
AdvertSender::~AdvertSender() = default;

void AdvertSender::queue(const Datagram& datagram) {
    (datagram.destination.family() == Family::ipv4 ? ipv4_ : ipv6_)->queue(datagram);
}

std::size_t AdvertSender::flush(const std::function<void(std::size_t, int)>& failed) {
    return ipv4_->flush(failed) + ipv6_->flush(failed);
}

}  // namespace vrrpd
