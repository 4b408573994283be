#include "vrrpd/config/schema.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <syslog.h>
#include <utility>

#include <fmt/format.h>
#include <sys/un.h>

#include "vrrpd/config/check_keys.hpp"
#include "vrrpd/config/schema_types.hpp"

namespace vrrpd::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
Type<std::optional<Duration>> lease() {
    using std::chrono::seconds;
    return {"auto | off | whole seconds", [](const Value& value) -> Result<std::optional<Duration>> {
                const std::string word = text_of(value);
                if (word == "auto") return std::nullopt;
                if (word == "off") return Duration::zero();
                const auto length = parse_duration(word, seconds(1), std::chrono::hours(1));
                if (!length) return failure(length.error() + ", or auto or off");
                if (*length % seconds(1) == Duration::zero()) return *length;
                return failure(fmt::format("{} are no whole seconds, which is what the kernel counts", excerpt(word)));
            }};
}

Type<std::string> socket_path() {
    return {"absolute path", [](const Value& value) -> Result<std::string> {
                constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
                auto path = absolute_path().read(value);
                if (!path || path->size() <= longest) return path;
                return failure(fmt::format("{} bytes long, allowed for a socket are {}", path->size(), longest));
            }};
}

// Unlike the address of a check it may be one for all of this host.
Type<std::optional<health::Endpoint>> listen_address() {
    return {"ADDR:PORT", [](const Value& value) -> Result<std::optional<health::Endpoint>> {
                const std::string text = text_of(value);
                if (text.empty()) return std::nullopt;
                for (const auto& [any, one] : {std::pair("0.0.0.0:", "127.0.0.1:"), std::pair("[::]:", "[::1]:")}) {
                    if (!text.starts_with(any)) continue;
                    auto endpoint = parse_endpoint(one + text.substr(std::string_view(any).size()));
                    if (!endpoint) return failure(endpoint.error());
                    const bool is_ipv4 = endpoint->address.family() == Family::ipv4;
                    endpoint->address = *IpAddress::parse(is_ipv4 ? "0.0.0.0" : "::");
                    return *endpoint;
                }
                const auto endpoint = parse_endpoint(text);
                if (!endpoint) return failure(endpoint.error());
                return *endpoint;
            }};
}

Type<IpAddress> host_address() {
    return {"ADDR", [](const Value& value) { return parse_host_address(text_of(value)); }};
}

Type<IpAddress> group_address() {
    return {"multicast address", [](const Value& value) { return parse_group_address(text_of(value)); }};
}

template <typename T, typename Member>
Key global(std::string name, Type<T> type, Member member, std::string standard, std::string help, Flags flags = {}) {
    return single<GlobalOptions>(Section::global, name, type, member, standard, help, flags);
}

/// What the daemon makes of it, it makes once.
template <typename Member>
Key at_start(Key key, Member member) {
    key.keep = [member](GlobalOptions& loaded, const GlobalOptions& running) {
        return std::exchange(loaded.*member, running.*member) != running.*member;
    };
    return key;
}

template <typename T, typename Member>
Key instance(std::string name, Type<T> type, Member member, std::string standard, std::string help, Flags flags = {}) {
    return single<InstanceDraft>(Section::instance, name, type, member, standard, help, flags);
}

template <typename T, typename Member>
Key service(std::string name, Type<T> type, Member member, std::string standard, std::string help, Flags flags = {}) {
    return single<ServiceDraft>(Section::service, name, type, member, standard, help, flags);
}

Type<int> facility() {
    return choice<int>({{"daemon", LOG_DAEMON},
                        {"user", LOG_USER},
                        {"auth", LOG_AUTH},
                        {"authpriv", LOG_AUTHPRIV},
                        {"local0", LOG_LOCAL0},
                        {"local1", LOG_LOCAL1},
                        {"local2", LOG_LOCAL2},
                        {"local3", LOG_LOCAL3},
                        {"local4", LOG_LOCAL4},
                        {"local5", LOG_LOCAL5},
                        {"local6", LOG_LOCAL6},
                        {"local7", LOG_LOCAL7}});
}

Type<bool> authentication() {
    return choice<bool>({{"none", false}, {"PASS", true}},
                        {{"AH", "is not there, it was withdrawn with RFC 3768 and nobody but IPsec can do it"}});
}

