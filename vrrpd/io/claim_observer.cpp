#include "vrrpd/io/claim_observer.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "vrrpd/io/advert_filter.hpp"
#include "vrrpd/io/socket_option.hpp"

namespace vrrpd {
namespace {

constexpr int claim_buffer = 32 << 10;      // bytes
constexpr std::size_t longest_claim = 128;  // of a frame what core/frames looks at, options in any usual order

}  // namespace

ClaimObserver::ClaimObserver(Loop& loop, Family family, int interface_index, const ClaimSubscription& ours,
                             ClaimSink sink)
    : loop_(loop),
      family_(family),
      interface_index_(interface_index),
      sink_(std::move(sink)),
      budget_(burst, frame_interval, loop.now()),
      pause_(loop.timer([this] { watch_->interest(readable); })) {
    open();
    configure(ours);
    watch_ = loop.watch(socket_.get(), readable, [this](std::uint32_t) { observe_some(); });
}

// Protocol 0 receives nothing: the socket begins to hear when it is bound, and then its own link only.
void ClaimObserver::open() {
    socket_ = Descriptor(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) throw std::system_error(errno, std::generic_category(), "cannot open a packet socket");
    set_receive_buffer(socket_.get(), claim_buffer);
    attach_filter(socket_.get(), drop_all_program());
    sockaddr_ll link{};
    link.sll_family = AF_PACKET;
    link.sll_protocol = htons(family_ == Family::ipv4 ? ETH_P_ARP : ETH_P_IPV6);
    link.sll_ifindex = interface_index_;
    if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&link), sizeof link) != 0) {
        throw std::system_error(errno, std::generic_category(), "cannot bind a packet socket");
    }
}

void ClaimObserver::configure(const ClaimSubscription& ours) {
    attach_filter(socket_.get(), claim_filter_program(family_, interface_index_, ours));
}

void ClaimObserver::observe_some() {
    const Instant now = loop_.now();
    const std::size_t left = budget_.left(now), count = read(left);
    budget_.take(count, now);
    if (count < left) return;
    watch_->interest(0);
    pause_->arm(budget_.full_at());
}

// An error says that nothing waits, or that the link went down, and is read with that.
std::size_t ClaimObserver::read(std::size_t most) {
    std::array<std::array<std::uint8_t, longest_claim>, burst> frames;
    std::array<iovec, burst> vectors;
    std::array<mmsghdr, burst> messages{};
    for (std::size_t i = 0; i < most; ++i) {
        vectors[i] = {frames[i].data(), frames[i].size()};
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = recvmmsg(socket_.get(), messages.data(), static_cast<unsigned>(most), MSG_DONTWAIT, nullptr);
    if (count <= 0) return 0;
    std::array<Claim, burst> claims;
    std::size_t good = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        const auto claim = read_claim({frames[i].data(), messages[i].msg_len});
        if (claim) claims[good++] = *claim;
    }
    if (good > 0) sink_({claims.data(), good});
    return static_cast<std::size_t>(count);
}

}  // namespace vrrpd
