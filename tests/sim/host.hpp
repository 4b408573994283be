// One simulated machine: the real core as its process, and around it a kernel that adds and removes
// addresses, services, hooks, links and two checks. Everything takes a while, may fail, and answers by events, as
// in the daemon. A paused process hears nothing; on resume it is told what queued up in order, before any timer (D12).
//
// A process that is killed leaves its addresses. As in the daemon, what is held and when it was advertised last is on
// record: the guard removes by it what is no longer advertised, also of a process that is only paused, and a successor
// that comes soon enough adopts it.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/scenario.hpp"
#include "vrrpd/core/router.hpp"
#include "vrrpd/hooks/queue.hpp"

namespace vrrpd::sim {

class Simulator;

class Host {
  public:
    Host(Simulator& world, std::size_t index, const HostOptions& options);
    Host(const Host&) = delete;

    // ---- what happens to it
    void boot();
    void crash();    ///< the machine, with all that it held
    void kill();     ///< the process; somebody may boot() another one
    void restart();  ///< the process leaves by SIGUSR2, and a successor boots soon
    void pause();
    void resume();
    void set_link(std::size_t link, bool up);
    void set_check(std::size_t check, bool passing);
    void set_mute(bool mute);  ///< its kernel refuses to send
    void drain(InstanceId id, bool drained);
    void hand_over(InstanceId id);  ///< failover
    void reload(InstanceId id);     ///< that one, and some others with it
    void fail_service(InstanceId id);
    void lose_addresses(InstanceId id);  ///< somebody else removes them
    void shut_down();
    void receive(InstanceId id, const IpAddress& source, const std::vector<std::uint8_t>& message);
    /// Another host announced the first address of an instance.
    void receive_claim(InstanceId id);

    // ---- looks
    bool alive() const { return router_ != nullptr; }
    bool paused() const { return paused_; }
    bool mute() const { return mute_; }
    bool link_up(std::size_t link) const { return links_[link]; }
    bool check_passing(std::size_t check) const { return checks_[check]; }
    /// Hooks know the role that it has. (What the end of a service that never ends is to come before is never told.)
    bool hooks_know(InstanceId id) const {
        const Machine& machine = machines_[id];
        const bool told = machine.told == instance(id).role() || machine.service_deaf;
        return instance(id).options().hooks[Hook::notify].empty() || told;
    }
    bool drained(InstanceId id) const { return machines_[id].drained; }
    bool holds_addresses(InstanceId id) const { return machines_[id].present; }
    bool serving(InstanceId id) const { return instance(id).options().services.empty() || machines_[id].service_ready; }
    bool advertising(InstanceId id) const;
    /// Running, and not paused, since then; never if it is not.
    Instant responsive_since() const { return alive() && !paused_ ? responsive_since_ : never; }
    /// What its latest advert said, be it a predecessor's.
    int advertised_priority(InstanceId id) const { return machines_[id].priority; }
    /// When the guard has removed at the latest what is not advertised any more.
    Instant removed_by_guard(InstanceId id) const;
    std::size_t size() const { return options_.size(); }
    const Instance& instance(InstanceId id) const { return router_->instance(id); }
    const Router& router() const { return *router_; }
    const std::vector<SyncGroupOptions>& groups() const { return groups_; }
    bool grouped(InstanceId id) const;
    std::string name() const { return std::string(1, static_cast<char>('A' + index_)); }
    std::string name(InstanceId id) const { return name() + std::to_string(id + 1); }

    /// The priority that it should have: configured, and what check 1 adds.
    int expected_priority(InstanceId id) const;
    /// When the process last stopped being Active or on its way out; never while it is.
    Instant passive_since(InstanceId id) const { return machines_[id].passive_since; }
    /// Faults that were held since the boot: each may double fault_hold.
    int held_faults() const { return held_faults_; }

  private:
    struct Letter {
        Event event;
        std::vector<std::uint8_t> bytes;  // of a Packet
    };
    // What the kernel and the services know of one instance.
    struct Machine {
        bool present = false;
        int kernel_job = 0;
        Instant kernel_done{};
        int service_job = 0;
        bool service_wanted = false;
        bool service_ready = false;
        bool service_deaf = false;
        hooks::Queue hooks;
        std::uint64_t awaited_hook = 0;
        Role told = Role::init;  // to hooks
        Role said = Role::init;
        bool drained = false;
        Instant passive_since{};
        // The runtime record.
        bool recorded = false;
        Instant last_advert{};
        Duration interval{};
        int priority = 0;
        std::size_t addresses = 0;
        bool guarded = false;   // the guard's timer is set
        bool relieved = false;  // it has removed them, and they are not back yet
    };

    void end_process();
    void begin();
    bool is_adoptable(InstanceId id) const;
    std::vector<Legacy> find_legacies() const;
    void leave_when_done();
    void record(InstanceId id);
    void guard(InstanceId id);
    void look_as_guard(InstanceId id);

    void tell(Letter letter);
    void deliver(const Letter& letter);
    void expire();
    void carry_out();
    void perform(const SendAdvert& action);
    void perform(const SetAddresses& action);
    void perform(const SetServices& action);
    void perform(const RunHook& action);
    void perform(const DropHook& action);
    void perform(const RunGroupHook& action);
    void begin_hook(InstanceId id);
    bool awaits_hook(InstanceId id) const;
    void perform(const Announce& action);
    void perform(const Probe& action);
    void perform(const RoleChanged& action);
    void perform(const GroupChanged& action);
    void perform(const Notice& action);
    void check_groups();
    void check_stall(const std::vector<bool>& were_active);
    void arm();
    void look_at_path(InstanceId id);
    void look_at_check(std::size_t check);

    /// Calls back if the process is the same one then.
    template <typename Callback>
    void after(Duration delay, Callback callback);
    /// Calls back if the machine has not crashed meanwhile.
    template <typename Callback>
    void after_all(Duration delay, Callback callback);
    void change_addresses(InstanceId id, bool wanted, bool refused, Duration delay);

    Simulator& world_;
    const std::size_t index_;
    std::vector<InstanceOptions> options_;  // of the next boot
    const std::vector<SyncGroupOptions> groups_;
    std::deque<std::vector<InstanceOptions>> configurations_;  // in use, and on the way to a process that is paused

    std::unique_ptr<Router> router_;
    Actions actions_;
    std::vector<InstanceId> unsent_;
    int life_ = 0;     // counts crashes
    int process_ = 0;  // counts processes
    bool paused_ = false;
    bool leaving_ = false;  // by restart()
    Instant responsive_since_{};
    Instant paused_since_{};
    std::deque<Letter> inbox_;
    std::uint64_t alarm_ = 0;  // the latest timer that was set
    Instant armed_ = never;
    int held_faults_ = 0;

    bool mute_ = false;
    std::vector<bool> links_;
    bool checks_[check_count] = {true, true};
    std::vector<Machine> machines_;
};

}  // namespace vrrpd::sim
