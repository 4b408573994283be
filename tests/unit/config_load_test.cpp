// What a whole configuration means, and what several keys or sections must agree on.
#include <algorithm>
#include <chrono>
#include <pwd.h>
#include <tuple>

#include <gtest/gtest.h>

#include "tests/unit/config_support.hpp"
#include "vrrpd/config/schema.hpp"

namespace vrrpd::config::config_load_test {
namespace {

using namespace std::chrono_literals;

using test::problems_of;

const std::string instance = "[vrrp_instance A]\ninterface = eth0\nvirtual_router_id = 1\n";
const std::string with_address = instance + "virtual_ipaddress = 10.0.0.1/24\n";

TEST(ConfigLoad, ReadsEveryKey) {
    const auto loaded = load_text(R"([global]
router_id = cache-a
log_target = stderr
log_level = debug
log_facility = local3
script_user = root
control_socket = /run/other
metrics_listen = 0.0.0.0:9112
state_directory = /var/other
control_group = nogroup
realtime = no
lock_memory = off
[vrrp_instance VI_1]
interface = eth0
virtual_router_id = 51
priority = 250
advert_int = 2s
version = 2
virtual_ipaddress = 192.168.30.16/24, 192.168.30.17 dev eth1 label eth1:v
virtual_ipaddress = 192.168.30.18
virtual_ipaddress_excluded = fe80::1/64
auth_type = PASS
auth_pass = "p;w"
preempt_delay = 1min
startup_delay = 4s
down_timer_adverts = 4
track_check = cache weight -20 reverse, other
preempt_check = script
service = proxy
garp_master_repeat = 3
garp_interval = 10ms
garp_master_delay = 0
garp_master_refresh = 30
fault_hold = 10s
[check cache]
type = memcached
probe = version
address = [::1]:11211
interval = 500ms
timeout = 0.3
fall = 3
rise = 1
init_fail = yes
watch = no
fast_fail = no
[check other]
type = tcp
address = 127.0.0.1:80
[check script]
type = script
command = true "a b" c,d
user = nobody
[service proxy]
command = /bin/sleep 1000
user =
run = always
listen = 192.168.30.16:12000
check = other
start_timeout = 3s
stop_timeout = 4s
restart_delay = 1s
restart_limit = 7
on_failure = ignore
close_connections = yes
)",
                                  "t");
    ASSERT_EQ(loaded.problems.size(), 1U);
    EXPECT_EQ(loaded.problems[0].key, "down_timer_adverts");
    EXPECT_TRUE(loaded.valid());

    const GlobalOptions& global = loaded.config.global;
    EXPECT_EQ(global.router_id, "cache-a");
    EXPECT_EQ(global.log_target, LogTarget::standard_error);
    EXPECT_EQ(global.log_level, LogLevel::debug);
    EXPECT_EQ(global.log_facility, 19 << 3);
    EXPECT_EQ(global.script_user, "root");
    EXPECT_EQ(global.control_socket, "/run/other");
    ASSERT_TRUE(global.metrics_listen);
    EXPECT_EQ(global.metrics_listen->to_string(), "0.0.0.0:9112");
    EXPECT_EQ(global.state_directory, "/var/other");
    EXPECT_EQ(global.control_group, "nogroup");
    EXPECT_FALSE(global.realtime);
    EXPECT_FALSE(global.lock_memory);

