// The limit beside which handing over many addresses is measured: nothing but the netlink requests.
//
//     bare_addresses add LINK COUNT        COUNT addresses 10.30.x.y/32, at most 64 requests on their way
//     bare_addresses delete LINK COUNT     the same; both print how long it took, in nanoseconds
//     bare_addresses watch                 until SIGTERM, two minutes at most; then prints what came and went, in
//     order:
//                                          CLOCK_REALTIME in nanoseconds, "+" or "-", the address. It looks once a
//                                          millisecond: waking up for each would double the cost of a deletion.

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <poll.h>
#include <string>
#include <string_view>
#include <system_error>
#include <time.h>
#include <unistd.h>
#include <vector>

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

namespace {

constexpr std::size_t portion = 64;
constexpr unsigned longest_life_s = 120;

int checked(ssize_t result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return static_cast<int>(result);
}

long now(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

int open_netlink(std::uint32_t groups) {
    const int socket = checked(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "socket");
    const int buffer = 64 << 20, on = 1;
    checked(setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer), "SO_RCVBUFFORCE");
    checked(setsockopt(socket, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on), "NETLINK_CAP_ACK");
    sockaddr_nl own{};
    own.nl_family = AF_NETLINK;
    own.nl_groups = groups;
    checked(bind(socket, reinterpret_cast<const sockaddr*>(&own), sizeof own), "bind");
    return socket;
}

in_addr address(std::size_t number) {
    const auto host = static_cast<std::uint32_t>((10u << 24) + (30u << 16) + (number / 250 << 8) + number % 250 + 1);
    return {htonl(host)};
}

struct Request {
    nlmsghdr header;
    ifaddrmsg body;
    rtattr local_head;
    in_addr local;
};

Request request(bool addition, int link, std::size_t number) {
    Request one{};
    one.header.nlmsg_len = sizeof one;
    one.header.nlmsg_type = addition ? RTM_NEWADDR : RTM_DELADDR;
    one.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    if (addition) one.header.nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
    one.body.ifa_family = AF_INET;
    one.body.ifa_prefixlen = 32;
    one.body.ifa_index = static_cast<std::uint32_t>(link);
    one.local_head = {RTA_LENGTH(sizeof one.local), IFA_LOCAL};
    one.local = address(number);
    return one;
}

// Takes the answers to so many requests.
void collect(int socket, std::size_t count) {
    std::array<char, 8192> buffer;
    while (count > 0) {
        const int size = checked(recv(socket, buffer.data(), buffer.size(), 0), "recv");
        const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
        for (auto left = static_cast<unsigned>(size); NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
            if (message->nlmsg_type != NLMSG_ERROR) continue;
            errno = -static_cast<const nlmsgerr*>(NLMSG_DATA(message))->error;
            checked(errno == 0 ? 0 : -1, "the kernel");
            --count;
        }
    }
}

void change_all(bool addition, const std::string& link, std::size_t count) {
    const int socket = open_netlink(0), index = static_cast<int>(if_nametoindex(link.c_str()));
    const long begin = now(CLOCK_MONOTONIC);
    std::vector<Request> requests;
    for (std::size_t done = 0; done < count; done += requests.size()) {
        requests.clear();
        while (requests.size() < portion && done + requests.size() < count) {
            requests.push_back(request(addition, index, done + requests.size()));
        }
        checked(send(socket, requests.data(), requests.size() * sizeof(Request), 0), "send");
        collect(socket, requests.size());
    }
    std::cout << now(CLOCK_MONOTONIC) - begin << std::endl;
}

struct Seen {
    long when;
    bool came;
    in_addr address;
};

void note(const nlmsghdr* message, std::vector<Seen>& seen) {
    if (message->nlmsg_type != RTM_NEWADDR && message->nlmsg_type != RTM_DELADDR) return;
    const auto* body = static_cast<const ifaddrmsg*>(NLMSG_DATA(message));
    auto left = static_cast<int>(IFA_PAYLOAD(message));
    for (const rtattr* one = IFA_RTA(body); RTA_OK(one, left); one = RTA_NEXT(one, left)) {
        if (one->rta_type != IFA_LOCAL) continue;
        Seen now_seen{now(CLOCK_REALTIME), message->nlmsg_type == RTM_NEWADDR, {}};
        std::memcpy(&now_seen.address, RTA_DATA(one), sizeof now_seen.address);
        seen.push_back(now_seen);
    }
}

void watch() {
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, nullptr);
    pollfd descriptors[] = {{open_netlink(RTMGRP_IPV4_IFADDR), POLLIN, 0},
                            {checked(signalfd(-1, &term, SFD_CLOEXEC), "signalfd"), POLLIN, 0}};
    std::vector<Seen> seen;
    seen.reserve(1 << 16);
    std::array<char, 8192> buffer;
    std::cerr << "watching" << std::endl;
    while (checked(poll(descriptors, 2, -1), "poll") > 0 && descriptors[1].revents == 0) {
        ssize_t size = 0;
        while ((size = recv(descriptors[0].fd, buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0) {
            const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
            auto left = static_cast<unsigned>(size);
            for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) note(message, seen);
        }
        if (errno != EAGAIN) checked(size, "recv");
        const timespec pause{0, 1000000};
        nanosleep(&pause, nullptr);
    }
    for (const Seen& one : seen) {
        std::cout << one.when << (one.came ? " + " : " - ") << inet_ntoa(one.address) << "\n";
    }
}

}  // namespace

int main(int argc, char** argv) try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    alarm(longest_life_s);
    if (words.size() == 1 && words[0] == "watch") {
        watch();
        return 0;
    }
    if (words.size() == 3 && (words[0] == "add" || words[0] == "delete")) {
        change_all(words[0] == "add", words[1], std::stoul(words[2]));
        return 0;
    }
    std::cerr << "usage: bare_addresses add LINK COUNT | delete LINK COUNT | watch\n";
    return 2;
} catch (const std::exception& error) {
    std::cerr << "bare_addresses: " << error.what() << "\n";
    return 1;
}