Type<std::string> unit_name() {
    static constexpr std::string_view letters_allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
    return {
        "name of a unit, UNIT.service", [](const Value& value) -> Result<std::string> {
            std::string name = text_of(value);
            const bool letters = name.find_first_not_of(letters_allowed) == std::string::npos;
            if (letters && name.ends_with(".service") && name.size() > 8 && name.size() < 256) return name;
            return failure(fmt::format("{} is no name of a service unit, such as nutcracker.service", excerpt(name)));
        }};
}

Type<std::string> interface_name() {
    return {"interface", [](const Value& value) { return parse_interface(text_of(value)); }};
}

Type<std::string> name_of(std::string_view kind) {
    return {fmt::format("NAME of a [{} NAME]", kind), [](const Value& value) { return parse_name(text_of(value)); }};
}

Type<health::Endpoint> endpoint() {
    return {"ADDR:PORT", [](const Value& value) { return parse_endpoint(text_of(value)); }};
}

/// Not quoted in messages: a password belongs in no log.
Type<std::string> password() {
    return {"text, 1 to 8 characters", [](const Value& value) -> Result<std::string> {
                std::string read = text_of(value);
                if (!read.empty() && read.size() <= max_password_length) return read;
                return failure(fmt::format("{} characters long, allowed are 1 to {}: the rest would not be sent",
                                           read.size(), max_password_length));
            }};
}

auto add_address(std::vector<VirtualAddress> InstanceOptions::*target) {
    return [target](InstanceDraft& draft, const Value& item, const Place& place) -> std::string {
        const auto address = parse_virtual_address(words_of(item));
        if (!address) return address.error();
        if (!draft.address_places.emplace(address->prefix.address, place).second) {
            return fmt::format("{} is there twice, an instance has each address once",
                               address->prefix.address.to_string());
        }
        (draft.*target).push_back(*address);
        return {};
    };
}

std::string add_peer(InstanceDraft& draft, const Value& item, const Place& place) {
    const auto peer = parse_unicast_peer(words_of(item));
    if (!peer) return peer.error();
    if (!draft.peer_places.emplace(peer->address, place).second) {
        return fmt::format("{} is there twice, an instance has each peer once", peer->address.to_string());
    }
    draft.unicast_peers.push_back(*peer);
    return {};
}

std::string add_route(InstanceDraft& draft, const Value& item, const Place& place) {
    auto route = parse_virtual_route(words_of(item));
    if (!route) return route.error();
    draft.routes.push_back(std::move(*route));
    draft.route_places.push_back(place);
    return {};
}

auto add_track(std::vector<TrackReference> InstanceDraft::*target, NameParser parse) {
    return [target, parse](InstanceDraft& draft, const Value& item, const Place& place) -> std::string {
        const auto track = parse_track(words_of(item), parse);
        if (!track) return track.error();
        auto& tracks = draft.*target;
        if (track->by_number && target == &InstanceDraft::track_interfaces) {
            return "an interface says no number, allowed is weight N";
        }
        if (std::ranges::find(tracks, track->name, &TrackReference::name) != tracks.end()) {
            return fmt::format("{} is there twice, an instance tracks it once", excerpt(track->name));
        }
        tracks.push_back({*track, place});
        return {};
    };
}

template <typename Body>
auto add_reference(std::vector<Reference> Body::*target) {
    return [target](Body& draft, const Value& item, const Place& place) -> std::string {
        const auto name = parse_name(text_of(item));
        if (!name) return name.error();
        auto& references = draft.*target;
        if (std::ranges::find(references, *name, &Reference::name) != references.end()) {
            return fmt::format("{} is there twice, once is enough", excerpt(*name));
        }
        references.push_back({*name, place});
        return {};
    };
}

/// The files behind it are read before any key is applied (source.hpp).
Key include() {
    return list<GlobalOptions>(Section::global, "include", "path or pattern, relative to the file that names it",
                               "further files", [](GlobalOptions&, const Value&, const Place&) { return ""; });
}

