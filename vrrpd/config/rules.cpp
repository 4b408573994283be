#include "vrrpd/config/rules.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "vrrpd/config/check_rules.hpp"
#include "vrrpd/config/group_rules.hpp"
#include "vrrpd/config/parsers.hpp"
#include "vrrpd/config/path_rules.hpp"
#include "vrrpd/config/schema.hpp"
#include "vrrpd/core/lease.hpp"

namespace vrrpd::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void check_required(const Draft& draft, Report& report) {
    for (const Key& key : schema()) {
        if (key.section != draft.section || !key.required || draft.has(key.name)) continue;
        report.error(draft, key.name, fmt::format("missing, write {} = {}", key.name, key.type));
    }
}

// 40 bytes of IPv6 header, 8 of VRRP and 16 an address: one more would not fit a frame of 1500 (conformance A18).
constexpr std::size_t max_ipv6_addresses = 89;
constexpr std::size_t max_addresses = 255;  // the count is one byte

void check_version(const Draft& draft, const InstanceOptions& options, Report& report) {
    if (draft.is_doubtful("version")) return;
    const bool v2 = options.version == Version::v2;
    if (v2 && options.family == Family::ipv6) {
        report.error(draft, "version", "version 2 has no IPv6 addresses, allowed is version 3");
    }
    if (draft.is_doubtful("advert_int")) return;
    const Duration interval = options.advert_interval;
    if (v2 && interval % seconds(1) != Duration::zero()) {
        report.error(draft, "advert_int",
                     fmt::format("{} with version 2, allowed are whole seconds, 1s to 255s", to_text(interval)));
    }
    if (!v2 && (interval > milliseconds(40950) || interval % milliseconds(10) != Duration::zero())) {
        report.error(draft, "advert_int",
                     fmt::format("{} with version 3, allowed is 10ms to 40.95s in steps of 10ms", to_text(interval)));
    }
}

void check_password(const Draft& draft, const InstanceDraft& instance, Report& report) {
    const bool doubtful =
        draft.is_doubtful("auth_type") || draft.is_doubtful("auth_pass") || draft.is_doubtful("version");
    const std::string_view key = draft.has("auth_pass") ? "auth_pass" : "auth_pass_file";
    const bool given = draft.has("auth_pass") || draft.has("auth_pass_file");
    if (draft.has("auth_pass") && draft.has("auth_pass_file")) {
        report.error(draft, "auth_pass_file", "stands beside auth_pass, allowed is one of the two");
    }
    if (doubtful) return;
    if (instance.with_password && instance.version != Version::v2) {
        report.error(draft, "auth_type", "version 3 has no authentication, allowed is none, or version = 2");
    } else if (instance.with_password && !given) {
        report.error(draft, "auth_type", "PASS needs a password, write auth_pass or auth_pass_file");
    } else if (!instance.with_password && given) {
        report.error(draft, key, "a password without auth_type = PASS, write both or none");
    }
}

void check_addresses(const Draft& draft, const InstanceDraft& instance, const InstanceOptions& options,
                     Report& report) {
    const auto& addresses = options.addresses;
    const auto count = addresses.size();
    const auto stranger = std::ranges::find_if(
        addresses, [&](const VirtualAddress& address) { return address.prefix.address.family() != options.family; });
    if (stranger != addresses.end()) {
        report.error_at(draft, instance.address_places.at(stranger->prefix.address), "virtual_ipaddress",
                        fmt::format("{} is of another family than the first address, allowed is one family; the other "
                                    "goes to virtual_ipaddress_excluded or to an instance of its own",
                                    stranger->prefix.address.to_string()));
    } else if (options.family == Family::ipv6 && count > max_ipv6_addresses) {
        report.error(draft, "virtual_ipaddress",
                     fmt::format("{} IPv6 addresses do not fit one packet, allowed are {}; the rest goes to "
                                 "virtual_ipaddress_excluded",
                                 count, max_ipv6_addresses));
    } else if (count > max_addresses) {
        report.error(draft, "virtual_ipaddress",
                     fmt::format("{} addresses do not fit one advert, allowed are {}; the rest goes to "
                                 "virtual_ipaddress_excluded",
                                 count, max_addresses));
    }
    if (count == 0 && !draft.has("virtual_ipaddress")) {
        report.error(draft, "virtual_ipaddress",
                     "there is none, and peers refuse an advert without addresses: each host would be MASTER");
    }
    if (count > 0 && options.family == Family::ipv6 && !addresses.front().prefix.address.is_link_local()) {
        report.warning(draft, "virtual_ipaddress",
                       fmt::format("the first IPv6 address should be link-local (RFC 9568 5.2.9), {} is not",
                                   addresses.front().prefix.address.to_string()));
    }
}

