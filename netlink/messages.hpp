// rtnetlink messages to values and back: the one place that knows attributes (RFC 3549, linux/rtnetlink.h).
//
// Reading is bounded by libnl's parser and its policies: a message that is short, or has an attribute of a
// wrong size, gives nothing at all. Attributes and families that we do not use are passed over.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "netlink/facts.hpp"
#include "netlink/route.hpp"
#include "vrrpd/core/ip.hpp"
#include "vrrpd/core/time.hpp"

struct nlmsghdr;

namespace vrrpd::netlink {

/// Calls `handle` for each whole message of a datagram; what is cut off at its end is left out.
/// The datagram must be aligned for a nlmsghdr.
void for_each_message(std::span<std::uint8_t> datagram, const std::function<void(nlmsghdr&)>& handle);

/// RTM_NEWLINK or RTM_DELLINK. Some notices of wireless drivers leave attributes out: those keep what `known`
/// says. None also for the notices of a bridge about its ports, which look like a link that comes or goes.
std::optional<Link> parse_link(nlmsghdr& message, const Facts& known);

/// RTM_NEWADDR or RTM_DELADDR, of IPv4 and IPv6.
std::optional<Address> parse_address(nlmsghdr& message);

/// RTM_NEWROUTE with our mark; none of others' routes.
std::optional<Route> parse_route(nlmsghdr& message);

/// What the kernel says to a request.
struct Ack {
    std::uint32_t sequence = 0;
    int error = 0;     ///< 0 or an errno value
    std::string text;  ///< the kernel's own sentence, where it has one (extended ACK)
};
std::optional<Ack> parse_ack(nlmsghdr& message);

/// The end of a dump; its value is 0 or the errno value with which the dump broke off.
std::optional<int> parse_dump_end(nlmsghdr& message);

/// Asks for all links or all addresses: `type` is RTM_GETLINK or RTM_GETADDR. Empty: no memory.
std::vector<std::uint8_t> dump_request(std::uint16_t type, std::uint32_t sequence);

/// Asks for the routes with our mark, of all tables. Kernels before 4.20 answer with others' too, and so does any
/// kernel to a socket without NETLINK_GET_STRICT_CHK. Empty: no memory.
std::vector<std::uint8_t> routes_request(Family family, std::uint32_t sequence);

/// Asks for an address with our mark, and for an ACK; where it is there already, that it live on. `label`: IPv4 only;
/// empty: the link's name. `lifetime`: whole seconds until the kernel removes it; 0: never. Empty: no memory, or a
/// label that is longer than the kernel takes.
std::vector<std::uint8_t> addition_request(int link, const Prefix& prefix, const std::string& label,
                                           std::uint32_t sequence, Duration lifetime = Duration::zero());

/// Asks that the address go, and for an ACK. Empty: no memory.
std::vector<std::uint8_t> removal_request(int link, const Prefix& prefix, std::uint32_t sequence);

/// Asks that the kernel take no packets for an address of a link any more, though the address stays; and for an ACK.
/// Empty: no memory.
std::vector<std::uint8_t> deafness_request(int link, const IpAddress& address, std::uint32_t sequence);

/// Asks for a route with our mark, in place of what has the same destination, table and metric, and for an ACK.
/// Empty: no memory.
std::vector<std::uint8_t> addition_request(const Route& route, std::uint32_t sequence);

/// Asks that a route with our mark go, whatever its source is, and for an ACK. Empty: no memory.
std::vector<std::uint8_t> removal_request(const Route& route, std::uint32_t sequence);

}  // namespace vrrpd::netlink