void add_global_keys(std::vector<Key>& keys) {
    using G = GlobalOptions;
    const auto target = choice<LogTarget>({{"auto", LogTarget::automatic},
                                           {"journal", LogTarget::journal},
                                           {"syslog", LogTarget::syslog},
                                           {"stderr", LogTarget::standard_error}});
    const auto level = choice<LogLevel>({{"error", LogLevel::error},
                                         {"warning", LogLevel::warning},
                                         {"notice", LogLevel::notice},
                                         {"info", LogLevel::info},
                                         {"debug", LogLevel::debug}});
    const Flags empty{.may_be_empty = true};
    keys.push_back(
        global("router_id", text(255), &G::router_id, "", "name of this host in the log; default: the host name"));
    keys.push_back(
        at_start(global("log_target", target, &G::log_target, "auto", "where the log goes"), &G::log_target));
    keys.push_back(global("log_level", level, &G::log_level, "info", "the least important lines that are logged"));
    keys.push_back(at_start(global("log_facility", facility(), &G::log_facility, "daemon", "facility of the log lines"),
                            &G::log_facility));
    keys.push_back(global("script_user", text(32), &G::script_user, "",
                          "who scripts and commands run as; default: vrrpd_script, else nobody", empty));
    keys.push_back(at_start(global("control_socket", socket_path(), &G::control_socket, "/run/vrrpd/control",
                                   "where vrrpctl reaches the daemon"),
                            &G::control_socket));
    keys.push_back(at_start(global("control_group", text(32), &G::control_group, "",
                                   "the group that may use the socket; default: root only", empty),
                            &G::control_group));
    keys.push_back(at_start(global("metrics_listen", listen_address(), &G::metrics_listen, "",
                                   "where GET /metrics is answered, to anybody who reaches it; off by default", empty),
                            &G::metrics_listen));
    keys.push_back(at_start(global("state_directory", absolute_path(), &G::state_directory, "/var/lib/vrrpd",
                                   "keeps drain and history over restarts and reboots; not writable: drain is refused"),
                            &G::state_directory));
    keys.push_back(
        at_start(global("realtime", yes_or_no(), &G::realtime, "yes",
                        "SCHED_RR for the protocol thread, and one below for those that wait for the kernel"),
                 &G::realtime));
    keys.push_back(at_start(global("lock_memory", yes_or_no(), &G::lock_memory, "yes", "keep the program out of swap"),
                            &G::lock_memory));
    keys.push_back(
        global("vip_lease", lease(), &G::lease, "auto",
               "lifetime of addresses in the kernel, renewed by adverts; auto: as long as advert_int allows"));
    keys.push_back(include());
}

void add_protocol_keys(std::vector<Key>& keys) {
    using I = InstanceDraft;
    const auto version = choice<Version>({{"2", Version::v2}, {"3", Version::v3}});
    const auto checksum = choice<ChecksumMode>(
        {{"auto", ChecksumMode::automatic}, {"rfc9568", ChecksumMode::rfc9568}, {"rfc5798", ChecksumMode::rfc5798}});
    const std::string address = "ADDR[/LEN] [dev IF] [label L]";
    const Flags required{.required = true};
    keys.push_back(instance("interface", interface_name(), &I::interface, "",
                            "where adverts go; required without unicast_src_ip and unicast_peer"));
    keys.push_back(instance("virtual_router_id", number(1, 255), &I::virtual_router_id, "",
                            "VRID: the same on all hosts of the pair, unique per interface and family", required));
    keys.push_back(instance("priority", number(1, owner_priority), &I::priority, "100",
                            "the highest is MASTER; 255: the owner of the addresses"));
    keys.push_back(instance("advert_int", duration(milliseconds(10), seconds(255)), &I::advert_interval, "1s",
                            "time between adverts; version 3: 10ms to 40.95s in 10ms steps, version 2: whole seconds"));
    keys.push_back(instance("version", version, &I::version, "3", "VRRP version"));
    keys.push_back(list<I>(Section::instance, "virtual_ipaddress", address,
                           "addresses that move and stand in the advert", add_address(&I::addresses)));
    keys.push_back(list<I>(Section::instance, "virtual_ipaddress_excluded", address,
                           "addresses that move and do not stand in the advert", add_address(&I::excluded_addresses)));
    keys.push_back(instance("checksum", checksum, &I::checksum, "auto", "version 3 over IPv4: the form that is sent"));
    keys.push_back(instance("auth_type", authentication(), &I::with_password, "none", "version 2 only"));
    keys.push_back(instance("auth_pass", password(), &I::password, "", "the password of auth_type = PASS"));
    keys.push_back(
        instance("auth_pass_file", absolute_path(), &I::password_file, "", "a file that holds the password"));
}