/// What an owner of the addresses cannot have: it never steps back (RFC 9568 section 6.4.1).
void check_owner(const Draft& draft, const InstanceOptions& options, Report& report) {
    if (options.priority != owner_priority || draft.is_doubtful("priority")) return;
    for (const std::string_view key : {"track_check", "track_interface", "service", "before_master"}) {
        if (draft.has(key)) {
            report.error(draft, key,
                         "priority 255 owns the addresses and cannot step back, allowed is priority 1 to 254");
        }
    }
    if (!options.preempt && draft.has("nopreempt")) report.warning(draft, "nopreempt", "priority 255 always preempts");
}

/// Only version 3 learns, and nothing shorter than what this host sends itself would make sense.
void check_learning(const Draft& draft, const InstanceOptions& options, Report& report) {
    const Duration longest = options.max_learned_interval;
    if (longest == Duration::zero() || draft.is_doubtful("version") || draft.is_doubtful("advert_int")) return;
    if (options.version == Version::v2) {
        report.warning(draft, "max_learned_interval", "changes nothing with version 2, which learns no interval");
    } else if (longest < options.advert_interval) {
        report.error(draft, "max_learned_interval",
                     fmt::format("{} is below the advert_int {}, allowed is 0 or {} to 40.95s", to_text(longest),
                                 to_text(options.advert_interval), to_text(options.advert_interval)));
    }
}

/// A better priority for the host that has the data: it decides where nobody is MASTER yet, so nopreempt takes nothing.
bool follows_role(const Config& config, const TrackReference& track) {
    const auto check = std::ranges::find(config.checks, track.name, &health::CheckOptions::name);
    return *track.weight > 0 && check != config.checks.end() && check->kind == health::Kind::redis &&
           check->redis.require == health::RedisRequire::master;
}

/// `nopreempt`, also that of another member of the group, keeps others from having an effect.
void check_nopreempt(const Draft& draft, const InstanceDraft& instance, const InstanceOptions& options,
                     const Config& config, Report& report) {
    if (options.preempt || draft.is_doubtful("nopreempt")) return;
    const auto warn = [&](std::string_view key) {
        report.warning(draft, key,
                       "a weight changes nothing while a peer with nopreempt is BACKUP; without a weight "
                       "a failing one means FAULT, and the address moves");
    };
    const auto is_weighted = [](const TrackReference& track) { return track.weight.has_value(); };
    const auto is_idle = [&](const TrackReference& track) { return track.weight && !follows_role(config, track); };
    if (std::ranges::any_of(instance.track_checks, is_idle)) warn("track_check");
    if (std::ranges::any_of(instance.track_interfaces, is_weighted)) warn("track_interface");
    if (instance.preempt_delay > Duration::zero())
        report.warning(draft, "preempt_delay", "changes nothing with nopreempt");
    if (draft.has("preempt_check")) report.warning(draft, "preempt_check", "changes nothing with nopreempt");
}

void check_own_track(const Draft& draft, const InstanceDraft& instance, Report& report) {
    if (!instance.track_primary || draft.is_doubtful("dont_track_primary")) return;
    for (const TrackReference& track : instance.track_interfaces) {
        if (track.name != instance.interface || !track.weight) continue;
        report.warning_at(draft, track.place, "track_interface",
                          "a weight of the instance's own interface is of no use: while it is down there is FAULT; "
                          "write dont_track_primary = yes or leave it out");
    }
}

void check_habits(const Draft& draft, const InstanceOptions& options, Report& report) {
    if (options.down_timer_adverts != 3 && !draft.is_doubtful("down_timer_adverts")) {
        report.warning(draft, "down_timer_adverts",
                       fmt::format("{} leaves the RFC, which waits for 3 intervals; all hosts must have the same",
                                   options.down_timer_adverts));
    }
    const bool fixed_checksum = options.checksum != ChecksumMode::automatic;
    if (fixed_checksum && (options.version == Version::v2 || options.family == Family::ipv6)) {
        report.warning(draft, "checksum", "changes nothing but version 3 over IPv4");
    }
}