    ASSERT_EQ(loaded.config.instances.size(), 1U);
    const InstanceOptions& one = loaded.config.instances[0];
    EXPECT_EQ(one.name, "VI_1");
    EXPECT_EQ(one.interface, "eth0");
    EXPECT_EQ(one.virtual_router_id, 51);
    EXPECT_EQ(one.priority, 250);
    EXPECT_EQ(one.advert_interval, 2s);
    EXPECT_EQ(one.version, Version::v2);
    EXPECT_EQ(one.family, Family::ipv4);
    ASSERT_EQ(one.addresses.size(), 3U);
    EXPECT_EQ(one.addresses[1], (VirtualAddress{*Prefix::parse("192.168.30.17/32"), "eth1", "eth1:v"}));
    EXPECT_EQ(one.addresses[2].prefix.to_string(), "192.168.30.18/32");
    ASSERT_EQ(one.excluded_addresses.size(), 1U);
    EXPECT_EQ(one.password, "p;w");
    EXPECT_TRUE(one.preempt);
    EXPECT_EQ(one.preempt_delay, 1min);
    EXPECT_EQ(one.startup_delay, 4s);
    EXPECT_EQ(one.down_timer_adverts, 4);
    EXPECT_EQ(one.checks, (std::vector<Track>{{0, -20, true}, {1, {}, false}}));
    EXPECT_EQ(one.gates, std::vector<std::size_t>{2});
    EXPECT_EQ(one.services, std::vector<std::size_t>{0});
    EXPECT_EQ(one.stop_bound, 4s);
    EXPECT_TRUE(one.close_connections) << "its service says so";
    EXPECT_EQ(one.announce_count, 3);
    EXPECT_EQ(one.announce_interval, 10ms);
    EXPECT_EQ(one.announce_repeat_delay, 0s);
    EXPECT_EQ(one.announce_refresh, 30s);
    EXPECT_EQ(one.fault_hold, 10s);

    ASSERT_EQ(loaded.config.checks.size(), 3U);
    const health::CheckOptions& cache = loaded.config.checks[0];
    EXPECT_EQ(cache.name, "cache");
    EXPECT_EQ(cache.kind, health::Kind::memcached);
    EXPECT_EQ(cache.endpoint, (health::Endpoint{*IpAddress::parse("::1"), 11211}));
    EXPECT_EQ(cache.interval, 500ms);
    EXPECT_EQ(cache.timeout, 300ms);
    EXPECT_EQ(cache.fall, 3);
    EXPECT_EQ(cache.rise, 1);
    EXPECT_TRUE(cache.init_fail);
    EXPECT_FALSE(cache.watch);
    EXPECT_FALSE(cache.fast_fail);
    const health::CheckOptions& script = loaded.config.checks[2];
    EXPECT_EQ(script.command, (std::vector<std::string>{"/usr/bin/true", "a b", "c,d"}));
    const passwd* const nobody = getpwnam("nobody");
    ASSERT_NE(nobody, nullptr);
    EXPECT_EQ(script.credentials, (Credentials{nobody->pw_uid, nobody->pw_gid}));

    ASSERT_EQ(loaded.config.services.size(), 1U);
    const service::ServiceOptions& proxy = loaded.config.services[0];
    EXPECT_EQ(proxy.name, "proxy");
    EXPECT_EQ(proxy.command, (std::vector<std::string>{"/bin/sleep", "1000"}));
    EXPECT_EQ(proxy.credentials, (Credentials{0, 0}));
    EXPECT_EQ(proxy.run, service::Run::always);
    EXPECT_EQ(proxy.listen->port, 12000);
    EXPECT_EQ(proxy.check, "other");
    EXPECT_EQ(proxy.start_timeout, 3s);
    EXPECT_EQ(proxy.stop_timeout, 4s);
    EXPECT_EQ(proxy.restart_delay, 1s);
    EXPECT_EQ(proxy.restart_limit, 7);
    EXPECT_EQ(proxy.on_failure, service::OnFailure::ignore);
    EXPECT_TRUE(proxy.close_connections);
}

TEST(ConfigLoad, ReadsThePathOfAMulticastInstance) {
    const auto loaded = load_text(R"([vrrp_instance A]
interface = eth0
virtual_router_id = 1
virtual_ipaddress = 10.0.0.1/24
virtual_routes = 10.1.0.0/16 via 192.168.30.1 dev eth1 src 192.168.30.16 table 100 metric 50, 10.2.0.0/16
virtual_routes = default via fe80::1
mcast_src_ip = 10.0.0.5
mcast_dst_ip = 239.1.2.3
max_learned_interval = 40.95s
dont_track_primary = yes
track_check = c
track_interface = eth1, eth2 weight -20
track_interface = eth0 weight 7 reverse
[vrrp_instance B]
interface = eth0
virtual_router_id = 2
virtual_ipaddress = 10.0.0.2/24
mcast_src_ip =
mcast_dst_ip =
track_interface = eth2
[check c]
type = tcp
address = 127.0.0.1:1
[check d]
type = tcp
address = 127.0.0.1:2
)",
                                  "t");
    ASSERT_TRUE(loaded.valid()) << to_string(loaded.problems[0]);
    const auto& [a, b] = std::tie(loaded.config.instances[0], loaded.config.instances[1]);
    const auto address = [](const char* text) { return *IpAddress::parse(text); };
    constexpr std::size_t eth = first_tracked_interface;
    const VirtualRoute full{
        *Prefix::parse("10.1.0.0/16"), address("192.168.30.1"), "eth1", address("192.168.30.16"), 100, 50};
    EXPECT_EQ(a.routes, (std::vector<VirtualRoute>{full,
                                                   {*Prefix::parse("10.2.0.0/16"), {}, {}, {}, 254, {}},
                                                   {*Prefix::parse("::/0"), address("fe80::1"), {}, {}, 254, {}}}));
    EXPECT_TRUE(a.unicast_peers.empty());
    EXPECT_EQ(a.source, address("10.0.0.5"));
    EXPECT_EQ(a.group, address("239.1.2.3"));
    EXPECT_EQ(a.max_learned_interval, 40950ms);
    EXPECT_FALSE(a.track_primary);
    EXPECT_EQ(loaded.config.tracked_interfaces, (std::vector<std::string>{"eth1", "eth2", "eth0"}));
    EXPECT_EQ(a.checks,
              (std::vector<Track>{{0, {}, false}, {eth, {}, false}, {eth + 1, -20, false}, {eth + 2, 7, true}}));
    EXPECT_EQ(b.checks, (std::vector<Track>{{eth + 1, {}, false}}));
    EXPECT_EQ(b.source, std::nullopt);
    EXPECT_EQ(b.group, std::nullopt);
}

