#include "vrrpd/config/rules.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "vrrpd/config/instance_rules.hpp"
#include "vrrpd/config/schema.hpp"

namespace vrrpd::config {
namespace {

void check_required(const Draft& draft, Report& report) {
    for (const Key& key : schema()) {
        if (key.section != draft.section || !key.required || draft.has(key.name)) continue;
        report.error(draft, key.name, fmt::format("missing, write {} = {}", key.name, key.type));
    }
}

/// Keys that the type needs, and keys that it would ignore.
void check_type(const Draft& draft, const health::CheckOptions& check, Report& report) {
    if (!draft.given.contains("type") || draft.is_doubtful("type")) return;
    const bool script = check.kind == health::Kind::script;
    const std::string_view needed = script ? "command" : "address";
    if (!draft.has(needed)) {
        report.error(draft, needed,
                     fmt::format("missing, write {} = {}", needed, find_key(Section::check, needed)->type));
    }
    const auto refuse = [&](std::string_view key, std::string_view types) {
        if (draft.given.contains(key)) report.error(draft, key, fmt::format("is only for type = {}", types));
    };
    if (script) {
        refuse("address", "tcp or memcached");
        refuse("watch", "tcp or memcached");
    } else {
        refuse("command", "script");
        refuse("user", "script");
    }
    if (check.kind != health::Kind::memcached) refuse("probe", "memcached");
}

void check_timing(const Draft& draft, const health::CheckOptions& check, Report& report) {
    if (draft.is_doubtful("timeout") || draft.is_doubtful("interval") || check.timeout <= check.interval)
        return;
    report.error(draft, draft.has("timeout") ? "timeout" : "interval",
                 fmt::format("the timeout {} is longer than the interval {}, allowed is at most the interval",
                             to_text(check.timeout), to_text(check.interval)));
}

/// The VRID tells instances apart on one interface, for each family (RFC 9568 section 5.2.3).
void check_router_ids(const Drafts& drafts, const Config& config, Report& report) {
    std::map<std::tuple<std::string, Family, int>, std::string> users;
    for (std::size_t i = 0; i < config.instances.size(); ++i) {
        const InstanceOptions& instance = config.instances[i];
        const Draft& draft = drafts.instances[i];
        if (instance.interface.empty() || instance.virtual_router_id == 0) continue;
        const auto [other, is_first] = users.emplace(
            std::tuple{instance.interface, instance.family, instance.virtual_router_id}, draft.title);
        if (is_first) continue;
        report.error(
            draft, "virtual_router_id",
            fmt::format("{} on {} belongs to [{}], allowed is one that is unique per interface and family",
                        instance.virtual_router_id, instance.interface, other->second));
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
                            fmt::format("{} on {} belongs to [{}], allowed is one instance for an address",
                                        address.prefix.address.to_string(), device,
                                        drafts.instances[holder->second].title));
        };
        for (const VirtualAddress& address : instance.addresses) claim(address, "virtual_ipaddress");
        for (const VirtualAddress& address : instance.excluded_addresses)
            claim(address, "virtual_ipaddress_excluded");
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
            if (check == config.checks.end() || check->kind == health::Kind::script) continue;
            if (!ours.contains(check->endpoint.address)) continue;
            report.error_at(
                draft, track.place, "track_check",
                fmt::format("[check {}] asks {}, which is a virtual address: the standby would judge the "
                            "other host; use it as check of the [service NAME]",
                            track.name, check->endpoint.address.to_string()));
        }
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
        check_instance(drafts.instances[i], config.instances[i], report);
    }
    for (std::size_t i = 0; i < config.checks.size(); ++i) {
        check_required(drafts.checks[i], report);
        check_type(drafts.checks[i], config.checks[i], report);
        check_timing(drafts.checks[i], config.checks[i], report);
    }
    for (const Draft& draft : drafts.services) check_required(draft, report);
    check_router_ids(drafts, config, report);
    check_shared_addresses(drafts, config, report);
    check_tracked_addresses(drafts, config, report);
    // A misspelt reference would be called unused a second time.
    if (report.clean()) warn_of_unused(drafts, config, report);
}

}  // namespace vrrpd::config
