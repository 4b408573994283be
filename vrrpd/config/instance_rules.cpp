#include "vrrpd/config/instance_rules.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace vrrpd::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// 40 bytes of IPv6 header, 8 of VRRP and 16 an address: one more would not fit a frame of 1500 (conformance
// A18).
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
        report.error(
            draft, "advert_int",
            fmt::format("{} with version 2, allowed are whole seconds, 1s to 255s", to_text(interval)));
    }
    if (!v2 && (interval > milliseconds(40950) || interval % milliseconds(10) != Duration::zero())) {
        report.error(
            draft, "advert_int",
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
    const auto stranger = std::ranges::find_if(addresses, [&](const VirtualAddress& address) {
        return address.prefix.address.family() != options.family;
    });
    if (stranger != addresses.end()) {
        report.error_at(
            draft, instance.address_places.at(stranger->prefix.address), "virtual_ipaddress",
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
        report.warning(draft, "virtual_ipaddress", "there is none, so no address is in the advert");
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
    for (const std::string_view key : {"track_check", "service"}) {
        if (draft.has(key)) {
            report.error(
                draft, key,
                "priority 255 owns the addresses and cannot step back, allowed is priority 1 to 254");
        }
    }
    if (!options.preempt) report.warning(draft, "nopreempt", "priority 255 always preempts");
}

void check_habits(const Draft& draft, const InstanceOptions& options, Report& report) {
    if (options.down_timer_adverts != 3 && !draft.is_doubtful("down_timer_adverts")) {
        report.warning(
            draft, "down_timer_adverts",
            fmt::format("{} leaves the RFC, which waits for 3 intervals; all hosts must have the same",
                        options.down_timer_adverts));
    }
    const bool fixed_checksum = options.checksum != ChecksumMode::automatic;
    if (fixed_checksum && (options.version == Version::v2 || options.family == Family::ipv6)) {
        report.warning(draft, "checksum", "changes nothing but version 3 over IPv4");
    }
    if (options.preempt || draft.is_doubtful("nopreempt")) return;
    const bool weighted =
        std::ranges::any_of(options.checks, [](const Track& track) { return track.weight.has_value(); });
    if (weighted) {
        report.warning(draft, "track_check",
                       "a weight changes nothing while a peer with nopreempt is BACKUP; without a weight "
                       "a failing check means FAULT, and the address moves");
    }
    if (options.preempt_delay > Duration::zero())
        report.warning(draft, "preempt_delay", "changes nothing with nopreempt");
    if (!options.gates.empty()) report.warning(draft, "preempt_check", "changes nothing with nopreempt");
}

}  // namespace

void check_instance(const Draft& draft, const InstanceOptions& options, Report& report) {
    const auto& instance = std::get<InstanceDraft>(draft.body);
    check_version(draft, options, report);
    check_password(draft, instance, report);
    check_addresses(draft, instance, options, report);
    check_owner(draft, options, report);
    check_habits(draft, options, report);
}

}  // namespace vrrpd::config
