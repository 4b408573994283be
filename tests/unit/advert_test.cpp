// The codec against the golden vectors and the refusals of conformance sections 1.1-1.3 and 2.
// Authentication: advert_auth_test.cpp.
#include "vrrpd/core/advert.hpp"

#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::advert_test {
namespace {

using namespace std::chrono_literals;
using test::ip;
using test::Message;
using test::vip;
using Bytes = std::vector<std::uint8_t>;

Bytes from_hex(std::string_view text) {
    Bytes bytes;
    std::string digits;
    for (const char digit : text) {
        if (digit == ' ') continue;
        digits += digit;
        if (digits.size() < 2) continue;
        bytes.push_back(static_cast<std::uint8_t>(std::stoi(digits, nullptr, 16)));
        digits.clear();
    }
    return bytes;
}

// The setting of all golden vectors.
Outgoing golden(Version version, std::span<const VirtualAddress> addresses) {
    Outgoing advert;
    advert.version = version;
    advert.virtual_router_id = 51;
    advert.priority = 100;
    advert.interval = version == Version::v2 ? Duration(1s) : Duration(100ms);
    advert.addresses = addresses;
    advert.source = ip("10.9.0.1");
    advert.destination = ip("224.0.0.18");
    return advert;
}

const std::vector<VirtualAddress> one_address = {vip("10.9.0.100")};
const std::vector<VirtualAddress> ipv6_addresses = {vip("fe80::51"), vip("2001:db8:9::100")};

Outgoing golden_ipv6() {
    Outgoing advert = golden(Version::v3, ipv6_addresses);
    advert.interval = 1s;
    advert.source = ip("fe80::ff:fe00:aa");
    advert.destination = ip("ff02::12");
    return advert;
}

struct Golden {
    const char* row;
    Outgoing advert;
    const char* bytes;
};

std::vector<Golden> golden_vectors() {
    std::vector<Golden> rows;
    rows.push_back({"G1", golden(Version::v2, one_address), "21336401 0001 705d 0a090064 0000000000000000"});
    rows.push_back({"G2", golden(Version::v2, one_address), "21336401 0101 3343 0a090064 7333637265740000"});
    rows.back().advert.password = "s3cret";
    rows.push_back({"G3", golden(Version::v3, one_address), "31336401 000a 6054 0a090064"});
    rows.back().advert.checksum_form = ChecksumForm::message_only;
    rows.push_back({"G4", golden(Version::v3, one_address), "31336401 000a 75bb 0a090064"});
    rows.push_back({"G5", golden(Version::v3, one_address), "31336401 000a 4bc3 0a090064"});
    rows.back().advert.destination = ip("10.9.0.2");
    rows.push_back(
        {"G6", golden_ipv6(), "31336402 0064 3efa fe800000000000000000000000000051 20010db8000900000000000000000100"});
    rows.push_back({"G7 v2", golden(Version::v2, one_address), "21330001 0001 d45d 0a090064 0000000000000000"});
    rows.back().advert.priority = 0;
    rows.push_back({"G7 pseudo", golden(Version::v3, one_address), "31330001 000a d9bb 0a090064"});
    rows.back().advert.priority = 0;
    rows.push_back({"G7 message", golden(Version::v3, one_address), "31330001 000a c454 0a090064"});
    rows.back().advert.priority = 0;
    rows.back().advert.checksum_form = ChecksumForm::message_only;
    return rows;
}

Bytes encoded(const Outgoing& advert) {
    Bytes bytes(max_message_size, 0xee);
    bytes.resize(encode(advert, bytes));
    return bytes;
}

Expectation expectation(const Outgoing& advert) {
    return {advert.version, advert.interval, advert.password};
}

std::variant<Advert, Refusal> decoded(const Message& message, const Outgoing& like) {
    return decode(message.view(), expectation(like));
}

// The refusal as a word, or "accepted".
std::string verdict(const Message& message, const Outgoing& like) {
    const auto result = decoded(message, like);
    const auto* refusal = std::get_if<Refusal>(&result);
    return refusal ? to_string(*refusal) : "accepted";
}

Message message_of(const Outgoing& advert) {
    return {advert, 2};
}

Outgoing v2(std::optional<std::string_view> password = std::nullopt) {
    Outgoing advert = golden(Version::v2, one_address);
    advert.password = password;
    return advert;
}

Outgoing v3_message_only() {
    Outgoing advert = golden(Version::v3, one_address);
    advert.checksum_form = ChecksumForm::message_only;
    return advert;
}

// A01 A02 A03 A06 C01-C05, G1-G7: bytes out.
TEST(Advert, encodes_every_golden_vector) {
    for (const Golden& row : golden_vectors()) EXPECT_EQ(encoded(row.advert), from_hex(row.bytes)) << row.row;
}

// The same, bytes in.
TEST(Advert, decodes_every_golden_vector) {
    for (const Golden& row : golden_vectors()) {
        Message message = message_of(row.advert);
        message.bytes = from_hex(row.bytes);
        const auto result = decoded(message, row.advert);
        ASSERT_TRUE(std::holds_alternative<Advert>(result)) << row.row;
        const Advert& advert = std::get<Advert>(result);
        EXPECT_EQ(advert.virtual_router_id, 51) << row.row;
        EXPECT_EQ(advert.priority, row.advert.priority) << row.row;
        EXPECT_EQ(advert.interval, row.advert.interval) << row.row;
        EXPECT_TRUE(same_addresses(advert.address_bytes, row.advert.addresses)) << row.row;
        if (row.advert.version == Version::v3) {
            EXPECT_EQ(advert.checksum_form, row.advert.checksum_form) << row.row;
        }
    }
}

TEST(Advert, intervals_of_1_and_4095_centiseconds_are_exact_A04) {
    for (const Duration interval : {Duration(10ms), Duration(40950ms)}) {
        Outgoing advert = v3_message_only();
        advert.interval = interval;
        const Message message = message_of(advert);
        EXPECT_EQ(message.bytes[4] >> 4, 0) << "A03: the reserve is zero";
        EXPECT_EQ(std::get<Advert>(decoded(message, advert)).interval, interval);
    }
}

TEST(Advert, version_2_interval_of_255_seconds_A05) {
    Outgoing advert = v2();
    advert.interval = 255s;
    EXPECT_EQ(message_of(advert).bytes[5], 255);
    EXPECT_EQ(verdict(message_of(advert), advert), "accepted");
}

TEST(Advert, addresses_keep_their_order_A13) {
    const std::vector<VirtualAddress> list = {vip("10.9.0.3"), vip("10.9.0.1"), vip("10.9.0.2")};
    const Bytes bytes = encoded(golden(Version::v3, list));
    EXPECT_EQ(Bytes(bytes.begin() + 8, bytes.end()), from_hex("0a090003 0a090001 0a090002"));
}

// B02 H07 L01
TEST(Advert, every_other_version_is_refused) {
    for (unsigned version = 0; version < 16; ++version) {
        if (version == 3) continue;
        Message message = message_of(v3_message_only());
        message.byte(0, static_cast<std::uint8_t>(version << 4 | 1)).seal();
        EXPECT_EQ(verdict(message, v3_message_only()), "version") << version;
    }
    EXPECT_EQ(verdict(message_of(v3_message_only()), v2()), "version");
    EXPECT_EQ(verdict(message_of(v2()), v3_message_only()), "version");
}

// B03 H08
TEST(Advert, every_other_type_is_refused) {
    for (unsigned type = 0; type < 16; ++type) {
        if (type == 1) continue;
        Message message = message_of(v3_message_only());
        message.byte(0, static_cast<std::uint8_t>(0x30 | type)).seal();
        EXPECT_EQ(verdict(message, v3_message_only()), "type") << type;
    }
}

// B04 B05 H01 H02: the copy ends where the message ends, so that ASan sees any read behind it.
TEST(Advert, truncated_at_every_byte) {
    for (const Golden& row : golden_vectors()) {
        const Message whole = message_of(row.advert);
        for (std::size_t length = 0; length < whole.bytes.size(); ++length) {
            Message cut = whole;
            cut.bytes = Bytes(whole.bytes.begin(), whole.bytes.begin() + static_cast<long>(length));
            cut.bytes.shrink_to_fit();
            EXPECT_EQ(verdict(cut, row.advert), "length") << row.row << " cut to " << length;
        }
    }
}

// B06 H03 T08 H39: 28 bytes more are keepalived's HMAC trailer.
TEST(Advert, trailing_bytes_are_refused_even_with_a_right_sum) {
    for (const std::size_t more : {1u, 28u, 64u}) {
        for (const Outgoing& advert : {v2(), v3_message_only()}) {
            Message message = message_of(advert);
            message.bytes.resize(message.bytes.size() + more, 0xa5);
            EXPECT_EQ(verdict(message, advert), "length") << more;
            EXPECT_EQ(verdict(message.seal(), advert), "length") << more;
        }
    }
}

// B08 H04
TEST(Advert, count_zero_is_refused_with_and_without_an_address) {
    for (const Outgoing& advert : {v2(), v3_message_only()}) {
        Message with = message_of(advert);
        EXPECT_EQ(verdict(with.byte(3, 0).seal(), advert), "count");
        Outgoing none = advert;
        none.addresses = {};
        EXPECT_EQ(verdict(message_of(none), advert), "count");
    }
}

// B05 H05
TEST(Advert, count_beyond_the_message_is_refused) {
    for (const int count : {2, 255}) {
        Message message = message_of(v3_message_only());
        message.byte(3, static_cast<std::uint8_t>(count)).seal();
        EXPECT_EQ(verdict(message, v3_message_only()), "length");
    }
}

TEST(Advert, list_of_255_addresses_is_read_H06) {
    std::vector<VirtualAddress> many;
    for (int i = 0; i < 255; ++i) many.push_back(vip(("10.9.1." + std::to_string(i)).c_str()));
    const Outgoing advert = golden(Version::v3, many);
    const Message message = message_of(advert);
    EXPECT_EQ(message.bytes.size(), 1028u) << "A18";
    const auto result = decoded(message, advert);
    ASSERT_TRUE(std::holds_alternative<Advert>(result));
    EXPECT_TRUE(same_addresses(std::get<Advert>(result).address_bytes, many));
    EXPECT_FALSE(same_addresses(std::get<Advert>(result).address_bytes, one_address));
}

// B09 H09
TEST(Advert, every_flipped_bit_of_the_checksum_is_refused) {
    for (const Golden& row : golden_vectors()) {
        for (int bit = 0; bit < 16; ++bit) {
            Message message = message_of(row.advert);
            message.bytes[6 + static_cast<std::size_t>(bit / 8)] ^= static_cast<std::uint8_t>(1 << bit % 8);
            EXPECT_EQ(verdict(message, row.advert), "checksum") << row.row << " bit " << bit;
        }
    }
}

TEST(Advert, version_3_over_ipv4_is_read_in_both_forms_C02_C03_H10) {
    const Outgoing advert = golden(Version::v3, one_address);
    for (const char* bytes : {"31336401000a6054 0a090064", "31336401000a75bb 0a090064"}) {
        Message message = message_of(advert);
        message.bytes = from_hex(bytes);
        EXPECT_EQ(verdict(message, advert), "accepted");
    }
    Message unicast_sum = message_of(advert);
    unicast_sum.bytes = from_hex("31336401000a4bc3 0a090064");
    EXPECT_EQ(verdict(unicast_sum, advert), "checksum") << "C04: the sum is of the real destination";
}

TEST(Advert, version_2_with_a_pseudo_header_is_refused_H11) {
    // The sum that G4's pseudo-header adds to the message of G1.
    const std::uint32_t pseudo = 0x0a09 + 0x0001 + 0xe000 + 0x0012 + 112 + 20;
    std::uint32_t sum = (0xffffu & ~0x705du) + pseudo;
    sum = (sum & 0xffff) + (sum >> 16);
    const auto wrong = static_cast<std::uint16_t>(~sum);
    Message message = message_of(v2());
    message.byte(6, static_cast<std::uint8_t>(wrong >> 8)).byte(7, static_cast<std::uint8_t>(wrong));
    EXPECT_EQ(verdict(message, v2()), "checksum");
}

TEST(Advert, ipv6_needs_its_pseudo_header_with_112_C05_C06) {
    EXPECT_EQ(verdict(message_of(golden_ipv6()), golden_ipv6()), "accepted");
    EXPECT_EQ(verdict(message_of(golden_ipv6()).seal(), golden_ipv6()), "checksum") << "message only";
    // Next header 58 where 112 belongs: 54 less in the sum, so the field is 54 more.
    Message message = message_of(golden_ipv6());
    const std::uint16_t wrong = 0x3efa + 54;
    message.byte(6, wrong >> 8).byte(7, wrong & 0xff);
    EXPECT_EQ(verdict(message, golden_ipv6()), "checksum");
}

// B12 H24
TEST(Advert, version_3_interval_zero_is_refused) {
    Message message = message_of(v3_message_only());
    message.byte(4, 0).byte(5, 0).seal();
    EXPECT_EQ(verdict(message, v3_message_only()), "interval");
    message.byte(4, 0xf0).seal();
    EXPECT_EQ(verdict(message, v3_message_only()), "interval") << "the reserve is not part of it";
}

// B14 H25
TEST(Advert, version_2_interval_that_is_not_ours_is_refused) {
    for (const int interval : {0, 2, 255}) {
        Message message = message_of(v2());
        message.byte(5, static_cast<std::uint8_t>(interval)).seal();
        EXPECT_EQ(verdict(message, v2()), "interval") << interval;
    }
}

TEST(Advert, version_3_interval_that_is_not_ours_is_accepted_B13) {
    Message message = message_of(v3_message_only());
    message.byte(4, 0x0f).byte(5, 0xff).seal();
    EXPECT_EQ(std::get<Advert>(decoded(message, v3_message_only())).interval, 40950ms);
}

// B15 H26
TEST(Advert, reserve_of_version_3_is_ignored) {
    Message message = message_of(v3_message_only());
    message.byte(4, 0xf1).byte(5, 0x2c).seal();
    EXPECT_EQ(std::get<Advert>(decoded(message, v3_message_only())).interval, 3s);
}

// B16 H35 A14: accepted; who compares the lists may say more.
TEST(Advert, ipv6_list_without_a_link_local_address_is_accepted) {
    const std::vector<VirtualAddress> global = {vip("2001:db8:9::100")};
    Outgoing advert = golden_ipv6();
    advert.addresses = global;
    EXPECT_EQ(verdict(message_of(advert), advert), "accepted");
}

TEST(Advert, lists_match_in_any_order_B19) {
    const std::vector<VirtualAddress> ours = {vip("10.9.0.1"), vip("10.9.0.2"), vip("10.9.0.3")};
    EXPECT_TRUE(same_addresses(from_hex("0a090001 0a090002 0a090003"), ours));
    EXPECT_TRUE(same_addresses(from_hex("0a090003 0a090001 0a090002"), ours));
    EXPECT_FALSE(same_addresses(from_hex("0a090001 0a090002 0a090004"), ours));
    EXPECT_FALSE(same_addresses(from_hex("0a090001 0a090002"), ours));
    EXPECT_FALSE(same_addresses({}, ours));
    EXPECT_TRUE(same_addresses({}, {}));
    EXPECT_FALSE(same_addresses(from_hex("0a090001"), {}));
}

TEST(Advert, a_duplicate_in_a_list_of_the_right_length_differs_B20) {
    const std::vector<VirtualAddress> ours = {vip("10.9.0.1"), vip("10.9.0.2")};
    EXPECT_FALSE(same_addresses(from_hex("0a090001 0a090001"), ours));
    EXPECT_FALSE(same_addresses(from_hex("0a090002 0a090002"), ours));
}

// H38 M10
TEST(Advert, carp_is_told_apart) {
    Message message = message_of(v2());
    message.bytes.assign(36, 0x5a);
    message.byte(0, 0x21).byte(3, 7).seal();
    EXPECT_EQ(verdict(message, v2()), "carp_like");
    message.byte(3, 6).seal();
    EXPECT_EQ(verdict(message, v2()), "length") << "(36 - 16) / 4 addresses are 5";
}

// B28: of several mistakes the first of the documented order is named.
TEST(Advert, order_of_checks) {
    Message message = message_of(v2("s3cret"));
    message.byte(0, 0x42).byte(3, 0).byte(4, 9).byte(5, 7).byte(6, 0);
    message.bytes.push_back(0);
    const Outgoing like = v2("other");
    const auto mend = [&](std::size_t index, std::uint8_t value, const char* next) {
        EXPECT_EQ(verdict(message.byte(index, value), like), next);
    };
    EXPECT_EQ(verdict(message, like), "version");
    mend(0, 0x22, "type");
    mend(0, 0x21, "count");
    mend(3, 1, "length");
    message.bytes.pop_back();
    EXPECT_EQ(verdict(message, like), "checksum");
    EXPECT_EQ(verdict(message.seal(), like), "auth_unknown");
    EXPECT_EQ(verdict(message.byte(4, 0).seal(), like), "auth_mismatch");
    EXPECT_EQ(verdict(message.byte(4, 1).seal(), like), "auth_fail");
    EXPECT_EQ(verdict(message.seal(), v2("s3cret")), "interval");
    EXPECT_EQ(verdict(message.byte(5, 1).seal(), v2("s3cret")), "accepted");
    message.bytes.resize(7);
    EXPECT_EQ(verdict(message.byte(0, 0x42), like), "length") << "before anything is read";
}

TEST(Advert, header_is_read_without_an_instance) {
    const auto header = read_header(message_of(v2()).bytes);
    ASSERT_TRUE(std::holds_alternative<Header>(header));
    EXPECT_EQ(std::get<Header>(header).version, 2);
    EXPECT_EQ(std::get<Header>(header).virtual_router_id, 51);
}

TEST(Advert, every_refusal_has_a_word_of_its_own) {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < refusal_count; ++i) words.push_back(to_string(static_cast<Refusal>(i)));
    std::ranges::sort(words);
    EXPECT_EQ(std::ranges::adjacent_find(words), words.end());
    EXPECT_STREQ(to_string(Refusal::interval), "interval");
}

}  // namespace
}  // namespace vrrpd::advert_test
