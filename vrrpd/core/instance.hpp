// One virtual router: the state machine of RFC 9568 section 6.4 (and RFC 3768 section 6.4), with what
// surrounds it here: faults, services, the order of a promotion and of each kind of demotion.
//
// Everything is decided from facts: the path, the checks, the answers of the kernel and of the services, and
// what was heard. reconsider() compares the facts with the state after each change, so no fault is ever
// counted up and down. What to do in which state is one table (transitions.cpp); only dispatch() changes the state.
//
//   initialize  not taking part: not started, at fault, or stepping aside for a moment after a stall
//   backup      listening
//   preempting  listening; a worse Active goes on serving while before_master runs
//   active      advertising; before_master comes first, then the addresses, the services, the announcement
//   retiring    still advertising, but on the way out: services and before_backup, then the addresses, then priority 0
//
// Orders ("Promotion and demotion" in docs/architecture.md):
//   promotion             advert, before_master, addresses on, services up and listening, announcement, notify_master;
//                         without services each address is announced as the kernel has it; from a live Active
//                         before_master comes before the advert
//   shutdown, drain       services down beside before_backup (bounded), addresses off (bounded), priority 0 twice
//   fault                 services down (bounded), addresses off (bounded), priority 0 twice
//   higher Active heard   addresses off, one last advert; services settle
//   stall                 addresses off, priority 0, full start; services settle
//   path lost             addresses off, nothing sent; services settle
//   sync group steps down addresses off, priority 0; services settle
// and after each demotion, once the services have stopped as well, notify_*. Where close_connections asks for it, "off"
// means that clients are told first, but for the two that may be over in a moment: stall and path lost.
//
// A packet that was refused never reaches this class (conformance B27).
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "vrrpd/core/election.hpp"
#include "vrrpd/core/events.hpp"
#include "vrrpd/core/notice_limiter.hpp"
#include "vrrpd/core/options.hpp"
#include "vrrpd/core/signs.hpp"

namespace vrrpd {

/// When something happens, and where what follows from it goes.
struct Moment {
    Instant now;
    Actions& actions;
};

/// What we send before a peer was heard, in version 3 over IPv4.
ChecksumForm first_form(ChecksumMode mode);

class SyncGroup;
using KnownChecks = std::map<std::size_t, CheckChanged>;

class Instance {
  public:
    static constexpr std::size_t flapping_claims = 4;  ///< within a minute: worth a word
    /// After a takeover: what the Active before us said while it went is no news, nor what its kernel answered.
    static constexpr Duration handover_time = std::chrono::seconds(1);
    static constexpr Duration claim_patience = std::chrono::milliseconds(50);  ///< a claim may come before its advert
    static constexpr int lonely_intervals = 10;  ///< down intervals as Active without ever a peer: worth a word

    enum class State : std::uint8_t { initialize, backup, preempting, active, retiring };

    /// Counted since the start (RFC 6527 names in the metrics).
    struct Counters {
        std::uint64_t adverts_received = 0;
        std::uint64_t adverts_sent = 0;
        std::uint64_t releases_received = 0;
        std::uint64_t releases_sent = 0;
        std::uint64_t sends_failed = 0;
        std::uint64_t lists_differed = 0;
        std::uint64_t off_subnet = 0;
        std::uint64_t first_global = 0;
        std::uint64_t addresses_lost = 0;
        std::uint64_t foreign_claims = 0;
        std::array<std::uint64_t, 2> checksum_forms{};  ///< received, by ChecksumForm
        std::array<std::uint64_t, refusal_count> refused{};
        std::array<std::uint32_t, 4> entered{};  ///< by Role
        std::uint32_t became(Role role) const { return entered[static_cast<std::size_t>(role)]; }
    };

    /// The last valid advert that was heard.
    struct Heard {
        IpAddress source;
        bool lists_ours = true;  ///< the same virtual addresses as our options then
        int priority = 0;
        Duration interval{};
        Instant when{};
    };

    /// `options` must live as long as the instance, or until it gets others.
    Instance(InstanceId id, const InstanceOptions& options);

