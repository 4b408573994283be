#include "vrrpd/io/announcer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "vrrpd/io/socket_option.hpp"

namespace vrrpd {
namespace {

constexpr std::size_t announced_at_once = AnnounceSchedule::pace_count;
constexpr int announcer_buffer = 1 << 20;

Frame frame_of(const Announcement& announcement) {
    const bool ipv4 = announcement.address.family() == Family::ipv4;
    if (announcement.probe) return (ipv4 ? arp_probe : neighbour_probe)(announcement.sender, announcement.address);
    if (ipv4) return gratuitous_arp(announcement.sender, announcement.address);
    return unsolicited_neighbour_advertisement(announcement.sender, announcement.address,
                                               announcement.source.value_or(announcement.address), announcement.router);
}

}  // namespace

struct Announcer::Batch {
    std::array<Frame, announced_at_once> frames;
    std::array<sockaddr_ll, announced_at_once> links;
    std::array<iovec, announced_at_once> vectors;
    std::array<mmsghdr, announced_at_once> messages;

    void prepare(std::size_t index, const Announcement& announcement) {
        const bool ipv4 = announcement.address.family() == Family::ipv4;
        Frame& frame = frames[index];
        frame = frame_of(announcement);
        links[index] = {};
        links[index].sll_family = AF_PACKET;
        links[index].sll_protocol = htons(ipv4 ? ETH_P_ARP : ETH_P_IPV6);
        links[index].sll_ifindex = announcement.link;
        vectors[index] = {frame.bytes.data(), frame.size};
        messages[index] = {};
        messages[index].msg_hdr.msg_name = &links[index];
        messages[index].msg_hdr.msg_namelen = sizeof links[index];
        messages[index].msg_hdr.msg_iov = &vectors[index];
        messages[index].msg_hdr.msg_iovlen = 1;
    }
};

// Protocol 0: a packet socket that is bound to none receives none.
Announcer::Announcer(Loop& loop, std::function<void(const Announcement&, int error)> failed)
    : loop_(loop),
      failed_(std::move(failed)),
      socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)),
      batch_(std::make_unique<Batch>()),
      timer_(loop.timer([this] { send_due(); })) {
    if (!socket_) throw std::system_error(errno, std::generic_category(), "cannot open a packet socket");
    set_send_buffer(socket_.get(), announcer_buffer);
}

Announcer::~Announcer() = default;

void Announcer::announce(const Announcement& announcement) {
    schedule_.burst(announcement, loop_.now());
    arm();
}

void Announcer::cancel(int link, const IpAddress& address) {
    schedule_.cancel(link, address);
    arm();
}

void Announcer::cancel(int link) {
    schedule_.cancel(link);
    arm();
}

void Announcer::arm() {
    const Instant deadline = schedule_.next_deadline();
    if (deadline == armed_) return;
    armed_ = deadline;
    timer_->arm(deadline);
}

// Failures are told last: an address that is cancelled because of one must not be announced after that.
void Announcer::send_due() {
    armed_ = never;
    due_.clear();
    schedule_.due(loop_.now(), due_);
    errors_.assign(due_.size(), 0);
    for (std::size_t from = 0; from < due_.size(); from += announced_at_once) send_batch(from);
    for (std::size_t i = 0; i < due_.size(); ++i) {
        if (errors_[i] != 0) failed_(due_[i], errors_[i]);
    }
    arm();
}

void Announcer::send_batch(std::size_t from) {
    const std::size_t size = std::min(announced_at_once, due_.size() - from);
    for (std::size_t i = 0; i < size; ++i) batch_->prepare(i, due_[from + i]);
    for (std::size_t at = 0; at < size;) {
        const int count = sendmmsg(socket_.get(), batch_->messages.data() + at, static_cast<unsigned>(size - at),
                                   MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0) {
            for (const std::size_t end = at + static_cast<std::size_t>(count); at < end; ++at) {
                ++(due_[from + at].probe ? counters_.probes : counters_.sent);
            }
        } else {
            ++counters_.failed;
            errors_[from + at++] = errno;
        }
    }
}

}  // namespace vrrpd
