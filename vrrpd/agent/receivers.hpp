// The receiving sockets of all instances: for each interface and family that an instance uses a receiver, with a
// filter for just those instances, and an observer of all else. They follow the kernel's interfaces as these come, go,
// and change their names.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "vrrpd/agent/paths.hpp"
#include "vrrpd/core/events.hpp"
#include "vrrpd/core/options.hpp"
#include "vrrpd/core/packet.hpp"
#include "vrrpd/io/advert_observer.hpp"
#include "vrrpd/io/advert_receiver.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class Receivers {
  public:
    Receivers(Loop& loop, const std::vector<InstanceOptions>& instances, PacketSink receive, PacketSink observe);

    /// Brings the sockets in line with where the instances are: one path for each. Not to be called from within
    /// `receive` or `observe`.
    void refresh(std::span<const PathChanged> found, const Paths& paths);

    /// Empty: adverts of this interface and family are received; otherwise why not.
    std::string problem(int interface_index, Family family) const;

    /// What the addresses of its interface say of who sent a packet.
    Sender sender_of(const Packet& packet) const;

    bool any_problem() const;

    /// Reads what waits, up to a bound; `all`: up to what a socket can hold.
    void drain(bool all);

    /// Packets that reached no instance, since the start: also those of sockets that are closed.
    struct Dropped {
        std::uint64_t lost = 0;          ///< by the kernel, for want of room, and wanted
        std::uint64_t unclassified = 0;  ///< by the kernel, of no interest here
        std::uint64_t unreadable = 0;    ///< longer than any advert, or with a header that contradicts itself
    };
    Dropped dropped();

  private:
    using Segment = std::pair<int, Family>;
    struct Open {
        Subscription subscription;
        LinkAddresses addresses;
        std::unique_ptr<AdvertReceiver> receiver;  // none: see problem
        std::unique_ptr<AdvertObserver> observer;
        std::string problem;
    };
    std::map<Segment, Subscription> wanted(std::span<const PathChanged> found) const;
    void open(const Segment& segment, Open& place);
    void close(Open& place);

    Loop& loop_;
    const std::vector<InstanceOptions>& instances_;
    PacketSink receive_;
    PacketSink observe_;
    std::map<Segment, Open> open_;
    Dropped of_closed_;
};

}  // namespace vrrpd
