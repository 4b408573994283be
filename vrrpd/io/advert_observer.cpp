#include "vrrpd/io/advert_observer.hpp"

namespace vrrpd {
namespace {

// In bytes: room for about 80 small packets of a virtual link, and 30 of a network card, which have larger pages.
constexpr int observer_buffer = 32 << 10;

}  // namespace

AdvertObserver::AdvertObserver(Loop& loop, Family family, int interface_index, const Subscription& subscription,
                               PacketSink observe)
    : loop_(loop),
      observe_(std::move(observe)),
      socket_(family, interface_index, observer_buffer, Passes::others, subscription),
      budget_(burst, packet_interval, loop.now()),
      pause_(loop.timer([this] { refill(); })),
      watch_(loop.watch(socket_.descriptor(), readable, [this](std::uint32_t) { observe_some(); })) {}

void AdvertObserver::observe_some() {
    const Instant now = loop_.now();
    const std::size_t left = budget_.left(now), read = socket_.read(left, observe_);
    budget_.take(read, now);
    if (read < left) return;
    watch_->interest(0);
    pause_->arm(budget_.full_at());
}

void AdvertObserver::refill() {
    socket_.overflowed();  // often enough for the kernel's counter not to wrap unseen
    watch_->interest(readable);
}

}  // namespace vrrpd