    // Facts.
    /// A predecessor was MASTER with that priority: start() goes on where it stopped, if it can.
    void inherit(int priority) { inherited_priority_ = priority; }
    void start(Moment moment);
    /// Whom a successor will adopt goes on through stop().
    void remain() { remaining_ = true; }
    void stop(Moment moment, const char* why = "shutdown");
    void part(Moment moment);
    void drain(bool drained, Moment moment);
    void hand_over(Moment moment);
    /// `known`: what is known of checks, by Track::index.
    void reconfigure(const InstanceOptions& options, const KnownChecks& known, Moment moment);
    /// The same before the start.
    void learn(const KnownChecks& known);
    /// Its options are the same, and somewhere else.
    void relocate(const InstanceOptions& options) { options_ = &options; }
    /// A fault that is held is over, and forgotten.
    void forgive(Moment moment);
    void path_changed(const PathChanged& path, Moment moment);
    void check_changed(const CheckChanged& change, Moment moment);
    void addresses_settled(const AddressesSettled& settled, Moment moment);
    void addresses_lost(const Text& what, Moment moment);
    void address_claimed(const AddressClaimed& claim, Moment moment);
    void services_changed(const ServicesChanged& change, Moment moment);
    void hook_ended(const HookEnded& end, Moment moment);
    void send_failed(const SendFailed& failure, Moment moment);
    /// The sender of a valid advert is in no subnet of ours: TTL 255 proves the link all the same (H14).
    void heard_off_subnet(const IpAddress& source, Moment moment);
    /// An advert that passed every check.
    void heard(const IpAddress& source, const Advert& advert, Moment moment);
    /// One that did not: counted, said, and nothing else.
    void refused(Refusal refusal, const IpAddress& source, Moment moment);
    /// One of another virtual router that advertises an address of ours.
    void heard_slip(const IpAddress& source, std::uint8_t virtual_router_id, const IpAddress& address, Moment moment);

    /// Does what is due. Adverts may leave up to slot() early, so that many leave together. False: nothing was due.
    bool expire(Moment moment);
    /// To be called before any other event is told: notices that no advert left for so long that peers took over.
    void wake(Moment moment);

    // Views.
    InstanceId id() const { return id_; }
    Instant next_deadline() const;
    State state() const { return state_; }
    Role role() const;
    bool finished() const;                              ///< stopped, and nothing of it is left to be done
    int priority() const;                               ///< the effective one
    Instant role_since() const { return role_since_; }  ///< of the role that was last said
    const Text& reason() const { return reason_; }      ///< why it is in that role; a fault as it is now
    const Text* fault() const;                          ///< its own or that of its sync group; null: none
    std::optional<Text> held_back() const;              ///< what keeps it from becoming Active; nothing: it may
    bool drained() const { return drained_; }
    bool aside() const { return aside_; }          ///< handed over, and lets another one serve
    bool obeying() const { return obeying_; }      ///< hears an Active that serves
    bool postponed() const { return postponed_; }  ///< would be Active, but is held back
    const std::vector<CheckState>& check_states() const { return checks_; }  ///< one for each of the options' checks
    const std::vector<int>& check_numbers() const { return check_numbers_; }
    const std::vector<CheckState>& gate_states() const { return gates_; }
    std::optional<Instant> last_sent() const;  ///< the last advert that was sent
    const Signs& signs() const { return signs_; }
    const std::optional<Heard>& last_heard() const { return heard_; }
    const Counters& counters() const { return counters_; }
    bool prepares() const { return state_ == State::active && phase_ == Phase::preparation; }  ///< no address yet
    bool lonely() const { return lonely_ && state_ == State::active && !heard_; }              ///< see lonely_intervals
    const InstanceOptions& options() const { return *options_; }
    const PathChanged& path() const { return path_; }
    Duration active_interval() const { return active_interval_; }  ///< learned from the Active, or ours

    /// Where adverts go if there are no unicast peers.
    IpAddress group_address() const { return options_->group.value_or(vrrp_group(options_->family)); }

    /// The message to send with `priority`; needs a source address. Returns its length.
    std::size_t encode(std::uint8_t priority, const IpAddress& destination, std::span<std::uint8_t> bytes) const;

  private:
    friend class SyncGroup;
    friend class Router;

