// Hears who else says that he has an address of ours: ARP for IPv4, neighbour advertisements for IPv6, on one link.
// What to make of it is up to the core; no role depends on it (conformance H43).
//
// Promises:
//  - what this link itself sends is never among it, nor what claims another address than ours, as far as the kernel's
//    filter can tell (claim_filter.hpp);
//  - no more than 200 frames a second are read, after at most 20 at once. What does not fit into the small buffer
//    meanwhile is dropped by the kernel.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "vrrpd/core/frames.hpp"
#include "vrrpd/io/claim_filter.hpp"
#include "vrrpd/io/read_budget.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

/// Takes what came in together, at least one claim. The observer must survive it.
using ClaimSink = std::function<void(std::span<const Claim>)>;

class ClaimObserver {
  public:
    static constexpr std::size_t burst = 20;
    static constexpr Duration frame_interval = std::chrono::milliseconds(5);

    /// Begins to listen. Throws std::system_error, also when the interface does not exist.
    ClaimObserver(Loop& loop, Family family, int interface_index, const ClaimSubscription& ours, ClaimSink sink);

    /// Other addresses, or another MAC. What waits was let through by the old filter.
    void configure(const ClaimSubscription& ours);

  private:
    void open();
    void observe_some();
    std::size_t read(std::size_t most);

    Loop& loop_;
    const Family family_;
    const int interface_index_;
    ClaimSink sink_;
    Descriptor socket_;
    ReadBudget budget_;
    std::unique_ptr<Timer> pause_;
    std::unique_ptr<Watch> watch_;  // last, so that it goes before the socket
};

}  // namespace vrrpd
