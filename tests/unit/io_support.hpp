// A LAN for the tests of the I/O room: two network namespaces, `near` and `far`, joined by two pairs of
// interfaces, near0-far0 (10.77.0.1 and .2) and near1-far1 (10.78.0.1 and .2). Needs root.
//
// A socket belongs to the namespace it was opened in, so one thread can hold both ends.
#pragma once

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <poll.h>
#include <sched.h>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "vrrpd/core/ip.hpp"
#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd::test {

inline void require(bool success, const std::string& what) {
    if (!success) throw std::system_error(errno, std::generic_category(), what);
}

inline Descriptor current_namespace() {
    Descriptor descriptor(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    require(static_cast<bool>(descriptor), "network namespace");
    return descriptor;
}

/// Puts the thread into a namespace for as long as it lives.
class Inside {
  public:
    explicit Inside(const Descriptor& where) : before_(current_namespace()) { enter(where); }
    ~Inside() { setns(before_.get(), CLONE_NEWNET); }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

  private:
    static void enter(const Descriptor& where) { require(setns(where.get(), CLONE_NEWNET) == 0, "setns"); }
    Descriptor before_;
};

class TwoHosts {
  public:
    TwoHosts() {
        const Descriptor home = current_namespace();
        far_ = make_namespace();
        near_ = make_namespace();
        const std::string far_path = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(far_.get());
        for (const std::string i : {"0", "1"}) {
            run("ip link add near" + i + " type veth peer name far" + i);
            run("ip link set far" + i + " netns " + far_path);
            run("ip addr add 10.7" + std::to_string(7 + (i == "1")) + ".0.1/24 dev near" + i);
            run("ip link set near" + i + " up");
        }
        require(setns(far_.get(), CLONE_NEWNET) == 0, "setns");
        for (const std::string i : {"0", "1"}) {
            run("ip addr add 10.7" + std::to_string(7 + (i == "1")) + ".0.2/24 dev far" + i);
            run("ip link set far" + i + " up");
        }
        require(setns(home.get(), CLONE_NEWNET) == 0, "setns");
        for (const char* name : {"near0", "near1"}) link_local(near_, name);
        for (const char* name : {"far0", "far1"}) link_local(far_, name);
    }

    const Descriptor& near() const { return near_; }
    const Descriptor& far() const { return far_; }

    static int index(const Descriptor& where, const char* name) {
        const Inside inside(where);
        const auto result = static_cast<int>(if_nametoindex(name));
        require(result != 0, name);
        return result;
    }

    /// The link-local address of an interface, once it may be used: the last thing that comes up with a link.
    static IpAddress link_local(const Descriptor& where, const std::string& name) {
        const Inside inside(where);
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (std::chrono::steady_clock::now() < limit) {
            std::ifstream table("/proc/thread-self/net/if_inet6");
            std::string hex, index, length, scope, flags, device;
            while (table >> hex >> index >> length >> scope >> flags >> device) {
                if (device == name && scope == "20" && flags == "80") return from_hex(hex);
            }
            std::this_thread::yield();
        }
        throw std::runtime_error("no link-local address on " + name);
    }

  private:
    static Descriptor make_namespace() {
        require(unshare(CLONE_NEWNET) == 0, "unshare");
        for (const char* scope : {"all", "default"}) {
            std::ofstream("/proc/sys/net/ipv6/conf/" + std::string(scope) + "/accept_dad") << "0";
            std::ofstream("/proc/sys/net/ipv6/conf/" + std::string(scope) + "/addr_gen_mode") << "0";
        }
        return current_namespace();
    }
    static void run(const std::string& command) {
        if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
    }
    static IpAddress from_hex(const std::string& hex) {
        std::array<std::uint8_t, 16> bytes{};
        for (std::size_t i = 0; i < 16; ++i) {
            bytes[i] = static_cast<std::uint8_t>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
        }
        return *IpAddress::from_bytes(bytes);
    }

    Descriptor near_, far_;
};

/// What is on the wire: a packet socket that sees every frame that comes in on an interface, and can put one out.
class Tap {
  public:
    using Bytes = std::vector<std::uint8_t>;

    Tap(const Descriptor& where, const char* interface, int protocol = ETH_P_ALL) {
        const Inside inside(where);
        socket_ = Descriptor(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(static_cast<std::uint16_t>(protocol))));
        sockaddr_ll link{};
        link.sll_family = AF_PACKET;
        link.sll_protocol = htons(static_cast<std::uint16_t>(protocol));
        link.sll_ifindex = static_cast<int>(if_nametoindex(interface));
        require(bind(socket_.get(), reinterpret_cast<sockaddr*>(&link), sizeof link) == 0, "packet socket");
    }

    /// The next incoming frame that `wanted` accepts; nothing after two seconds without one.
    template <typename Predicate>
    std::optional<Bytes> next(Predicate wanted) {
        Bytes frame(65536);
        pollfd ready{socket_.get(), POLLIN, 0};
        while (poll(&ready, 1, 2000) == 1) {
            sockaddr_ll from{};
            socklen_t size = sizeof from;
            frame.resize(65536);
            const ssize_t count =
                recvfrom(socket_.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
            if (count < 0 || from.sll_pkttype == PACKET_OUTGOING) continue;
            frame.resize(static_cast<std::size_t>(count));
            if (wanted(frame)) return frame;
        }
        return std::nullopt;
    }

    void put(const Bytes& frame) {
        require(send(socket_.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size()), "send");
    }

  private:
    Descriptor socket_;
};

}  // namespace vrrpd::test
