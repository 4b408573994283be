#include "ctl/import/words.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <span>

namespace vrrpd::keepalived {
namespace {

constexpr std::string_view mail = "there is no mail here; watch the log, or let a program read vrrpctl events";
constexpr std::string_view lvs = "there is no LVS here";
constexpr std::string_view vmac = "there is no virtual MAC here: a new holder announces the addresses from its own";
constexpr std::string_view bfd = "there is no BFD here; advert_int below a second finds a lost peer as fast";
constexpr std::string_view snmp = "there is no SNMP here; vrrpctl metrics is for Prometheus";
constexpr std::string_view fifo = "there is no FIFO here; vrrpctl events prints a line of JSON for each change";
constexpr std::string_view network = "what does not move belongs to the system's network configuration";
constexpr std::string_view always = "that is always so here";
constexpr std::string_view needless = "is not needed here";
constexpr std::string_view own_way = "vrrpd announces again whenever another Active was heard";
constexpr std::string_view other_daemon = "is for a part of keepalived that does not exist here";

struct Row {
    std::string_view word;  // one that ends in * stands for all that begin so
    Meaning meaning;
};

constexpr std::array top_rows{
    Row{"virtual_server", {true, lvs}},
    Row{"virtual_server_group", {true, lvs}},
    Row{"SSL", {true, lvs}},
    Row{"static_*", {true, network}},
    Row{"track_group", {true, network}},
    Row{"bfd_instance", {true, bfd}},
    Row{"garp_group", {true, "write garp_interval in [defaults] or in the instances of that interface"}},
    Row{"linkbeat_*", {false, "the kernel tells when a link goes down"}},
    Row{"interface_up_down_delays", {true, "a link that goes down is a FAULT at once"}},
    Row{"net_namespace", {true, "write NetworkNamespacePath= into a drop-in of vrrpd.service"}},
    Row{"net_namespace_ipvs", {true, lvs}},
    Row{"namespace_with_ipsets", {false, needless}},
    Row{"instance", {true, "write router_id, and another control_socket for each daemon"}},
    Row{"use_pid_dir", {false, "there are no pid files"}},
    Row{"child_wait_time", {false, needless}},
};

constexpr std::array global_rows{
    Row{"notification_email*", {true, mail}},
    Row{"smtp_*", {true, mail}},
    Row{"no_email_faults", {true, mail}},
    Row{"no_checker_emails", {true, mail}},
    Row{"lvs_*", {true, lvs}},
    Row{"checker_*", {false, other_daemon}},
    Row{"bfd_*", {false, other_daemon}},
    Row{"rs_init_notifies", {true, lvs}},
    Row{"nftables_ipvs*", {true, lvs}},
    Row{"nftables*", {false, needless}},
    Row{"vrrp_iptables", {false, needless}},
    Row{"vrrp_ipsets", {false, needless}},
    Row{"vrrp_strict",
        {true,
         "it also dropped what was sent to the virtual addresses (no_accept); here the holder "
         "always accepts, and what breaks the protocol is an error or a warning"}},
    Row{"vrrp_skip_check_adv_addr", {false, "the addresses of an advert are compared and named, at no cost"}},
    Row{"vrrp_check_unicast_src", {false, always}},
    Row{"vrrp_lower_prio_no_advert", {false, own_way}},
    Row{"vrrp_higher_prio_send_advert", {false, always}},
    Row{"vrrp_garp_lower_prio_*", {false, own_way}},
    Row{"vrrp_garp_master_refresh_repeat", {false, "a refresh is one announcement"}},
    Row{"vrrp_garp_extra_if", {false, "garp_master_refresh announces on every interface with an address"}},
    Row{"vrrp_notify_priority_changes", {true, fifo}},
    Row{"vrrp_notify_fifo*", {true, fifo}},
    Row{"notify_fifo*", {true, fifo}},
    Row{"fifo_write_vrrp_states_on_reload", {true, fifo}},
    Row{"vrrp_priority", {false, "the protocol thread has real-time scheduling"}},
    Row{"vrrp_rt_priority", {false, "the protocol thread has real-time scheduling"}},
    Row{"vrrp_rlimit_rt*", {false, needless}},
    Row{"vrrp_no_swap", {false, always}},
    Row{"vrrp_cpu_affinity", {true, "write CPUAffinity= into a drop-in of vrrpd.service"}},
    Row{"max_auto_priority", {false, needless}},
    Row{"min_auto_priority_delay", {false, needless}},
    Row{"vrrp_netlink_*", {false, needless}},
    Row{"vrrp_rx_bufs_*", {false, needless}},
    Row{"process_monitor_*", {false, needless}},
    Row{"process_name*", {false, needless}},
    Row{"vrrp_process_name", {false, needless}},
    Row{"enable_script_security", {false, "a command that runs as root and that others may change is an error"}},
    Row{"script_security", {false, "a command that runs as root and that others may change is an error"}},
    Row{"dynamic_interfaces", {false, "an interface may come and go at any time"}},
    Row{"default_interface", {false, "is for static addresses only"}},
    Row{"disable_local_igmp", {false, needless}},
    Row{"log_unknown_vrids", {false, "another VRID for our addresses is always named"}},
    Row{"enable_snmp_*", {true, snmp}},
    Row{"enable_traps", {true, snmp}},
    Row{"snmp_*", {true, snmp}},
    Row{"enable_dbus", {true, "there is no D-Bus interface here; vrrpctl status --json says the same"}},
    Row{"dbus_*", {true, "there is no D-Bus interface here; vrrpctl status --json says the same"}},
    Row{"startup_script*", {true, "write ExecStartPre= into a drop-in of vrrpd.service"}},
    Row{"shutdown_script*", {true, "write ExecStopPost= into a drop-in of vrrpd.service"}},
    Row{"vmac_*", {true, vmac}},
    Row{"umask", {false, needless}},
    Row{"random_seed", {false, needless}},
    Row{"reload_*", {false, needless}},
    Row{"include_check", {false, needless}},
    Row{"data_use_instance", {false, needless}},
    Row{"tmp_config_directory", {false, needless}},
    Row{"config_save_dir", {false, needless}},
    Row{"linkbeat_*", {false, "the kernel tells when a link goes down"}},
};

constexpr std::array instance_rows{
    Row{"preempt", {false, always}},
    Row{"native_ipv6", {false, "the addresses decide"}},
    Row{"accept", {false, always}},
    Row{"no_accept", {true, "the holder always accepts packets for its addresses; a firewall rule can drop them"}},
    Row{"use_vmac*", {true, vmac}},
    Row{"vmac_xmit_base", {true, vmac}},
    Row{"use_ipvlan", {true, vmac}},
    Row{"vrf", {true, "write interface = IF, which may be a member of a VRF"}},
    Row{"virtual_rules", {true, "rules do not move here; they may stay on both hosts, or a hook sets them"}},
    Row{"track_bfd", {true, bfd}},
    Row{"track_src_ip", {false, "without its source address an instance is always in FAULT"}},
    Row{"check_unicast_src", {false, always}},
    Row{"unicast_fault_no_peer", {false, "unicast without a peer is an error here"}},
    Row{"old_unicast_checksum", {false, "both forms are read, and what is sent follows the peer (checksum = auto)"}},
    Row{"skip_check_adv_addr", {false, "the addresses of an advert are compared and named, at no cost"}},
    Row{"garp_lower_prio_*", {false, own_way}},
    Row{"garp_master_refresh_repeat", {false, "a refresh is one announcement"}},
    Row{"garp_extra_if", {false, "garp_master_refresh announces on every interface with an address"}},
    Row{"lower_prio_no_advert", {false, own_way}},
    Row{"higher_prio_send_advert", {false, always}},
    Row{"promote_secondaries", {false, always}},
    Row{"kernel_rx_buf_size", {false, needless}},
    Row{"linkbeat_use_polling", {false, "the kernel tells when a link goes down"}},
    Row{"debug", {false, "write log_level = debug in [global]"}},
    Row{"smtp_alert", {true, mail}},
    Row{"lvs_sync_daemon*", {true, lvs}},
    Row{"notify_deleted", {true, "there is no such hook here"}},
    Row{"notify_master_rx_lower_pri", {true, "there is no such hook here; vrrpctl events tells of other Actives"}},
    Row{"notify_priority_changes", {true, fifo}},
};

constexpr std::array group_rows{
    Row{"smtp_alert", {true, mail}},
    Row{"global_tracking", {false, "a fault of one member is always one of all"}},
    Row{"sync_group_tracking_weight", {false, "the members keep their weights; give all of them the same"}},
    Row{"track_bfd", {true, bfd}},
    Row{"notify_deleted", {true, "there is no such hook here"}},
    Row{"notify_priority_changes", {true, fifo}},
};

std::span<const Row> rows_of(Block block) {
    switch (block) {
        case Block::top:
            return top_rows;
        case Block::global:
            return global_rows;
        case Block::instance:
            return instance_rows;
        case Block::group:
            return group_rows;
    }
    return {};
}

bool matches(const Row& row, std::string_view word) {
    if (!row.word.ends_with('*')) return row.word == word;
    return word.starts_with(row.word.substr(0, row.word.size() - 1));
}

using Words = std::set<std::string_view>;

const Words script_words{"script", "interval", "timeout", "weight", "rise", "fall", "user", "init_fail"};
const Words authentication_words{"auth_type", "auth_pass"};
const Words process_words{"process", "param_match",     "weight",     "quorum",      "quorum_max",
                          "delay",   "terminate_delay", "fork_delay", "full_command"};
const Words file_words{"file", "weight", "init_file"};
const Words instance_words{"state",
                           "interface",
                           "virtual_router_id",
                           "priority",
                           "advert_int",
                           "version",
                           "authentication",
                           "virtual_ipaddress",
                           "virtual_ipaddress_excluded",
                           "virtual_routes",
                           "unicast_peer",
                           "unicast_src_ip",
                           "mcast_src_ip",
                           "mcast_dst_ip",
                           "unicast_ttl",
                           "nopreempt",
                           "preempt_delay",
                           "dont_track_primary",
                           "track_interface",
                           "track_script",
                           "track_process",
                           "track_file",
                           "garp_master_delay",
                           "garp_master_repeat",
                           "garp_master_refresh",
                           "down_timer_adverts",
                           "notify",
                           "notify_master",
                           "notify_backup",
                           "notify_fault",
                           "notify_stop",
                           "smtp_alert",
                           "use_vmac",
                           "native_ipv6"};
const Words group_words{"group",        "track_interface", "track_script",  "track_process",
                        "track_file",   "notify",          "notify_master", "notify_backup",
                        "notify_fault", "notify_stop",     "smtp_alert",    "global_tracking"};
const Words global_words{"router_id",          "vrrp_version", "script_user", "enable_script_security",
                         "notification_email", "smtp_server",  "vrrp_strict"};

const Words& words_of(std::string_view block) {
    static const Words none;
    if (block == "vrrp_script") return script_words;
    if (block == "authentication") return authentication_words;
    if (block == "vrrp_track_process") return process_words;
    if (block == "vrrp_track_file" || block == "track_file") return file_words;
    if (block == "vrrp_instance") return instance_words;
    if (block == "vrrp_sync_group") return group_words;
    if (block == "global_defs") return global_words;
    return none;
}

}  // namespace

Meaning meaning_of(Block block, std::string_view word) {
    const auto rows = rows_of(block);
    const auto found = std::ranges::find_if(rows, [&](const Row& row) { return matches(row, word); });
    if (found != rows.end()) return found->meaning;
    return {true, "this importer does not know the word"};
}

bool is_word_of(std::string_view block, std::string_view word) {
    return words_of(block).contains(word);
}

std::vector<Statement> statements_of(const Statement& block) {
    if (block.place.line != block.last_line) return block.body;
    std::vector<Statement> cut;
    for (const Statement& statement : block.body) {
        cut.push_back(statement);
        cut.back().words.clear();
        cut.back().body.clear();
        cut.back().has_body = false;
        for (const std::string& word : statement.words) {
            if (!cut.back().words.empty() && is_word_of(block.word(), word)) {
                cut.push_back({statement.place, {}, {}, false, statement.last_line});
            }
            cut.back().words.push_back(word);
        }
        cut.back().body = statement.body;
        cut.back().has_body = statement.has_body;
    }
    return cut;
}

}  // namespace vrrpd::keepalived
