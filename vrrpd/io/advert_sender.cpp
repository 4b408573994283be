#include "vrrpd/io/advert_sender.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <deque>
#include <system_error>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include "vrrpd/core/packet.hpp"
#include "vrrpd/io/socket_option.hpp"
#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd {
// Named, since members of a class are of these types.
inline namespace advert_sender {

constexpr int traffic_class = 0xc0;        // internetwork control
constexpr int usual_ttl = 255;             // said for a message only where it differs: short ancillary data cost less
constexpr int sender_buffer = 4 << 20;     // 255 adverts are more than the default holds
constexpr std::size_t sent_at_once = 128;  // what leaves in one system call; each takes room for good

// Highest of the priorities that need no privilege: first out of Linux's default queue. IP_TOS sets a lower one.
void set_urgent(int socket) {
    set_option(socket, SOL_SOCKET, SO_PRIORITY, 6, "SO_PRIORITY");
}

// A raw socket gets a copy of all that arrives for its protocol. This one wants none: it binds to a group that nothing
// is ever sent to, which leaves its source address open and costs less for each packet than a filter.
template <typename SocketAddress>
void bind_deaf(int socket, const SocketAddress& nowhere) {
    if (bind(socket, reinterpret_cast<const sockaddr*>(&nowhere), sizeof nowhere) != 0) {
        throw std::system_error(errno, std::generic_category(), "cannot bind a raw socket");
    }
    set_option(socket, SOL_SOCKET, SO_RCVBUF, 0, "SO_RCVBUF");  // for what came before
}

// Ancillary data of one kind, laid out as the kernel reads it: a cmsghdr, which cannot be a member, and its value.
template <typename Value>
struct Control {
    std::size_t length = CMSG_LEN(sizeof(Value));
    int level;
    int type;
    Value value{};
};
template <typename Value>
constexpr bool is_laid_out_well = sizeof(Control<Value>) == CMSG_SPACE(sizeof(Value)) &&
                                  offsetof(Control<Value>, level) == offsetof(cmsghdr, cmsg_level) &&
                                  offsetof(Control<Value>, type) == offsetof(cmsghdr, cmsg_type) &&
                                  offsetof(Control<Value>, value) == CMSG_LEN(0);
static_assert(is_laid_out_well<in_pktinfo> && is_laid_out_well<in6_pktinfo> && is_laid_out_well<int>);

// The part of a message that is of one family: where to, from where, how far.
struct Ipv4 {
    static constexpr int domain = AF_INET;

    static void configure(int socket) {
        sockaddr_in nowhere{};
        nowhere.sin_family = AF_INET;
        nowhere.sin_addr.s_addr = htonl(INADDR_UNSPEC_GROUP);
        bind_deaf(socket, nowhere);
        set_option(socket, IPPROTO_IP, IP_TOS, traffic_class, "IP_TOS");
        set_option(socket, IPPROTO_IP, IP_MULTICAST_TTL, usual_ttl, "IP_MULTICAST_TTL");
        set_option(socket, IPPROTO_IP, IP_TTL, usual_ttl, "IP_TTL");
        set_option(socket, IPPROTO_IP, IP_MULTICAST_LOOP, 0, "IP_MULTICAST_LOOP");
    }

    void address(const Datagram& datagram) {
        std::memcpy(&to.sin_addr, datagram.destination.bytes().data(), sizeof to.sin_addr);
        control.from.value.ipi_ifindex = datagram.interface_index;
        // An unspecified source is all zero, of whatever family.
        std::memcpy(&control.from.value.ipi_spec_dst, datagram.source.bytes().data(), sizeof(in_addr));
        control.ttl.value = datagram.ttl;
    }

    sockaddr_in to{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {}, .sin_zero = {}};
    struct {
        Control<in_pktinfo> from{.level = IPPROTO_IP, .type = IP_PKTINFO};
        Control<int> ttl{.level = IPPROTO_IP, .type = IP_TTL};
    } control;
};

struct Ipv6 {
    static constexpr int domain = AF_INET6;

    static void configure(int socket) {
        sockaddr_in6 nowhere{};
        nowhere.sin6_family = AF_INET6;
        nowhere.sin6_addr.s6_addr[0] = 0xff;  // ff00::
        set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0, "IPV6_MULTICAST_ALL");
        bind_deaf(socket, nowhere);
        set_option(socket, IPPROTO_IPV6, IPV6_TCLASS, traffic_class, "IPV6_TCLASS");
        set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, usual_ttl, "IPV6_MULTICAST_HOPS");
        set_option(socket, IPPROTO_IPV6, IPV6_UNICAST_HOPS, usual_ttl, "IPV6_UNICAST_HOPS");
        set_option(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, "IPV6_MULTICAST_LOOP");
    }

    void address(const Datagram& datagram) {
        const bool needs_scope = datagram.destination.is_multicast() || datagram.destination.is_link_local();
        std::memcpy(&to.sin6_addr, datagram.destination.bytes().data(), sizeof to.sin6_addr);
        to.sin6_scope_id = needs_scope ? static_cast<std::uint32_t>(datagram.interface_index) : 0;
        control.from.value.ipi6_ifindex = static_cast<unsigned>(datagram.interface_index);
        control.from.value.ipi6_addr = {};
        if (datagram.source.family() == Family::ipv6) {
            std::memcpy(&control.from.value.ipi6_addr, datagram.source.bytes().data(), sizeof(in6_addr));
        }
        control.hop_limit.value = datagram.ttl;
    }

    sockaddr_in6 to{.sin6_family = AF_INET6, .sin6_port = 0, .sin6_flowinfo = 0, .sin6_addr = {}, .sin6_scope_id = 0};
    struct {
        Control<in6_pktinfo> from{.level = IPPROTO_IPV6, .type = IPV6_PKTINFO};
        Control<int> hop_limit{.level = IPPROTO_IPV6, .type = IPV6_HOPLIMIT};
    } control;
};

}  // namespace advert_sender

