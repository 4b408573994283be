// The daemon without its process: wires the core to the world.
//
//     adverts, link and address facts, check verdicts,            adverts, addresses, services,
//     kernel and service answers, time             ──► Router ──►  announcements, log lines
//
// Every fact ends in feed() or take(); every action starts in perform(). What one round of facts asks for
// leaves at its end, adverts first, then netlink requests, then hooks: so an advert never waits for anything else, and
// those of many instances leave together. Nothing here decides about the protocol, and nothing here waits.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "health/check.hpp"
#include "netlink/monitor.hpp"
#include "netlink/requests.hpp"
#include "vrrpd/agent/address_keeper.hpp"
#include "vrrpd/agent/claim_observers.hpp"
#include "vrrpd/agent/console.hpp"
#include "vrrpd/agent/hook_set.hpp"
#include "vrrpd/agent/paths.hpp"
#include "vrrpd/agent/receivers.hpp"
#include "vrrpd/agent/service_set.hpp"
#include "vrrpd/config/arrange.hpp"
#include "vrrpd/config/config.hpp"
#include "vrrpd/core/router.hpp"
#include "vrrpd/guard/record.hpp"
#include "vrrpd/io/advert_sender.hpp"
#include "vrrpd/io/announcer.hpp"
#include "vrrpd/launcher/child.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class Agent {
  public:
    /// Opens all sockets; throws std::system_error. `finished` is called once after shut_down() or restart(), when
    /// everything is handed over.
    Agent(Loop& loop, ChildStarter& starter, config::Config config, Record& record, std::function<void()> finished);

    /// Reads the kernel's facts, adopts what it can of a predecessor's, removes the rest, and takes part from then on.
    void start(const std::optional<RecordReader>& predecessor);

    /// Applies the difference: who is the same goes on without missing an advert (agent/reload.cpp). What an earlier
    /// reload removed is handed over first; of several that wait for it the last one counts. `done` is called when it
    /// is in force, or was overtaken by a later one or the end.
    struct Reloaded {
        std::string obstacle{};               ///< why it will not be in force; empty: it is
        std::vector<std::string> warnings{};  ///< what the administrator should know, logged already
    };
    void reload(config::Config loaded, std::function<void(const Reloaded&)> done = {});
    /// What is in force.
    const config::Config& config() const { return config_; }
    /// How an operator has the file read again: see Console::World. To be told before start().
    void on_reload(decltype(Console::World::reload) read_again) { read_again_ = std::move(read_again); }

    /// How a reading of the file ended, to be counted.
    void reload_ended(bool applied);

    /// Hands everything over to the peers: planned demotion of all instances.
    void shut_down();

    /// Leaves what a successor can adopt as it is, and hands over the rest.
    void restart();

    /// Something is wrong for as long as the process runs: to be seen in the status.
    void warn(std::string text) { warnings_.push_back(std::move(text)); }

    /// Something is left for a successor.
    bool leaves_legacy() const { return !remaining_.empty(); }

  private:
    void feed(Event event);
    void feed_all(std::vector<Event> events);
    void take(std::span<const Packet> packets);
    void take_claims(std::span<const AddressClaimed> claims);
    void on_deadline();
    void arm_deadline();
    void perform_all();
    void perform(const SendAdvert& action);
    void queue(InstanceId id, std::uint8_t priority, const IpAddress& destination, int ttl);
    Instant send_queued();  // when they had left
    void take_note_of_sent(Instant gone);
    void perform(const SetAddresses& action);
    void perform(const SetServices& action);
    void perform(const Announce& action);
    void perform(const Probe& action);
    void perform(const RunHook& action) { hooks_.add(action); }
    void perform(const RunGroupHook& action) { hooks_.add(action); }
    void perform(const DropHook& action) { hooks_.drop(action); }
    void perform(const RoleChanged& action);
    void perform(const GroupChanged& action);
    void perform(const Notice& action);
    void end_round();

    struct Reload {
        config::Config loaded;
        std::function<void(const Reloaded&)> done;
    };
    void go_on_reloading();
    Reloaded apply(config::Config loaded);
    void remake_checks(const config::Arranged& arranged);
    void cancel_announcements(const config::Config& before, const config::Changes& instances);
    Reconfigured reconfigured(const config::Arranged& arranged, const std::vector<PathChanged>& found) const;
    void tell_newly_tracked(const std::vector<bool>& before);
    void forget_links(const std::vector<std::string>& before);
    std::vector<std::string> warnings_of(const config::Arranged& arranged) const;
    std::string order_of(const config::Move& move) const;
    void bury_removed();

    std::vector<PathChanged> find_paths();
    PathChanged judged(PathChanged path) const;
    void refresh_paths();
    void refresh_path(InstanceId id, PathChanged path);
    void refresh_tracked_links();
    void look_for_losses(std::span<const netlink::Address> removed);
    void settled(const AddressesSettled& settled);
    void announce(InstanceId id, int link_index, const IpAddress& address);
    void probe(const netlink::Link& link, const IpAddress& address);
    void cannot_announce(const Announcement& announcement, int error);
    template <typename Use>
    void for_each_placed_address(InstanceId id, Use use);

    Console::World world();
    ShellCounters counters();

    std::vector<Legacy> adopt(const RecordReader& predecessor) const;
    std::unique_ptr<health::Check> make_check(const health::CheckOptions& options, std::size_t check);
    std::vector<bool> standby_checks() const;
    void find_tracked();
    void tell_verdict(std::size_t check);
    void run_checks();
    void run_check(std::size_t check);
    void on_report(std::size_t check, const health::Report& report);
    void judge_service(std::size_t service, bool wanted);
    void leave_when_done();
    void publish_status();

    Loop& loop_;
    config::Config config_;  // its parts are read through references: only apply() changes it
    Record& record_;
    std::function<void()> finished_;
    Router router_;
    Actions actions_;
    std::deque<Event> facts_;  // that came while others were carried out
    bool in_round_ = false;
    bool shutting_down_ = false;
    std::vector<InstanceId> departing_;  // removed by a reload, and not yet handed over
    std::optional<Reload> reload_;       // that waits for them
    std::unique_ptr<Timer> burial_;
    std::vector<InstanceId> remaining_;  // for a successor
    std::vector<std::string> warnings_;  // before there is a console
    decltype(Console::World::reload) read_again_;
    std::unique_ptr<Timer> deadline_;
    Instant armed_ = never;  // when it fires
    std::unique_ptr<Timer> status_;
    std::unique_ptr<Timer> socket_retry_;
    bool status_due_ = false;

    AdvertSender sender_;
    netlink::Monitor monitor_;
    Paths paths_;
    Receivers receivers_;
    ClaimObservers claims_;
    netlink::Requests requests_;
    AddressKeeper addresses_;
    Announcer announcer_;
    NoticeLimiter announce_failures_;
    std::vector<CheckState> tracked_links_;

    health::Probers probers_;
    std::vector<std::unique_ptr<health::Check>> checks_;
    std::vector<bool> tracked_;  // by an instance: runs always
    std::vector<bool> judged_;   // by service: its check is wanted
    ServiceSet services_;
    HookSet hooks_;
    std::unique_ptr<Console> console_;  // from the start on
    std::array<std::uint8_t, max_message_size> message_;
    // An advert on its way, one copy for each peer; Datagram::tag is its place here.
    struct Leaving {
        InstanceId instance;
        int priority;
        std::size_t copies;
        Instant due;
        std::size_t failed = 0;
        int error = 0;
    };
    std::vector<Leaving> leaving_;
    Tally tally_;
};

}  // namespace vrrpd
