#include "vrrpd/io/advert_observer.hpp"

#include <algorithm>

namespace vrrpd {
namespace {

// In bytes: room for about 80 small packets of a virtual link, and 30 of a network card, which have larger pages.
constexpr int receive_buffer = 32 << 10;

}  // namespace

AdvertObserver::AdvertObserver(Loop& loop, Family family, int interface_index, const Subscription& subscription,
                               PacketSink observe)
    : loop_(loop),
      observe_(std::move(observe)),
      socket_(family, interface_index, receive_buffer, Passes::others, subscription),
      full_at_(loop.now()),
      pause_(loop.timer([this] { refill(); })),
      watch_(loop.watch(socket_.descriptor(), readable, [this](std::uint32_t) { observe_some(); })) {}

void AdvertObserver::observe_some() {
    const Instant now = loop_.now();
    const Duration taken = std::max(full_at_ - now, Duration::zero());
    const auto left = burst - static_cast<std::size_t>((taken + packet_interval - Duration(1)) / packet_interval);
    const std::size_t read = socket_.read(left, observe_);
    full_at_ = now + taken + read * packet_interval;
    if (read < left) return;
    watch_->interest(0);
    pause_->arm(full_at_);
}

void AdvertObserver::refill() {
    socket_.overflowed();  // often enough for the kernel's counter not to wrap unseen
    watch_->interest(readable);
}

}  // namespace vrrpd
