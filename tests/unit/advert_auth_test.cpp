// The authentication of version 2 (conformance 1.10): types, passwords, the trailer.
#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::advert_auth_test {
namespace {

using namespace std::chrono_literals;
using test::ip;
using test::Message;

const std::vector<VirtualAddress> one_address = {test::vip("10.9.0.100")};

Outgoing v2(std::optional<std::string_view> password = std::nullopt) {
    return {Version::v2,     51, 100, 1s, password, one_address, ChecksumForm::message_only, ip("10.9.0.1"),
            ip("224.0.0.18")};
}

Message message_of(const Outgoing& advert) {
    return {advert, 2};
}

std::string verdict(const Message& message, const Outgoing& like) {
    const auto result = decode(message.view(), {like.version, like.interval, like.password});
    const auto* refusal = std::get_if<Refusal>(&result);
    return refusal ? to_string(*refusal) : "accepted";
}

// T01 H37 A06
TEST(Authentication, without_authentication_the_trailer_may_hold_anything) {
    Message message = message_of(v2());
    for (std::size_t i = 12; i < 20; ++i) message.byte(i, static_cast<std::uint8_t>(0x90 + i));
    EXPECT_EQ(verdict(message.seal(), v2()), "accepted");
}

// T02 T03 H36
TEST(Authentication, authentication_types) {
    const auto of_type = [](int type) { return message_of(v2()).byte(4, static_cast<std::uint8_t>(type)).seal(); };
    EXPECT_EQ(verdict(of_type(1), v2()), "auth_mismatch");
    EXPECT_EQ(verdict(of_type(2), v2()), "auth_mismatch");
    for (const int type : {3, 9, 255}) EXPECT_EQ(verdict(of_type(type), v2()), "auth_unknown");
    EXPECT_EQ(verdict(of_type(0), v2("s3cret")), "auth_mismatch");
    EXPECT_EQ(verdict(of_type(2), v2("s3cret")), "auth_mismatch");
}

// T04 T05 H36
TEST(Authentication, passwords) {
    EXPECT_EQ(verdict(message_of(v2("abc")), v2("abc")), "accepted");
    EXPECT_EQ(verdict(message_of(v2("abc")), v2(std::string_view("abc\0\0", 5))), "accepted") << "padding";
    EXPECT_EQ(verdict(message_of(v2("abc")), v2("abd")), "auth_fail");
    EXPECT_EQ(verdict(message_of(v2("abc")), v2("abcd")), "auth_fail");
    EXPECT_EQ(verdict(message_of(v2("12345678")), v2("12345678")), "accepted");
    EXPECT_EQ(verdict(message_of(v2("12345678")), v2("12345679")), "auth_fail") << "the eighth byte";
}

// H36: what lacks the trailer is too short.
TEST(Authentication, missing_trailer_is_a_wrong_length) {
    Message message = message_of(v2());
    message.bytes.resize(12);
    EXPECT_EQ(verdict(message.seal(), v2()), "length");
}

}  // namespace
}  // namespace vrrpd::advert_auth_test
