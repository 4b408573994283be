// The classic BPF program of a claim observer's socket, so that the ARP and the neighbour discovery of a busy LAN die
// in the kernel: it passes what may claim one of our addresses, and what it passes is read again by core/frames.
//
// Up to 128 addresses it compares with each, in IPv6 by the last 32 bits. Of more it knows the lowest and the highest
// only: blocks of addresses are what there are thousands of.
#pragma once

#include <span>
#include <vector>

#include <linux/filter.h>

#include "vrrpd/core/frames.hpp"
#include "vrrpd/core/ip.hpp"

namespace vrrpd {

/// What is ours on one link, in one family.
struct ClaimSubscription {
    MacAddress mac{};                  ///< of the link: what comes from there is our own
    std::vector<IpAddress> addresses;  ///< at least one
    friend bool operator==(const ClaimSubscription&, const ClaimSubscription&) = default;
};

/// The program for a packet socket that sees whole Ethernet frames of the protocol that claims come in: ETH_P_ARP or
/// ETH_P_IPV6. Frames of a VLAN on top of the link are not among what it passes.
std::vector<sock_filter> claim_filter_program(Family family, int interface_index, const ClaimSubscription& ours);

}  // namespace vrrpd
