// Carries out what the core wishes of the kernel's addresses: all of an instance, or none.
//
// Each wish becomes a few netlink requests, in order; when the last one of the latest wish is answered, that
// wish is settled. A wish that was overtaken by another is settled by nobody. Nothing here waits.
#pragma once

#include <functional>
#include <set>
#include <vector>

#include "netlink/facts.hpp"
#include "netlink/plan.hpp"
#include "netlink/requests.hpp"
#include "vrrpd/core/events.hpp"
#include "vrrpd/core/options.hpp"

namespace vrrpd {

class AddressKeeper {
  public:
    /// `settled` is called from the loop or from within set(), when there is nothing to ask the kernel for.
    AddressKeeper(netlink::Requests& requests, const netlink::Facts& facts,
                  const std::vector<InstanceOptions>& instances,
                  std::function<void(const AddressesSettled&)> settled);

    void set(InstanceId id, bool wanted);

    /// Removes what a predecessor left behind: every address with our mark. Call once, before the first wish.
    void remove_leftovers();

    /// Requests that failed, for the counters.
    std::uint64_t refusals() const { return refusals_; }

  private:
    struct Wish {
        std::uint64_t number = 0;  // which one the outstanding requests belong to
        bool wanted = false;
        std::size_t outstanding = 0;
        Text refused;
    };
    bool is_ours(const netlink::Address& address) const;
    void ask(InstanceId id, const VirtualAddress& address);
    void answered(InstanceId id, std::uint64_t number, const Text& error);

    netlink::Requests& requests_;
    const netlink::Facts& facts_;
    const std::vector<InstanceOptions>& instances_;
    std::function<void(const AddressesSettled&)> settled_;
    std::vector<Wish> wishes_;
    std::set<netlink::OwnedAddress> added_;  // by us: kernels before 5.18 keep no mark
    std::uint64_t refusals_ = 0;
};

}  // namespace vrrpd
