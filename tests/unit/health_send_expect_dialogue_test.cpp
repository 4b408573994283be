#include <string>

#include <gtest/gtest.h>

#include "health/send_expect_dialogue.hpp"
#include "tests/unit/dialogue_support.hpp"

namespace vrrpd::health::health_send_expect_dialogue_test {
namespace {

using namespace test;

Make expecting(std::string expect, std::string send = "") {
    return [options = SendExpectOptions{send, expect}](Past&) { return std::make_unique<SendExpectDialogue>(options); };
}

const Finding up{Class::up, "the expected text came"};

TEST(HealthSendExpectDialogue, SendsItsTextOrNothing) {
    EXPECT_EQ(converse(expecting("x", std::string("a\0\r\n", 4)), "").asked, std::string("a\0\r\n", 4));
    EXPECT_EQ(converse(expecting("x"), "").asked, "");
}

TEST(HealthSendExpectDialogue, FindsTheTextAnywhere) {
    expect_finding(expecting("220 "), "220 mail.example.org\r\n", up);
    expect_finding(expecting("ready\r\n"), "getting ready\r\n", up);
    expect_finding(expecting("aab"), "aaaab", up);
    expect_finding(expecting(std::string("\0\xff", 2)), std::string("x\0\0\xff", 4), up);
}

TEST(HealthSendExpectDialogue, WithoutTheTextItFailsAndIsShown) {
    expect_cut_off(expecting("220 "), "554 no\r\n",
                   {Class::failed, "not the expected text before the end: 554 no??", true},
                   {Class::failed, "not the expected text in 300 ms: 554 no??"});
    expect_cut_off(expecting("x"), std::string(50, 'y'),
                   {Class::failed, "not the expected text before the end: " + std::string(40, 'y'), true},
                   {Class::failed, "not the expected text in 300 ms: " + std::string(40, 'y')});
    expect_cut_off(expecting("x"), "", without_a_reply, no_reply);
}

TEST(HealthSendExpectDialogue, LooksAt64KiBAndNoMore) {
    const std::string most(SendExpectDialogue::longest, 'y');
    const Finding failed{Class::failed, "not the expected text in 64 KiB: " + std::string(40, 'y')};
    EXPECT_EQ(converse(expecting("x"), most + "x").finding, failed);
    EXPECT_EQ(converse(expecting("x"), most.substr(1) + "x").finding, up);
    EXPECT_FALSE(converse(expecting("x"), most.substr(1)).finding);
}

}  // namespace
}  // namespace vrrpd::health::health_send_expect_dialogue_test
