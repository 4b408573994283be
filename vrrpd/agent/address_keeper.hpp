// Carries out what the core wishes of the kernel's addresses: all of an instance, or none.
//
// Each wish becomes a few netlink requests, in order; when the last one of the latest wish is answered, that
// wish is settled. A wish that was overtaken by another is settled by nobody. Nothing here waits.
//
// What a person put on a link stays theirs: it is neither taken over nor removed (E04). An owner (priority
// 255) uses it as it is; any other instance is told of it as an obstacle, before it claims anything.
#pragma once

#include <functional>
#include <optional>
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
    /// `settled` is called from the loop, or from within set() when there is nothing to ask the kernel for.
    AddressKeeper(netlink::Requests& requests, const netlink::Facts& facts,
                  const std::vector<InstanceOptions>& instances, std::function<void(const AddressesSettled&)> settled);

    /// The requests leave with Requests::flush().
    void set(InstanceId id, bool wanted);

    /// Why the addresses could not be put on now, in a sentence with its remedy. Nothing while they are wanted.
    std::optional<Text> obstacle(InstanceId id) const;

    /// Removes what a predecessor left behind: every address with our mark. Call once, before the first wish.
    void remove_leftovers();

  private:
    struct Wish {
        std::uint64_t number = 0;  // which one the outstanding requests belong to
        bool wanted = false;
        std::size_t outstanding = 0;
        Text refused;
    };
    /// The addresses of an instance and where they go, as far as those links exist.
    std::vector<netlink::DesiredAddress> place(InstanceId id) const;
    /// Those of them that somebody else holds.
    std::vector<netlink::Conflict> conflicts(InstanceId id) const;
    void add(InstanceId id, const netlink::DesiredAddress& address);
    void remove(InstanceId id, const netlink::DesiredAddress& address);
    void save_others(const std::vector<netlink::DesiredAddress>& removed) const;
    netlink::Requests::Completion completion(InstanceId id, const netlink::DesiredAddress& address);
    void answered(InstanceId id, std::uint64_t number, const Text& error);

    netlink::Requests& requests_;
    const netlink::Facts& facts_;
    const std::vector<InstanceOptions>& instances_;
    std::function<void(const AddressesSettled&)> settled_;
    std::vector<Wish> wishes_;
    std::vector<std::vector<netlink::DesiredAddress>>
        put_;                                // where, by instance: a link may have changed its name since
    std::set<netlink::OwnedAddress> added_;  // by us: kernels before 5.18 keep no mark
};

}  // namespace vrrpd
