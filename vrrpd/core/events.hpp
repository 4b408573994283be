// What goes into the core and what comes out of it, as plain data.
//
// Events are facts: a packet came, a link went down, the kernel has the addresses. Actions are wishes: send
// this, hold these addresses, run those services. The results of actions come back as events, so that a
// kernel that refuses and a service that does not start are simulated like everything else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "vrrpd/core/advert.hpp"
#include "vrrpd/core/frames.hpp"
#include "vrrpd/core/ip.hpp"
#include "vrrpd/core/options.hpp"
#include "vrrpd/core/text.hpp"

namespace vrrpd {

/// Position of an instance in the configuration.
using InstanceId = std::size_t;

/// What an instance is for its users: the words of the log and of `status`. Init is before the start and
/// after the end; fault is "cannot be MASTER".
enum class Role : std::uint8_t { init, backup, master, fault };
const char* to_string(Role role);  ///< "INIT", "BACKUP", "MASTER", "FAULT"

/// Why a role changed, as one of a few words to count by: beside the sentence that is for people.
enum class Cause : std::uint8_t {
    started,     ///< begins to listen
    adopted,     ///< goes on where a predecessor stopped
    owner,       ///< of the addresses
    no_advert,   ///< no Active was heard for a down interval
    released,    ///< the Active handed over
    preempting,  ///< a worse Active
    outranked,   ///< by a better Active
    sync_group,  ///< another member did so
    drained,
    failover,
    fault,
    recovered,  ///< from a fault
    stalled,    ///< no advert of ours left for too long
    stopped,    ///< the daemon stops, or the configuration has it no more
};
inline constexpr std::size_t cause_count = static_cast<std::size_t>(Cause::stopped) + 1;
const char* to_string(Cause cause);  ///< "started", "no_advert", ...

// ---- events

/// What a predecessor was MASTER of when it left, or died, a moment ago.
struct Legacy {
    InstanceId instance = 0;
    int priority = 0;  ///< that it advertised: ours, until the checks have told what it is now
};
/// Begin to take part. Facts (paths, checks) may be told before and after, but the paths of `adopted` before: these
/// are MASTER from the first moment on, so that nobody notices the restart.
struct Startup {
    std::vector<Legacy> adopted{};
};
/// Hand everything over and stop; Router::finished() tells when it is done. Those of `remaining` that are MASTER go
/// on, and are finished when they serve: a successor will adopt them.
struct Shutdown {
    std::vector<InstanceId> remaining{};
};
/// The process ends now: what remains sends an advert, from which the peers count the time that the successor has.
struct Parting {};

/// The way out of an instance: its interface, and the address its adverts are sent from.
struct PathChanged {
    InstanceId instance = 0;
    int interface_index = 0;  ///< 0: there is no such interface
    bool up = false;          ///< administratively up, with carrier
    std::optional<IpAddress> source;
    Text reason;          ///< what is wrong, when something is: "eth0 is down"
    bool carrier = true;  ///< the link is there; `up` without it: its being down is no fault
};

/// `unproven` counts as failing until the first success, but throws out nobody who is MASTER (init_fail).
enum class CheckState : std::uint8_t { unknown, unproven, passing, failing };
/// A check, or a tracked interface, has a new state.
struct CheckChanged {
    std::size_t check = 0;  ///< as in Track::index
    CheckState state = CheckState::unknown;
    Text reason;        ///< "check memcached: refused: connection refused, 2/2"
    bool cold = false;  ///< passing, but no reason to take over from a live peer: a gate stays closed
    int number = 0;     ///< what a file says, for Track::by_number
};

/// Hand over, and do not become MASTER again until it is taken back; the whole sync group.
struct DrainChanged {
    InstanceId instance = 0;
    bool drained = false;
};

/// Hand over once, now (failover); the whole sync group. Means nothing to who is not MASTER. If nobody takes over
/// within a down interval, we take it back; else we do not preempt until that Active falls silent, or DrainChanged says
/// that nothing is drained.
struct HandOver {
    InstanceId instance = 0;
};

/// Another configuration. Ids are positions in it: who is in none of the lists below keeps place and options. Both it
/// and the sync groups must live as long as the router, or until there is another one; those before it until this
/// event is handled.
struct Reconfigured {
    const std::vector<InstanceOptions>* instances = nullptr;
    const std::vector<SyncGroupOptions>* groups = nullptr;
    std::vector<InstanceId> changed{};  ///< the same virtual router on the same interface, all else may be different
    std::vector<PathChanged> added{};   ///< at a vacant place or at the end; they take part at once
    std::vector<InstanceId> removed{};  ///< hand over and stop; their options are those of before
    std::vector<InstanceId> drained{};  ///< of those that are added
};
/// Of those who were removed, and have finished, nothing is left: their places are vacant.
struct Vacated {
    std::vector<InstanceId> instances{};
};

/// The kernel has carried out the latest SetAddresses, or refused it.
struct AddressesSettled {
    InstanceId instance = 0;
    bool present = false;  ///< which wish was settled
    bool refused = false;
    Text reason{};
};

/// An address that the kernel had is there no more, and it was not we who removed it.
struct AddressesLost {
    InstanceId instance = 0;
    Text what{};  ///< "192.168.30.16/24 is gone from eth0"
};

/// Somebody else on the LAN says that he has an address of an instance.
struct AddressClaimed {
    InstanceId instance = 0;
    IpAddress address;
    MacAddress mac{};
};

enum class ServicesState : std::uint8_t { stopped, ready, failed };
/// All services of an instance together.
struct ServicesChanged {
    InstanceId instance = 0;
    ServicesState state = ServicesState::stopped;
    Text reason{};
};

/// A hook that is waited for has ended, or was killed because it did not.
struct HookEnded {
    InstanceId instance = 0;
    std::uint64_t run = 0;  ///< RunHook::run
    bool ok = false;
    Text reason{};  ///< "before_master: exit code 3"
};

/// An advert of an instance did not leave.
struct SendFailed {
    InstanceId instance = 0;
    Text reason{};
    bool partly = false;  ///< it did for some of the peers
};

using Event =
    std::variant<Packet, Startup, Shutdown, Parting, DrainChanged, HandOver, Reconfigured, Vacated, PathChanged,
                 CheckChanged, AddressesSettled, AddressesLost, AddressClaimed, ServicesChanged, HookEnded, SendFailed>;

// ---- actions

/// Send an advert now, to the group or to each peer; Instance::encode() makes its bytes.
struct SendAdvert {
    InstanceId instance = 0;
    std::uint8_t priority = 0;
    Instant due{};  ///< when its time came: that of the event which it follows from, or of its timer
};

/// Hold all addresses of the instance, or none. Answered by AddressesSettled.
struct SetAddresses {
    InstanceId instance = 0;
    bool wanted = false;
    bool announce = false;           ///< tell the neighbours of each address as soon as the kernel has it: one burst
    bool close_connections = false;  ///< those that go: end their TCP connections first, as far as that is soon done
};

enum class ServiceWish : std::uint8_t {
    run,
    stop,       ///< planned: SIGTERM, SIGKILL after stop_timeout
    stop_fast,  ///< after a fault: SIGKILL after 100 ms
    settle,     ///< planned, unless we are MASTER again within a second
};
/// Answered by ServicesChanged.
struct SetServices {
    InstanceId instance = 0;
    ServiceWish wish = ServiceWish::stop;
};

/// Tell the neighbours where the addresses are, all of them or one: one burst each.
struct Announce {
    InstanceId instance = 0;
    std::optional<IpAddress> only{};
};

/// Ask the LAN whether somebody else has the addresses. Answered by AddressClaimed, if by anything.
struct Probe {
    InstanceId instance = 0;
};

/// Run a hook, after those of the instance that were wished for before. `notify`: the one of the role `to`, and then
/// the one for all.
struct RunHook {
    InstanceId instance = 0;
    Hook hook = Hook::notify;
    std::uint64_t run = 0;  ///< answered by HookEnded; 0: nobody waits
    Role from = Role::init;
    Role to = Role::init;  ///< init: it stops
    int priority = 0;
    std::optional<IpAddress> peer{};  ///< the last Active that was heard
    Text reason{};
    Duration timeout{};
};
/// Nobody waits for that run any more: if it has not begun, it must not.
struct DropHook {
    InstanceId instance = 0;
    std::uint64_t run = 0;
};
/// All members of a sync group are in one state, as their own hooks were told.
struct RunGroupHook {
    std::size_t group = 0;
    Role from = Role::init;
    Role to = Role::init;
    Text reason{};
};

/// The role changed.
struct RoleChanged {
    InstanceId instance = 0;
    Role from = Role::init;
    Role to = Role::init;
    int priority = 0;
    Text reason{};
    Cause cause = Cause::started;
};

/// Something that an administrator may want to read, already limited in rate.
struct Notice {
    enum class Kind : std::uint8_t {
        refused,            ///< an advert was dropped: see `refusal`
        lower_discarded,    ///< Backup heard a lower priority and lets its timer run
        higher_heard,       ///< Active heard a higher priority and yields
        equal_heard,        ///< Active lost an election between equal priorities, by address
        rebutted,           ///< Active heard a losing advert and answered
        twins,              ///< two hosts advertise with one priority: `source` and the one in `text`
        flapping,           ///< MASTER again and again within a minute
        addresses_lost,     ///< somebody else removed an address of ours: see `text`
        first_is_global,    ///< IPv6: the first address listed is not link-local; processed all the same
        off_subnet,         ///< the sender is in no subnet of ours; processed all the same
        list_differs,       ///< the advertised addresses are not ours; processed all the same
        interval_differs,   ///< version 3: another interval than ours
        interval_clamped,   ///< a learned interval was longer than max_learned_interval
        checksum_mirrored,  ///< we now send the form that the peer sends
        claimed_by_other,   ///< somebody else says that he has an address of ours: see `text`
        no_peer_heard,      ///< Active for long, and no advert of a peer since the start: see `text`
        foreign_router_id,  ///< one of our addresses is advertised under another VRID: see `text`
        stalled,            ///< no advert of ours left for so long that the peers took over: see `text`
        send_failed,        ///< an advert did not leave: see `text`
        deferred,           ///< would be Active, but something holds us back: see `text`
    };
    InstanceId instance = 0;
    Kind kind = Kind::refused;
    Refusal refusal = Refusal::length;
    IpAddress source;
    int their_priority = 0;
    int our_priority = 0;
    unsigned repeated = 0;  ///< how often it happened unsaid since the last such notice
    Text text;
};

/// The members of a sync group are being brought to one role, after the first of them.
struct GroupChanged {
    std::size_t group = 0;
    Role to = Role::init;
};

using Action = std::variant<SendAdvert, SetAddresses, SetServices, Announce, Probe, RunHook, DropHook, RunGroupHook,
                            RoleChanged, GroupChanged, Notice>;
using Actions = std::vector<Action>;

}  // namespace vrrpd
