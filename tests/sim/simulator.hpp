// A LAN of simulated hosts on a virtual clock, all from one seed (conformance E39).
//
// Two phases. In the storm packets are lost, doubled, delayed and damaged, hosts are cut off (also one way
// only), paused, crashed, drained, handed over and reloaded, kernels refuse, services fail and addresses vanish. After
// it the faults are off, and all must be well in bounded time.
//
// Checked after every step, for each virtual router:
//   - no host wants or keeps addresses unless it is Active or on its way out, beyond the time that its kernel
//     takes;
//   - on a segment whose wire is undisturbed at most one host holds the addresses, but for brief_bound(): what a
//     process suffers is no excuse. Right after a disturbance of the wire, or where intervals differ, the bound is
//     overlap_bound(), and where a third host has just released: who hears it does not ask whether it was the Active
//     (RFC 9568 section 6.4.2). Who is dead or paused while a better one comes is relieved by its guard;
//   - on such a segment nobody adopts what another one, who is no better, has taken over;
//   - the members of a sync group are Active together or not at all;
//   - no address is wanted while a before_master of the instance, or of its group, is awaited.
// Checked after the storm, once settling_bound() has passed: exactly one Active, always the same, which holds
// the addresses and serves; hooks were told the role that each has; no host that may preempt has a higher priority.
// Then it is shut down, another one takes over, and in the end all are shut down in bounded time and nobody holds
// anything. Where the storm is a loss that VRRP tolerates, no role may change at all once a first Active is found.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <queue>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/sim/host.hpp"
#include "tests/sim/scenario.hpp"

namespace vrrpd::sim {

/// What happened in a run, to see that runs are not idle.
struct Tally {
    std::uint64_t steps = 0;
    std::uint64_t promotions = 0;
    std::uint64_t faults = 0;
    std::uint64_t stalls = 0;
    std::uint64_t yields = 0;
    std::uint64_t group_steps = 0;
    std::uint64_t hooks = 0;
    std::uint64_t adoptions = 0;
    std::uint64_t guard_acts = 0;
    std::uint64_t strict_looks = 0;  ///< at two holders, with brief_bound()
    Duration longest_strict{};
    Duration longest_overlap{};
};

class Simulator {
  public:
    /// `trace`: where to tell what happens, or nullptr.
    Simulator(const Scenario& scenario, std::ostream* trace);

    /// Runs to the end. The first thing that went wrong, or an empty string.
    std::string run();
    const Tally& tally() const { return tally_; }

    // ---- for the hosts
    Instant now() const { return now_; }
    Random& random() { return random_; }
    const Scenario& scenario() const { return scenario_; }
    std::size_t link_of(InstanceId id) const { return id % scenario_.links; }
    void after(Duration delay, std::function<void()> callback);
    void transmit(std::size_t from, InstanceId id, const IpAddress& source, const std::vector<std::uint8_t>& message);
    void announce(std::size_t from, InstanceId id);
    bool bad_luck(int percent) { return storm_ && random_.chance(percent); }
    /// Something happened that may bring up a second Active.
    void disturb() { disturbed_at_ = now_; }
    void note_role(const Host& host, const RoleChanged& change);
    void note_release(InstanceId id) { released_at_[id] = now_; }
    void note_adoption(const Host& host, InstanceId id);
    void note_guard(const std::string& what);
    void note_hook() { ++tally_.hooks; }
    void note_group() { ++tally_.group_steps; }
    void note_notice(const Host& host, const Notice& notice);
    void say(const std::string& what);
    void violation(const std::string& what);

  private:
    struct Happening {
        Instant when;
        std::uint64_t order;
        std::function<void()> happen;
        bool operator<(const Happening& other) const {
            return when != other.when ? when > other.when : order > other.order;
        }
    };
    /// From host to host, of one virtual router.
    using Way = std::tuple<std::size_t, std::size_t, InstanceId>;

    bool failed() const { return !violation_.empty(); }
    void run_until(
        Instant end, const std::function<void()>& check_each_step = [] {});
    std::size_t routers() const { return hosts_.front()->size(); }

    // The weather: storm.cpp.
    bool is_lost(const Way& way);
    Duration delay_on(const Way& way);
    bool connected(std::size_t from, std::size_t to, std::size_t link) const;
    void have_accidents();
    void one_accident();
    void accident_of(Host& host);
    void part(std::size_t link, std::size_t groups);
    void end_storm();
    void bear_loss();
    void send_junk();

    void check_settled();
    void check_settled(InstanceId id, Host* active);
    void hand_over();
    void check_winner(InstanceId id, const Host& winner, const Host& leaving);
    void shut_all_down();

    void check_safety(InstanceId id);
    void check_overlap(InstanceId id, const std::string& holders);
    bool undisturbed(std::size_t link) const;
    Host* the_active(InstanceId id);
    bool eligible(const Host& host, InstanceId id) const;
    bool is_pure(InstanceId id) const;

    /// How long two hosts may hold the addresses although nothing disturbs them. The better of two Actives is
    /// heard by the other after at most one interval, a late wake-up and the way over the wire; the other's
    /// kernel then takes a while. Each further host may preempt in turn, and adds a way and a removal.
    Duration overlap_bound() const;
    /// The same where all hear each other all the time: a better one claims, and who had the addresses obeys. A removal
    /// may take longer than the daemon waits for it before it says that the addresses are free.
    Duration brief_bound() const;
    /// Whether all have heard each other for so long that only what the processes suffer counts.
    bool is_quiet(InstanceId id, Instant at) const;
    /// For how long after a disturbance somebody may claim because of it.
    Duration aftermath() const { return 5 * scenario_.longest_interval + overlap_bound(); }
    bool uniform() const { return scenario_.shortest_interval == scenario_.longest_interval; }
    /// How long after the storm all must be well: holds and delays run out, then each may wait for an
    /// Active_Down_Interval before it starts, before it preempts and once more if it yielded in between.
    Duration settling_bound() const;

    const Scenario scenario_;
    std::ostream* trace_;
    Random random_;
    Instant now_{std::chrono::hours(1)};
    std::priority_queue<Happening> queue_;
    std::uint64_t order_ = 0;
    std::vector<std::unique_ptr<Host>> hosts_;
    std::vector<std::vector<std::size_t>> segment_;  // by link and host: those in one hear each other
    std::map<std::tuple<std::size_t, std::size_t, std::size_t>, bool> deaf_;  // from, to, link: one way only
    std::map<Way, Instant> last_arrival_;
    std::map<Way, bool> lost_last_;
    bool storm_ = true;
    bool roles_may_change_ = true;
    Instant disturbed_at_{};
    std::vector<Instant> overlap_since_;  // as far as it is undisturbed
    std::vector<Instant> overlap_began_;
    std::vector<Instant> released_at_;
    std::string violation_;
    Tally tally_;
};

}  // namespace vrrpd::sim
