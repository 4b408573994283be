#include "vrrpd/config/lint.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "vrrpd/config/parsers.hpp"

namespace vrrpd::config {
namespace {

using Addresses = std::set<IpAddress>;

Addresses advertised(const InstanceOptions& instance) {
    Addresses all;
    for (const VirtualAddress& each : instance.addresses) all.insert(each.prefix.address);
    return all;
}

Addresses moved(const InstanceOptions& instance) {
    Addresses all = advertised(instance);
    for (const VirtualAddress& each : instance.excluded_addresses) all.insert(each.prefix.address);
    return all;
}

std::string list(const Addresses& addresses) {
    std::vector<std::string> texts;
    for (const IpAddress& each : addresses) texts.push_back(each.to_string());
    return fmt::format("{}", fmt::join(texts, ", "));
}

Addresses common(const Addresses& a, const Addresses& b) {
    Addresses both;
    std::ranges::set_intersection(a, b, std::inserter(both, both.end()));
    return both;
}

bool same_router_id(const InstanceOptions& a, const InstanceOptions& b) {
    return a.virtual_router_id == b.virtual_router_id && a.family == b.family;
}

/// What the priority can be, by the weights.
struct Range {
    int lowest = 0, highest = 0;
    bool weighted = false;
};

Range range_of(const InstanceOptions& instance) {
    Range range{instance.priority, instance.priority};
    for (const Track& track : instance.checks) {
        if (!track.weight) continue;
        range.weighted = true;
        const int most = 253;
        const int weight = *track.weight;
        range.lowest += track.by_number ? -most : std::min(weight, 0);
        range.highest += track.by_number ? most : std::max(weight, 0);
    }
    if (!range.weighted) return range;
    range.lowest = std::clamp(range.lowest, 1, owner_priority - 1);
    range.highest = std::clamp(range.highest, 1, owner_priority - 1);
    return range;
}

/// One virtual router as two hosts have it.
class Comparison {
  public:
    Comparison(const HostConfig& first_host, const InstanceOptions& first, const HostConfig& second_host,
               const InstanceOptions& second, Problems& problems)
        : first_host_(first_host), first_(first), second_host_(second_host), second_(second), problems_(problems) {}

    void run() {
        if (!same_router_id(first_, second_)) return different_router_ids();
        check_protocol();
        check_addresses();
        check_paths();
        check_priorities();
        check_weights();
        check_nopreempt();
    }

  private:
    /// `[vrrp_instance VI_1] of b.ini`.
    std::string second_name() const { return fmt::format("[vrrp_instance {}] of {}", second_.name, second_host_.file); }

    void add(Severity severity, std::string key, std::string text) {
        problems_.push_back(
            {first_host_.file, 0, "vrrp_instance " + first_.name, std::move(key), std::move(text), severity});
    }
    void error(std::string key, std::string text) { add(Severity::error, std::move(key), std::move(text)); }
    void warning(std::string key, std::string text) { add(Severity::warning, std::move(key), std::move(text)); }

    void different_router_ids() {
        error("virtual_router_id",
              fmt::format("{}, but {} has {} and {} as well: both hosts would be MASTER; give both the same",
                          first_.virtual_router_id, second_name(), second_.virtual_router_id,
                          list(common(moved(first_), moved(second_)))));
    }

    void check_protocol() {
        const auto version = [](Version v) { return static_cast<int>(v); };
        if (first_.version != second_.version) {
            error("version", fmt::format("{}, but {} in {}: neither understands the other, both would be MASTER",
                                         version(first_.version), version(second_.version), second_name()));
        }
        if (first_.advert_interval != second_.advert_interval) {
            const bool v2 = first_.version == Version::v2 && second_.version == Version::v2;
            add(v2 ? Severity::error : Severity::warning, "advert_int",
                fmt::format("{}, but {} in {}: {}", to_text(first_.advert_interval), to_text(second_.advert_interval),
                            second_name(),
                            v2 ? "version 2 refuses adverts of another interval, both would be MASTER"
                               : "how fast a takeover is depends on who was MASTER; give both the same"));
        }
        if (first_.password != second_.password) {
            error("auth_pass", fmt::format("differs from that of {}: each refuses the other's adverts, both would be "
                                           "MASTER",
                                           second_name()));
        }
        if (first_.down_timer_adverts != second_.down_timer_adverts) {
            warning("down_timer_adverts",
                    fmt::format("{}, but {} in {}; all hosts must have the same", first_.down_timer_adverts,
                                second_.down_timer_adverts, second_name()));
        }
    }

