// What a predecessor left behind in the kernel, and how it goes: every address and every route with our mark, also
// those that the configuration does not name any more. What a person configured has no mark, and is never touched.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <vector>

#include "netlink/facts.hpp"
#include "netlink/plan.hpp"
#include "netlink/requests.hpp"
#include "netlink/route.hpp"
#include "vrrpd/guard/record.hpp"

namespace vrrpd {

/// What of it somebody still needs.
struct Kept {
    std::set<netlink::OwnedAddress> addresses;
    std::vector<netlink::Route> routes;
};

/// The routes with our mark. Waits for the kernel to name them, a few seconds at most; says so if it does not.
std::vector<netlink::Route> find_marked_routes();

/// Asks for the removal of all addresses and of `routes` but what is kept, and says which did not succeed. The requests
/// leave with Requests::flush(). `predecessor`: what it held, if it left a record; looked at only on kernels that keep
/// no marks on addresses.
void remove_leftovers(netlink::Requests& requests, const netlink::Facts& facts,
                      const std::vector<netlink::Route>& routes, const Kept& kept,
                      const std::optional<RecordReader>& predecessor);

/// Whether this kernel keeps our mark on addresses; on others a successor cannot tell them from those of a person.
bool kernel_keeps_marks();

/// To be called before addresses are removed: others' must not go with them (F13). `ours`: addresses that are ours
/// without a mark.
void save_others(const netlink::Facts& facts, std::span<const netlink::DesiredAddress> removed,
                 const std::set<netlink::OwnedAddress>& ours);

}  // namespace vrrpd
