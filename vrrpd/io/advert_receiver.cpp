#include "vrrpd/io/advert_receiver.hpp"

namespace vrrpd {
namespace {

constexpr int receive_buffer = 4 << 20;  // bytes

}  // namespace

AdvertReceiver::AdvertReceiver(Loop& loop, Family family, int interface_index, const Subscription& subscription,
                               PacketSink receive)
    : receive_(std::move(receive)),
      socket_(family, interface_index, receive_buffer, Passes::wanted, subscription),
      watch_(loop.watch(socket_.descriptor(), readable, [this](std::uint32_t) { drain(1); })) {}

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