TEST(ConfigLoad, ReadsThePathOfAUnicastInstance) {
    const auto loaded = load_text(R"([vrrp_instance A]
virtual_router_id = 1
virtual_ipaddress = 10.0.0.1/24
unicast_peer = 10.0.0.6, 10.9.0.7 min_ttl 250
unicast_peer = 10.0.0.8
unicast_src_ip = 10.0.0.5
unicast_ttl = 64
)",
                                  "t");
    ASSERT_TRUE(loaded.problems.empty()) << to_string(loaded.problems[0]);
    const InstanceOptions& one = loaded.config.instances[0];
    EXPECT_EQ(one.interface, "");
    EXPECT_EQ(one.unicast_peers, (std::vector<UnicastPeer>{{*IpAddress::parse("10.0.0.6"), 255},
                                                           {*IpAddress::parse("10.9.0.7"), 250},
                                                           {*IpAddress::parse("10.0.0.8"), 255}}));
    EXPECT_EQ(one.source, IpAddress::parse("10.0.0.5"));
    EXPECT_EQ(one.unicast_ttl, 64);
}

/// By the first of: virtual addresses, peers, source.
TEST(ConfigLoad, TheFamilyOfAnInstance) {
    const auto family = [](const std::string& keys) {
        return load_text(instance + keys, "t").config.instances[0].family;
    };
    EXPECT_EQ(family(""), Family::ipv4);
    EXPECT_EQ(family("mcast_src_ip = fe80::5\n"), Family::ipv6);
    EXPECT_EQ(family("unicast_peer = 10.0.0.6\nunicast_src_ip = fe80::5\n"), Family::ipv4);
    EXPECT_EQ(family("unicast_peer = fe80::6\nunicast_src_ip = 10.0.0.5\n"), Family::ipv6);
    EXPECT_EQ(family("virtual_ipaddress = 10.0.0.1\nunicast_peer = fe80::6\n"), Family::ipv4);
    EXPECT_EQ(family("virtual_ipaddress = fe80::1\nunicast_peer = 10.0.0.6\n"), Family::ipv6);
}

