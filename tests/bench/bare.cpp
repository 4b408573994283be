// The physical limit beside which the daemons are measured: nothing but the packets.
//
//     bare send INTERVAL_MS GROUPS COUNT LINK...     COUNT adverts a link in each interval, in GROUPS batches a link
//     bare receive PAUSE_US LINK...                  reads them in batches, and does nothing with them
//     bare wake PERIOD_MS LATE_MS                    wakes up at each period, and prints by how many ms it was too late
//
// The batches are spread evenly over the interval, one sendmmsg each, from connected sockets, at absolute deadlines.
// The receiver sleeps for PAUSE_US after it was woken, so that more than one advert waits for it; 0: it reads at once.
// It runs until it is killed, for two minutes at most. What is said of a wake-up is said of those later than LATE_MS.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <poll.h>
#include <string>
#include <system_error>
#include <time.h>
#include <unistd.h>
#include <vector>

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/socket.h>

namespace {

constexpr int vrrp_protocol = 112;
constexpr int receive_batch = 64;
constexpr unsigned longest_life_s = 120;

int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

int open_socket(const std::string& link) {
    const int socket = checked(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, vrrp_protocol), "socket");
    checked(setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, link.data(), static_cast<socklen_t>(link.size())), "bind");
    return socket;
}

sockaddr_in group() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = inet_addr("224.0.0.18");
    return address;
}

int open_sender(const std::string& link) {
    const int socket = open_socket(link);
    const int ttl = 255, off = 0;
    checked(setsockopt(socket, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl), "IP_MULTICAST_TTL");
    checked(setsockopt(socket, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof off), "IP_MULTICAST_LOOP");
    const sockaddr_in to = group();
    checked(connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to), "connect");
    return socket;
}

int open_receiver(const std::string& link) {
    const int socket = open_socket(link);
    ip_mreqn membership{};
    membership.imr_multiaddr = group().sin_addr;
    membership.imr_ifindex = static_cast<int>(if_nametoindex(link.c_str()));
    checked(setsockopt(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof membership), "IP_ADD_MEMBERSHIP");
    return socket;
}

/// Messages that all have the same bytes: what they say costs the sender nothing here.
class Batch {
  public:
    explicit Batch(std::size_t count) : messages_(count) {
        for (mmsghdr& message : messages_) {
            message.msg_hdr.msg_iov = &vector_;
            message.msg_hdr.msg_iovlen = 1;
        }
    }
    void send(int socket, std::size_t first, std::size_t count) {
        for (std::size_t sent = 0; sent < count;) {
            const auto left = static_cast<unsigned>(count - sent);
            sent += static_cast<std::size_t>(checked(sendmmsg(socket, &messages_[first + sent], left, 0), "sendmmsg"));
        }
    }

  private:
    std::array<std::uint8_t, 12> advert_{0x31};  // version 3, one address
    iovec vector_{advert_.data(), advert_.size()};
    std::vector<mmsghdr> messages_;
};

constexpr long second = 1000000000;  // in nanoseconds, as all times here

long now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * second + time.tv_nsec;
}

void sleep_until(long when) {
    const timespec due{when / second, when % second};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, nullptr);
}

[[noreturn]] void send_for_ever(long interval_ms, std::size_t groups, std::size_t count,
                                const std::vector<std::string>& links) {
    std::vector<int> sockets;
    for (const std::string& link : links) sockets.push_back(open_sender(link));
    Batch batch(count);
    const long begin = now(), batches = static_cast<long>(groups * sockets.size());
    for (std::size_t moment = 0;; ++moment) {
        sleep_until(begin + static_cast<long>(moment) * interval_ms * (second / 1000) / batches);
        const std::size_t group = moment / sockets.size() % groups;
        const std::size_t first = count * group / groups, end = count * (group + 1) / groups;
        batch.send(sockets[moment % sockets.size()], first, end - first);
    }
}

[[noreturn]] void receive_for_ever(long pause_us, const std::vector<std::string>& links) {
    std::vector<pollfd> waiting;
    for (const std::string& link : links) waiting.push_back({open_receiver(link), POLLIN, 0});
    static std::array<std::array<std::uint8_t, 128>, receive_batch> bytes;
    std::array<iovec, receive_batch> vectors{};
    std::array<mmsghdr, receive_batch> messages{};
    for (std::size_t i = 0; i < vectors.size(); ++i) {
        vectors[i] = {bytes[i].data(), bytes[i].size()};
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (;;) {
        checked(poll(waiting.data(), waiting.size(), -1), "poll");
        if (pause_us > 0) sleep_until(now() + pause_us * 1000);
        for (const pollfd& link : waiting) {
            while (recvmmsg(link.fd, messages.data(), receive_batch, MSG_DONTWAIT, nullptr) == receive_batch) continue;
        }
    }
}

[[noreturn]] void wake_for_ever(long period_ms, long late_ms) {
    constexpr long millisecond = second / 1000;
    for (long due = now() + period_ms * millisecond;; due += period_ms * millisecond) {
        sleep_until(due);
        const long woken = now();
        if (woken - due < late_ms * millisecond) continue;
        std::cout << "late " << static_cast<double>(woken - due) / millisecond << std::endl;
        due = woken;
    }
}

}  // namespace

int main(int argc, char** argv) try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    alarm(longest_life_s);
    if (words.size() >= 3 && words[0] == "receive") {
        receive_for_ever(std::stol(words[1]), {words.begin() + 2, words.end()});
    }
    if (words.size() >= 5 && words[0] == "send") {
        send_for_ever(std::stol(words[1]), std::stoul(words[2]), std::stoul(words[3]),
                      {words.begin() + 4, words.end()});
    }
    if (words.size() == 3 && words[0] == "wake") wake_for_ever(std::stol(words[1]), std::stol(words[2]));
    std::cerr << "usage: bare send INTERVAL_MS GROUPS COUNT LINK... | bare receive PAUSE_US LINK... | "
                 "bare wake PERIOD_MS LATE_MS\n";
    return 2;
} catch (const std::exception& error) {
    std::cerr << "bare: " << error.what() << "\n";
    return 1;
}