void add_path_keys(std::vector<Key>& keys) {
    using I = InstanceDraft;
    const Flags empty{.may_be_empty = true};
    keys.push_back(list<I>(Section::instance, "virtual_routes",
                           "DEST [via ADDR] [dev IF] [src ADDR] [table N] [metric N]",
                           "routes that move with the addresses", add_route));
    keys.push_back(list<I>(Section::instance, "unicast_peer", "ADDR [min_ttl N]",
                           "hosts that get adverts of their own; none: multicast", add_peer));
    keys.push_back(instance("unicast_src_ip", host_address(), &I::unicast_source, "",
                            "where adverts to peers come from; default: the interface's primary address"));
    keys.push_back(instance("unicast_ttl", number(1, 255), &I::unicast_ttl, "255", "of adverts to peers"));
    keys.push_back(instance("mcast_src_ip", host_address(), &I::multicast_source, "",
                            "where adverts come from; default: the interface's primary address", empty));
    keys.push_back(instance("mcast_dst_ip", group_address(), &I::group, "",
                            "where adverts go; default: 224.0.0.18, ff02::12", empty));
    keys.push_back(instance("max_learned_interval", duration(none, milliseconds(40950)), &I::max_learned_interval, "0s",
                            "longest advert_int that is learned from a MASTER; 0: any, as the RFC"));
}

void add_behaviour_keys(std::vector<Key>& keys) {
    using I = InstanceDraft;
    keys.push_back(instance("nopreempt", no_or_yes(), &I::preempt, "no", "never take over from a live peer"));
    keys.push_back(instance("preempt_delay", duration(none, hours(24)), &I::preempt_delay, "0s",
                            "wait this long before taking over from a live peer"));
    keys.push_back(instance("startup_delay", duration(none, hours(24)), &I::startup_delay, "0s",
                            "listen, but do not become MASTER, for this long after the start"));
    keys.push_back(instance("down_timer_adverts", number(1, 100), &I::down_timer_adverts, "3",
                            "silent intervals until the peer counts as down; other values leave the RFC"));
    keys.push_back(list<I>(Section::instance, "track_check", "NAME [weight N [reverse]] or NAME weight file",
                           "checks that change the priority, or without a weight mean FAULT",
                           add_track(&I::track_checks, parse_name)));
    keys.push_back(list<I>(Section::instance, "track_interface", "NAME [weight N [reverse]]",
                           "interfaces that change the priority while down, or without a weight mean FAULT",
                           add_track(&I::track_interfaces, parse_interface)));
    keys.push_back(instance("dont_track_primary", no_or_yes(), &I::track_primary, "no",
                            "a link that is down on the instance's own interface is no FAULT"));
    keys.push_back(list<I>(Section::instance, "preempt_check", "NAME of a [check NAME]",
                           "checks that must pass before a live peer is taken over from",
                           add_reference(&I::preempt_checks)));
    keys.push_back(list<I>(Section::instance, "service", "NAME of a [service NAME]",
                           "services that start and stop with the role", add_reference(&I::service_names)));
    keys.push_back(instance("garp_master_repeat", number(1, 100), &I::announce_count, "5", "announcements in a burst"));
    keys.push_back(instance("garp_interval", duration(none, seconds(10)), &I::announce_interval, "20ms",
                            "time between two announcements of one address"));
    keys.push_back(instance("garp_master_delay", duration(none, hours(1)), &I::announce_repeat_delay, "5s",
                            "time until the second burst; 0: none"));
    keys.push_back(instance("garp_master_refresh", duration(none, hours(24)), &I::announce_refresh, "60s",
                            "announce again while MASTER; 0: never"));
    keys.push_back(instance(
        "fault_hold", duration(none, minutes(10)), &I::fault_hold, "30s",
        "stay in FAULT after a service or before_master failed; doubles up to 10min while it repeats; a reload "
        "ends it"));
}

template <typename Body>
void add_hook(std::vector<Key>& keys, Section section, Hook hook, std::string help) {
    const auto command_of = [hook](Body& body) -> Words& { return body.hooks[hook]; };
    keys.push_back(single<Body>(section, to_string(hook), command(), command_of, "", std::move(help)));
}

template <typename Body>
void add_notifications(std::vector<Key>& keys, Section section) {
    add_hook<Body>(keys, section, Hook::notify_master, "run when MASTER, after the announcement");
    add_hook<Body>(keys, section, Hook::notify_backup, "run when BACKUP, after the addresses and services are gone");
    add_hook<Body>(keys, section, Hook::notify_fault, "run when in FAULT, likewise");
    add_hook<Body>(keys, section, Hook::notify_stop, "run when the daemon stops, likewise");
    add_hook<Body>(keys, section, Hook::notify, "run in each of these cases, after the one of its own");
}