TEST(ConfigLoad, S04_TheStrictestMemberWins) {
    const auto loaded = load_text("[vrrp_sync_group G]\nmember = A\nmember = B, C\n" + with_address +
                                      R"(preempt_delay = 5s
startup_delay = 2s
preempt_check = a, b
[vrrp_instance B]
interface = eth1
virtual_router_id = 1
virtual_ipaddress = 10.0.0.2
preempt_delay = 3s
startup_delay = 9s
preempt_check = c, b
[vrrp_instance C]
interface = eth2
virtual_router_id = 1
virtual_ipaddress = 10.0.0.3
nopreempt = yes
[vrrp_instance D]
interface = eth3
virtual_router_id = 1
virtual_ipaddress = 10.0.0.4
[check a]
type = tcp
address = 127.0.0.1:1
[check b]
type = tcp
address = 127.0.0.1:2
[check c]
type = tcp
address = 127.0.0.1:3
)",
                                  "t");
    ASSERT_TRUE(loaded.valid()) << to_string(loaded.problems[0]);
    ASSERT_EQ(loaded.config.groups.size(), 1U);
    EXPECT_EQ(loaded.config.groups[0].name, "G");
    EXPECT_EQ(loaded.config.groups[0].members, (std::vector<std::size_t>{0, 1, 2}));
    for (std::size_t i = 0; i < 3; ++i) {
        const InstanceOptions& member = loaded.config.instances[i];
        EXPECT_FALSE(member.preempt);
        EXPECT_EQ(member.preempt_delay, 5s);
        EXPECT_EQ(member.startup_delay, 9s);
        EXPECT_EQ(member.gates, (std::vector<std::size_t>{0, 1, 2}));
    }
    const InstanceOptions& alone = loaded.config.instances[3];
    EXPECT_TRUE(alone.preempt);
    EXPECT_EQ(alone.startup_delay, 0s);
    EXPECT_TRUE(alone.gates.empty());
}

TEST(ConfigLoad, DefaultsAreHandedDown) {
    const auto loaded = load_text(R"([vrrp_instance A]
virtual_router_id = 1
virtual_ipaddress = 10.0.0.1
priority = 7
[defaults]
interface = eth0
priority = 9
advert_int = 3s
nopreempt = yes
[vrrp_instance B]
virtual_router_id = 2
virtual_ipaddress = 10.0.0.2
nopreempt = no
)",
                                  "t");
    EXPECT_TRUE(loaded.problems.empty());
    ASSERT_EQ(loaded.config.instances.size(), 2U);
    const auto& [a, b] = std::tie(loaded.config.instances[0], loaded.config.instances[1]);
    EXPECT_EQ(a.interface, "eth0");
    EXPECT_EQ(a.priority, 7);
    EXPECT_EQ(a.advert_interval, 3s);
    EXPECT_FALSE(a.preempt);
    EXPECT_EQ(b.priority, 9);
    EXPECT_TRUE(b.preempt);
}

TEST(ConfigLoad, AListOfDefaultsIsReplacedNotMerged) {
    const auto loaded = load_text("[defaults]\ntrack_check = a, b\n" + with_address + "track_check = b\n" +
                                      "[vrrp_instance B]\ninterface = eth0\nvirtual_router_id = 2\n"
                                      "virtual_ipaddress = 10.0.0.2\n"
                                      "[check a]\ntype = tcp\naddress = 127.0.0.1:1\n"
                                      "[check b]\ntype = tcp\naddress = 127.0.0.1:2\n",
                                  "t");
    EXPECT_TRUE(loaded.problems.empty());
    EXPECT_EQ(loaded.config.instances[0].checks, (std::vector<Track>{{1, {}, false}}));
    EXPECT_EQ(loaded.config.instances[1].checks, (std::vector<Track>{{0, {}, false}, {1, {}, false}}));
}

TEST(ConfigLoad, AMistakeInDefaultsIsReportedOnce) {
    EXPECT_EQ(problems_of("[defaults]\ninterface = \npriority = 300\n[vrrp_instance A]\nvirtual_router_id = 1\n"
                          "virtual_ipaddress = 10.0.0.1\n"),
              "2: [defaults] interface: has no value, allowed is interface\n"
              "3: [defaults] priority: \"300\" is out of range, allowed are 1 to 255\n");
}

