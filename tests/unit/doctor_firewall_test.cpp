// Rulesets as nft prints them, and whether an advert gets through: what is certain, and what is not.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ctl/doctor/firewall.hpp"

namespace vrrpd::doctor::doctor_firewall_test {
namespace {

const std::string group4 = "224.0.0.18";

std::string chain(const std::string& policy = "accept", const std::string& hook = "input",
                  const std::string& family = "inet", const std::string& name = "c") {
    return fmt::format(
        R"({{"chain":{{"family":"{}","table":"t","name":"{}","type":"filter","hook":"{}","policy":"{}"}}}})", family,
        name, hook, policy);
}

std::string rule(const std::string& expressions, const std::string& name = "c", const std::string& family = "inet") {
    return fmt::format(R"({{"rule":{{"family":"{}","table":"t","chain":"{}","expr":[{}]}}}})", family, name,
                       expressions);
}

std::string match(const std::string& left, const std::string& right, const std::string& op = "==") {
    return fmt::format(R"({{"match":{{"op":"{}","left":{},"right":{}}}}},)", op, left, right);
}

std::string meta(const std::string& key) {
    return R"({"meta":{"key":")" + key + R"("}})";
}

std::string payload(const std::string& protocol, const std::string& field) {
    return R"({"payload":{"protocol":")" + protocol + R"(","field":")" + field + R"("}})";
}

const std::string accept = R"({"accept":null})", drop = R"({"drop":null})";

Judged judge(const std::vector<std::string>& parts, bool incoming = true, const std::string& to = group4) {
    std::string text = R"({"nftables":[{"metainfo":{}})";
    for (const std::string& part : parts) text += "," + part;
    return judge_ruleset(text + "]}", {incoming, "eth0", *IpAddress::parse(to)});
}

/// Of a chain that drops what no rule accepts, with this rule.
Verdict with(const std::string& expressions, const std::string& to = group4) {
    return judge({chain("drop"), rule(expressions)}, true, to).verdict;
}

TEST(DoctorFirewall, NoRulesetPasses) {
    EXPECT_EQ(judge({}).verdict, Verdict::passes);
    EXPECT_EQ(judge({chain()}).verdict, Verdict::passes);
}

TEST(DoctorFirewall, APolicyThatDropsIsNamed) {
    const Judged judged = judge({chain("drop")});
    EXPECT_EQ(judged.verdict, Verdict::dropped);
    EXPECT_EQ(judged.where, "table inet t, chain c");
    EXPECT_EQ(judge({chain("drop", "output")}).verdict, Verdict::passes);
    EXPECT_EQ(judge({chain("drop", "output")}, false).verdict, Verdict::dropped);
    EXPECT_EQ(judge({chain("drop", "forward")}).verdict, Verdict::passes);
    EXPECT_EQ(judge({chain("drop", "prerouting")}).verdict, Verdict::dropped);
    EXPECT_EQ(judge({chain("drop", "input", "ip6")}).verdict, Verdict::passes);
    EXPECT_EQ(judge({chain("drop", "input", "ip6")}, true, "ff02::12").verdict, Verdict::dropped);
}

TEST(DoctorFirewall, RulesThatLetItThrough) {
    for (const std::string& fits :
         {match(payload("ip", "protocol"), R"("vrrp")"), match(meta("l4proto"), "112"),
          match(meta("l4proto"), R"({"set":["icmp","vrrp"]})"), match(meta("iifname"), R"("eth0")"),
          match(meta("iifname"), R"("eth*")"), match(meta("iifname"), R"("lo")", "!="),
          match(payload("ip", "daddr"), R"({"prefix":{"addr":"224.0.0.0","len":8}})"),
          match(payload("ip", "daddr"), R"("224.0.0.18")"), match(payload("ip", "ttl"), "255"),
          match(meta("pkttype"), R"("multicast")"),
          match(R"({"ct":{"key":"state"}})", R"(["new","established"])", "in"), std::string()}) {
        EXPECT_EQ(with(fits + accept), Verdict::passes) << fits;
    }
}

TEST(DoctorFirewall, RulesForOthersDoNotHelp) {
    for (const std::string& other :
         {match(payload("tcp", "dport"), "22"), match(payload("ip", "protocol"), R"("tcp")"),
          match(meta("iifname"), R"("lo")"), match(payload("ip", "daddr"), R"("224.0.0.5")"),
          match(payload("ip6", "nexthdr"), R"("vrrp")"), match(R"({"ct":{"key":"state"}})", R"(["established"])", "in"),
          match(meta("nfproto"), R"("ipv6")")}) {
        EXPECT_EQ(with(other + accept), Verdict::dropped) << other;
    }
}

TEST(DoctorFirewall, WhatCannotBeKnownIsUnsure) {
    for (const std::string& unknown :
         {match(payload("ip", "saddr"), R"("@peers")"), match(meta("mark"), "1"),
          match(payload("ip", "daddr"), R"("@ok")"), std::string(R"({"limit":{"rate":1}},)"),
          std::string(R"({"xt":{"type":"match"}},)")}) {
        EXPECT_EQ(with(unknown + accept), Verdict::unsure) << unknown;
        EXPECT_EQ(judge({chain(), rule(unknown + drop)}).verdict, Verdict::unsure) << unknown;
        EXPECT_EQ(judge({chain(), rule(unknown + accept)}).verdict, Verdict::passes) << unknown;
    }
    EXPECT_EQ(with(match(R"({"ct":{"key":"state"}})", R"(["established"])", "in") + accept, "10.0.0.1"),
              Verdict::unsure);
}

TEST(DoctorFirewall, TheFirstVerdictCounts) {
    const std::string is_vrrp = match(meta("l4proto"), R"("vrrp")");
    EXPECT_EQ(judge({chain(), rule(drop), rule(accept)}).verdict, Verdict::dropped);
    EXPECT_EQ(judge({chain("drop"), rule(is_vrrp + accept), rule(drop)}).verdict, Verdict::passes);
    EXPECT_EQ(judge({chain(), rule(R"({"counter":{}},)" + is_vrrp + R"({"reject":null})")}).verdict, Verdict::dropped);
    // Each base chain has its say.
    EXPECT_EQ(judge({chain(), chain("drop", "input", "ip", "d"), rule(accept)}).verdict, Verdict::dropped);
}

TEST(DoctorFirewall, JumpsAndMaps) {
    const std::string other = R"({"chain":{"family":"inet","table":"t","name":"o"}})";
    const std::string jump = R"({"jump":{"target":"o"}})";
    EXPECT_EQ(judge({chain("drop"), other, rule(jump), rule(accept, "o")}).verdict, Verdict::passes);
    EXPECT_EQ(judge({chain("drop"), other, rule(jump), rule(R"({"return":null})", "o"), rule(accept, "o")}).verdict,
              Verdict::dropped);
    const std::string go = R"({"goto":{"target":"o"}})";
    EXPECT_EQ(judge({chain(), other, rule(go), rule(drop)}).verdict, Verdict::passes) << "the policy is next";
    EXPECT_EQ(judge({chain("drop"), other, rule(go), rule(accept)}).verdict, Verdict::dropped);
    EXPECT_EQ(judge({chain(), other, rule(jump), rule(jump, "o")}).verdict, Verdict::passes) << "it ends";
    const auto map = [](const std::string& key, const std::string& value, const std::string& verdict) {
        return fmt::format(R"({{"vmap":{{"key":{},"data":{{"set":[[{},{}]]}}}}}})", key, value, verdict);
    };
    EXPECT_EQ(with(map(meta("iifname"), R"("eth0")", accept)), Verdict::passes);
    EXPECT_EQ(with(map(meta("iifname"), R"("lo")", accept)), Verdict::dropped);
    EXPECT_EQ(with(map(meta("mark"), "1", accept)), Verdict::unsure);
}

TEST(DoctorFirewall, OddTextIsUnsure) {
    for (const char* odd : {"", "[]", "{}", R"({"nftables":5})", R"({"nftables":[{"chain":5}]})", "{\"nftables\":["}) {
        EXPECT_EQ(judge_ruleset(odd, {true, "eth0", *IpAddress::parse(group4)}).verdict, Verdict::unsure) << odd;
    }
    EXPECT_EQ(judge({"5", R"({"rule":{"expr":[5,{}]}})"}).verdict, Verdict::passes);
}

}  // namespace
}  // namespace vrrpd::doctor::doctor_firewall_test