void add_hook_keys(std::vector<Key>& keys) {
    using I = InstanceDraft;
    add_hook<I>(keys, Section::instance, Hook::before_master, "run, and awaited, before the addresses come");
    add_hook<I>(keys, Section::instance, Hook::before_backup, "run, and awaited, before a planned hand-over");
    add_notifications<I>(keys, Section::instance);
    add_hook<I>(keys, Section::instance, Hook::notify_new_active,
                "run while not MASTER when another host becomes the MASTER; VRRP_PEER names it");
    const auto timeout = [](I& body) -> Duration& { return body.hooks.timeout; };
    keys.push_back(instance("hook_timeout", duration(milliseconds(10), minutes(10)), timeout, "5s",
                            "a hook that takes longer is killed with its process group"));
}

void add_group_keys(std::vector<Key>& keys) {
    Key member = list<GroupDraft>(Section::group, "member", "NAME of a [vrrp_instance NAME]",
                                  "the instances that move together", add_reference(&GroupDraft::member_names));
    member.required = true;
    keys.push_back(std::move(member));
    add_notifications<GroupDraft>(keys, Section::group);
}

void add_service_keys(std::vector<Key>& keys) {
    using S = ServiceDraft;
    const auto run = choice<service::Run>({{"master", service::Run::master}, {"always", service::Run::always}});
    const auto on_failure =
        choice<service::OnFailure>({{"fault", service::OnFailure::fault}, {"ignore", service::OnFailure::ignore}});
    const Flags empty{.may_be_empty = true};
    keys.push_back(service("command", command(), &S::command, "", "the program, in the foreground; this or `unit`"));
    keys.push_back(service("unit", unit_name(), &S::unit, "", "a unit of systemd, started and stopped over D-Bus"));
    keys.push_back(service("user", text(32), &S::user, "", "who it runs as; default: script_user", empty));
    keys.push_back(service("run", run, &S::run, "master", "when it runs here"));
    keys.push_back(service("listen", endpoint(), &S::listen, "", "it is ready when this accepts"));
    keys.push_back(service("check", name_of("check"), &S::check, "", "judged only while it should run here"));
    keys.push_back(service("start_timeout", duration(milliseconds(10), minutes(10)), &S::start_timeout, "2s",
                           "longest time until it listens"));
    keys.push_back(service("stop_timeout", duration(milliseconds(10), minutes(10)), &S::stop_timeout, "1s",
                           "then SIGKILL to the whole process group"));
    keys.push_back(service("restart_delay", duration(none, seconds(30)), &S::restart_delay, "200ms",
                           "the first restart is at once, then this, doubling up to 30s"));
    keys.push_back(
        service("restart_limit", number(1, 1000), &S::restart_limit, "5", "failures in a row until it failed"));
    keys.push_back(
        service("on_failure", on_failure, &S::on_failure, "fault", "what its failure means for the instance"));
    keys.push_back(service("close_connections", yes_or_no(), &S::close_connections, "no",
                           "end all connections of the addresses just before these go, unless the link is down or the "
                           "daemon stalled: idle clients are told at once"));
}

}  // namespace

const std::vector<Key>& schema() {
    static const std::vector<Key> keys = [] {
        std::vector<Key> all;
        add_global_keys(all);
        add_protocol_keys(all);
        add_path_keys(all);
        add_behaviour_keys(all);
        add_hook_keys(all);
        add_group_keys(all);
        add_check_keys(all);
        add_service_keys(all);
        return all;
    }();
    return keys;
}

const Key* find_key(Section section, std::string_view name) {
    const Section owner = section == Section::defaults ? Section::instance : section;
    const auto& keys = schema();
    const auto found =
        std::ranges::find_if(keys, [&](const Key& key) { return key.section == owner && key.name == name; });
    return found == keys.end() ? nullptr : &*found;
}

std::vector<std::string> key_names(Section section) {
    const Section owner = section == Section::defaults ? Section::instance : section;
    std::vector<std::string> names;
    for (const Key& key : schema()) {
        if (key.section == owner) names.push_back(key.name);
    }
    return names;
}

}  // namespace vrrpd::config
