// Removes addresses and waits for it: for a process that has no event loop, and nothing else to do meanwhile.
#pragma once

#include <span>
#include <vector>

#include "netlink/plan.hpp"
#include "netlink/socket.hpp"
#include "vrrpd/core/time.hpp"

namespace vrrpd::netlink {

/// Others' addresses on the same links stay (F13). Returns those that may still be there, because the kernel refused
/// or did not answer within `limit`. An address that was not there is no failure.
std::vector<OwnedAddress> remove_now(Socket& socket, std::span<const OwnedAddress> addresses, Duration limit);

}  // namespace vrrpd::netlink