    enum class Trigger : std::uint8_t {
        startup,
        startup_owner,
        startup_adopted,
        shutdown,
        drained,  // or handed over
        fault_raised,
        path_lost,
        stalled,
        down_timer,
        outbid,  // the same while a worse Active is alive, and before_master has to come first
        prepared,
        backed_off,
        advert_timer,
        heard_zero,
        heard_lower,
        heard_equal_lower,
        heard_equal_higher,
        heard_higher,
        addresses_present,
        addresses_gone,
        services_ready,
        services_stopped,
        group_promoted,
        group_demoted,
    };
    static constexpr std::size_t state_count = 5, trigger_count = static_cast<std::size_t>(Trigger::group_demoted) + 1;
    enum class Timer : std::uint8_t {
        protocol,        // Adver_Timer or Active_Down_Timer
        second_release,  // priority 0 is sent twice
        withdrawal,      // bound on the removal of the addresses
        services,        // bound on the end of the services, and of before_backup
        announcement,    // second burst, then the refreshes
        startup_delay,
        fault_hold,
        send_probe,   // whether adverts leave again
        restoration,  // of addresses that somebody else removed
        lookout,      // for other holders, then for peers at all
        claims,       // of others to our addresses are judged
        hook,         // bound on before_master
    };
    static constexpr std::size_t timer_count = 12;
    enum class Phase : std::uint8_t { preparation, addresses, services, serving };  // of active
    enum class Farewell : std::uint8_t { none, silence, last_advert, release };     // after the addresses are gone
    enum class Connections : std::uint8_t { end, stay };                            // of clients, before that

    // The table and its steps: transitions.cpp.
    struct Transition;
    struct Table;
    void begin(Moment);
    void begin_as_owner(Moment);
    void adopt(Moment);
    void cease(Moment);
    void claim(Moment);
    void prepare(Moment);
    void furnish(Moment);
    void hold_on(Moment);
    void give_way(Moment);
    void back_off(Moment);
    void seize(Moment);
    void take_on(Moment, Phase first);
    void hurry(Moment);
    void weigh(Moment);
    void follow(Moment);
    void conclude(Moment);
    void advertise(Moment);
    void reassert(Moment);
    void rebut(Moment);
    void yield(Moment);
    void raise_services(Moment);
    void serve(Moment);
    void retire(Moment);
    void retire_fast(Moment);
    void hasten(Moment);
    void wind_up(Moment);
    void withdraw_to_release(Moment);
    void vanish(Moment);
    void recoil(Moment);
    void rise(Moment);
    void recede(Moment);

    void dispatch(Trigger trigger, Moment moment);
    void reconsider(Moment moment);
    std::optional<Trigger> overdue_trigger(Instant now) const;
    void publish_role(Moment moment);

    bool path_usable() const { return path_.up && path_.source.has_value(); }
    // What the others of a sync group look at.
    struct Stance {
        State state;
        bool running, faulty, obeying, hindered, postponed, awaiting;
        unsigned tellings;
        friend bool operator==(const Stance&, const Stance&) = default;
    };
    Stance stance() const;

    const Text* own_fault() const;
    void hold_fault(const Text& reason, Moment moment);
    bool may_preempt(Instant now);
    std::optional<Text> own_hindrance() const;
    bool is_hindered() const;
    bool all_checked() const;   // each check has told something
    bool lacks_weight() const;  // a check that counts has not
    void postpone_or_claim(Moment moment);
    void fire(Timer timer, Moment moment);
    void send(std::uint8_t priority, Moment moment);
    void send(std::uint8_t priority, Instant due, Moment moment);
    void explain(Cause cause, const Text& reason);
    void withdraw(Farewell farewell, Connections connections, Moment moment);
    void let_services_settle(Moment moment);
    void want_addresses(Moment moment);
    void stop_services(ServiceWish wish, Duration bound, Moment moment);
    void listen(Moment moment);
    void obey(Moment moment);
    void announce(Moment moment);
    void announce_again(Moment moment);
    void advert_due(Instant due, Moment moment);
    void probe_sending(Moment moment);
    void restore_addresses(Moment moment);
    void judge_claims(Moment moment);
    void judge_claim(const AddressClaimed& claim, Moment moment);
    void answer_claim(const IpAddress& address, Moment moment);
    void look_out(Moment moment);
    void count_claim(Moment moment);
    // Hooks: hooks.cpp.
    bool needs_preparation() const;
    bool is_prepared() const;
    Trigger takeover(Instant now) const;
    bool preempts(Instant now) const;
    Instant silent_at() const;
    void go_on(Moment moment);
    void await_hook(Hook hook, Duration timeout, Role to, Moment moment);
    void run_before_master(Moment moment);
    void run_before_backup(Moment moment);
    void forget_hook(Moment moment);
    void hook_is_late(Moment moment);
    void run_hook(Hook hook, Role from, Role to, const Text& reason, Moment moment);
    void tell_hooks(Moment moment);
    void tell_backing_off(const Text& reason, Moment moment);
    void tell_of_healed_split(Moment moment);
    void look_for_new_active(Moment moment);
    Cause takeover_cause(Instant now) const;
    Text takeover_reason(Instant now) const;
    bool may_answer(Instant now);
    void observe(const IpAddress& source, const Advert& advert, Moment moment);
    void notice(Notice::Kind kind, const IpAddress& source, Moment moment, const Text& text = {});

