// The metrics' text: its values, after real packets, and its form, by a reader that knows only the format.
#include "vrrpd/agent/metrics.hpp"

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::metrics_test {
namespace {

using namespace std::chrono_literals;
using test::CoreDriver;
using test::ip;
using test::Message;
using test::plain_options;
using test::vip;

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> all;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
}

// Two instances on one interface: VI_1 becomes MASTER, "odd\n\"\\" listens.
class Metrics : public testing::Test {
  protected:
    static std::vector<InstanceOptions> options() {
        InstanceOptions second = plain_options();
        second.name = "odd\n\"\\";
        second.virtual_router_id = 52;
        second.priority = 90;
        second.addresses = {vip("10.9.0.101")};
        return {plain_options(), second};
    }
    void SetUp() override {
        for (const InstanceId id : {0u, 1u}) {
            host.handle(PathChanged{id, CoreDriver::interface_index, true, ip("10.9.0.1"), ""});
        }
        host.handle(Startup{});
    }
    Message advert(int vrid, int priority, const char* address = "10.9.0.101",
                   ChecksumForm form = ChecksumForm::pseudo_header) {
        InstanceOptions theirs = plain_options();
        theirs.addresses = {vip(address)};
        Outgoing advert{theirs.version,
                        static_cast<std::uint8_t>(vrid),
                        static_cast<std::uint8_t>(priority),
                        theirs.advert_interval,
                        {},
                        theirs.addresses,
                        form,
                        ip("10.9.0.2"),
                        vrrp_group(Family::ipv4)};
        return {advert, CoreDriver::interface_index};
    }
    std::string text() {
        MetricsPages pages(host.router(), shell, host.now());
        std::string text;
        while (const auto page = pages.next()) text += *page;
        return text;
    }
    /// The value of a series written as in the text; "absent" if it is not there.
    std::string value(const std::string& series) {
        for (const std::string& line : lines(text())) {
            if (line.starts_with(series + " ")) return line.substr(series.size() + 1);
        }
        return "absent";
    }

    CoreDriver host{options()};
    const std::string first = R"({vrrp_instance="VI_1")";
    const std::string second = R"({vrrp_instance="odd\n\"\\")";
    ShellCounters shell{3, 60, 1, 20, 2, 5, 7, 9};
};

TEST_F(Metrics, AllIsThereAndZeroAtTheStart) {
    EXPECT_EQ(value("vrrpd_instance_state" + first + R"(,state="BACKUP"})"), "1");
    for (const char* state : {"INIT", "MASTER", "FAULT"}) {
        EXPECT_EQ(value("vrrpd_instance_state" + first + ",state=\"" + state + "\"}"), "0");
    }
    EXPECT_EQ(value("vrrpd_transitions_total" + first + R"(,to="BACKUP"})"), "1");
    EXPECT_EQ(value("vrrpd_transitions_total" + first + R"(,to="FAULT"})"), "0");
    EXPECT_EQ(value("vrrpd_instance_priority" + first + "}"), "100");
    EXPECT_EQ(value("vrrpd_instance_priority" + second + "}"), "90");
    for (const char* name :
         {"vrrpd_adverts_received_total", "vrrpd_adverts_sent_total", "vrrpd_releases_received_total",
          "vrrpd_releases_sent_total", "vrrpd_send_failures_total", "vrrpd_address_lists_differed_total",
          "vrrpd_addresses_lost_total", "vrrpd_foreign_claims_total", "vrrpd_no_peer_heard"}) {
        EXPECT_EQ(value(name + first + "}"), "0") << name;
        EXPECT_EQ(value(name + second + "}"), "0") << name;
    }
    for (std::size_t i = 0; i < refusal_count; ++i) {
        const std::string reason = std::string("reason=\"") + to_string(static_cast<Refusal>(i)) + "\"}";
        EXPECT_EQ(value("vrrpd_adverts_refused_total" + first + "," + reason), "0");
        EXPECT_EQ(value("vrrpd_adverts_unassigned_total{" + reason), "0");
    }
    EXPECT_EQ(value("vrrpd_last_advert_age_seconds" + first + "}"), "absent");
}

