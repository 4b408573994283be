#include "vrrpd/io/advert_receiver.hpp"

namespace vrrpd {
namespace {

constexpr int receiver_buffer = 4 << 20;  // bytes

}  // namespace

AdvertReceiver::AdvertReceiver(Loop& loop, Family family, int interface_index, const Subscription& subscription,
                               PacketSink receive)
    : loop_(loop),
      receive_(std::move(receive)),
      socket_(family, interface_index, receiver_buffer, Passes::wanted, subscription),
      rest_(loop.timer([this] { watch_->interest(readable); })),
      watch_(loop.watch(socket_.descriptor(), readable, [this](std::uint32_t) { on_readable(); })) {}

void AdvertReceiver::on_readable() {
    const Instant now = loop_.now();
    const std::size_t count = drain(1);
    // A full batch: there is more already, and nothing to wait for.
    if (count < batch_size && now - woken_ < 2 * rest) {
        watch_->interest(0);
        rest_->arm(now + rest);
    }
    woken_ = now;
}

std::size_t AdvertReceiver::drain(std::size_t batches) {
    std::size_t total = 0;
    for (std::size_t batch = 0; batch < batches; ++batch) {
        const std::size_t count = socket_.read(batch_size, receive_);
        total += count;
        if (count < batch_size) break;
    }
    return total;
}

}  // namespace vrrpd
