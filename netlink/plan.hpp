// Desired against actual: what has to be done so that the kernel's addresses are the ones that our instances
// want.
//
// Pure. Only what is ours is ever removed: it carries our mark, or the caller names it (kernels before 5.18
// keep no mark, there the runtime record says what was ours). An address that somebody else put there is
// never touched, even where we want the same one: that is reported, because two owners of one address is a
// mistake in the set-up (E04).
//
// Removals come before additions: IPv6 cannot hold one address with two prefix lengths.
//
// The kernel deletes an IPv4 subnet's secondary addresses together with its first one, unless
// promote_secondaries is on for the link (F13). Ours that were to stay are therefore added once more;
// strangers that would go are named by removal_hazards(), so that the caller can switch promote_secondaries
// on before it lets the plan run.
#pragma once

#include <compare>
#include <set>
#include <span>
#include <string>
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

struct Operation {
    enum class Kind : std::uint8_t { add, remove };
    Kind kind = Kind::add;
    int link = 0;
    Prefix prefix;
    std::string label;
    friend bool operator==(const Operation&, const Operation&) = default;
};

struct Plan {
    std::vector<Operation> operations;    ///< to be done in this order; additions in the order of `desired`
    std::vector<DesiredAddress> foreign;  ///< wanted, but held by somebody else on that very link
};

Plan make_plan(const Facts& actual, std::span<const DesiredAddress> desired,
               const std::set<OwnedAddress>& also_ours = {});

/// Addresses of ours that nobody wants, in the order in which they may be removed: secondary ones first.
std::vector<Address> leftovers(const Facts& actual, std::span<const DesiredAddress> desired,
                               const std::set<OwnedAddress>& also_ours = {});

/// Addresses of others that the kernel would delete along with the removals in `operations`.
std::vector<Address> removal_hazards(const Facts& actual, std::span<const Operation> operations,
                                     const std::set<OwnedAddress>& also_ours = {});

}  // namespace vrrpd::netlink