TEST_F(Metrics, OfTheHost) {
    EXPECT_EQ(value("vrrpd_netlink_resyncs_total"), "3");
    EXPECT_EQ(value("vrrpd_lease_renewals_total"), "60");
    EXPECT_EQ(value("vrrpd_lease_renewal_failures_total"), "1");
    EXPECT_EQ(value("vrrpd_announcements_sent_total"), "20");
    EXPECT_EQ(value("vrrpd_announcement_failures_total"), "2");
    EXPECT_EQ(value("vrrpd_packets_lost_total"), "5");
    EXPECT_EQ(value("vrrpd_packets_unclassified_total"), "7");
    EXPECT_EQ(value("vrrpd_packets_unreadable_total"), "9");
    shell.netlink_requests = 11;
    shell.netlink_requests_failed = 4;
    shell.log_lines_lost = 8;
    EXPECT_EQ(value("vrrpd_netlink_requests_total"), "11");
    EXPECT_EQ(value("vrrpd_netlink_request_failures_total"), "4");
    EXPECT_EQ(value("vrrpd_log_lines_lost_total"), "8");
    EXPECT_EQ(value("vrrpd_build_info{version=\"" VRRPD_VERSION "\"}"), "1");
    EXPECT_EQ(value("vrrpd_instance_info" + second +
                    R"(,interface="eth0",address="10.9.0.101",vrid="52",family="ipv4",version="3"})"),
              "1");
}

TEST_F(Metrics, OfReloadsAndOfCauses) {
    EXPECT_EQ(value("vrrpd_last_reload_successful"), "1");
    shell.tally.reloads_applied = 2;
    shell.tally.reloads_refused = 1;
    shell.tally.last_reload_applied = false;
    shell.tally.causes[static_cast<std::size_t>(Cause::outranked)] = 6;
    EXPECT_EQ(value("vrrpd_last_reload_successful"), "0");
    EXPECT_EQ(value(R"(vrrpd_reloads_total{result="applied"})"), "2");
    EXPECT_EQ(value(R"(vrrpd_reloads_total{result="refused"})"), "1");
    EXPECT_EQ(value(R"(vrrpd_role_changes_total{cause="outranked"})"), "6");
    for (std::size_t i = 0; i < cause_count; ++i) {
        const std::string cause = to_string(static_cast<Cause>(i));
        EXPECT_NE(value("vrrpd_role_changes_total{cause=\"" + cause + "\"}"), "absent");
    }
}

TEST_F(Metrics, OfLateAdverts) {
    Lateness& lateness = shell.tally.lateness;
    lateness.add(-500us, 100ms);  // early, together with others
    lateness.add(1ms, 100ms);
    lateness.add(40ms, 100ms);
    lateness.add(40ms, 10ms);
    lateness.add(3s, 2s);
    const auto bucket = [&](const char* most) {
        return value(std::string("vrrpd_advert_lateness_seconds_bucket{le=\"") + most + "\"}");
    };
    EXPECT_EQ(bucket("0.0001"), "1");
    EXPECT_EQ(bucket("0.0005"), "1");
    EXPECT_EQ(bucket("0.001"), "2");
    EXPECT_EQ(bucket("0.025"), "2");
    EXPECT_EQ(bucket("0.05"), "4");
    EXPECT_EQ(bucket("1"), "4");
    EXPECT_EQ(bucket("+Inf"), "5");
    EXPECT_EQ(value("vrrpd_advert_lateness_seconds_count"), "5");
    EXPECT_EQ(value("vrrpd_advert_lateness_seconds_sum"), "3.081");
    EXPECT_EQ(value("vrrpd_adverts_overdue_total"), "2");
}

