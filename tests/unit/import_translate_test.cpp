// What a keepalived.conf becomes: the keys, the defaults that are written out, what is lost and said so; and that the
// result is one that vrrpd accepts.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "ctl/import/import_command.hpp"
#include "ctl/import/translate.hpp"
#include "vrrpd/config/load.hpp"
#include "vrrpd/config/schema.hpp"

namespace vrrpd::keepalived::import_translate_test {
namespace {

/// A translated text, as ini, as what is lost, and as what vrrpd makes of it.
struct Imported {
    std::string ini;
    std::string lost;  ///< a line each
    config::Config config;

    bool has(const std::string& line) const { return ("\n" + ini).find("\n" + line) != std::string::npos; }
    bool loses(const std::string& text) const { return lost.find(text) != std::string::npos; }
    const InstanceOptions& instance() const { return config.instances.at(0); }
    const health::CheckOptions& check() const { return config.checks.at(0); }
};

Imported import(const std::string& text, Host host = {}) {
    const Tree tree = read_text(text, "k", "main");
    for (const Remark& remark : tree.broken) ADD_FAILURE() << remark.place.line << ": " << remark.text;
    Imported imported;
    const Translation translation = translate(tree, host);
    imported.ini = translation.ini;
    for (const Remark& remark : translation.lost) {
        imported.lost += std::to_string(remark.place.line) + ": " + remark.text + "\n";
    }
    auto loaded = config::load_text(imported.ini, "ini");
    for (const config::Problem& problem : loaded.problems) {
        EXPECT_EQ(problem.severity, config::Severity::warning) << to_string(problem) << "\n" << imported.ini;
    }
    imported.config = std::move(loaded.config);
    return imported;
}

/// An instance that is complete, with these lines in it, and something before it.
Imported instance(const std::string& lines, const std::string& before = "") {
    return import(before + "\nvrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n priority 150\n" + lines +
                  "\n virtual_ipaddress {\n 10.0.0.1/24\n }\n}\n");
}

TEST(ImportTranslate, TheDefaultsOfKeepalivedAreWrittenOut) {
    const Imported result = instance("");
    EXPECT_EQ(result.lost, "");
    const InstanceOptions& options = result.instance();
    EXPECT_EQ(options.version, Version::v2);
    EXPECT_EQ(options.announce_interval, Duration::zero());
    EXPECT_EQ(options.announce_refresh, Duration::zero());
    EXPECT_EQ(options.announce_count, 5);
    EXPECT_EQ(options.announce_repeat_delay, std::chrono::seconds(5));
    EXPECT_EQ(options.advert_interval, std::chrono::seconds(1));
    EXPECT_EQ(options.priority, 150);
    EXPECT_EQ(options.interface, "eth0");
    EXPECT_TRUE(result.ini.starts_with("; Made from k by vrrpctl import.")) << result.ini;
    EXPECT_TRUE(result.has("; Everything was carried over."));
}

TEST(ImportTranslate, GlobalDefaults) {
    const Imported result =
        instance("",
                 "global_defs {\n router_id lb1\n vrrp_version 3\n vrrp_garp_master_repeat 2\n"
                 " vrrp_garp_master_delay 7\n vrrp_garp_interval 0.01\n vrrp_garp_master_refresh 90\n"
                 " vrrp_mcast_group4 224.0.0.99\n vrrp_startup_delay 3.5\n"
                 " vrrp_down_timer_adverts 4\n}\n");
    EXPECT_EQ(result.lost, "");
    EXPECT_EQ(result.config.global.router_id, "lb1");
    const InstanceOptions& options = result.instance();
    EXPECT_EQ(options.version, Version::v3);
    EXPECT_EQ(options.announce_count, 2);
    EXPECT_EQ(options.announce_repeat_delay, std::chrono::seconds(7));
    EXPECT_EQ(options.announce_interval, std::chrono::milliseconds(10));
    EXPECT_EQ(options.announce_refresh, std::chrono::seconds(90));
    EXPECT_EQ(options.group, IpAddress::parse("224.0.0.99"));
    EXPECT_EQ(options.startup_delay, std::chrono::milliseconds(3500));
    EXPECT_EQ(options.down_timer_adverts, 4);
}

TEST(ImportTranslate, MinimalAnnouncements) {
    const Imported result = instance("garp_master_refresh 10", "global_defs { vrrp_min_garp }");
    EXPECT_EQ(result.instance().announce_count, 1);
    EXPECT_EQ(result.instance().announce_repeat_delay, Duration::zero());
    EXPECT_EQ(result.instance().announce_refresh, std::chrono::seconds(10));
}

TEST(ImportTranslate, IntervalsAreRoundedAsKeepalivedDoes) {
    EXPECT_EQ(instance("advert_int 1.4").instance().advert_interval, std::chrono::seconds(1));
    EXPECT_EQ(instance("advert_int 0.2").instance().advert_interval, std::chrono::seconds(1));
    EXPECT_EQ(instance("version 3\nadvert_int 0.2").instance().advert_interval, std::chrono::milliseconds(200));
    EXPECT_EQ(instance("version 3\nadvert_int 0.123").instance().advert_interval, std::chrono::milliseconds(120));
    EXPECT_TRUE(instance("advert_int often").loses("advert_int: not carried over: is no time"));
}

TEST(ImportTranslate, StateAndWhatDependsOnIt) {
    EXPECT_EQ(instance("state BACKUP\nnopreempt").lost, "");
    EXPECT_FALSE(instance("state BACKUP\nnopreempt").instance().preempt);
    const Imported master = instance("state MASTER\nnopreempt\npreempt_delay 5");
    EXPECT_TRUE(master.instance().preempt) << "keepalived clears it";
    EXPECT_EQ(master.instance().preempt_delay, Duration::zero());
    EXPECT_TRUE(master.loses("7: nopreempt: not carried over: had no effect beside state MASTER"));
    EXPECT_TRUE(master.loses("8: preempt_delay: not carried over"));
    EXPECT_TRUE(master.has("; state MASTER: has no meaning here"));
    EXPECT_EQ(instance("state BACKUP\npreempt_delay 2.5").instance().preempt_delay, std::chrono::milliseconds(2500));
    const Imported owner = import(
        "vrrp_instance A {\n state MASTER\n interface eth0\n virtual_router_id 5\n"
        " virtual_ipaddress {\n 10.0.0.1\n }\n}\n");
    EXPECT_EQ(owner.instance().priority, 255) << "what keepalived takes for MASTER without a priority";
}

TEST(ImportTranslate, Authentication) {
    const std::string block = "authentication {\n auth_type PASS\n auth_pass \"a, b;c#12\"\n}";
    EXPECT_EQ(instance(block).instance().password, "a, b;c#1");
    EXPECT_EQ(instance(block).lost, "");
    EXPECT_EQ(instance("version 3\n" + block).instance().password, std::nullopt);
    const Imported line = instance("authentication { auth_type PASS auth_pass 1234 }");
    EXPECT_EQ(line.instance().password, "1234");
    EXPECT_TRUE(line.loses("authentication on one line: not carried over")) << line.lost;
    EXPECT_TRUE(instance("authentication {\n auth_type AH\n auth_pass 1\n}").loses("auth_type AH"));
    const Imported strict = instance(block + "\ngarp_master_repeat 9", "global_defs {\n vrrp_strict\n}");
    EXPECT_EQ(strict.instance().password, std::nullopt);
    EXPECT_EQ(strict.instance().announce_count, 1);
    EXPECT_TRUE(strict.loses("authentication: not carried over: keepalived ignores it in strict mode"));
    EXPECT_EQ(instance("strict_mode off\n" + block, "global_defs {\n vrrp_strict\n}").instance().password, "a, b;c#1");
    EXPECT_EQ(instance(block).lost.find("a, b"), std::string::npos);
}

TEST(ImportTranslate, Addresses) {
    const Imported result = import(
        "vrrp_instance A {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {\n"
        " 10.0.0.1/24 dev eth1 label eth1:vip\n 10.0.0.2/24 brd 10.0.0.255 scope global\n 10.0.0.2\n 10.0.0.3 "
        "10.0.0.4\n"
        " 10.0.0.5 scope link\n 10.0.0.6 peer 10.0.0.7\n fd00::1/64\n what\n }\n"
        " virtual_ipaddress_excluded {\n fd00::2/64 -nodad\n }\n}\n");
    const InstanceOptions& options = result.instance();
    ASSERT_EQ(options.addresses.size(), 4u) << result.ini;
    EXPECT_EQ(options.addresses[0].prefix.to_string(), "10.0.0.1/24");
    EXPECT_EQ(options.addresses[0].device, "eth1");
    EXPECT_EQ(options.addresses[0].label, "eth1:vip");
    EXPECT_EQ(options.addresses[1].prefix.to_string(), "10.0.0.2/24");
    EXPECT_EQ(options.addresses[2].prefix.to_string(), "10.0.0.3/32");
    ASSERT_EQ(options.excluded_addresses.size(), 1u);
    EXPECT_TRUE(result.loses("8: virtual_ipaddress 10.0.0.3 10.0.0.4: not carried over: is no option"));
    EXPECT_TRUE(result.loses("9: virtual_ipaddress 10.0.0.5 scope link"));
    EXPECT_TRUE(result.loses("10: virtual_ipaddress 10.0.0.6 peer"));
    EXPECT_TRUE(result.loses("11: virtual_ipaddress fd00::1/64: not carried over: keepalived ignores"));
    EXPECT_TRUE(result.loses("12: virtual_ipaddress what: not carried over: is no address"));
    EXPECT_EQ(std::ranges::count(result.lost, '\n'), 5);
}

TEST(ImportTranslate, Ipv6IsVersion3) {
    const Imported result = import(
        "global_defs {\n vrrp_mcast_group6 ff02::77\n}\nvrrp_instance A {\n interface eth0\n virtual_router_id 5\n"
        " native_ipv6\n virtual_ipaddress {\n fe80::5/64\n fd00::1/64\n }\n}\n");
    EXPECT_EQ(result.lost, "");
    EXPECT_EQ(result.instance().version, Version::v3);
    EXPECT_EQ(result.instance().group, IpAddress::parse("ff02::77"));
}

TEST(ImportTranslate, Unicast) {
    const Imported result = instance(
        "unicast_src_ip 10.0.0.10\nunicast_ttl 64\nunicast_peer {\n 10.0.0.11\n 10.0.0.12 min_ttl 60 max_ttl 255\n"
        " 10.0.0.10\n fd00::1\n}");
    const InstanceOptions& options = result.instance();
    EXPECT_EQ(options.source, IpAddress::parse("10.0.0.10"));
    EXPECT_EQ(options.unicast_ttl, 64);
    ASSERT_EQ(options.unicast_peers.size(), 2u);
    EXPECT_EQ(options.unicast_peers[0].min_ttl, 1) << "keepalived hears any";
    EXPECT_EQ(options.unicast_peers[1].min_ttl, 60);
    EXPECT_TRUE(result.loses("unicast_peer fd00::1: not carried over"));
    EXPECT_TRUE(
        instance("unicast_peer { 10.0.0.11 10.0.0.12 }").loses("unicast_peer 10.0.0.11 10.0.0.12: not carried"));
    EXPECT_TRUE(instance("unicast_peer {\n 10.0.0.11 max_ttl 9\n}").loses("max_ttl 9: not carried over"));
    const Imported multicast = instance("unicast_src_ip 10.0.0.10");
    EXPECT_EQ(multicast.instance().source, IpAddress::parse("10.0.0.10"));
    EXPECT_TRUE(multicast.has("mcast_src_ip = 10.0.0.10"));
}

TEST(ImportTranslate, Routes) {
    const Imported result = instance(
        "virtual_routes {\n src 10.0.0.1 to 10.9.0.0/16 via 10.0.0.254 dev eth0\n default gw 10.0.0.254 table 100 "
        "priority 5\n 10.8.0.0/16 dev eth1 scope link no_track\n blackhole 10.7.0.0/16\n via 10.0.0.9\n}");
    const auto& routes = result.instance().routes;
    ASSERT_EQ(routes.size(), 3u) << result.ini;
    EXPECT_EQ(routes[0].destination.to_string(), "10.9.0.0/16");
    EXPECT_EQ(routes[0].source, IpAddress::parse("10.0.0.1"));
    EXPECT_EQ(routes[1].table, 100u);
    EXPECT_EQ(routes[1].metric, 5u);
    EXPECT_EQ(routes[2].device, "eth1");
    EXPECT_TRUE(result.loses("routes with \"blackhole\" are not made here"));
    EXPECT_TRUE(result.loses("virtual_routes via: not carried over: it has no destination"));
}

const std::string script = "vrrp_script chk {\n script \"/bin/true -a 'b, c'\"\n interval 2\n";

TEST(ImportTranslate, Scripts) {
    const Imported result = instance("track_script {\n chk\n}", script + "}\n");
    EXPECT_EQ(result.lost, "");
    const health::CheckOptions& check = result.check();
    EXPECT_EQ(check.kind, health::Kind::script);
    EXPECT_EQ(check.command, (std::vector<std::string>{"/bin/true", "-a", "b, c"}));
    EXPECT_EQ(check.interval, std::chrono::seconds(2));
    EXPECT_EQ(check.timeout, std::chrono::seconds(2)) << "as long as the interval";
    EXPECT_EQ(check.fall, 1);
    EXPECT_EQ(check.rise, 1);
    EXPECT_FALSE(check.fast_fail);
    EXPECT_FALSE(check.init_fail);
    ASSERT_EQ(result.instance().checks.size(), 1u);
    EXPECT_EQ(result.instance().checks[0].weight, std::nullopt);
    const Imported other = instance("track_script { chk }", script + " timeout 1\n fall 3\n rise 2\n init_fail\n}\n");
    EXPECT_EQ(other.check().timeout, std::chrono::seconds(1));
    EXPECT_EQ(other.check().fall, 3);
    EXPECT_EQ(other.check().rise, 2);
    EXPECT_TRUE(other.check().init_fail);
}

TEST(ImportTranslate, ATimeoutAboveTheIntervalIsKept) {
    const Imported result = instance("track_script {\n chk\n}", script + " timeout 5\n}\n");
    EXPECT_EQ(result.check().interval, std::chrono::seconds(5));
    EXPECT_EQ(result.check().timeout, std::chrono::seconds(5));
    EXPECT_TRUE(result.loses("interval 2s: not carried over"));
}

TEST(ImportTranslate, WhoScriptsRunAs) {
    const std::string track = "track_script {\n chk\n}";
    EXPECT_TRUE(instance(track, script + "}\n").has("script_user = root  ; who keepalived runs scripts as"));
    EXPECT_FALSE(instance("").has("script_user"));
    EXPECT_TRUE(
        instance(track, "global_defs {\n script_user daemon\n}\n" + script + "}\n").has("script_user = daemon"));
    EXPECT_TRUE(instance(track, script + " user nobody nogroup\n}\n").has("user = nobody"));
    EXPECT_TRUE(instance(track, script + " user nobody nogroup\n}\n").loses("group nogroup: not carried over"));
    const Tree tree = read_text(script + "}\n", "k", "");
    EXPECT_NE(translate(tree, {.has_script_user = true}).ini.find("script_user = keepalived_script"),
              std::string::npos);
}

TEST(ImportTranslate, ConnectingToAPort) {
    const auto of = [](const std::string& command) {
        return instance("track_script {\n p\n}", "vrrp_script p {\n script \"" + command + "\"\n}\n");
    };
    EXPECT_EQ(of("</dev/tcp/127.0.0.1/11211").check().kind, health::Kind::tcp);
    EXPECT_EQ(of("</dev/tcp/localhost/80").check().endpoint.to_string(), "127.0.0.1:80");
    EXPECT_EQ(of("</dev/tcp/::1/80").check().endpoint.to_string(), "[::1]:80");
    EXPECT_FALSE(of("</dev/tcp/127.0.0.1/80").check().watch);
}

TEST(ImportTranslate, Weights) {
    const auto tracks = [](const std::string& weight_there, const std::string& weight_here) {
        return instance("track_script {\n chk " + weight_here + "\n}", script + weight_there + "\n}\n");
    };
    const auto track = [&](const std::string& there, const std::string& here) {
        return tracks(there, here).instance().checks.at(0);
    };
    EXPECT_EQ(track("weight -20", ""), (Track{0, -20, false, false}));
    EXPECT_EQ(track("weight -20", "weight 30"), (Track{0, 30, false, false}));
    EXPECT_EQ(track("weight 254", ""), (Track{0, 253, false, false}));
    // There -20 while it passes; here a negative weight counts while it fails, and reverse turns that.
    EXPECT_EQ(track("weight 20 reverse", ""), (Track{0, -20, true, false}));
    EXPECT_EQ(track("", "weight -20 reverse"), (Track{0, 20, true, false}));
    EXPECT_TRUE(tracks("weight 0 reverse", "").loses("weight 0 reverse"));
    EXPECT_TRUE(tracks("", "\n other").loses("track_script other: not carried over: there is nothing of that name"));
    const Imported interfaces = instance("track_interface {\n eth1\n eth2 weight -5\n}");
    EXPECT_EQ(interfaces.config.tracked_interfaces, (std::vector<std::string>{"eth1", "eth2"}));
    EXPECT_EQ(interfaces.instance().checks[1].weight, -5);
}

TEST(ImportTranslate, ProcessesAndFiles) {
    const Imported process = instance("track_process {\n p\n}",
                                      "vrrp_track_process p {\n process /usr/sbin/nutcracker-with-a-long-name\n "
                                      "weight 5\n quorum 2\n delay 3\n}\n");
    EXPECT_EQ(process.check().kind, health::Kind::process);
    EXPECT_EQ(process.check().process_name, "nutcracker-with");
    EXPECT_EQ(process.instance().checks[0].weight, 5);
    EXPECT_TRUE(process.loses("quorum"));
    EXPECT_TRUE(process.loses("delay"));
    const auto file = [](const std::string& weight) {
        return instance("track_file {\n f\n}", "track_file f {\n file /run/number\n" + weight + "}\n");
    };
    EXPECT_EQ(file("").lost, "");
    EXPECT_TRUE(file("").instance().checks[0].by_number);
    EXPECT_EQ(file("").check().path, "/run/number");
    EXPECT_EQ(file("weight 0\n").instance().checks[0].weight, std::nullopt);
    EXPECT_TRUE(file("weight 3\n").loses("track_file f: not carried over: the number in a file is added as it is"));
    EXPECT_TRUE(file("init_file 0\n").loses("init_file"));
}

const std::string two =
    "vrrp_instance A {\n interface eth0\n virtual_router_id 5\n track_script {\n chk\n}\n virtual_ipaddress {\n "
    "10.0.0.1\n"
    "}\n}\nvrrp_instance B {\n interface eth1\n virtual_router_id 6\n virtual_ipaddress {\n 10.1.0.1\n}\n}\n";

TEST(ImportTranslate, Groups) {
    const Imported result =
        import(script + " weight -20\n}\n" + two +
               "vrrp_sync_group G {\n group {\n A\n B C\n }\n track_interface {\n eth2\n }\n smtp_alert\n}\n");
    ASSERT_EQ(result.config.groups.size(), 1u);
    EXPECT_EQ(result.config.groups[0].members, (std::vector<std::size_t>{0, 1}));
    EXPECT_EQ(result.config.instances[0].checks.size(), 2u);
    EXPECT_EQ(result.config.instances[0].checks[0].weight, std::nullopt) << "keepalived takes 0 in a group";
    EXPECT_EQ(result.config.instances[1].checks.size(), 1u) << "eth2 of the group";
    EXPECT_TRUE(result.loses("member C: not carried over"));
    EXPECT_TRUE(result.loses("smtp_alert: not carried over: there is no mail here"));
    const Imported weighted = import(script + " weight -20\n}\n" + two +
                                     "vrrp_sync_group G {\n group {\n A\n B\n }\n sync_group_tracking_weight\n}\n");
    EXPECT_EQ(weighted.config.instances[0].checks[0].weight, -20);
}

// A version without hooks names them, one with hooks writes them.
TEST(ImportTranslate, Hooks) {
    const Imported result = instance("notify_master \"/bin/true 'a b' c\" root\nnotify /bin/true daemon");
    const bool known = config::find_key(config::Section::instance, "notify_master") != nullptr;
    EXPECT_EQ(result.has("notify_master = /bin/true \"a b\" c"), known) << result.ini;
    EXPECT_EQ(result.has("notify = /bin/true"), known) << result.ini;
    EXPECT_EQ(result.has("hook_timeout = 10min"), known) << result.ini;
    EXPECT_EQ(result.loses("6: notify_master: not carried over"), !known) << result.lost;
    EXPECT_FALSE(result.loses("notify_master as root")) << result.lost;
    EXPECT_TRUE(result.loses("7: notify as daemon: not carried over: hooks run as script_user")) << result.lost;
}

TEST(ImportTranslate, WhatHasNoCounterpartIsNamed) {
    const Imported result = instance("use_vmac\nfrob 1\ndebug 2\nvirtual_rules {\n from 10.0.0.1 table 1\n}",
                                     "virtual_server 10.0.0.1 80 {\n real_server 10.0.0.2 80 {\n weight 1\n }\n}\n"
                                     "static_routes {\n 10.0.0.0/8 via 10.0.0.254\n}\n");
    EXPECT_TRUE(result.loses("1: virtual_server 10.0.0.1 80 (lines 1 to 5): not carried over: there is no LVS here"))
        << result.lost;
    EXPECT_TRUE(result.loses("6: static_routes (lines 6 to 8): not carried over"));
    EXPECT_TRUE(result.loses("use_vmac: not carried over: there is no virtual MAC here"));
    EXPECT_TRUE(result.loses("frob: not carried over: this importer does not know the word"));
    EXPECT_TRUE(result.loses("virtual_rules: not carried over"));
    EXPECT_FALSE(result.loses("debug"));
    EXPECT_TRUE(result.has("; debug: write log_level = debug in [global]"));
    // All of it stands at the top, too.
    EXPECT_TRUE(result.has(";   k:1: virtual_server 10.0.0.1 80 (lines 1 to 5): not carried over"));
}

TEST(ImportTranslate, NamesThatIniCannotHold) {
    const Imported result = import(
        "vrrp_script \"my check\" {\n script /bin/true\n}\nvrrp_track_process \"my check\" {\n process x\n}\n"
        "vrrp_instance \"VI one\" {\n interface eth0\n virtual_router_id 5\n track_script {\n \"my check\"\n }\n"
        " track_process {\n \"my check\"\n }\n virtual_ipaddress {\n 10.0.0.1\n }\n}\n");
    EXPECT_EQ(result.lost, "");
    EXPECT_EQ(result.instance().name, "VI_one");
    ASSERT_EQ(result.config.checks.size(), 2u);
    EXPECT_EQ(result.config.checks[0].name, "my_check");
    EXPECT_NE(result.config.checks[1].name, "my_check");
}

TEST(ImportTranslate, NothingCanBreakOutOfAComment) {
    const Imported result = import("\"a\\n[global]\\nlog_level = loud\" 1\n" + two);
    EXPECT_EQ(result.config.global.log_level, LogLevel::info);
}

class ImportCommand : public testing::Test {
  protected:
    ImportCommand() {
        std::string pattern = (std::filesystem::temp_directory_path() / "vrrpd-import-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    ~ImportCommand() override { std::filesystem::remove_all(folder_); }

    int import(const std::string& text) {
        std::ofstream(folder_ / "k") << text;
        out_.str({});
        err_.str({});
        return import_file((folder_ / "k").string(), out_, err_);
    }
    std::filesystem::path folder_;
    std::ostringstream out_, err_;
};

TEST_F(ImportCommand, ExitCodes) {
    EXPECT_EQ(import(two), 1) << "chk is nothing";
    EXPECT_EQ(err_.str(),
              (folder_ / "k").string() + ":5: track_script chk: not carried over: there is nothing of that name\n");
    EXPECT_EQ(import("vrrp_script chk {\n script /bin/true\n}\n" + two), 0) << err_.str();
    EXPECT_EQ(err_.str(), "");
    EXPECT_EQ(import("vrrp_instance A {\n"), 2);
    EXPECT_EQ(out_.str(), "");
    EXPECT_EQ(err_.str(),
              (folder_ / "k").string() + ":1: the block of \"vrrp_instance A\" is never closed, a } is missing\n");
    EXPECT_EQ(import("vrrp_instance A {\n interface eth0\n virtual_ipaddress {\n 10.0.0.1\n }\n}\n"), 2);
    EXPECT_NE(err_.str().find("virtual_router_id: missing"), std::string::npos) << err_.str();
    EXPECT_EQ(import_file((folder_ / "none").string(), out_, err_), 2);
}

}  // namespace
}  // namespace vrrpd::keepalived::import_translate_test
