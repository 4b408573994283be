// Carries out what the core wishes of the kernel's addresses, and of the routes that move with them: all of an
// instance, or none.
//
// Each wish becomes a few netlink requests, in order: routes come after the addresses, which they may need, and go
// before them. When the last one of the latest wish is answered, that
// wish is settled. A wish that was overtaken by another is settled by nobody. Nothing here waits.
//
// Where connections are to be ended first (netlink/connection_closer.hpp), the addresses are made deaf, so that no new
// ones begin; then the connections end; and when that is done or took too long the requests for the removal leave. Who
// wants the addresses meanwhile has them removed and put on again.
//
// A removal that the kernel refuses is said and tried again: an address of ours that stays where it does not belong
// is the one thing that must not be.
//
// Addresses have a finite lifetime, the lease, which adverts that left renew; and what is held stands in the runtime
// record, where the guard and a successor find it.
//
// What a person put on a link stays theirs: it is neither taken over nor removed (E04). An owner (priority
// 255) uses it as it is; any other instance is told of it as an obstacle, before it claims anything.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "netlink/connection_closer.hpp"
#include "netlink/facts.hpp"
#include "netlink/plan.hpp"
#include "netlink/requests.hpp"
#include "netlink/route.hpp"
#include "vrrpd/core/events.hpp"
#include "vrrpd/core/options.hpp"
#include "vrrpd/guard/record.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class AddressKeeper {
  public:
    /// An address is on its link.
    using Arrived = std::function<void(InstanceId, int link, const IpAddress&)>;

    /// `settled` is called from the loop, or from within set() when there is nothing to ask the kernel for; `arrived`
    /// too, for each address that is wanted with `announce` and as long as it is wanted.
    AddressKeeper(Loop& loop, netlink::Requests& requests, const netlink::Facts& facts, Record& record,
                  const std::vector<InstanceOptions>& instances, std::function<void(const AddressesSettled&)> settled,
                  Arrived arrived);

    struct Counters {
        std::uint64_t renewals = 0;  ///< of leases, one for each address
        std::uint64_t failed_renewals = 0;
    };

    /// The requests leave with Requests::flush(), the first of many before that.
    void set(const SetAddresses& wish);

    /// The instances are others now; `removed`, sorted, still hold what they held. The kernel is asked for nothing but
    /// the removal of what waited for the end of connections, with the next flush(). What is to be put on is on record
    /// from here on, and an address that another instance has now, which holds its own, is that one's. Throws
    /// std::system_error when there can be no record; then nothing has changed.
    void reconfigure(const std::vector<InstanceId>& removed);

    /// Nothing of an instance is on a link or on its way, as far as is known.
    bool is_idle(InstanceId id) const { return !wishes_[id].wanted && wishes_[id].outstanding == 0; }

    /// Whether every wish is settled: the kernel may take longer than anybody waits for it.
    bool all_settled() const;

    /// Why addresses and routes could not be put on now, in a sentence with its remedy. Nothing while they are wanted,
    /// so ask again once it is settled that they are not: the facts may be no others than before.
    std::optional<Text> obstacle(InstanceId id) const;

    /// Which instance misses an address that is gone although it wants it (E36); nothing: it was nobody's, or it
    /// was we who removed it.
    /// While a wish is being carried out nothing is missed yet: then all is asked for once more at its end.
    std::optional<AddressesLost> loss(const netlink::Address& gone);

    /// An advert of an instance has left: keeps its addresses alive, if it has any. The requests leave with
    /// Requests::flush().
    void advert_left(InstanceId id, int priority);

    /// What would be put on now: where its links exist, and nobody else holds it.
    std::vector<netlink::OwnedAddress> placeable(InstanceId id) const;
    std::vector<netlink::Route> placeable_routes(InstanceId id) const;

    const Counters& counters() const { return counters_; }

  private:
    struct Wish {
        std::uint64_t number = 0;  // which one the outstanding requests belong to
        bool wanted = false;
        bool announce = false;
        bool disturbed = false;  // something of it went before it was settled
        bool sheds = false;      // addresses that are on record until they are gone
        bool deaf = false;       // its addresses are, and on their way out
        std::size_t outstanding = 0;
        std::string refused;
        Instant settled = Instant::min();  // the last time
    };
    struct Placed {
        std::vector<netlink::DesiredAddress> addresses;
        std::vector<netlink::Route> routes;
    };
    /// The addresses of an instance and where they go, as far as those links exist.
    std::vector<netlink::DesiredAddress> place(InstanceId id) const;
    std::optional<Text> missing_link(const InstanceOptions& instance) const;
    /// Those of them that somebody else holds.
    std::vector<netlink::Conflict> conflicts(InstanceId id) const;
    void add(InstanceId id, const netlink::DesiredAddress& address);
    void remove(InstanceId id, const netlink::DesiredAddress& address);
    bool is_put(const netlink::DesiredAddress& address) const;
    Placed assign(InstanceId id, Placed placed);
    void remove_stuck();
    void forget_all_gone();
    netlink::Requests::Completion completion(InstanceId id, std::string what);
    void put_all(InstanceId id);
    void take_all(InstanceId id);
    template <typename Use>
    void for_each_flushed(const std::vector<netlink::DesiredAddress>& addresses, Use use);
    void close_and_take_all(InstanceId id);
    void close_connections(InstanceId id);
    void take_all_when_closed(InstanceId id, std::uint64_t number);
    void look_whether_connections_can_be_closed();
    void cannot_close(int error);
    void inherit_addresses(const std::vector<InstanceId>& removed);
    void arrived(InstanceId id, const netlink::DesiredAddress& address);
    void answered(InstanceId id, std::uint64_t number, const Text& error);

    Loop& loop_;
    netlink::Requests& requests_;
    const netlink::Facts& facts_;
    Record& record_;
    const std::vector<InstanceOptions>& instances_;
    std::function<void(const AddressesSettled&)> settled_;
    Arrived arrived_;
    std::vector<Wish> wishes_;
    std::vector<Instant> renewed_;                // the lease, by instance
    std::vector<netlink::DesiredAddress> stuck_;  // whose removal failed: tried again until it does not
    std::unique_ptr<Timer> retry_;
    Duration retry_delay_{};
    netlink::ConnectionCloser closer_;
    bool closer_is_tried_ = false;
    int closing_error_ = 0;
    std::vector<Placed> put_;                     // by instance: a link may have changed its name since; see assign()
    std::multiset<netlink::OwnedAddress> names_;  // of all of those
    std::set<netlink::OwnedAddress> added_;       // by us: kernels before 5.18 keep no mark
    Counters counters_;
};

}  // namespace vrrpd