    void check_addresses() {
        check_list("virtual_ipaddress", advertised(first_), advertised(second_));
        Addresses mine = moved(first_), theirs = moved(second_);
        // What stands in the advert on one host only was said above.
        const Addresses here = advertised(first_), there = advertised(second_);
        for (const IpAddress& each : here) mine.erase(each), theirs.erase(each);
        for (const IpAddress& each : there) mine.erase(each), theirs.erase(each);
        check_list("virtual_ipaddress_excluded", mine, theirs);
        check_lengths();
    }

    void check_list(const char* key, const Addresses& mine, const Addresses& theirs) {
        if (mine == theirs) return;
        Addresses only_mine, only_theirs;
        std::ranges::set_difference(mine, theirs, std::inserter(only_mine, only_mine.end()));
        std::ranges::set_difference(theirs, mine, std::inserter(only_theirs, only_theirs.end()));
        std::string text = "not that of " + second_name() + ":";
        if (!only_mine.empty()) text += fmt::format(" only here {}", list(only_mine));
        if (!only_mine.empty() && !only_theirs.empty()) text += ",";
        if (!only_theirs.empty()) text += fmt::format(" only there {}", list(only_theirs));
        warning(key, text + "; what moves must be the same on both");
    }

    void check_lengths() {
        for (const VirtualAddress& mine : first_.addresses) {
            const auto same = [&](const VirtualAddress& each) { return each.prefix.address == mine.prefix.address; };
            const auto theirs = std::ranges::find_if(second_.addresses, same);
            if (theirs == second_.addresses.end() || theirs->prefix.length == mine.prefix.length) continue;
            warning("virtual_ipaddress",
                    fmt::format("{}, but /{} in {}", mine.prefix.to_string(), theirs->prefix.length, second_name()));
        }
    }

    void check_paths() {
        if (first_.unicast_peers.empty() != second_.unicast_peers.empty()) {
            const char* const here = first_.unicast_peers.empty() ? "missing, while" : "there, but not in";
            return warning("unicast_peer",
                           fmt::format("{} {}{}: multicast and unicast do not meet, both would be MASTER", here,
                                       second_name(), first_.unicast_peers.empty() ? " has one" : ""));
        }
        if (first_.unicast_peers.empty()) {
            if (first_.group.value_or(vrrp_group(first_.family)) == second_.group.value_or(vrrp_group(second_.family)))
                return;
            return warning("mcast_dst_ip",
                           fmt::format("differs from that of {}: neither hears the other", second_name()));
        }
        check_named(first_, second_, first_host_.file, second_name());
        check_named(second_, first_, second_host_.file,
                    fmt::format("[vrrp_instance {}] of {}", first_.name, first_host_.file));
        if (first_.source && first_.source == second_.source) {
            warning("unicast_src_ip", fmt::format("{} is also that of {}; each host has its own",
                                                  first_.source->to_string(), second_name()));
        }
    }

    /// Whether `from` sends to where `to` is.
    void check_named(const InstanceOptions& from, const InstanceOptions& to, const std::string& file,
                     const std::string& target) {
        if (!to.source || from.source == to.source) return;
        if (std::ranges::find(from.unicast_peers, *to.source, &UnicastPeer::address) != from.unicast_peers.end())
            return;
        warning("unicast_peer", fmt::format("{} does not name {}, the unicast_src_ip of {}: it neither sends there nor "
                                            "hears what comes from there",
                                            file, to.source->to_string(), target));
    }

    void check_priorities() {
        if (first_.priority != second_.priority) return;
        // Equal and moved by a check is how an address follows a role.
        if (range_of(first_).weighted && range_of(second_).weighted) return;
        warning("priority",
                fmt::format("{} as in {}: the higher sender address wins, which nobody sees in a file; let them differ",
                            first_.priority, second_name()));
    }

    /// The better of the two in peace, the other one, and how each is called.
    struct Order {
        const InstanceOptions& better;
        const InstanceOptions& other;
        std::string better_file, other_file;
    };
    Order order() const {
        const Range mine = range_of(first_), theirs = range_of(second_);
        if (mine.highest >= theirs.highest) return {first_, second_, first_host_.file, second_host_.file};
        return {second_, first_, second_host_.file, first_host_.file};
    }

    void check_weights() {
        const auto [better, other, better_file, other_file] = order();
        const Range high = range_of(better), low = range_of(other);
        const bool weighted = high.weighted || low.weighted;
        if (!weighted || high.lowest <= low.highest) return;
        warning(
            "track_check",
            fmt::format("the weights can never change who is MASTER: {} has {} at worst and {} has {} at best; let the "
                        "priorities differ by less, or track without a weight",
                        better_file, high.lowest, other_file, low.highest));
    }