/// The text of each default in the table means what the options are without it.
TEST(ConfigSchema, DefaultsOfTheTableAreTheDefaultsOfTheOptions) {
    std::string all;
    // Keys of one type of check begin their help with its name.
    const std::vector<std::string> types{"memcached", "redis", "http"};
    const auto is_of = [](const Key& key, const std::string& type) { return key.help.starts_with(type); };
    for (const std::string& type : types) {
        all += "[check " + type + "]\ntype = " + type + "\naddress = 127.0.0.1:1\n";
        for (const Key& key : schema()) {
            const bool shared = std::ranges::none_of(types, [&](const auto& each) { return is_of(key, each); });
            if (is_of(key, "ping")) continue;  // has none of those that are shared
            if (key.section != Section::check || key.standard.empty() || (!shared && !is_of(key, type))) continue;
            all += key.name + " = " + key.standard + "\n";
        }
    }
    for (const Section section : {Section::instance, Section::service}) {
        all += "[" + std::string(kind_of(section)) + " X]\n";
        for (const Key& key : schema()) {
            if (key.section == section && !key.standard.empty()) all += key.name + " = " + key.standard + "\n";
        }
        if (section == Section::instance) all += "interface = e\nvirtual_router_id = 1\nvirtual_ipaddress = 10.0.0.1\n";
        if (section == Section::service) all += "command = true\n";
    }
    all += "[global]\n";
    for (const Key& key : schema()) {
        if (key.section == Section::global && !key.standard.empty()) all += key.name + " = " + key.standard + "\n";
    }
    const auto loaded = load_text(all, "t");
    ASSERT_TRUE(loaded.valid()) << problems_of(all);
    const auto& [global, instances, groups, interfaces, checks, services, credentials] = loaded.config;
    EXPECT_EQ(global.log_target, GlobalOptions{}.log_target);
    EXPECT_EQ(global.log_level, GlobalOptions{}.log_level);
    EXPECT_EQ(global.log_facility, GlobalOptions{}.log_facility);
    EXPECT_EQ(global.control_socket, GlobalOptions{}.control_socket);
    EXPECT_EQ(global.realtime, GlobalOptions{}.realtime);
    EXPECT_EQ(global.lock_memory, GlobalOptions{}.lock_memory);
    const InstanceOptions standard;
    EXPECT_EQ(instances[0].priority, standard.priority);
    EXPECT_EQ(instances[0].advert_interval, standard.advert_interval);
    EXPECT_EQ(instances[0].version, standard.version);
    EXPECT_EQ(instances[0].checksum, standard.checksum);
    EXPECT_EQ(instances[0].password, standard.password);
    EXPECT_EQ(instances[0].preempt, standard.preempt);
    EXPECT_EQ(instances[0].preempt_delay, standard.preempt_delay);
    EXPECT_EQ(instances[0].startup_delay, standard.startup_delay);
    EXPECT_EQ(instances[0].down_timer_adverts, standard.down_timer_adverts);
    EXPECT_EQ(instances[0].unicast_ttl, standard.unicast_ttl);
    EXPECT_EQ(instances[0].max_learned_interval, standard.max_learned_interval);
    EXPECT_EQ(instances[0].track_primary, standard.track_primary);
    EXPECT_EQ(instances[0].announce_count, standard.announce_count);
    EXPECT_EQ(instances[0].announce_interval, standard.announce_interval);
    EXPECT_EQ(instances[0].announce_repeat_delay, standard.announce_repeat_delay);
    EXPECT_EQ(instances[0].announce_refresh, standard.announce_refresh);
    EXPECT_EQ(instances[0].fault_hold, standard.fault_hold);
    EXPECT_EQ(instances[0].hooks, standard.hooks);
    const health::CheckOptions check;
    EXPECT_EQ(checks[0].interval, check.interval);
    EXPECT_EQ(checks[0].timeout, check.timeout);
    EXPECT_EQ(checks[0].fall, check.fall);
    EXPECT_EQ(checks[0].rise, check.rise);
    EXPECT_EQ(checks[0].init_fail, check.init_fail);
    EXPECT_EQ(checks[0].watch, check.watch);
    EXPECT_EQ(checks[0].fast_fail, check.fast_fail);
    EXPECT_EQ(checks[0].memcached.probe, check.memcached.probe);
    EXPECT_EQ(checks[0].memcached.cold_after_restart, check.memcached.cold_after_restart);
    EXPECT_EQ(checks[1].redis, check.redis);
    EXPECT_EQ(checks[2].http.path, check.http.path);
    for (int code = 0; code < 700; ++code) ASSERT_EQ(checks[2].http.accepts(code), check.http.accepts(code)) << code;
    const service::ServiceOptions service;
    EXPECT_EQ(services[0].run, service.run);
    EXPECT_EQ(services[0].start_timeout, service.start_timeout);
    EXPECT_EQ(services[0].stop_timeout, service.stop_timeout);
    EXPECT_EQ(services[0].restart_delay, service.restart_delay);
    EXPECT_EQ(services[0].restart_limit, service.restart_limit);
    EXPECT_EQ(services[0].on_failure, service.on_failure);
}

