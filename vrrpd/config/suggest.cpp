#include "vrrpd/config/suggest.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace vrrpd::config {
namespace {

constexpr std::string_view no_mail = "there is no mail here; watch the log or the journal";
constexpr std::string_view no_lvs = "there is no LVS here; a local service is a [service NAME]";
constexpr std::string_view authentication =
    "write auth_type = PASS and auth_pass = ... in the instance, version 2 only";
constexpr std::string_view per_instance = "a default for all instances stands in [defaults] under its instance name";

struct Hint {
    std::string_view kind;  // empty: in every section
    std::string_view word;
    std::string_view text;
};

constexpr std::array section_hints{
    Hint{"", "global_defs", "the section is [global] here"},
    Hint{"", "vrrp_script", "write [check NAME] with type = script, command, interval, timeout, fall and rise"},
    Hint{"", "vrrp_track_process",
         "write [check NAME] with type = process, or better one that asks the program for an answer"},
    Hint{"", "vrrp_track_file", "write [check NAME] with type = file and track_check = NAME weight file"},
    Hint{"", "track_script", "write track_check = NAME in the instance"},
    Hint{"", "authentication", authentication},
    Hint{"", "virtual_ipaddress", "write virtual_ipaddress = ADDR/LEN in the instance"},
    Hint{"", "virtual_routes", "write virtual_routes = DEST via ADDR in the instance"},
    Hint{"", "unicast_peer", "write unicast_peer = ADDR in the instance"},
    Hint{"", "track_interface", "write track_interface = NAME in the instance"},
    Hint{"", "virtual_server", no_lvs},
    Hint{"", "virtual_server_group", no_lvs},
    Hint{"", "real_server", no_lvs},
    Hint{"", "static_ipaddress", "addresses that do not move belong to the system's network configuration"},
    Hint{"", "static_routes", "routes that do not move belong to the system's network configuration"},
    Hint{"", "bfd_instance", "there is no BFD here; use advert_int below a second"},
};

constexpr std::array key_hints{
    Hint{"", "state", "there is none: every instance starts as BACKUP and the highest priority wins"},
    Hint{"", "strict_mode", "there is none: what breaks the protocol is always an error or a warning"},
    Hint{"", "vrrp_strict", "there is none: what breaks the protocol is always an error or a warning"},
    Hint{"", "smtp_alert", no_mail},
    Hint{"", "smtp_server", no_mail},
    Hint{"", "smtp_connect_timeout", no_mail},
    Hint{"", "notification_email", no_mail},
    Hint{"", "notification_email_from", no_mail},
    Hint{"", "lvs_sync_daemon", no_lvs},
    Hint{"", "lvs_sync_daemon_interface", no_lvs},
    Hint{"", "virtual_server", no_lvs},
    Hint{"", "authentication", authentication},
    Hint{"", "track_script", "write track_check = NAME; the script is a [check NAME] with type = script"},
    Hint{"", "track_process", "write track_check = NAME of a [check NAME] with type = process"},
    Hint{"", "track_file", "write track_check = NAME weight file of a [check NAME] with type = file"},
    Hint{"", "preempt", "preempting is the default; nopreempt = yes turns it off"},
    Hint{"", "use_vmac", "there is no virtual MAC here: a new holder announces the addresses"},
    Hint{"", "accept", "the holder always accepts packets for its addresses"},
    Hint{"", "no_accept", "the holder always accepts packets for its addresses"},
    Hint{"", "native_ipv6", "there is none: the virtual_ipaddress decides"},
    Hint{"", "debug", "write log_level = debug in [global]"},
    Hint{"", "dynamic_interfaces", "there is none: an interface may come and go at any time"},
    Hint{"", "script_security", "there is none: commands never run through a shell and never as root unasked"},
    Hint{"", "enable_script_security", "there is none: commands never run through a shell and never as root unasked"},
    Hint{"", "vrrp_rt_priority", "write realtime = yes"},
    Hint{"", "vrrp_no_swap", "write lock_memory = yes"},
    Hint{"", "vrrp_version", per_instance},
    Hint{"", "vrrp_garp_master_repeat", per_instance},
    Hint{"", "vrrp_garp_master_delay", per_instance},
    Hint{"", "vrrp_garp_master_refresh", per_instance},
    Hint{"", "vrrp_garp_interval", per_instance},
    Hint{"", "vrrp_mcast_group4", "write mcast_dst_ip = ADDR in the instance or in [defaults]"},
    Hint{"", "vrrp_mcast_group6", "write mcast_dst_ip = ADDR in the instance or in [defaults]"},
    Hint{"", "check_unicast_src", "there is none: an instance with peers hears nobody else"},
    Hint{"", "unicast_fault_no_peer", "there is none: unicast_src_ip without unicast_peer is an error"},
    Hint{"", "track_src_ip", "there is none: without its source address an instance is always in FAULT"},
    Hint{"vrrp_sync_group", "group", "write member = NAME, NAME"},
    Hint{"", "lvs_id", "write router_id = NAME"},
    Hint{"check", "script", "write command = PROGRAM ARGUMENTS"},
    Hint{"check", "weight", "the weight stands with the instance: track_check = NAME weight N"},
};

template <std::size_t N>
std::string_view find_hint(const std::array<Hint, N>& hints, std::string_view kind, std::string_view word) {
    const auto found = std::ranges::find_if(
        hints, [&](const Hint& hint) { return hint.word == word && (hint.kind.empty() || hint.kind == kind); });
    return found == hints.end() ? std::string_view{} : found->text;
}

/// Edit distance in the form of optimal string alignment: insert, delete, replace, swap neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before_last, last(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before_last[j - 2] + 1);
            }
        }
        before_last = last;
        last = row;
    }
    return last[b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known) {
    constexpr std::size_t longest_word = 64;
    if (word.size() > longest_word) return std::nullopt;
    const std::string* best = nullptr;
    std::size_t best_distance = 0;
    for (const std::string& candidate : known) {
        const std::size_t changes = distance(word, candidate);
        const std::size_t close = std::clamp<std::size_t>(std::min(word.size(), candidate.size()) / 3, 1, 3);
        if (changes > close || changes >= std::max(word.size(), candidate.size()) / 2 + 1) continue;
        if (best == nullptr || changes < best_distance) {
            best = &candidate;
            best_distance = changes;
        }
    }
    return best == nullptr ? std::nullopt : std::optional<std::string>(*best);
}

std::string_view hint_for_section(std::string_view kind) {
    return find_hint(section_hints, {}, kind);
}

std::string_view hint_for_key(std::string_view kind, std::string_view key) {
    return find_hint(key_hints, kind, key);
}

}  // namespace vrrpd::config