    void check_nopreempt() {
        if (first_.preempt == second_.preempt) return;
        const InstanceOptions& with = first_.preempt ? second_ : first_;
        const InstanceOptions& without = first_.preempt ? first_ : second_;
        const std::string& file = first_.preempt ? second_host_.file : first_host_.file;
        const std::string& other_file = first_.preempt ? first_host_.file : second_host_.file;
        if (without.priority == owner_priority) {
            return warning("nopreempt", fmt::format("is there in {}, but {} has priority 255 and always takes over",
                                                    file, other_file));
        }
        if (with.priority < without.priority) {
            warning("nopreempt", fmt::format("is there in {} and not in {}, which has the higher priority and takes "
                                             "the address back when it returns; there it would have an effect",
                                             file, other_file));
        }
        if (range_of(without).weighted) {
            warning("nopreempt", fmt::format("{} has it and does not take over when a weight lowers the priority in "
                                             "{}; track without a weight, or leave nopreempt out",
                                             file, other_file));
        }
    }

    const HostConfig& first_host_;
    const InstanceOptions& first_;
    const HostConfig& second_host_;
    const InstanceOptions& second_;
    Problems& problems_;
};

/// By a common address, else by VRID and family; null: the other host does not have this router.
const InstanceOptions* counterpart(const InstanceOptions& mine, const Config& other) {
    const Addresses addresses = moved(mine);
    const auto shares = [&](const InstanceOptions& each) { return !common(addresses, moved(each)).empty(); };
    const auto both = std::ranges::find_if(
        other.instances, [&](const InstanceOptions& each) { return shares(each) && same_router_id(mine, each); });
    if (both != other.instances.end()) return &*both;
    const auto address = std::ranges::find_if(other.instances, shares);
    if (address != other.instances.end()) return &*address;
    const auto id =
        std::ranges::find_if(other.instances, [&](const InstanceOptions& each) { return same_router_id(mine, each); });
    return id == other.instances.end() ? nullptr : &*id;
}

/// The members of each group, as their counterparts on the other host are called.
std::set<std::set<std::string>> groups_as_seen_by(const Config& config, const Config& other) {
    std::set<std::set<std::string>> groups;
    for (const SyncGroupOptions& group : config.groups) {
        std::set<std::string> names;
        for (const std::size_t member : group.members) {
            const InstanceOptions* const there = counterpart(config.instances[member], other);
            if (there != nullptr) names.insert(there->name);
        }
        groups.insert(names);
    }
    return groups;
}

void compare_groups(const HostConfig& first, const HostConfig& second, Problems& problems) {
    const auto theirs = groups_as_seen_by(second.config, second.config);
    const auto mine = groups_as_seen_by(first.config, second.config);
    if (mine == theirs) return;
    problems.push_back({first.file, 0, "", "vrrp_sync_group",
                        fmt::format("groups are not those of {}: addresses that move together on one host and not on "
                                    "the other end up divided",
                                    second.file),
                        Severity::warning});
}

void compare(const HostConfig& first, const HostConfig& second, Problems& problems) {
    std::size_t met = 0;
    for (const InstanceOptions& mine : first.config.instances) {
        const InstanceOptions* const theirs = counterpart(mine, second.config);
        if (theirs == nullptr) continue;
        ++met;
        Comparison(first, mine, second, *theirs, problems).run();
    }
    if (met > 0) compare_groups(first, second, problems);
}

void find_lonely(std::span<const HostConfig> hosts, Problems& problems) {
    for (const HostConfig& host : hosts) {
        for (const InstanceOptions& instance : host.config.instances) {
            const auto has_it = [&](const HostConfig& other) {
                return &other != &host && counterpart(instance, other.config) != nullptr;
            };
            if (std::ranges::any_of(hosts, has_it)) continue;
            std::vector<std::string> others;
            for (const HostConfig& other : hosts) {
                if (&other != &host) others.push_back(other.file);
            }
            problems.push_back({host.file, 0, "vrrp_instance " + instance.name, "",
                                fmt::format("is not in {}: nobody takes over from this host", fmt::join(others, ", ")),
                                Severity::warning});
        }
    }
}

}  // namespace

Problems lint(std::span<const HostConfig> hosts) {
    Problems problems;
    if (hosts.size() < 2) return problems;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        for (std::size_t k = i + 1; k < hosts.size(); ++k) compare(hosts[i], hosts[k], problems);
    }
    find_lonely(hosts, problems);
    return problems;
}

}  // namespace vrrpd::config
