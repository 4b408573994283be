// From the kernel's links and addresses to the way out of an instance, and to what an interface says of the sender
// of a packet. Facts in, facts out.
//
// Many instances share an interface. What they have in common is found out once for each version of the facts, so that
// asking for all of a thousand instances costs little more than asking for one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "netlink/facts.hpp"
#include "vrrpd/core/events.hpp"
#include "vrrpd/core/options.hpp"

namespace vrrpd {

/// What the addresses of an interface say of a sender: see enum Sender. All are sorted.
struct LinkAddresses {
    std::vector<IpAddress> own;         ///< of this host, of either family, and not moving
    std::vector<IpAddress> broadcasts;  ///< of the IPv4 subnets, up to /30
    std::vector<Prefix> subnets;        ///< of IPv4, not those of a single address
    friend bool operator==(const LinkAddresses&, const LinkAddresses&) = default;
};

class Paths {
  public:
    /// Both must outlive this.
    Paths(const std::vector<InstanceOptions>& instances, const netlink::Facts& facts);

    /// The instances are others now.
    void reconfigure();

    /// Whether an instance can take part, and from which address; or why not, in a sentence that names the interface.
    ///
    /// `options.source` has to be there, not put there by us, and usable. Without one it is the primary address of the
    /// interface (Facts::primary_address); IPv6 with peers: of the scope of the first of them.
    PathChanged find(InstanceId id) const;

    /// Depends on addresses without our mark only, as does Facts::version(). An owner's is not among `own`.
    LinkAddresses own_addresses(int link) const;

    /// All addresses that move, of all instances, sorted: none of them is the source of an advert, but for an owner.
    const std::vector<IpAddress>& virtual_addresses() const { return virtual_addresses_; }

  private:
    using Shared = std::tuple<int, Family, bool, netlink::Scope>;  // link, ..., whether it is an owner's, ...

    std::optional<IpAddress> source(const InstanceOptions& instance, int link) const;
    std::optional<IpAddress> primary_address(const Shared& shared) const;

    const std::vector<InstanceOptions>& instances_;
    const netlink::Facts& facts_;
    std::vector<IpAddress> virtual_addresses_;
    std::vector<IpAddress> moving_;  // all of them but those of owners, who have them anyway
    mutable std::map<Shared, std::optional<IpAddress>> primaries_;  // as of version_
    mutable std::uint64_t version_ = 0;
};

/// The interface of an instance; where it names none, the one that holds its source address. Null: there is none.
const netlink::Link* home_link(const InstanceOptions& instance, const netlink::Facts& facts);

/// Where a virtual address belongs: `dev IF` of its own, or the interface of its instance.
const netlink::Link* link_of(const VirtualAddress& address, const InstanceOptions& instance,
                             const netlink::Facts& facts);

}  // namespace vrrpd
