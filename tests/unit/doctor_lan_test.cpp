// What is made of adverts and claims that were heard. tests/lan/test_doctor.py hears real ones.
#include <gtest/gtest.h>

#include "ctl/doctor/lan.hpp"
#include "vrrpd/config/load.hpp"

namespace vrrpd::doctor::doctor_lan_test {
namespace {

IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}

const IpAddress vip = ip("10.0.0.1"), peer = ip("10.0.0.11");
const HeardAdvert good{"eth0", peer, 51, 3, {vip}};
const HeardClaim claim{"eth0", {vip, {2, 0, 0, 0, 0, 7}}};

config::Config config() {
    return config::load_text(
               "[vrrp_instance VI_1]\ninterface = eth0\nvirtual_router_id = 51\nvirtual_ipaddress = 10.0.0.1/24\n", "f")
        .config;
}

/// What is said, a line each, with `!` before a problem.
std::string judged(const Heard& heard, bool holds = false) {
    Nics nics{{"eth0", 2, true, true, {2, 0, 0, 0, 0, 1}, {*Prefix::parse("10.0.0.10/24")}}};
    if (holds) nics[0].addresses.push_back(*Prefix::parse("10.0.0.1/24"));
    std::string text;
    for (const Finding& finding : judge(config(), nics, heard))
        text += (finding.is_problem ? "!" : "") + finding.text + "\n";
    return text;
}

HeardAdvert other(int id, int version, std::vector<IpAddress> addresses) {
    return {"eth0", peer, id, version, std::move(addresses)};
}

TEST(DoctorLan, APeerThatIsMasterIsFine) {
    EXPECT_EQ(judged({{good}, {}}), "");
    EXPECT_EQ(judged({{good}, {claim}}), "");
    EXPECT_EQ(judged({{}, {}}, true), "");
}

TEST(DoctorLan, NobodyAdvertises) {
    EXPECT_EQ(
        judged({}),
        "!VI_1: no advert for VRID 51 on eth0, and this host has none of its addresses: nobody is MASTER, or adverts "
        "get lost (a firewall, a switch that snoops multicast without a querier, another VLAN)\n");
}

TEST(DoctorLan, TwoMasters) {
    EXPECT_EQ(judged({{good}, {}}, true), "!VI_1: 10.0.0.11 is MASTER, and this host has 10.0.0.1 as well\n");
    EXPECT_EQ(judged({{}, {claim}}, true), "!VI_1: 02:00:00:00:00:07 also has 10.0.0.1, which this host holds\n");
    HeardClaim second = claim;
    second.claim.mac[5] = 8;
    EXPECT_EQ(judged({{good}, {claim, second}}),
              "!VI_1: 02:00:00:00:00:07 and 02:00:00:00:00:08 have 10.0.0.1 at once\n");
}

TEST(DoctorLan, SomebodyWithoutAdvertsHasTheAddress) {
    EXPECT_NE(judged({{}, {claim}}).find("!VI_1: 02:00:00:00:00:07 has 10.0.0.1 and sends no adverts for it\n"),
              std::string::npos);
}

TEST(DoctorLan, OtherVrids) {
    EXPECT_EQ(judged({{other(52, 3, {vip})}, {}}, true),
              "!VI_1: 10.0.0.11 advertises 10.0.0.1 with VRID 52, here it is 51: both hosts may be MASTER\n");
    EXPECT_EQ(judged({{good, other(51, 3, {ip("10.0.0.9")})}, {}}),
              "!VI_1: 10.0.0.11 uses VRID 51 on eth0, too, for 10.0.0.9: take another one\n");
    EXPECT_EQ(judged({{good, other(7, 2, {ip("10.0.0.9")})}, {}}),
              "eth0: 10.0.0.11 uses VRID 7 for 10.0.0.9: somebody else's, never take that one\n");
}

TEST(DoctorLan, AnotherVersion) {
    EXPECT_EQ(judged({{other(51, 2, {vip})}, {}}, true),
              "!VI_1: 10.0.0.11 speaks version 2, here it is 3: neither understands the other\n");
}

TEST(DoctorLan, HowLongItListens) {
    config::Config slow = config();
    EXPECT_EQ(patience(slow), std::chrono::seconds(4));
    slow.instances[0].advert_interval = std::chrono::milliseconds(10);
    EXPECT_EQ(patience(slow), std::chrono::seconds(2));
    slow.instances[0].advert_interval = std::chrono::seconds(40);
    EXPECT_EQ(patience(slow), std::chrono::seconds(15));
}

}  // namespace
}  // namespace vrrpd::doctor::doctor_lan_test
