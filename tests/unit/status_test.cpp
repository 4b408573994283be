// What the status tells of an instance, as data, as JSON and as a page for people.
#include "vrrpd/agent/status.hpp"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ctl/status_view.hpp"
#include "tests/support/core_driver.hpp"
#include "vrrpd/agent/json.hpp"

namespace vrrpd::status_test {
namespace {

using namespace std::chrono_literals;
using ctl::Paper;
using ctl::render_status;
using test::CoreDriver;
using test::ip;
using test::plain_options;

InstanceOptions options() {
    InstanceOptions options = plain_options();
    options.priority = 200;
    options.checks = {Track{0, -20, false}, Track{1, std::nullopt, false}};
    options.services = {0};
    return options;
}

// An instance with a weighted check, one that is a fault, and a service.
struct Seen {
    explicit Seen(const InstanceOptions& instance = options()) : host(instance) {
        config.instances = {instance};
        config.checks.resize(2);
        config.checks[0].name = "memcached";
        config.checks[1].name = "disk";
        config.services.resize(1);
        config.services[0].name = "proxy";
        reports.resize(2);
        host.check(0, CheckState::passing);
        host.check(1, CheckState::passing);
    }

    Surroundings world() {
        using Reported = std::optional<Surroundings::Reported>;
        return {config,
                host.router(),
                [this](std::size_t check) -> const Reported& { return reports[check]; },
                [this](std::size_t check) {
                    return reports[check] ? reports[check]->report.verdict : health::Verdict::unknown;
                },
                [this](const VirtualAddress&, const InstanceOptions&) { return present; },
                [](std::size_t) {
                    return InstanceStatus::Service{"proxy", "ready", ""};
                }};
    }
    InstanceStatus status() { return status_of(world(), 0, host.now()); }
    std::string json() {
        return status_begin({"cache-a", WallTime(1764000000s), {}}) + status_item(status(), WallTime(1764000000s)) +
               status_end;
    }
    std::string page(Paper paper = {80, false}) { return render_status(json(), paper, true)->text; }
    void fail_memcached() {
        host.check(0, CheckState::failing);
        health::Report report;
        report.verdict = health::Verdict::down;
        report.finding = {health::Class::hung, "connected, no reply in 300 ms"};
        report.count = report.needed = 2;
        reports[0] = Surroundings::Reported{report, host.now()};
    }
    std::vector<std::string> warnings() {
        std::vector<std::string> kinds;
        for (const auto& warning : status().warnings) kinds.push_back(warning.kind);
        return kinds;
    }
    bool says(const std::string& words) { return page().find(words) != std::string::npos; }