// The rules that one instance can break by itself.
void check_instance(const Draft& draft, const InstanceOptions& options, const Config& config, Report& report) {
    const auto& instance = std::get<InstanceDraft>(draft.body);
    check_path(draft, options, report);
    check_version(draft, options, report);
    check_password(draft, instance, report);
    check_addresses(draft, instance, options, report);
    check_owner(draft, options, report);
    check_learning(draft, options, report);
    check_nopreempt(draft, instance, options, config, report);
    check_own_track(draft, instance, report);
    check_habits(draft, options, report);
}

/// A lease that ends before the next advert would take the addresses away from a healthy MASTER.
void check_lease(const Drafts& drafts, const Config& config, Report& report) {
    for (const InstanceOptions& options : config.instances) {
        const Duration shortest = shortest_lease(options.advert_interval);
        if (options.lease == Duration::zero() || options.lease >= shortest) continue;
        if (!config.global.lease) continue;
        return report.error(drafts.global, "vip_lease",
                            fmt::format("{} is too short for {}, which adverts every {}: at least {}, or auto",
                                        to_text(options.lease), options.name, to_text(options.advert_interval),
                                        to_text(std::chrono::ceil<std::chrono::seconds>(shortest))));
    }
}

void check_shared_addresses(const Drafts& drafts, const Config& config, Report& report) {
    std::map<std::pair<std::string, IpAddress>, std::size_t> holders;
    for (std::size_t i = 0; i < config.instances.size(); ++i) {
        const InstanceOptions& instance = config.instances[i];
        const auto& places = std::get<InstanceDraft>(drafts.instances[i].body).address_places;
        const auto claim = [&](const VirtualAddress& address, std::string_view key) {
            const std::string& device = address.device.empty() ? instance.interface : address.device;
            const auto [holder, is_first] = holders.emplace(std::pair{device, address.prefix.address}, i);
            if (is_first) return;
            report.error_at(drafts.instances[i], places.at(address.prefix.address), key,
                            fmt::format("{}{} belongs to [{}], allowed is one instance for an address",
                                        address.prefix.address.to_string(), device.empty() ? "" : " on " + device,
                                        drafts.instances[holder->second].title));
        };
        for (const VirtualAddress& address : instance.addresses) claim(address, "virtual_ipaddress");
        for (const VirtualAddress& address : instance.excluded_addresses) claim(address, "virtual_ipaddress_excluded");
    }
}

/// The kernel tells routes apart by these.
using RouteKey = std::tuple<Prefix, std::uint32_t, std::uint32_t>;

RouteKey key_of(const VirtualRoute& route) {
    constexpr std::uint32_t ipv6_metric = 1024;  // what the kernel takes where none, or 0, is given
    const bool six = route.destination.address.family() == Family::ipv6;
    const std::uint32_t metric = route.metric.value_or(0);
    return {route.destination, route.table, six && metric == 0 ? ipv6_metric : metric};
}

void check_shared_routes(const Drafts& drafts, const Config& config, Report& report) {
    std::map<RouteKey, std::size_t> holders;
    for (std::size_t i = 0; i < config.instances.size(); ++i) {
        const auto& routes = config.instances[i].routes;
        const auto& places = std::get<InstanceDraft>(drafts.instances[i].body).route_places;
        for (std::size_t k = 0; k < routes.size(); ++k) {
            const auto [holder, is_first] = holders.emplace(key_of(routes[k]), i);
            if (is_first) continue;
            const std::string text = holder->second == i
                                         ? "is there twice"
                                         : fmt::format("belongs to [{}]", drafts.instances[holder->second].title);
            report.error_at(drafts.instances[i], places[k], "virtual_routes",
                            fmt::format("{} {}, allowed is one route for a destination, table and metric",
                                        routes[k].destination.to_string(), text));
        }
    }
}

/// The standby would judge the service of the other host and go to FAULT with it.
void check_tracked_addresses(const Drafts& drafts, const Config& config, Report& report) {
    std::set<IpAddress> ours;
    for (const InstanceOptions& instance : config.instances) {
        for (const VirtualAddress& address : instance.addresses) ours.insert(address.prefix.address);
        for (const VirtualAddress& address : instance.excluded_addresses) ours.insert(address.prefix.address);
    }
    for (const Draft& draft : drafts.instances) {
        for (const TrackReference& track : std::get<InstanceDraft>(draft.body).track_checks) {
            const auto check = std::ranges::find(config.checks, track.name, &health::CheckOptions::name);
            if (check == config.checks.end()) continue;
            if (!ours.contains(check->endpoint.address)) continue;
            report.error_at(draft, track.place, "track_check",
                            fmt::format("[check {}] asks {}, which is a virtual address: the standby would judge the "
                                        "other host; use it as check of the [service NAME]",
                                        track.name, check->endpoint.address.to_string()));
        }
    }
}

