// Sends prepared Ethernet frames out of an interface as fast as one core can.
//
//     flooder INTERFACE FRAMES SECONDS COUNT
//
// FRAMES is a file of frames, each behind its length (two bytes, most significant first). They are sent one after the
// other and from the start again, until SECONDS have passed or COUNT have left, whichever comes first; neither may be
// more than a test needs. Prints "sent N in S s" at the end. AF_PACKET, past the queueing discipline, one sendmmsg for
// each 64 frames.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

namespace {

using Clock = std::chrono::steady_clock;
using Bytes = std::vector<char>;

constexpr std::size_t batch = 64;
constexpr double most_seconds = 30;
constexpr std::uint64_t most_frames = 50'000'000;

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

std::vector<Bytes> read_frames(const char* path) {
    std::ifstream file(path, std::ios::binary);
    const Bytes all{std::istreambuf_iterator<char>(file), {}};
    std::vector<Bytes> frames;
    for (auto at = all.begin(); all.end() - at >= 2;) {
        const auto length = static_cast<std::uint8_t>(at[0]) << 8 | static_cast<std::uint8_t>(at[1]);
        if (all.end() - at - 2 < length) throw std::runtime_error("the last frame is cut short");
        frames.emplace_back(at + 2, at + 2 + length);
        at += 2 + length;
    }
    if (frames.empty()) throw std::runtime_error("no frames");
    return frames;
}

int open_link(const char* interface) {
    const int link = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (link < 0) fail("cannot open a packet socket");
    const int on = 1;
    if (setsockopt(link, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0) fail("PACKET_QDISC_BYPASS");
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface));
    if (address.sll_ifindex == 0) fail("no such interface");
    if (bind(link, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail("cannot bind");
    return link;
}

// A header for each frame, several rounds of them if there are few frames.
std::vector<mmsghdr> headers_for(std::vector<Bytes>& frames, std::vector<iovec>& vectors) {
    constexpr std::size_t enough = 16 * batch;
    vectors.resize((enough + frames.size() - 1) / frames.size() * frames.size());
    std::vector<mmsghdr> headers(vectors.size());
    for (std::size_t i = 0; i < vectors.size(); ++i) {
        Bytes& frame = frames[i % frames.size()];
        vectors[i] = {frame.data(), frame.size()};
        headers[i].msg_hdr.msg_iov = &vectors[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    return headers;
}

void flood(int link, std::vector<mmsghdr>& headers, double seconds, std::uint64_t count) {
    const auto begin = Clock::now();
    const auto end = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    std::uint64_t sent = 0;
    for (std::size_t at = 0; sent < count && Clock::now() < end; at %= headers.size()) {
        const auto wanted = std::min<std::uint64_t>({batch, headers.size() - at, count - sent});
        const int done = sendmmsg(link, &headers[at], static_cast<unsigned>(wanted), 0);
        if (done < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR) fail("cannot send");
        at += static_cast<std::size_t>(std::max(done, 0));
        sent += static_cast<std::uint64_t>(std::max(done, 0));
    }
    std::printf("sent %llu in %.3f s\n", static_cast<unsigned long long>(sent),
                std::chrono::duration<double>(Clock::now() - begin).count());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fprintf(stderr, "usage: flooder INTERFACE FRAMES SECONDS COUNT\n");
        return 2;
    }
    try {
        const double seconds = std::min(std::stod(argv[3]), most_seconds);
        const std::uint64_t count = std::min<std::uint64_t>(std::stoull(argv[4]), most_frames);
        std::vector<Bytes> frames = read_frames(argv[2]);
        std::vector<iovec> vectors;
        std::vector<mmsghdr> headers = headers_for(frames, vectors);
        flood(open_link(argv[1]), headers, seconds, count);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "flooder: %s\n", error.what());
        return 1;
    }
}
