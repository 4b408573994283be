// A route that moves with the addresses, and those of ours that the kernel has.
//
// Ours are the routes with our mark as their protocol, whatever their table; every kernel keeps it. Others' routes
// are never removed. Yet one that has the same destination, table and metric as ours gives way to it: the kernel has
// one route for these three, and that one is ours while we are MASTER.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "vrrpd/core/ip.hpp"
#include "vrrpd/core/time.hpp"

namespace vrrpd::netlink {

inline constexpr std::uint32_t main_table = 254;

/// All addresses are of the family of the destination.
struct Route {
    int link = 0;                      ///< interface index; 0: the one that leads to the gateway
    Prefix destination;                ///< without bits behind its length
    std::optional<IpAddress> gateway;  ///< none: the destination is on the link
    std::optional<IpAddress> source;   ///< of packets of this host; none: the kernel chooses
    std::uint32_t table = main_table;
    std::uint32_t metric = 0;  ///< 0: the kernel's default, which is 0 for IPv4 and 1024 for IPv6
    friend auto operator<=>(const Route&, const Route&) = default;
};

/// The routes with our mark, of both families and all tables, each once. Waits for the kernel, at most `limit`: call
/// it before adverts depend on us. Throws std::system_error.
std::vector<Route> marked_routes(Duration limit = std::chrono::seconds(5));

}  // namespace vrrpd::netlink