/// Only a file says a number.
void check_numbers(const Drafts& drafts, const Config& config, Report& report) {
    for (const Draft& draft : drafts.instances) {
        for (const TrackReference& track : std::get<InstanceDraft>(draft.body).track_checks) {
            const auto check = std::ranges::find(config.checks, track.name, &health::CheckOptions::name);
            if (!track.by_number || check == config.checks.end() || check->kind == health::Kind::file) continue;
            report.error_at(
                draft, track.place, "track_check",
                fmt::format("weight file, but [check {}] is not of type = file; allowed is weight N", track.name));
        }
    }
}

/// A service is a program or a unit, and systemd knows who the unit runs as.
void check_services(const Drafts& drafts, const Config& config, Report& report) {
    std::map<std::string, std::string> owners;  // of the units
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        const Draft& draft = drafts.services[i];
        const bool has_command = draft.has("command"), has_unit = draft.has("unit");
        if (!has_command && !has_unit)
            report.error(draft, "command", "missing, write command = PROGRAM ARGUMENTS or unit = UNIT.service");
        if (has_command && has_unit) report.error(draft, "unit", "there is a command, allowed is one of the two");
        if (has_unit && draft.has("user"))
            report.error(draft, "user", "a unit runs as its own User= says, allowed is user only with a command");
        const std::string& unit = config.services[i].unit;
        if (unit.empty()) continue;
        const auto [owner, is_first] = owners.emplace(unit, draft.title);
        if (!is_first)
            report.error(draft, "unit",
                         fmt::format("{} belongs to [{}], allowed is one service for a unit", unit, owner->second));
    }
}

/// A check of a service is started and stopped with it, so it cannot follow two.
void check_shared_checks(const Drafts& drafts, const Config& config, Report& report) {
    std::map<std::string, std::string> owners;
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        const std::string& check = config.services[i].check;
        if (std::ranges::find(config.checks, check, &health::CheckOptions::name) == config.checks.end()) continue;
        const auto [owner, is_first] = owners.emplace(check, drafts.services[i].title);
        if (is_first) continue;
        report.error(
            drafts.services[i], "check",
            fmt::format("[check {}] belongs to [{}], allowed is one service for a check", check, owner->second));
    }
}

void warn_of_unused(const Drafts& drafts, const Config& config, Report& report) {
    std::set<std::size_t> checks, services;
    for (const InstanceOptions& instance : config.instances) {
        for (const Track& track : instance.checks) checks.insert(track.index);
        checks.insert(instance.gates.begin(), instance.gates.end());
        services.insert(instance.services.begin(), instance.services.end());
    }
    for (std::size_t i = 0; i < config.checks.size(); ++i) {
        const bool by_service = std::ranges::find(config.services, config.checks[i].name,
                                                  &service::ServiceOptions::check) != config.services.end();
        if (!checks.contains(i) && !by_service) {
            report.warning(drafts.checks[i], "", "nobody uses it: no track_check, preempt_check or service");
        }
    }
    for (std::size_t i = 0; i < config.services.size(); ++i) {
        if (!services.contains(i))
            report.warning(drafts.services[i], "", "nobody uses it: no instance has it as service");
    }
}

}  // namespace

void check_rules(const Drafts& drafts, const Config& config, Report& report) {
    for (std::size_t i = 0; i < config.instances.size(); ++i) {
        check_required(drafts.instances[i], report);
        check_instance(drafts.instances[i], config.instances[i], config, report);
    }
    for (std::size_t i = 0; i < config.checks.size(); ++i) {
        check_required(drafts.checks[i], report);
        check_check(drafts.checks[i], config.checks[i], report);
    }
    check_services(drafts, config, report);
    for (const Draft& draft : drafts.groups) check_required(draft, report);
    check_lease(drafts, config, report);
    check_groups(drafts, config, report);
    check_router_ids(drafts, config, report);
    check_shared_addresses(drafts, config, report);
    check_shared_routes(drafts, config, report);
    check_tracked_addresses(drafts, config, report);
    check_numbers(drafts, config, report);
    check_shared_checks(drafts, config, report);
    check_uses_of_checks(drafts, config, report);
    // A misspelt reference would be called unused a second time.
    if (report.clean()) warn_of_unused(drafts, config, report);
}

}  // namespace vrrpd::config
