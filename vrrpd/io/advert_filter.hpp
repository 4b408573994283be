// The classic BPF program that an advert socket carries, so that packets no instance could use die in the
// kernel without waking the protocol thread: 400,000 junk packets a second must not move an advert by 10 ms
// (conformance 2c).
//
// It judges version, type, TTL or hop limit, length and VRID, and nothing that an operator would want counted
// per instance: whatever it passes is judged again by the core. Its complement passes exactly what it drops, so that
// two sockets share out all packets between them.
#pragma once

#include <bitset>
#include <vector>

#include <linux/filter.h>

#include "vrrpd/core/ip.hpp"

namespace vrrpd {

/// What the instances of one interface and family want to hear.
struct AdvertFilter {
    bool version_2 = false;
    bool version_3 = false;
    bool any_ttl = false;  ///< some instance is unicast and accepts less than 255 from its peers
    std::bitset<256> virtual_router_ids;
    friend bool operator==(const AdvertFilter&, const AdvertFilter&) = default;
};

/// Which packets a socket is to get: those that the filter wants, or all the others.
enum class Passes : std::uint8_t { wanted, others };

/// The program for a raw socket of `family`. It sees the IPv4 header, but not the IPv6 one.
std::vector<sock_filter> advert_filter_program(Family family, const AdvertFilter& filter, Passes passes);

/// Attaches a program to a socket, in place of the one before. Throws std::system_error.
void attach_filter(int socket, const std::vector<sock_filter>& program);

/// The program of a socket that shall receive nothing.
std::vector<sock_filter> drop_all_program();

}  // namespace vrrpd
