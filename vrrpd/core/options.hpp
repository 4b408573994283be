// What a `[vrrp_instance NAME]` section says, as plain data, with [defaults] already applied and names
// already turned into indices. The core reads nothing else. Keys and defaults: docs/configuration.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vrrpd/core/ip.hpp"
#include "vrrpd/core/time.hpp"

namespace vrrpd {

enum class Version : std::uint8_t { v2 = 2, v3 = 3 };

/// Which checksum of a v3 advert over IPv4 we send; both are always read (conformance C08).
enum class ChecksumMode : std::uint8_t { automatic, rfc9568, rfc5798 };

/// `priority = 255`: we own the addresses.
inline constexpr int owner_priority = 255;

/// One address that moves, and where it goes.
struct VirtualAddress {
    Prefix prefix;
    std::string device;  ///< `dev IF`; empty: the instance's interface
    std::string label;
    friend bool operator==(const VirtualAddress&, const VirtualAddress&) = default;
};

/// A route that moves with the addresses.
struct VirtualRoute {
    Prefix destination;
    std::optional<IpAddress> gateway;  ///< `via ADDR`
    std::string device;                ///< `dev IF`; empty: the instance's interface
    std::optional<IpAddress> source;   ///< `src ADDR`
    std::uint32_t table = 254;         ///< 254: main
    std::optional<std::uint32_t> metric;
    friend bool operator==(const VirtualRoute&, const VirtualRoute&) = default;
};

/// A host that gets adverts of its own, instead of those to the group.
struct UnicastPeer {
    IpAddress address;
    int min_ttl = 255;  ///< what comes with less is refused (V04)
    friend bool operator==(const UnicastPeer&, const UnicastPeer&) = default;
};

/// What an instance watches by an index from here on is no check, but a tracked interface.
inline constexpr std::size_t first_tracked_interface = std::size_t{1} << 20;

/// Something an instance watches: a check or, counted from first_tracked_interface on, a tracked interface.
/// Without a weight its failure means FAULT. A positive weight is added while it passes, a negative one while
/// it fails; `reverse` swaps passing and failing. With `by_number` it is the number that comes with the state
/// that is added, whatever the state; the weight itself is then 0.
struct Track {
    std::size_t index = 0;
    std::optional<int> weight;
    bool reverse = false;
    bool by_number = false;
    friend bool operator==(const Track&, const Track&) = default;
};

/// When a program of the user's runs. `notify` is for every state, after the one that is for it alone.
enum class Hook : std::uint8_t {
    before_master,
    before_backup,
    notify_master,
    notify_backup,
    notify_fault,
    notify_stop,
    notify,
    notify_new_active,
};
inline constexpr std::size_t hook_count = 8;
const char* to_string(Hook hook);  ///< the key: "before_master"

/// The hooks of an instance or a group: the argv of each, empty where there is none.
struct Hooks {
    std::vector<std::vector<std::string>> commands;  ///< by hook, or none at all: mostly there are none
    Duration timeout = std::chrono::seconds(5);      ///< then its process group is killed

    std::vector<std::string>& operator[](Hook hook) {
        commands.resize(hook_count);
        return commands[static_cast<std::size_t>(hook)];
    }
    const std::vector<std::string>& operator[](Hook hook) const {
        static const std::vector<std::string> none;
        return commands.empty() ? none : commands[static_cast<std::size_t>(hook)];
    }
    bool has(Hook hook) const { return !(*this)[hook].empty(); }
    bool any() const;
    friend bool operator==(const Hooks&, const Hooks&) = default;
};

struct InstanceOptions {
    // What each advert needs comes first: of a thousand instances all else is in no cache.
    std::vector<UnicastPeer> unicast_peers;  ///< empty: multicast
    Duration advert_interval = std::chrono::seconds(1);
    Duration lease{};                    ///< lifetime of our addresses in the kernel, whole seconds; 0: no end
    int priority = 100;                  ///< 1..255
    std::uint8_t virtual_router_id = 0;  ///< 1..255
    Version version = Version::v3;
    Family family = Family::ipv4;
    ChecksumMode checksum = ChecksumMode::automatic;
    int unicast_ttl = 255;
    int down_timer_adverts = 3;
    bool track_primary = true;  ///< the interface's being down is a fault
    bool preempt = true;
    std::optional<IpAddress> group;         ///< none: the one that is assigned to VRRP
    std::vector<VirtualAddress> addresses;  ///< in the advert, in this order

    std::string name;
    std::string interface;
    std::vector<VirtualAddress> excluded_addresses;  ///< moved with the rest, not in the advert
    std::vector<VirtualRoute> routes;
    std::optional<IpAddress> source;      ///< of our adverts; none: the interface's primary address
    std::optional<std::string> password;  ///< v2 PASS, at most 8 characters
    Duration preempt_delay{};
    Duration startup_delay{};
    Duration max_learned_interval{};  ///< longest interval that is learned from an Active; 0: as the RFC
    Duration announce_repeat_delay = std::chrono::seconds(5);  ///< garp_master_delay; 0: no second burst
    Duration announce_refresh = std::chrono::seconds(60);      ///< garp_master_refresh; 0: never
    int announce_count = 5;                                    ///< garp_master_repeat
    Duration announce_interval = std::chrono::milliseconds(20);
    Duration fault_hold = std::chrono::seconds(30);
    std::vector<Track> checks;                      ///< track_check and track_interface
    std::vector<std::size_t> gates;                 ///< preempt_check, by index of the check
    std::vector<std::size_t> services;              ///< by index of the service
    bool close_connections = false;                 ///< of the addresses before they go: some service wants it
    Duration stop_bound = std::chrono::seconds(1);  ///< longest wait of a planned demotion: services, before_backup
    Hooks hooks;
    friend bool operator==(const InstanceOptions&, const InstanceOptions&) = default;
};

/// All addresses of an instance, excluded ones too.
template <typename Use>
void for_each_address(const InstanceOptions& instance, Use use) {
    for (const auto* list : {&instance.addresses, &instance.excluded_addresses}) {
        for (const VirtualAddress& address : *list) use(address);
    }
}

/// A place in the list of instances that a reload has left empty.
inline bool is_vacant(const InstanceOptions& options) {
    return options.virtual_router_id == 0;
}

/// Instances that move together. What the strictest member wants of preemption and delays, all want (S04):
/// the configuration has seen to that.
struct SyncGroupOptions {
    std::string name;
    std::vector<std::size_t> members;  ///< instances, by index
    Hooks hooks{};                     ///< of those only notify_*
    friend bool operator==(const SyncGroupOptions&, const SyncGroupOptions&) = default;
};

}  // namespace vrrpd
