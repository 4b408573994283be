// The pure parts of the agent: log lines to the letter, and paths from facts.
#include <gtest/gtest.h>

#include "vrrpd/agent/log_lines.hpp"
#include "vrrpd/agent/paths.hpp"

namespace vrrpd::agent_test {
namespace {

InstanceOptions sample() {
    InstanceOptions options;
    options.name = "VI_1";
    options.interface = "eth0";
    options.virtual_router_id = 51;
    options.priority = 250;
    options.addresses = {{*Prefix::parse("192.168.30.16/24"), "", ""}};
    return options;
}

struct Lines : testing::Test {
    InstanceOptions options = sample();
    Instance instance{0, options};

    Notice notice(Notice::Kind kind) {
        Notice said;
        said.kind = kind;
        said.source = *IpAddress::parse("10.0.0.2");
        said.our_priority = 100;
        return said;
    }
};

TEST_F(Lines, RoleChange) {
    const RoleChanged change{0, Role::backup, Role::master, 250, "no advert heard for 3.023 s"};
    const LogLine line = log_line(change, instance);
    EXPECT_EQ(line.text,
              "(VI_1) Entering MASTER STATE reason=\"no advert heard for 3.023 s\" from=BACKUP priority=250");
    EXPECT_EQ(line.level, log::Level::notice);
}

TEST_F(Lines, FaultIsAWarning) {
    const LogLine line = log_line(RoleChanged{0, Role::master, Role::fault, 250, "eth0 is down"}, instance);
    EXPECT_TRUE(line.text.starts_with("(VI_1) Entering FAULT STATE reason=\"eth0 is down\"")) << line.text;
    EXPECT_EQ(line.level, log::Level::warning);
}

TEST_F(Lines, LowerPriorityDiscarded) {
    Notice said = notice(Notice::Kind::lower_discarded);
    said.their_priority = 99;
    EXPECT_EQ(log_line(said, instance).text, "(VI_1) received lower priority (99) advert from 10.0.0.2 - discarding");
}

TEST_F(Lines, HigherPriorityHeard) {
    Notice said = notice(Notice::Kind::higher_heard);
    said.their_priority = 200;
    EXPECT_EQ(log_line(said, instance).text,
              "(VI_1) Master received advert from 10.0.0.2 with higher priority 200, ours 100");
}

TEST_F(Lines, RefusalsNameTheirReasonAndHowOften) {
    Notice said = notice(Notice::Kind::refused);
    said.refusal = Refusal::auth_fail;
    said.repeated = 7;
    const LogLine line = log_line(said, instance);
    EXPECT_EQ(line.level, log::Level::warning);
    EXPECT_TRUE(line.text.find("reason=auth_fail") != std::string::npos) << line.text;
    EXPECT_TRUE(line.text.ends_with("repeated=7")) << line.text;
}

TEST_F(Lines, AWrongLengthMayBeTheTrailerOfKeepalived_T08) {
    Notice said = notice(Notice::Kind::refused);
    said.refusal = Refusal::length;
    const std::string text = log_line(said, instance).text;
    EXPECT_NE(text.find("keepalived HMAC trailer?"), text.npos) << text;
}

TEST_F(Lines, AnotherHolderIsNamedWithTheRemedy_G07) {
    Notice said = notice(Notice::Kind::claimed_by_other);
    said.source = *IpAddress::parse("192.168.30.16");
    said.text = "02:00:00:00:00:07";
    const LogLine line = log_line(said, instance);
    EXPECT_EQ(line.level, log::Level::warning);
    EXPECT_EQ(line.text,
              "(VI_1) 192.168.30.16 is also claimed by 02:00:00:00:00:07: find that host; it has the address by hand, "
              "or is a peer whose adverts do not get through");
}

TEST_F(Lines, NoPeerWasEverHeard) {
    Notice said = notice(Notice::Kind::no_peer_heard);
    said.text = "36.094";
    const LogLine line = log_line(said, instance);
    EXPECT_EQ(line.level, log::Level::notice);
    EXPECT_EQ(line.text,
              "(VI_1) MASTER for 36.094 s and no advert of a peer ever heard: if there is one, look for a firewall "
              "(protocol 112), another VLAN or VRID");
}

}  // namespace
}  // namespace vrrpd::agent_test
