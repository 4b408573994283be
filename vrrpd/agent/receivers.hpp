// The receiving sockets of all instances: one for each interface and family that an instance uses, each with
// a filter for just those instances. They follow the kernel's interfaces as these come, go, and change their names.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "netlink/facts.hpp"
#include "vrrpd/core/options.hpp"
#include "vrrpd/core/packet.hpp"
#include "vrrpd/io/advert_receiver.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class Receivers {
  public:
    Receivers(Loop& loop, const std::vector<InstanceOptions>& instances, const netlink::Facts& facts,
              std::function<void(const Packet&)> receive);

    /// Brings the sockets in line with the facts. Not to be called from within `receive`.
    void refresh();

    /// Empty: adverts of this interface and family are received; otherwise why not.
    std::string problem(int interface_index, Family family) const;

    /// Reads what waits, up to a bound.
    void drain();

  private:
    using Segment = std::pair<int, Family>;
    struct Open {
        AdvertFilter filter;
        std::unique_ptr<AdvertReceiver> receiver;  // none: see problem
        std::string problem;
    };
    std::map<Segment, AdvertFilter> wanted() const;
    void open(const Segment& segment, Open& place);

    Loop& loop_;
    const std::vector<InstanceOptions>& instances_;
    const netlink::Facts& facts_;
    std::function<void(const Packet&)> receive_;
    std::map<Segment, Open> open_;
};

}  // namespace vrrpd