/// The socket of one family and a batch that waits for it. Slots are set up once and filled in place.
template <typename Protocol>
class AdvertSender::Channel {
  public:
    Channel() {
        socket_ = Descriptor(::socket(Protocol::domain, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, vrrp_protocol));
        if (!socket_ && errno == EAFNOSUPPORT) return;
        if (!socket_) throw std::system_error(errno, std::generic_category(), "cannot open a raw socket");
        Protocol::configure(socket_.get());
        set_urgent(socket_.get());
        set_send_buffer(socket_.get(), sender_buffer);
    }

    void queue(const Datagram& datagram) {
        if (used_ == sent_at_once) send();
        if (used_ == slots_.size()) add_slot();
        msghdr& header = messages_[used_].msg_hdr;
        Slot& slot = slots_[used_++];
        const auto& control = slot.protocol.control;
        header.msg_controllen = datagram.ttl == usual_ttl ? sizeof control.from : sizeof control;
        slot.tag = datagram.tag;
        slot.bytes.assign(datagram.message.begin(), datagram.message.end());
        slot.vector = {slot.bytes.data(), slot.bytes.size()};
        slot.protocol.address(datagram);
    }

    std::size_t flush(const std::function<void(std::size_t, int)>& failed) {
        send();
        for (const Failure& failure : failures_) failed(failure.tag, failure.error);
        failures_.clear();
        return std::exchange(sent_, 0);
    }

  private:
    struct Slot {
        Protocol protocol;
        iovec vector;
        std::vector<std::uint8_t> bytes;
        std::size_t tag;
    };
    struct Failure {
        std::size_t tag;
        int error;
    };

    void send() {
        for (std::size_t at = 0; at < used_;) {
            // After a message that fails the kernel returns the number before it; the error comes with the next call.
            const int count = sendmmsg(socket_.get(), messages_.data() + at, static_cast<unsigned>(used_ - at),
                                       MSG_DONTWAIT | MSG_NOSIGNAL);
            if (count > 0) {
                sent_ += static_cast<std::size_t>(count);
                at += static_cast<std::size_t>(count);
            } else {
                failures_.push_back({slots_[at].tag, socket_ ? errno : EAFNOSUPPORT});
                ++at;
            }
        }
        used_ = 0;
    }

    void add_slot() {
        Slot& slot = slots_.emplace_back();
        msghdr& header = messages_.emplace_back().msg_hdr;
        header.msg_name = &slot.protocol.to;
        header.msg_namelen = sizeof slot.protocol.to;
        header.msg_iov = &slot.vector;
        header.msg_iovlen = 1;
        header.msg_control = &slot.protocol.control;
    }

    Descriptor socket_;
    std::deque<Slot> slots_;         // where they are they stay: the messages point to them
    std::vector<mmsghdr> messages_;  // one for each slot
    std::size_t used_ = 0;
    // Since the last flush.
    std::size_t sent_ = 0;
    std::vector<Failure> failures_;
};

struct AdvertSender::Channels {
    Channel<Ipv4> ipv4;
    Channel<Ipv6> ipv6;
};

AdvertSender::AdvertSender() : channels_(std::make_unique<Channels>()) {}
AdvertSender::~AdvertSender() = default;

void AdvertSender::queue(const Datagram& datagram) {
    if (datagram.destination.family() == Family::ipv4) {
        channels_->ipv4.queue(datagram);
    } else {
        channels_->ipv6.queue(datagram);
    }
}

std::size_t AdvertSender::flush(const std::function<void(std::size_t, int)>& failed) {
    return channels_->ipv4.flush(failed) + channels_->ipv6.flush(failed);
}

}  // namespace vrrpd
