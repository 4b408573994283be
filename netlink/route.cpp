#include "netlink/route.hpp"

#include <cerrno>
#include <optional>
#include <poll.h>
#include <set>
#include <span>
#include <system_error>

#include <linux/netlink.h>
#include <sys/socket.h>

#include "netlink/messages.hpp"
#include "netlink/socket.hpp"

namespace vrrpd::netlink {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(int error) {
    throw std::system_error(error, std::generic_category(), "reading routes");
}

// One reading of the routes of a family.
struct Reading {
    std::uint32_t sequence;
    std::set<Route> routes{};
    bool inconsistent = false;  // the kernel's table changed meanwhile
    std::optional<int> end{};

    void take(nlmsghdr& message) {
        if (message.nlmsg_seq != sequence || end) return;
        inconsistent |= (message.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        if (const auto route = parse_route(message)) routes.insert(*route);
        end = parse_dump_end(message);
        if (const auto ack = parse_ack(message)) end = ack->error;
    }
};

void await(const Socket& socket, Clock::time_point limit) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - Clock::now()).count();
    pollfd descriptor{socket.descriptor(), POLLIN, 0};
    if (left <= 0 || poll(&descriptor, 1, static_cast<int>(left)) == 0) give_up(ETIMEDOUT);
}

Reading read(Socket& socket, Family family, std::uint32_t sequence, Clock::time_point limit) {
    Reading reading{sequence};
    const auto request = routes_request(family, sequence);
    const int error = request.empty() ? ENOMEM : socket.send(request);
    if (error != 0) give_up(error);
    while (!reading.end) {
        await(socket, limit);
        std::span<std::uint8_t> datagram;
        const int lost = socket.receive(datagram);
        if (lost == EAGAIN) continue;
        if (lost != 0) give_up(lost);
        for_each_message(datagram, [&](nlmsghdr& message) { reading.take(message); });
    }
    return reading;
}

}  // namespace

std::vector<Route> marked_routes(Duration limit) {
    const auto end = Clock::now() + limit;
    Socket socket(default_receive_buffer);
    // Lets the kernel leave out others' routes, of which a router has a million. Where it cannot, we read them all.
    const int on = 1;
    setsockopt(socket.descriptor(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    std::vector<Route> found;
    std::uint32_t sequence = 0;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        Reading reading = read(socket, family, ++sequence, end);
        while (reading.end == 0 && reading.inconsistent) reading = read(socket, family, ++sequence, end);
        // A kernel without IPv6 knows no such routes.
        if (*reading.end != 0 && *reading.end != EOPNOTSUPP) give_up(*reading.end);
        found.insert(found.end(), reading.routes.begin(), reading.routes.end());
    }
    return found;
}

}  // namespace vrrpd::netlink