TEST(LatenessBounds, SayTheirOwnValue) {
    for (const auto& [most, seconds] : Lateness::bounds) EXPECT_DOUBLE_EQ(in_seconds(most), std::stod(seconds));
}

TEST_F(Metrics, OfChecksAndServices) {
    shell.checks = {{"well", health::Verdict::up, health::Class::up, {10, 1, 20ms}},
                    {"ill", health::Verdict::down, health::Class::hung, {5, 5, 1500ms}},
                    {"idle", health::Verdict::unknown, std::nullopt, {}}};
    shell.services = {{"proxy", true, {3, 1, 2, 0, 250ms}}};
    EXPECT_EQ(value(R"(vrrpd_check_up{check="well"})"), "1");
    EXPECT_EQ(value(R"(vrrpd_check_up{check="ill"})"), "0");
    EXPECT_EQ(value(R"(vrrpd_check_up{check="idle"})"), "absent");
    EXPECT_EQ(value(R"(vrrpd_check_class{check="ill",class="hung"})"), "1");
    EXPECT_EQ(value(R"(vrrpd_check_probes_total{check="idle"})"), "0");
    EXPECT_EQ(value(R"(vrrpd_check_probe_failures_total{check="well"})"), "1");
    EXPECT_EQ(value(R"(vrrpd_check_probe_seconds_total{check="ill"})"), "1.5");
    EXPECT_EQ(value(R"(vrrpd_service_ready{service="proxy"})"), "1");
    EXPECT_EQ(value(R"(vrrpd_service_events_total{service="proxy",event="restarted"})"), "2");
    EXPECT_EQ(value(R"(vrrpd_service_start_seconds_total{service="proxy"})"), "0.25");
}

// C09 L06
TEST_F(Metrics, OfWhatWasHeard) {
    host.handle(advert(52, 200).view());
    host.handle(advert(52, 200, "10.9.0.101", ChecksumForm::message_only).view());
    host.handle(advert(52, 200, "10.9.0.77", ChecksumForm::message_only).view());
    host.handle(advert(52, 0, "10.9.0.101", ChecksumForm::message_only).view());
    host.pass(20ms);
    Message broken = advert(52, 200);
    host.handle(broken.byte(6, 0xde).view());
    host.handle(advert(53, 200).view());
    host.handle(advert(53, 200).view());

    EXPECT_EQ(value("vrrpd_adverts_received_total" + second + "}"), "4");
    EXPECT_EQ(value("vrrpd_adverts_received_total" + first + "}"), "0");
    EXPECT_EQ(value("vrrpd_releases_received_total" + second + "}"), "1");
    EXPECT_EQ(value("vrrpd_address_lists_differed_total" + second + "}"), "1");
    EXPECT_EQ(value("vrrpd_checksum_form_received_total" + second + R"(,form="message_only"})"), "3");
    EXPECT_EQ(value("vrrpd_checksum_form_received_total" + second + R"(,form="pseudo_header"})"), "1");
    EXPECT_EQ(value("vrrpd_last_advert_age_seconds" + second + "}"), "0.02");
    EXPECT_EQ(value("vrrpd_adverts_refused_total" + second + R"(,reason="checksum"})"), "1");
    EXPECT_EQ(value("vrrpd_adverts_refused_total" + first + R"(,reason="checksum"})"), "0");
    EXPECT_EQ(value(R"(vrrpd_adverts_unassigned_total{reason="vrid"})"), "2");
}

TEST_F(Metrics, OfWhatWasSent_L06) {
    host.pass(600ms);  // MASTER after 361
    EXPECT_EQ(value("vrrpd_adverts_sent_total" + first + "}"), "3");
    EXPECT_EQ(value("vrrpd_adverts_sent_total" + second + "}"), "3");
    EXPECT_EQ(value("vrrpd_releases_sent_total" + first + "}"), "0");
}