TEST(ConfigLoad, A12_DefaultsOfTheRfc) {
    const InstanceOptions one = load_text(with_address, "t").config.instances[0];
    EXPECT_EQ(one.priority, 100);
    EXPECT_EQ(one.advert_interval, 1s);
    EXPECT_TRUE(one.preempt);
    EXPECT_EQ(one.version, Version::v3);
    EXPECT_EQ(one.max_learned_interval, 0s);
    EXPECT_EQ(one.unicast_ttl, 255);
    EXPECT_TRUE(one.track_primary);
    EXPECT_EQ(load_text(with_address, "t").config.global.control_socket, "/run/vrrpd/control");
}

/// No key reads half a number, or one that wraps around.
TEST(ConfigSchema, H46_EveryNumberIsReadWhole) {
    int numbers = 0;
    for (const Key& key : schema()) {
        if (!key.type.starts_with("whole number") && !key.type.starts_with("duration")) continue;
        ++numbers;
        for (const auto* text : {"100abc", "18446744073709551616", "18446744073709551617", "1 2", "-1"}) {
            Draft draft = make_draft(key.section, "x", {});
            EXPECT_EQ(key.apply(draft, *lex_value(text), {}).size(), 1U) << key.name << " = " << text;
        }
    }
    EXPECT_GT(numbers, 20);
}

TEST(ConfigLoad, UnknownWordsGetTheNearestName) {
    EXPECT_EQ(problems_of(with_address + "priorty = 5\nstate = MASTER\nrise = 2\n[chek x]\n"),
              "5: [vrrp_instance A] priorty: unknown key, did you mean priority?\n"
              "6: [vrrp_instance A] state: unknown key: there is none: every instance starts as BACKUP and "
              "the highest "
              "priority wins\n"
              "7: [vrrp_instance A] rise: unknown key here, it belongs to [check NAME]\n"
              "8: [chek x]: unknown section, did you mean [check NAME]?\n");
    EXPECT_EQ(problems_of(with_address + "[vrrp_sync_groop G]\nmember = A\n"),
              "5: [vrrp_sync_groop G]: unknown section, did you mean [vrrp_sync_group NAME]?\n");
    EXPECT_NE(problems_of(with_address + "[vrrp_script x]\n").find("[check NAME] with type = script"),
              std::string::npos);
}

TEST(ConfigLoad, H46_DuplicatesAreErrors) {
    EXPECT_EQ(problems_of(with_address + "interface = eth1\n[vrrp_instance A]\npriority = 300\n[global]\n[global]\n"),
              "5: [vrrp_instance A] interface: is there twice, first in line 2; allowed is one value\n"
              "6: [vrrp_instance A]: is there twice, first in line 1; names are unique\n"
              "7: [vrrp_instance A] priority: \"300\" is out of range, allowed are 1 to 255\n"
              "9: [global]: is there twice, first in line 8; write one section\n");
    EXPECT_EQ(problems_of(with_address + "virtual_ipaddress_excluded = 10.0.0.1\n"),
              "5: [vrrp_instance A] virtual_ipaddress_excluded: 10.0.0.1 is there twice, an instance has "
              "each address "
              "once\n");
}

TEST(ConfigLoad, WordsThatAGroupLacks) {
    const auto of = [](const std::string& word) {
        return problems_of(
            "[vrrp_sync_group G]\nmember = A, B\n" + word + " = x\n" + with_address +
            "[vrrp_instance B]\ninterface = eth1\nvirtual_router_id = 1\nvirtual_ipaddress = 10.0.0.2\n");
    };
    for (const std::string word : {"before_master", "before_backup", "notify_new_active", "hook_timeout"}) {
        EXPECT_EQ(of(word),
                  "3: [vrrp_sync_group G] " + word + ": unknown key here, it belongs to [vrrp_instance NAME]\n");
    }
    EXPECT_EQ(of("group"), "3: [vrrp_sync_group G] group: unknown key: write member = NAME, NAME\n");
    EXPECT_EQ(of("priority"),
              "3: [vrrp_sync_group G] priority: unknown key here, it belongs to [vrrp_instance NAME]\n");
}

