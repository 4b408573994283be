// The reader of IPv4 datagrams (conformance B07, H28, H29, H30). Input: a datagram, as a raw socket delivers it.
#include <algorithm>
#include <numeric>

#include "tests/fuzz/fuzz.hpp"
#include "vrrpd/io/advert_socket.hpp"

namespace vrrpd::fuzz {
namespace {

void check(View datagram) {
    Packet packet;
    if (!read_ipv4_datagram(datagram, packet)) return;
    require(datagram.size() >= 20 && datagram[0] >> 4 == 4, "what is accepted is IPv4");
    const std::size_t header_size = (datagram[0] & 0xf) * std::size_t{4};
    const std::size_t total_size = datagram[2] * std::size_t{256} + datagram[3];
    require(header_size >= 20 && header_size <= total_size && total_size <= datagram.size(), "the lengths agree");
    require(packet.message.data() == datagram.data() + header_size, "the message begins behind the header");
    require(packet.message.size() == total_size - header_size, "the message ends where the header says");
    require(packet.has_options == (header_size > 20), "a longer header has options");
    require(packet.ttl == datagram[8], "the TTL is that of the header");
    require(std::ranges::equal(packet.source.bytes(), datagram.subspan(12, 4)), "so is the source");
    require(std::ranges::equal(packet.destination.bytes(), datagram.subspan(16, 4)), "so is the destination");
    // Every byte is there to be read: the sanitizer sees to that.
    volatile int sum = std::accumulate(packet.message.begin(), packet.message.end(), 0);
    static_cast<void>(sum);
}

}  // namespace
}  // namespace vrrpd::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vrrpd::fuzz::check({data, size});
    return 0;
}