TEST_F(Metrics, OfAMasterThatIsNotAloneOrAsGoodAsAlone) {
    host.pass(400ms);
    host.handle(AddressesSettled{0, true, false, ""});
    host.pass(5s);
    EXPECT_EQ(value("vrrpd_no_peer_heard" + first + "}"), "1");
    host.handle(AddressClaimed{0, ip("10.9.0.100"), {2, 0, 0, 0, 0, 7}});
    host.pass(100ms);  // the claim of an honest winner would have been followed by his advert
    EXPECT_EQ(value("vrrpd_foreign_claims_total" + first + "}"), "1");
    EXPECT_EQ(value("vrrpd_foreign_claims_total" + second + "}"), "0");
    host.handle(advert(51, 90, "10.9.0.100").view());
    EXPECT_EQ(value("vrrpd_no_peer_heard" + first + "}"), "0");
}

// L06
TEST_F(Metrics, OfAMasterThatLeaves) {
    host.pass(400ms);
    EXPECT_EQ(value("vrrpd_instance_state" + first + R"(,state="MASTER"})"), "1");
    EXPECT_EQ(value("vrrpd_instance_state" + first + R"(,state="BACKUP"})"), "0");
    EXPECT_EQ(value("vrrpd_transitions_total" + first + R"(,to="MASTER"})"), "1");
    host.handle(SendFailed{0, "Network is down"});
    EXPECT_EQ(value("vrrpd_send_failures_total" + first + "}"), "1");
    host.handle(AddressesSettled{0, true, false, ""});
    host.shutdown();
    host.pass(100ms);
    EXPECT_EQ(value("vrrpd_instance_state" + first + R"(,state="INIT"})"), "1");
    EXPECT_EQ(value("vrrpd_releases_sent_total" + first + "}"), "2");
}

// As promtool would: families are described once, before their series, which stand together; nothing comes twice.
TEST_F(Metrics, FormIsThatOfPrometheus) {
    const std::regex help(R"re(# HELP (vrrpd_[a-z_]+) \S.*\.)re");
    const std::regex type(R"re(# TYPE (vrrpd_[a-z_]+) (counter|gauge|histogram))re");
    const std::regex series(
        R"re(((vrrpd_[a-z_]+?)(_bucket|_sum|_count)?(\{([a-z_]+="([^"\\]|\\[\\n"])*",?)+\})?) [0-9.e+-]+)re");
    std::set<std::string> families, seen;
    std::string described, family, kind;
    ASSERT_TRUE(text().ends_with('\n'));
    for (const std::string& line : lines(text())) {
        std::smatch match;
        if (std::regex_match(line, match, help)) {
            described = match[1];
            EXPECT_TRUE(families.insert(described).second) << line;
        } else if (std::regex_match(line, match, type)) {
            family = match[1];
            kind = match[2];
            EXPECT_EQ(family, described) << line;
            EXPECT_EQ(kind == "counter", family.ends_with("_total")) << line;
        } else {
            ASSERT_TRUE(std::regex_match(line, match, series)) << line;
            EXPECT_EQ(match[2], family) << line;
            EXPECT_EQ(match[3].matched, kind == "histogram") << line;
            EXPECT_TRUE(seen.insert(match[1]).second) << line;
        }
    }
    EXPECT_GT(seen.size(), 60u);
}

TEST_F(Metrics, TheTableListsThemAll) {
    const auto names = [](const std::vector<std::string>& all, const std::regex& pattern) {
        std::map<std::string, std::string> found;  // name and kind
        for (const std::string& line : all) {
            if (std::smatch match; std::regex_search(line, match, pattern)) found[match[1]] = match[2];
        }
        return found;
    };
    std::ifstream file(SOURCE_ROOT "/docs/metrics.md");
    std::stringstream table;
    table << file.rdbuf();
    EXPECT_EQ(names(lines(table.str()), std::regex(R"re(^\| `(vrrpd_\w+)` \| (\w+) \|)re")),
              names(lines(text()), std::regex(R"re(^# TYPE (\w+) (\w+))re")));
}

}  // namespace
}  // namespace vrrpd::metrics_test
