// The reader of claims (conformance G07, H43). Input: an Ethernet frame, as a packet socket delivers it.
#include <algorithm>

#include "tests/fuzz/fuzz.hpp"
#include "vrrpd/core/frames.hpp"

namespace vrrpd::fuzz {
namespace {

void check(View frame) {
    const auto claim = read_claim(frame);
    if (!claim) return;
    const bool ipv4 = claim->address.family() == Family::ipv4;
    require(frame.size() >= (ipv4 ? 42u : 78u), "a claim has room for an address");
    require(frame[12] == (ipv4 ? 0x08 : 0x86) && frame[13] == (ipv4 ? 0x06 : 0xdd), "its type is that of its family");
    require(!ipv4 || !claim->address.is_unspecified(), "a probe claims nothing");
    require(std::ranges::equal(claim->address.bytes(), frame.subspan(ipv4 ? 28 : 62, ipv4 ? 4 : 16)),
            "the address is where the standard has it");
    const auto mac = std::search(frame.begin(), frame.end(), claim->mac.begin(), claim->mac.end());
    require(mac != frame.end(), "the MAC is in the frame");
    Bytes padded(frame.begin(), frame.end());
    padded.resize(padded.size() + 18);
    require(read_claim(padded) == claim, "padding, as Ethernet adds it, changes nothing");
}

}  // namespace
}  // namespace vrrpd::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vrrpd::fuzz::check({data, size});
    return 0;
}
