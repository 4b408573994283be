#include "vrrpd/io/advert_filter.hpp"

#include <cerrno>
#include <cstddef>
#include <system_error>

#include <sys/socket.h>

namespace vrrpd {
namespace {

constexpr std::uint32_t all_bytes = 0xffffffff;
constexpr std::uint32_t ipv4_ttl_offset = 8;
constexpr std::uint32_t ipv6_hop_limit_offset = static_cast<std::uint32_t>(SKF_NET_OFF + 7);
constexpr std::uint32_t smallest_advert = 8;

// A program as a chain of conditions, all of which hold for what is wanted.
class Program {
  public:
    void emit(std::uint16_t code, std::uint32_t operand) { code_.push_back({code, 0, 0, operand}); }

    /// Goes on with the next instruction if `test` holds; the packet is one of the others if not.
    void require(std::uint16_t test, std::uint32_t operand) {
        failures_.push_back(code_.size());
        code_.push_back({static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), 0, 0, operand});
    }
    /// Goes on with the next instruction if A is `value`, else after `skip` more.
    void unless_equal_skip(std::uint32_t value, std::uint8_t skip) {
        code_.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, skip, value});
    }
    /// Goes on after `skip` instructions.
    void skip(std::uint32_t count) { emit(BPF_JMP | BPF_JA, count); }

    std::vector<sock_filter> finish(Passes passes) {
        emit(BPF_RET | BPF_K, passes == Passes::wanted ? all_bytes : 0);
        for (const std::size_t at : failures_) code_[at].jf = static_cast<std::uint8_t>(code_.size() - at - 1);
        emit(BPF_RET | BPF_K, passes == Passes::others ? all_bytes : 0);
        return std::move(code_);
    }

  private:
    std::vector<sock_filter> code_;
    std::vector<std::size_t> failures_;
};

void require_version_and_type(Program& program, const AdvertFilter& filter) {
    constexpr std::uint32_t version_2_advert = 0x21;
    constexpr std::uint32_t version_3_advert = 0x31;
    // The two differ in one bit, which is of no interest if both are wanted.
    constexpr std::uint32_t differing = version_2_advert ^ version_3_advert;
    program.emit(BPF_LD | BPF_B | BPF_IND, 0);
    if (filter.version_2 && filter.version_3) program.emit(BPF_ALU | BPF_OR | BPF_K, differing);
    program.require(BPF_JEQ, filter.version_3 ? version_3_advert : version_2_advert);
}

std::uint32_t word_of(const std::bitset<256>& bits, std::size_t word) {
    return static_cast<std::uint32_t>(((bits >> (32 * word)) & std::bitset<256>(0xffffffff)).to_ulong());
}

// Looks the VRID up in a bitmap of eight words: the same few steps for one VRID as for 255.
void require_wanted_virtual_router(Program& program, const std::bitset<256>& wanted) {
    constexpr std::size_t words = 8;
    program.emit(BPF_LD | BPF_B | BPF_IND, 1);
    program.emit(BPF_ST, 0);
    program.emit(BPF_ALU | BPF_AND | BPF_K, 31);
    program.emit(BPF_MISC | BPF_TAX, 0);
    program.emit(BPF_LD | BPF_MEM, 0);
    program.emit(BPF_ALU | BPF_RSH | BPF_K, 5);
    for (std::size_t word = 0; word < words; ++word) {
        const auto still_to_skip = static_cast<std::uint32_t>(3 * (words - word - 1));
        program.unless_equal_skip(static_cast<std::uint32_t>(word), 2);
        program.emit(BPF_LD | BPF_IMM, word_of(wanted, word));
        program.skip(still_to_skip);
    }
    program.emit(BPF_ALU | BPF_RSH | BPF_X, 0);
    program.require(BPF_JSET, 1);
}

}  // namespace

std::vector<sock_filter> advert_filter_program(Family family, const AdvertFilter& filter, Passes passes) {
    const bool ipv4 = family == Family::ipv4;
    Program program;
    // X is where the VRRP message begins in what the socket sees. A load past the end would drop the packet whatever
    // `passes` says, so the length comes first.
    if (ipv4) {
        program.emit(BPF_LDX | BPF_B | BPF_MSH, 0);
    } else {
        program.emit(BPF_LDX | BPF_IMM, 0);
    }
    program.emit(BPF_LD | BPF_W | BPF_LEN, 0);
    program.emit(BPF_ALU | BPF_SUB | BPF_X, 0);
    program.require(BPF_JGE, smallest_advert);
    if (!filter.any_ttl) {
        program.emit(BPF_LD | BPF_B | BPF_ABS, ipv4 ? ipv4_ttl_offset : ipv6_hop_limit_offset);
        program.require(BPF_JEQ, 255);
    }
    require_version_and_type(program, filter);
    const bool any_version = filter.version_2 || filter.version_3;
    require_wanted_virtual_router(program, any_version ? filter.virtual_router_ids : std::bitset<256>());
    return program.finish(passes);
}

std::vector<sock_filter> drop_all_program() {
    return {{BPF_RET | BPF_K, 0, 0, 0}};
}

void attach_filter(int socket, const std::vector<sock_filter>& program) {
    const sock_fprog attached{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
    if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &attached, sizeof attached) != 0) {
        throw std::system_error(errno, std::generic_category(), "cannot attach a socket filter");
    }
}

}  // namespace vrrpd
