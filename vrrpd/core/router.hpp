// The core: all virtual routers of this host, driven by three calls; all else only looks.
//
//     handle(event, now)    a fact; what follows from it is appended to the actions
//     expire(now)           what is due; to be called at next_deadline()
//     next_deadline()       when that will be
//
// No clock, no socket, no log, no randomness, and no allocation for an advert once the vectors of
// the caller have grown.
// The daemon, the simulator and the benchmarks run this very code.
//
// A received packet is checked in the order that advert.hpp gives; the first check that fails counts it and
// ends it. One that comes by unicast belongs to the instance that has its sender as a peer. Timers are those of the
// instances, kept in one heap. Everything that is due within a small slot is done together, so that the adverts of many
// instances leave in one system call.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "vrrpd/core/deadline_heap.hpp"
#include "vrrpd/core/events.hpp"
#include "vrrpd/core/instance.hpp"
#include "vrrpd/core/sync_group.hpp"

namespace vrrpd {

class Router {
  public:
    /// Both must live as long as the router, or until it is reconfigured; positions in `options` are the ids.
    explicit Router(const std::vector<InstanceOptions>& options, const std::vector<SyncGroupOptions>& groups = {});

    Router(const Router&) = delete;  // groups point at their members
    Router& operator=(const Router&) = delete;

    void handle(const Event& event, Instant now, Actions& actions);
    void expire(Instant now, Actions& actions);
    Instant next_deadline() const;

    std::size_t size() const { return instances_.size(); }
    const Instance& instance(InstanceId id) const { return *instances_[id]; }
    /// All instances have handed over and stopped.
    bool finished() const;

    /// Refusals of packets that belong to no instance.
    const std::array<std::uint64_t, refusal_count>& unassigned() const { return unassigned_; }

  private:
    /// Where adverts of one kind arrive: the first instance of each virtual router ID, or none.
    using Segment = std::pair<int, Family>;
    static constexpr InstanceId none = static_cast<InstanceId>(-1);

    void on(const Packet& packet, Moment moment);
    void on(const Startup& event, Moment moment);
    void on(const Shutdown& event, Moment moment);
    void on(const Parting&, Moment moment);
    void on(const DrainChanged& event, Moment moment);
    void on(const HandOver& event, Moment moment);
    void on(const Reconfigured& event, Moment moment);
    void on(const Vacated& event, Moment moment);
    void on(const PathChanged& event, Moment moment);
    void on(const CheckChanged& event, Moment moment);
    void on(const AddressesSettled& event, Moment moment);
    void on(const AddressesLost& event, Moment moment);
    void on(const AddressClaimed& event, Moment moment);
    void on(const ServicesChanged& event, Moment moment);
    void on(const HookEnded& event, Moment moment);
    void on(const SendFailed& event, Moment moment);

    void index_options();
    /// An instance takes a step, and its sync group follows.
    template <typename Step>
    void lead(InstanceId id, Moment moment, Step step);
    template <typename Fact>
    void tell(InstanceId id, Moment moment, Fact fact);
    template <typename Fact>
    void tell_all(Moment moment, Fact fact);
    /// Of a wish of the operator: an instance with its sync group.
    template <typename Fact>
    void tell_group(InstanceId id, Moment moment, Fact fact);
    /// The others of its sync group follow what an instance did.
    void settle(InstanceId id, Moment moment);
    void settle_groups(Moment moment);
    std::vector<SyncGroup*> regroup(const std::vector<SyncGroupOptions>& groups);
    void make_room(std::size_t size);
    void add(const PathChanged& path, Moment moment);
    InstanceId find(const Packet& packet, std::uint8_t virtual_router_id) const;
    void look_for_slip(const Packet& packet, std::uint8_t virtual_router_id, Moment moment);
    void enter_segment(InstanceId id);
    void leave_segment(InstanceId id);

    std::vector<std::unique_ptr<Instance>> instances_;
    std::vector<std::unique_ptr<SyncGroup>> groups_;
    std::vector<SyncGroup*> group_of_;                         // by instance; null: none
    std::map<std::size_t, std::vector<InstanceId>> trackers_;  // by Track::index
    KnownChecks known_;                                        // of those
    std::vector<std::pair<IpAddress, InstanceId>> holders_;    // of all addresses, sorted
    DeadlineHeap deadlines_;
    std::map<Segment, std::array<InstanceId, 256>> segments_;
    std::vector<InstanceId> next_;  // of the same segment and VRID: unicast instances with other peers (V06)
    std::array<std::uint64_t, refusal_count> unassigned_{};
    std::vector<InstanceId> not_yet_;  // scratch of expire()
};

}  // namespace vrrpd