    Standing standing() const;  // of the last advert heard; there must be one
    Duration skew() const;
    Duration down_interval() const;
    Duration slot() const;
    bool is_due(Timer timer, Instant now) const;
    Instant& deadline(Timer timer) { return deadlines_[static_cast<std::size_t>(timer)]; }
    Instant deadline(Timer timer) const { return deadlines_[static_cast<std::size_t>(timer)]; }

    const InstanceId id_;
    const InstanceOptions* options_;

    // Facts.
    bool running_ = false;
    bool remaining_ = false;                 // stopped, but for a successor that goes on
    std::optional<int> inherited_priority_;  // until all checks have told something
    bool drained_ = false;
    bool aside_ = false;  // see HandOver
    PathChanged path_;
    std::vector<CheckState> checks_;  // one for each of options_->checks
    std::vector<Text> check_texts_;
    std::vector<int> check_numbers_;
    std::vector<CheckState> gates_;  // one for each of options_->gates
    Instant held_until_ = Instant::min();
    Duration hold_length_{};
    Text hold_text_;
    std::optional<Heard> heard_;
    std::optional<Heard> last_active_;  // the same without priority 0
    bool cannot_send_ = false;
    const SyncGroup* group_ = nullptr;

    // State.
    State state_ = State::initialize;
    Role published_ = Role::init;
    Cause cause_ = Cause::started;
    Instant role_since_{};
    Text reason_ = "not started";
    std::array<Instant, timer_count> deadlines_;
    std::optional<Trigger> follow_up_;  // what a step found to be true already
    Phase phase_ = Phase::addresses;
    std::uint64_t awaited_ = 0, last_run_ = 0;  // of hooks; 0: none
    bool began_ = false;                        // to prepare, since the last claim
    Farewell farewell_ = Farewell::none;
    bool announced_as_they_come_ = false;  // the addresses, since they were last wanted
    bool services_up_ = false;             // were asked to run, and have not ended since
    bool postponed_ = false;               // the down timer ran out while something held us back
    bool obeying_ = false;                 // an Active that we let serve is alive
    bool probing_ = false;                 // an advert was tried, and nobody has said yet that it did not leave
    bool other_active_heard_ = false;      // since we began to retire
    int armed_priority_ = 0;               // the priority that the down timer was computed with
    Duration active_interval_{};           // Active_Adver_Interval
    Instant listening_since_{};            // the last accepted advert, or the start: the down timer counts from here
    std::optional<Instant> preempting_since_;  // preempt_delay counts from here
    std::optional<IpAddress> released_by_;
    Instant last_left_{}, left_before_{};  // when the last advert left, and the one before
    Instant last_answer_ = Instant::min();
    std::array<Instant, flapping_claims> claims_;  // the last ones
    Instant active_since_{};
    bool probed_ = false, lonely_ = false;  // since then
    int losses_ = 0;                        // of addresses, within a minute
    Instant first_loss_{};
    // What hooks were told.
    Role before_ = Role::init;  // published_
    bool untold_ = false;       // it has changed since
    Role told_ = Role::init;
    unsigned tellings_ = 0;
    std::optional<Heard> followed_;  // whom notify_new_active named last; priority 0: it has left
    Instant losing_heard_ = Instant::min();
    ChecksumForm checksum_form_;
    Counters counters_;
    Signs signs_;
    // A flood of junk must not hide the rest, nor many senders what concerns ourselves.
    NoticeLimiter limiter_, refusal_limiter_, own_limiter_, claim_limiter_;
    struct Answered {
        IpAddress address;
        Instant when;
    };
    std::vector<Answered> answered_;       // claims, within the last second
    std::vector<AddressClaimed> claimed_;  // and not judged yet
};

}  // namespace vrrpd
