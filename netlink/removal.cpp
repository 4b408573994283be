#include "netlink/removal.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <map>
#include <poll.h>
#include <set>

#include <net/if.h>

#include "netlink/messages.hpp"
#include "netlink/promote_secondaries.hpp"

namespace vrrpd::netlink {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_in_flight = 64;

void save_others(std::span<const OwnedAddress> addresses) {
    std::set<int> links;
    for (const OwnedAddress& address : addresses) {
        if (address.prefix.address.family() == Family::ipv4) links.insert(address.link);
    }
    std::array<char, IF_NAMESIZE> name{};
    for (const int link : links) {
        if (if_indextoname(static_cast<unsigned>(link), name.data()) != nullptr) promote_secondaries(name.data());
    }
}

bool wait_for(const Socket& socket, Clock::time_point limit) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - Clock::now()).count();
    pollfd descriptor{socket.descriptor(), POLLIN, 0};
    return left > 0 && poll(&descriptor, 1, static_cast<int>(left)) > 0;
}

bool is_gone(int error) {
    return error == 0 || error == EADDRNOTAVAIL || error == ENODEV || error == ENXIO;
}

}  // namespace

std::vector<OwnedAddress> remove_now(Socket& socket, std::span<const OwnedAddress> addresses, Duration limit) {
    static std::uint32_t sequence = 0;  // never that of an answer that came too late
    const auto end = Clock::now() + limit;
    save_others(addresses);
    std::vector<OwnedAddress> left;
    std::map<std::uint32_t, OwnedAddress> in_flight;
    std::size_t next = 0;
    const auto take = [&](nlmsghdr& message) {
        const auto ack = parse_ack(message);
        const auto answered = ack ? in_flight.extract(ack->sequence) : decltype(in_flight)::node_type();
        if (answered && !is_gone(ack->error)) left.push_back(answered.mapped());
    };
    while (next < addresses.size() || !in_flight.empty()) {
        for (; next < addresses.size() && in_flight.size() < most_in_flight; ++next) {
            const OwnedAddress& address = addresses[next];
            const auto request = removal_request(address.link, address.prefix, ++sequence);
            const bool sent = !request.empty() && socket.send(request) == 0;
            sent ? void(in_flight.emplace(sequence, address)) : left.push_back(address);
        }
        if (in_flight.empty()) break;
        if (!wait_for(socket, end)) break;
        std::span<std::uint8_t> datagram;
        if (socket.receive(datagram) == 0) for_each_message(datagram, take);
    }
    for (const auto& [number, address] : in_flight) left.push_back(address);
    left.insert(left.end(), addresses.begin() + static_cast<std::ptrdiff_t>(next), addresses.end());
    return left;
}

}  // namespace vrrpd::netlink
