#include "vrrpd/io/claim_filter.hpp"

#include <algorithm>
#include <cstddef>

#include <linux/if_packet.h>

namespace vrrpd {
namespace {

constexpr std::uint32_t all_bytes = 0xffffffff;
constexpr std::size_t most_compared = 128;  // also what fits into a program by far
constexpr std::uint32_t ethernet_header = 14;

std::uint32_t number(std::span<const std::uint8_t> bytes) {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : bytes) value = value << 8 | byte;
    return value;
}

// A chain of conditions, each of which ends it or goes on to the next.
class Program {
  public:
    void load(std::uint16_t size, std::uint32_t offset) { emit(BPF_LD | size | BPF_ABS, offset); }
    void require(std::uint32_t value) { drop_unless(BPF_JEQ, value, true); }
    void refuse(std::uint32_t value) { drop_unless(BPF_JEQ, value, false); }
    void require_at_least(std::uint32_t value) { drop_unless(BPF_JGE, value, true); }
    void require_at_most(std::uint32_t value) { drop_unless(BPF_JGT, value, false); }
    void pass() { emit(BPF_RET | BPF_K, all_bytes); }
    void drop() { emit(BPF_RET | BPF_K, 0); }
    /// Goes on behind the next `count` instructions if A is another value.
    void skip_unless(std::uint32_t value, std::uint8_t count) {
        code_.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, count, value});
    }
    void pass_if(std::uint32_t value) {
        skip_unless(value, 1);
        pass();
    }
    std::vector<sock_filter> take() { return std::move(code_); }

  private:
    void emit(int code, std::uint32_t operand) { code_.push_back({static_cast<std::uint16_t>(code), 0, 0, operand}); }
    void drop_unless(int test, std::uint32_t value, bool holds) {
        const auto code = static_cast<std::uint16_t>(BPF_JMP | test | BPF_K);
        code_.push_back({code, static_cast<std::uint8_t>(holds), static_cast<std::uint8_t>(!holds), value});
        drop();
    }
    std::vector<sock_filter> code_;
};

// Not what we sent, nor what came by another link: a socket that is bound to one sees its VLANs, too.
void require_foreign(Program& program, int interface_index, const MacAddress& mac) {
    constexpr std::uint32_t sender = 6;
    program.load(BPF_B, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE));
    program.refuse(PACKET_OUTGOING);
    program.load(BPF_W, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_IFINDEX));
    program.require(static_cast<std::uint32_t>(interface_index));
    // Of the six bytes the last four are compared first; only if they are ours do the other two decide.
    program.load(BPF_W, sender + 2);
    const std::span<const std::uint8_t> bytes(mac);
    program.skip_unless(number(bytes.last(4)), 3);
    program.load(BPF_H, sender);
    program.refuse(number(bytes.first(2)));
}

// Leaves the last 32 bits of the claimed address for what follows. A load past the end drops the packet.
void load_claimed(Program& program, Family family) {
    constexpr std::uint32_t arp_sender = ethernet_header + 14;
    constexpr std::uint32_t next_header = ethernet_header + 6, message = ethernet_header + 40;
    constexpr std::uint32_t target_end = message + 8 + 12;
    if (family == Family::ipv4) return program.load(BPF_W, arp_sender);
    program.load(BPF_H, next_header);
    program.require(58 << 8 | 255);  // ICMPv6 from this link
    program.load(BPF_B, message);
    program.require(136);  // neighbour advertisement
    program.load(BPF_W, target_end);
}

}  // namespace

std::vector<sock_filter> claim_filter_program(Family family, int interface_index, const ClaimSubscription& ours) {
    std::vector<std::uint32_t> keys;
    for (const IpAddress& address : ours.addresses) keys.push_back(number(address.bytes().last(4)));
    std::ranges::sort(keys);
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());

    Program program;
    require_foreign(program, interface_index, ours.mac);
    load_claimed(program, family);
    if (keys.size() <= most_compared) {
        for (const std::uint32_t key : keys) program.pass_if(key);
        program.drop();
    } else {
        program.require_at_least(keys.front());
        program.require_at_most(keys.back());
        program.pass();
    }
    return program.take();
}

}  // namespace vrrpd