TEST(ConfigLoad, Hooks) {
    const auto loaded = load_text(
        "[defaults]\nnotify = /bin/true default\nhook_timeout = 3s\n"
        "[vrrp_instance A]\ninterface = e\nvirtual_router_id = 1\nvirtual_ipaddress = 10.0.0.1\n"
        "before_master = \"/bin/sh\" -c \"exit 0; a, b\"\nnotify_master = true\nnotify = /bin/echo own\n"
        "before_backup = /bin/true\n"
        "[vrrp_instance B]\ninterface = e\nvirtual_router_id = 2\nvirtual_ipaddress = 10.0.0.2\nhook_timeout = 7s\n"
        "[vrrp_sync_group G]\nmember = A, B\nnotify_master = /bin/true g\n",
        "t");
    ASSERT_TRUE(loaded.valid());
    using Words = std::vector<std::string>;
    const auto& instances = loaded.config.instances;
    EXPECT_EQ(instances[0].hooks[Hook::before_master], (Words{"/bin/sh", "-c", "exit 0; a, b"}))
        << "no commas split it";
    EXPECT_EQ(instances[0].hooks[Hook::notify_master].front().find('/'), 0u) << "looked up";
    EXPECT_EQ(instances[0].hooks[Hook::notify], (Words{"/bin/echo", "own"}));
    EXPECT_EQ(instances[1].hooks[Hook::notify], (Words{"/bin/true", "default"}));
    EXPECT_EQ(instances[0].hooks.timeout, 3s);
    EXPECT_EQ(instances[0].stop_bound, 3s) << "before_backup may take as long as it was given";
    EXPECT_EQ(instances[1].stop_bound, 1s) << "without one nobody waits";
    EXPECT_EQ(loaded.config.groups[0].hooks[Hook::notify_master], (Words{"/bin/true", "g"}));
    EXPECT_EQ(loaded.config.groups[0].hooks.timeout, 7s) << "the longest of the members";
    EXPECT_NE(loaded.config.hook_credentials.user, 0u);
    EXPECT_NE(loaded.config.hook_credentials.user, Credentials{}.user);
    EXPECT_EQ(
        problems_of("[defaults]\nnotify_fault = /no/such/program\n" + with_address),
        "3: [vrrp_instance A] notify_fault: \"/no/such/program\" cannot be executed: No such file or directory\n");
}

TEST(ConfigLoad, NamesWhereTheyBelong) {
    EXPECT_EQ(problems_of("[global x]\n[check]\n" + with_address),
              "1: [global x]: takes no name, write [global]\n2: [check]: needs a name, write [check NAME]\n");
}

TEST(ConfigLoad, RequiredKeys) {
    EXPECT_EQ(
        problems_of("[vrrp_instance A]\n[check c]\n[service s]\n[check d]\ntype = tcp\n[check e]\ntype = script\n"),
        "1: [vrrp_instance A] virtual_router_id: missing, write virtual_router_id = whole number, 1 to 255\n"
        "1: [vrrp_instance A] interface: missing, write interface = interface\n"
        "1: [vrrp_instance A] virtual_ipaddress: there is none, and peers refuse an advert without addresses: each "
        "host would be MASTER\n"
        "2: [check c] type: missing, write type = tcp | memcached | redis | http | send_expect | script | "
        "process | file | ping\n"
        "3: [service s] command: missing, write command = PROGRAM ARGUMENTS or unit = UNIT.service\n"
        "4: [check d] address: missing, write address = ADDR:PORT, unix:PATH or ADDR\n"
        "6: [check e] command: missing, write command = program and arguments, without a shell\n");
    EXPECT_EQ(problems_of("[global]\n"), " there is no instance, write [vrrp_instance NAME]\n");
}

}  // namespace
}  // namespace vrrpd::config::config_load_test