    config::Config config;
    std::vector<std::optional<Surroundings::Reported>> reports;
    bool present = true;
    CoreDriver host;
};

struct StatusTest : testing::Test, Seen {};

TEST_F(StatusTest, AMasterSaysSinceWhenAndWhy) {
    host.become_active();
    host.pass(90s);
    const InstanceStatus now = status();
    EXPECT_EQ(now.state, Role::master);
    EXPECT_GE(now.in_state, 90s);
    EXPECT_LT(now.in_state, 91s);
    EXPECT_TRUE(now.reason.starts_with("no advert heard for 0.3")) << now.reason;
    EXPECT_TRUE(says("MASTER since ")) << page();
    EXPECT_TRUE(says("(1 min 30 s)")) << page();
    EXPECT_TRUE(says("  holder     this host\n")) << page();
    EXPECT_TRUE(says("  addresses  10.9.0.100/32 on eth0, here\n")) << page();
}

TEST_F(StatusTest, APriorityIsASum) {
    host.become_active();
    fail_memcached();
    EXPECT_EQ(status().priority, 180);
    EXPECT_TRUE(says("  priority   200 memcached -20 = 180\n")) << page();
    host.pass(3s);
    EXPECT_TRUE(says("memcached failing for 3.0 s: hung: connected, no reply in 300 ms,")) << page();
    EXPECT_TRUE(says("2/2 (a weight)")) << page();
}

TEST_F(StatusTest, ABackupNamesTheHolderAndWhatHoldsItBack) {
    InstanceOptions lazy = options();
    lazy.preempt = false;
    Seen other(lazy);
    other.host.start();
    other.host.hear(150);
    other.host.pass(10ms);
    const InstanceStatus now = other.status();
    EXPECT_EQ(now.holder, "10.9.0.2");
    EXPECT_EQ(now.hindrance, "nopreempt: 10.9.0.2 serves until it falls silent");
    EXPECT_TRUE(other.says("  holder     10.9.0.2, priority 150\n")) << other.page();
    EXPECT_TRUE(other.says("  adverts    none sent; heard 0.0 s ago from 10.9.0.2, priority 150\n")) << other.page();
}

TEST_F(StatusTest, AFaultHasItsReason) {
    host.become_active();
    host.check(1, CheckState::failing);
    EXPECT_EQ(status().state, Role::fault);
    EXPECT_EQ(status().reason, "check said so");
    const auto rendered = render_status(json(), {}, true);
    EXPECT_FALSE(rendered->healthy);
}

TEST_F(StatusTest, DrainAndFailoverAreSeen) {
    host.become_active();
    host.handle(HandOver{0});
    EXPECT_TRUE(status().aside);
    host.services(ServicesState::stopped);
    host.addresses(false);
    EXPECT_EQ(status().hindrance, "failover: waits for a peer to take over");
    host.hear(50);
    EXPECT_EQ(status().hindrance, "failover: 10.9.0.2 serves until it falls silent, or resume");
    host.handle(DrainChanged{0, true});
    EXPECT_EQ(status().hindrance, "drained: not MASTER until resume");
    EXPECT_EQ(warnings(), std::vector<std::string>{"drained"});
}

TEST_F(StatusTest, WhatIsWrongStaysForAnHour) {
    host.start();
    host.hear_every(200ms, 250);
    host.pass(50min);
    ASSERT_EQ(warnings(), (std::vector<std::string>{"interval_differs"}));
    const auto warning = status().warnings[0];
    EXPECT_EQ(warning.text, "10.9.0.2 advertises an interval of 0.2 s, ours is 0.1 s: compare advert_int of the peers");
    EXPECT_EQ(warning.source, "10.9.0.2");
    EXPECT_EQ(warning.last, 50min);
    EXPECT_TRUE(says("! 10.9.0.2 advertises an interval")) << page();
    EXPECT_TRUE(says("(50 min 0 s ago)")) << page();
    host.pass(11min);
    EXPECT_TRUE(warnings().empty());
}

TEST_F(StatusTest, EqualPrioritiesAndMissingAddressesAreWarnings) {
    host.start();
    host.hear(200, "10.9.0.9");
    EXPECT_EQ(warnings(), std::vector<std::string>{"equal_priority"});
    host.hear(0, "10.9.0.9");
    host.pass(1s);
    present = false;
    EXPECT_EQ(warnings(), std::vector<std::string>{"address_missing"});
}

TEST_F(StatusTest, OnATerminalNothingIsWiderThanItAndOnlyThereInColour) {
    host.start();
    host.hear_every(200ms, 250);
    fail_memcached();
    std::string lines = page();
    for (std::size_t end = 0; (end = lines.find('\n')) != std::string::npos; lines.erase(0, end + 1)) {
        EXPECT_LE(end, 80u) << lines.substr(0, end);
    }
    EXPECT_EQ(page().find('\033'), std::string::npos);
    EXPECT_NE(page({80, true}).find("\033[36mBACKUP\033[0m"), std::string::npos);
    EXPECT_NE(page({0, false}).find("compare advert_int of the peers (0.0 s ago)\n"), std::string::npos)
        << "a pipe gets whole lines";
}

TEST_F(StatusTest, OfManyThereIsATable) {
    std::string document = status_begin({"cache-a", WallTime(1764000000s), {"no guard"}});
    for (int i = 0; i < 5; ++i) document += (i == 0 ? "" : ",") + status_item(status(), WallTime(1764000000s));
    const auto rendered = render_status(document + status_end, {80, false}, false);
    ASSERT_TRUE(rendered);
    EXPECT_NE(rendered->text.find("INSTANCE  STATE   FOR          PRIO  HOLDER     WHY\n"), std::string::npos)
        << rendered->text;
    EXPECT_NE(rendered->text.find("  ! no guard\n"), std::string::npos);
}

TEST(StatusView, AnotherVersionIsNotGuessedAt) {
    EXPECT_FALSE(render_status(R"({"version":2,"instances":[]})", {}, false));
    EXPECT_FALSE(render_status("[]", {}, false));
    EXPECT_FALSE(render_status("{\"version\":1", {}, false));
    EXPECT_TRUE(render_status(R"({"version":1})", {}, false)) << "what is missing is left out";
}

// What a check found is what a server sent.
TEST_F(StatusTest, BytesFromOutsideAreNoJsonOfTheirOwn) {
    fail_memcached();
    reports[0]->report.finding.evidence = "\"},\xff\n";
    EXPECT_TRUE(render_status(json(), {}, true));
}

}  // namespace
}  // namespace vrrpd::status_test
