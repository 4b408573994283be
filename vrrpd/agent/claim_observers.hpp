// Who hears of other holders of our addresses: for each link and family that an address of an instance belongs to a
// ClaimObserver, with a filter for just those addresses. They follow the links as these come, go, and change.
//
// They hear the Active's announcements while we are Backup, too: that is what the core is there to tell apart.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "netlink/facts.hpp"
#include "vrrpd/core/events.hpp"
#include "vrrpd/core/options.hpp"
#include "vrrpd/io/claim_observer.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class ClaimObservers {
  public:
    /// Takes what came in together, at least one. It must not refresh().
    using Sink = std::function<void(std::span<const AddressClaimed>)>;

    /// `instances` and `facts` must outlive this.
    ClaimObservers(Loop& loop, const std::vector<InstanceOptions>& instances, const netlink::Facts& facts, Sink sink);

    /// Brings the sockets in line with the links; cheap if nothing has changed there. What cannot be heard is logged,
    /// and tried again with the next change: it keeps no instance from serving.
    void refresh();

    /// The instances are others now: the next refresh() looks at all of them.
    void reconfigure() { stale_ = true; }

  private:
    using Segment = std::pair<int, Family>;
    using Holders = std::vector<std::pair<IpAddress, InstanceId>>;  // sorted
    struct Open {
        ClaimSubscription subscription;
        Holders holders;
        std::unique_ptr<ClaimObserver> observer;
    };

    bool take_changed();
    std::map<Segment, Holders> wanted() const;
    void open(const Segment& segment, Open& place, Holders holders);
    void hear(const Segment& segment, std::span<const Claim> claims);

    Loop& loop_;
    const std::vector<InstanceOptions>& instances_;
    const netlink::Facts& facts_;
    Sink sink_;
    std::vector<netlink::Link> links_;  // as of the last refresh
    std::vector<int> homes_;            // interfaces of the instances then; 0: none
    bool stale_ = true;
    std::map<Segment, Open> open_;
};

}  // namespace vrrpd
