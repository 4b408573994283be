// What we know of the kernel's links and addresses: the "actual" of desired against actual.
//
// Pure: the monitor puts in what the kernel tells, everybody else asks. An overrun of the event socket makes
// what is here doubtful, so a full reading replaces it: whatever was not said again between begin_resync()
// and end_resync() goes. A reading that breaks off just begins again; nothing is lost by it.
//
// Addresses of a link keep the order in which they came, which is the kernel's own order of preference.
//
// Whoever computes from the facts asks version(), or the monitor's listener, when to do so again. Addresses with
// our mark do not count there: a thousand of them come and go with a takeover, and nobody is to compute for each.
// A kernel that keeps no marks makes them count like others', which only takes longer.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "vrrpd/core/ip.hpp"

namespace vrrpd::netlink {

/// IFA_PROTO of every address that we put on a link, and the protocol of every route of ours: the IP protocol
/// number of VRRP. Kernels before 5.18 drop it from addresses.
inline constexpr std::uint8_t our_mark = 112;

struct Link {
    int index = 0;
    std::string name;
    bool up = false;                    ///< IFF_UP: set up by its administrator
    bool running = false;               ///< IFF_RUNNING: has a carrier and may pass packets
    std::array<std::uint8_t, 6> mac{};  ///< zero when the link has no Ethernet address
    friend bool operator==(const Link&, const Link&) = default;
};

struct Address {
    int link = 0;  ///< interface index
    Prefix prefix;
    IpAddress peer;          ///< far end of a point-to-point address, else the address itself
    std::uint8_t mark = 0;   ///< IFA_PROTO; 0: none
    bool secondary = false;  ///< IPv4: goes when the first address of its subnet goes (F13)
    bool tentative = false;  ///< IPv6: duplicate detection is not done, or failed
    bool expires = false;    ///< has a finite lifetime
    friend bool operator==(const Address&, const Address&) = default;
};

/// How far an IPv6 address reaches.
enum class Scope : std::uint8_t { link, global };

class Facts {
  public:
    void set_link(const Link& link);
    /// Its addresses go with it.
    void remove_link(int index);
    void set_address(const Address& address);
    /// Looks only at what identifies an address: link, prefix and peer.
    void remove_address(const Address& address);

    void begin_resync();
    void end_resync();

    /// Null when there is no such link. Valid until the next change. Of two links that are said to have one
    /// name it is the one of which that was said last.
    const Link* link(int index) const;
    const Link* link(std::string_view name) const;
    /// In order of their index.
    std::vector<Link> links() const;

    /// In the kernel's order.
    std::vector<Address> addresses(int link) const;
    /// The same of those that are `wanted`: cheaper than all where these are few.
    std::vector<Address> addresses(int link, const std::function<bool(const Address&)>& wanted) const;
    /// Of all links, in order of their index.
    std::vector<Address> addresses() const;
    /// Those on `link` that are `address`, whatever their prefix length.
    std::vector<Address> holders(int link, const IpAddress& address) const;
    /// Those on any link, in order of its index.
    std::vector<Address> holders(const IpAddress& address) const;

    /// The address that adverts come from: never one of ours and none of `vips`, which are sorted. IPv4: the first
    /// that is not secondary, or a secondary one when there is no other (a VIP may have become the first of its
    /// subnet). IPv6: the first of that scope that is not tentative.
    std::optional<IpAddress> primary_address(int link, Family family, std::span<const IpAddress> vips,
                                             Scope scope = Scope::link) const;

    /// Greater after every change of a link, or of an address without our mark.
    std::uint64_t version() const { return version_; }

    /// Whether the version is another than at the last call.
    bool take_changed();

    /// Addresses that went since the last call, whoever had put them there, but not those that went with their link.
    std::vector<Address> take_removed();

  private:
    using Key = std::tuple<int, Prefix, IpAddress>;
    struct KnownLink {
        Link link;
        std::uint64_t reading;
    };
    struct KnownAddress {
        Address address;
        std::uint64_t order;
        std::uint64_t reading;
    };
    using Addresses = std::vector<KnownAddress>;

    static Key key_of(const Address& address) { return {address.link, address.prefix, address.peer}; }
    /// The first address whose key is not less.
    Addresses::const_iterator first_from(const Key& key) const;
    std::span<const KnownAddress> of_link(int link) const;
    void forget_name(const Link& link);
    void count(const Address& address);
    void take_order(KnownAddress& known);

    std::map<int, KnownLink> links_;
    std::map<std::string, int, std::less<>> names_;  // of links, to their index
    Addresses addresses_;                            // sorted by key
    std::uint64_t version_ = 0;
    std::uint64_t told_ = 0;  // the version at the last take_changed()
    std::vector<Address> removed_;
    std::uint64_t next_order_ = 0;
    std::uint64_t reading_ = 0;
    struct {
        int link = 0;
        std::uint64_t order = 0;  // that it had before
    } last_read_;
};

}  // namespace vrrpd::netlink
