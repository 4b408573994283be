// The limit beside which native checks are measured: an epoll loop that asks as many memcacheds as often, and does
// nothing else.
//
//     bare_checks TARGETS PORT
//
// Once a second it connects to each of 127.0.1.1, 127.0.1.2 ... (250 in each net, so 127.0.4.250 is the 1000th), sends
// `version`, reads the reply and closes. The starts are spread over 100 ms in steps of 1 ms, as the daemon spreads its
// own. At the end of each second it prints how many replies came. It runs until it is killed, for two minutes at most.

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <time.h>
#include <unistd.h>
#include <vector>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace {

constexpr unsigned longest_life_s = 120;
constexpr long second = 1000000000;  // in nanoseconds, as all times here
constexpr long spread = second / 10, step = second / 1000;
constexpr std::string_view request = "version\r\n";

int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

long now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * second + time.tv_nsec;
}

sockaddr_in target(std::size_t number, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(static_cast<std::uint32_t>(0x7f000101 + number / 250 * 256 + number % 250));
    return address;
}

class Rounds {
  public:
    Rounds(std::size_t targets, std::uint16_t port)
        : epoll_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll")), port_(port), sent_(1 << 16), targets_(targets) {}

    /// One second: each target once.
    void round(long begin) {
        std::size_t started = 0;
        answered_ = 0;
        while (now() < begin + second) {
            for (; started < targets_ && due(begin, started) <= now(); ++started) start(started);
            const long next = started < targets_ ? due(begin, started) : begin + second;
            wait(next);
        }
        std::cout << answered_ << std::endl;
    }

  private:
    long due(long begin, std::size_t number) const {
        return begin + static_cast<long>(number) * spread / static_cast<long>(targets_) / step * step;
    }

    void start(std::size_t number) {
        const int socket = checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
        const sockaddr_in to = target(number, port_);
        if (connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) {
            checked(-1, "connect");
        }
        sent_.at(static_cast<std::size_t>(socket)) = false;
        epoll_event event{.events = EPOLLOUT, .data = {.fd = socket}};
        checked(epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event), "epoll_ctl");
    }

    void wait(long until) {
        const long left = std::max(until - now(), 0L);
        const timespec timeout{left / second, left % second};
        std::array<epoll_event, 64> events;
        const int ready = epoll_pwait2(epoll_, events.data(), events.size(), &timeout, nullptr);
        for (int i = 0; i < ready; ++i) advance(events[static_cast<std::size_t>(i)].data.fd);
    }

    void advance(int socket) {
        if (!sent_[static_cast<std::size_t>(socket)]) {
            checked(static_cast<int>(send(socket, request.data(), request.size(), MSG_NOSIGNAL)), "send");
            sent_[static_cast<std::size_t>(socket)] = true;
            epoll_event event{.events = EPOLLIN, .data = {.fd = socket}};
            checked(epoll_ctl(epoll_, EPOLL_CTL_MOD, socket, &event), "epoll_ctl");
            return;
        }
        char reply[512];
        const ssize_t got = recv(socket, reply, sizeof reply, 0);
        if (got > 8 && std::memcmp(reply, "VERSION ", 8) == 0) ++answered_;
        close(socket);
    }

    const int epoll_;
    const std::uint16_t port_;
    std::vector<char> sent_;  // by socket
    const std::size_t targets_;
    std::size_t answered_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 3) {
        std::cerr << "usage: bare_checks TARGETS PORT\n";
        return 2;
    }
    alarm(longest_life_s);
    Rounds rounds(std::stoul(argv[1]), static_cast<std::uint16_t>(std::stoul(argv[2])));
    for (long begin = now();; begin += second) rounds.round(begin);
} catch (const std::exception& error) {
    std::cerr << "bare_checks: " << error.what() << "\n";
    return 1;
}
