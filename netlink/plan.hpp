// What has to be known before addresses are asked for or given up: who else has them, what a predecessor
// left, and whom a removal would hurt.
//
// Pure. The requests themselves say what shall be, so there is nothing to plan about them. Ours is what
// carries our mark, or what the caller names (kernels before 5.18 keep no mark, there only the caller knows).
// All else is somebody else's and never touched, even where we want the same address: two owners of one
// address are a mistake in the set-up, and conflicts() names them (E04).
//
// The kernel deletes an IPv4 subnet's secondary addresses together with its first one, unless
// promote_secondaries is on for the link (F13). removal_hazards() names the strangers that would go, so that
// the caller can switch it on first.
#pragma once

#include <compare>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "netlink/facts.hpp"
#include "vrrpd/core/ip.hpp"

namespace vrrpd::netlink {

struct DesiredAddress {
    int link = 0;  ///< interface index
    Prefix prefix;
    std::string label;  ///< IPv4 only; empty: none. An address that is there already keeps the label it has.
    friend bool operator==(const DesiredAddress&, const DesiredAddress&) = default;
};

/// Names an address that is ours although it carries no mark.
struct OwnedAddress {
    int link = 0;
    Prefix prefix;
    friend auto operator<=>(const OwnedAddress&, const OwnedAddress&) = default;
};

/// Whether a kernel of that release (`uname -r`) keeps our mark on addresses. One that cannot be read does.
bool keeps_marks(std::string_view release);

struct Conflict {
    DesiredAddress wanted;
    Address holder;
    friend bool operator==(const Conflict&, const Conflict&) = default;
};

/// Of `desired`, those that somebody else holds on that very link, whatever the prefix length there; in the
/// order of `desired`, each with one such holder.
std::vector<Conflict> conflicts(const Facts& actual, std::span<const DesiredAddress> desired,
                                const std::set<OwnedAddress>& also_ours = {});

/// Every address that is ours, in the order in which they may be removed: secondary ones first.
std::vector<Address> leftovers(const Facts& actual, const std::set<OwnedAddress>& also_ours = {});

/// What the kernel would delete along with `removed` (matched by link and prefix) although nobody asked for
/// it: others' addresses, and ours that are to stay. What is not ours counts as staying even where `removed` names it.
std::vector<Address> removal_hazards(const Facts& actual, std::span<const DesiredAddress> removed,
                                     const std::set<OwnedAddress>& also_ours = {});

}  // namespace vrrpd::netlink
