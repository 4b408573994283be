// The small values under the core: checksum, addresses, the deadline heap, the limiter of notices, Text.
#include <random>

#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"
#include "vrrpd/core/checksum.hpp"
#include "vrrpd/core/deadline_heap.hpp"
#include "vrrpd/core/notice_limiter.hpp"
#include "vrrpd/core/text.hpp"

namespace vrrpd::core_values_test {
namespace {

using namespace std::chrono_literals;
using test::ip;
using Bytes = std::vector<std::uint8_t>;

// ---- checksum: C10

// RFC 1071 said another way: the sum modulo 65535, with 0 only for a sum of nothing.
std::uint16_t reference_checksum(const Bytes& bytes) {
    unsigned long long sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += bytes[i] * (i % 2 == 0 ? 256ull : 1ull);
    if (sum == 0) return 0xffff;
    const auto rest = sum % 65535;
    return static_cast<std::uint16_t>(~(rest == 0 ? 65535 : rest));
}

TEST(Checksum, of_odd_lengths_zeros_and_ones) {
    for (std::size_t length = 0; length < 70; ++length) {
        EXPECT_EQ(internet_checksum(Bytes(length, 0)), 0xffff) << length;
        EXPECT_EQ(internet_checksum(Bytes(length, 0xff)), reference_checksum(Bytes(length, 0xff))) << length;
    }
    EXPECT_EQ(internet_checksum(Bytes{0x12}), 0xedff);
    EXPECT_EQ(internet_checksum(Bytes{0xff, 0xff, 0x00, 0x01}), 0xfffe) << "the carry comes back";
}

TEST(Checksum, is_that_of_rfc_1071_for_random_bytes) {
    std::mt19937 random(1071);
    for (int round = 0; round < 2000; ++round) {
        Bytes bytes(random() % 4200);
        for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
        EXPECT_EQ(internet_checksum(bytes), reference_checksum(bytes));
    }
}

TEST(Checksum, in_place_makes_zero_also_as_its_other_form) {
    Bytes bytes = {0x31, 0x33, 0x64, 0x01, 0x00, 0x0a, 0, 0, 0x0a, 0x09, 0x00, 0x64};
    const auto sum = internet_checksum(bytes);
    bytes[6] = static_cast<std::uint8_t>(sum >> 8);
    bytes[7] = static_cast<std::uint8_t>(sum);
    EXPECT_EQ(internet_checksum(bytes), 0);
    // A sum of 0 may be sent as 0xffff (C10).
    EXPECT_EQ(internet_checksum(Bytes{0xff, 0xff, 0x00, 0x00}), 0);
    EXPECT_EQ(internet_checksum(Bytes{0xff, 0xff, 0xff, 0xff}), 0);
}

TEST(Checksum, of_parts_is_that_of_the_whole) {
    const Bytes first = {1, 2, 3, 4}, second = {5, 6, 7};
    EXPECT_EQ(internet_checksum(second, partial_sum(first)), internet_checksum(Bytes{1, 2, 3, 4, 5, 6, 7}));
}

// ---- addresses

TEST(IpAddress, reads_and_writes_text) {
    for (const char* text : {"0.0.0.0", "10.9.0.100", "255.255.255.255", "::", "::1", "fe80::51", "ff02::12"})
        EXPECT_EQ(ip(text).to_string(), text);
    for (const char* text : {"", "10.9.0", "10.9.0.256", "10.9.0.1/24", "fe80::1%eth0", "fe80:::1", " 10.0.0.1",
                             "10.0.0.1 ", "1234567890123456789012345678901234567890123456789012345678901"})
        EXPECT_FALSE(IpAddress::parse(text)) << text;
    EXPECT_FALSE(IpAddress::parse(std::string_view("10.0.0.1\0.9", 11))) << "a zero byte ends nothing";
}

TEST(IpAddress, of_4_or_16_bytes_only) {
    for (std::size_t length = 0; length < 20; ++length) {
        EXPECT_EQ(IpAddress::from_bytes(Bytes(length, 7)).has_value(), length == 4 || length == 16);
    }
    EXPECT_EQ(IpAddress::from_bytes(Bytes{10, 9, 0, 1}), ip("10.9.0.1"));
}

TEST(IpAddress, kinds) {
    EXPECT_TRUE(ip("0.0.0.0").is_unspecified() && ip("::").is_unspecified());
    EXPECT_TRUE(ip("127.8.9.1").is_loopback() && ip("::1").is_loopback());
    EXPECT_FALSE(ip("128.0.0.1").is_loopback() || ip("::2").is_loopback() || ip("fe80::1").is_loopback());
    EXPECT_TRUE(ip("224.0.0.18").is_multicast() && ip("239.1.1.1").is_multicast() && ip("ff02::12").is_multicast());
    EXPECT_FALSE(ip("240.0.0.1").is_multicast() || ip("223.1.1.1").is_multicast() || ip("fe80::1").is_multicast());
    EXPECT_TRUE(ip("169.254.1.1").is_link_local() && ip("fe80::1").is_link_local() && ip("febf::1").is_link_local());
    EXPECT_FALSE(ip("169.253.1.1").is_link_local() || ip("fec0::1").is_link_local());
    EXPECT_TRUE(ip("255.255.255.255").is_broadcast());
    EXPECT_FALSE(ip("10.255.255.255").is_broadcast() || ip("ffff:ffff::").is_broadcast());
}

TEST(IpAddress, compares_as_a_number_and_never_across_families_E30) {
    EXPECT_LT(ip("9.0.0.1"), ip("10.0.0.1"));
    EXPECT_LT(ip("10.0.0.9"), ip("10.0.0.10"));
    EXPECT_LT(ip("fe80::9"), ip("fe80::10"));
    EXPECT_NE(ip("0.0.0.0"), ip("::"));
    EXPECT_EQ(vrrp_group(Family::ipv4), ip("224.0.0.18"));
    EXPECT_EQ(vrrp_group(Family::ipv6), ip("ff02::12"));
}

TEST(Prefix, reads_and_writes_text) {
    EXPECT_EQ(Prefix::parse("10.0.0.1")->to_string(), "10.0.0.1/32");
    EXPECT_EQ(Prefix::parse("10.0.0.1/24")->to_string(), "10.0.0.1/24");
    EXPECT_EQ(Prefix::parse("fe80::1")->to_string(), "fe80::1/128");
    EXPECT_EQ(Prefix::parse("fe80::1/64")->to_string(), "fe80::1/64");
    for (const char* text : {"10.0.0.1/33", "fe80::1/129", "10.0.0.1/", "10.0.0.1/x", "10.0.0.1/24x", "10.0.0.1/-1",
                             "10.0.0.1/ 4", "/24", "10.0.0.1/99999999999"})
        EXPECT_FALSE(Prefix::parse(text)) << text;
}

// ---- deadline heap

TEST(DeadlineHeap, always_knows_the_earliest) {
    std::mt19937 random(7);
    for (const std::size_t size : {1u, 2u, 3u, 100u}) {
        DeadlineHeap heap(size);
        std::vector<Instant> model(size, never);
        for (int round = 0; round < 3000; ++round) {
            const std::size_t entry = random() % size;
            const Instant when = random() % 8 == 0 ? never : Instant(Duration(random() % 1000));
            heap.set(entry, when);
            model[entry] = when;
            ASSERT_EQ(heap.deadline(heap.first()), *std::ranges::min_element(model));
            ASSERT_EQ(heap.deadline(entry), when);
        }
    }
    EXPECT_TRUE(DeadlineHeap(0).empty());
}

TEST(Prefix, contains_the_addresses_of_its_network) {
    const auto contains = [](const char* prefix, const char* address) {
        return Prefix::parse(prefix)->contains(ip(address));
    };
    EXPECT_TRUE(contains("10.9.0.1/24", "10.9.0.255") && contains("10.9.0.1/32", "10.9.0.1"));
    EXPECT_TRUE(contains("10.9.0.1/22", "10.9.3.7") && contains("0.0.0.0/0", "203.0.113.9"));
    EXPECT_FALSE(contains("10.9.0.1/24", "10.9.1.0") || contains("10.9.0.1/22", "10.9.4.0"));
    EXPECT_FALSE(contains("10.9.0.1/32", "10.9.0.2") || contains("10.9.0.1/8", "fe80::1"));
    EXPECT_TRUE(contains("fe80::1/10", "febf::2"));
    EXPECT_FALSE(contains("fe80::1/10", "fec0::2"));
}

// ---- notice limiter: L07 H41

TEST(NoticeLimiter, the_first_at_once_then_one_a_minute_with_the_count) {
    NoticeLimiter limiter;
    Instant now{1h};
    EXPECT_EQ(limiter.admit(1, ip("10.0.0.2"), now), 0u);
    for (int i = 0; i < 59; ++i) EXPECT_FALSE(limiter.admit(1, ip("10.0.0.2"), now += 1s));
    EXPECT_EQ(limiter.admit(1, ip("10.0.0.2"), now += 1s), 59u);
    EXPECT_FALSE(limiter.admit(1, ip("10.0.0.2"), now += 59s));
    EXPECT_EQ(limiter.admit(1, ip("10.0.0.2"), now += 1s), 1u);
}

TEST(NoticeLimiter, kinds_and_senders_are_told_apart) {
    NoticeLimiter limiter;
    const Instant now{1h};
    EXPECT_TRUE(limiter.admit(1, ip("10.0.0.2"), now));
    EXPECT_TRUE(limiter.admit(2, ip("10.0.0.2"), now));
    EXPECT_TRUE(limiter.admit(1, ip("10.0.0.3"), now));
    EXPECT_FALSE(limiter.admit(2, ip("10.0.0.2"), now));
}

// H41: a flood from ever new senders must not become a flood of log lines.
TEST(NoticeLimiter, many_senders_are_bounded_together) {
    NoticeLimiter limiter;
    Instant now{1h};
    int said = 0;
    for (int i = 0; i < 100'000; ++i) {
        const std::uint8_t sender[] = {10, 0, 0, static_cast<std::uint8_t>(i % 255)};
        if (limiter.admit(1, *IpAddress::from_bytes(sender), now += 6ms)) ++said;
    }
    EXPECT_LE(said, 8 * 11) << "ten minutes, at most eight a minute";
    EXPECT_GE(said, 8 * 9);
}

// ---- text

TEST(Text, keeps_what_fits_and_shows_what_did_not) {
    EXPECT_EQ(Text("short").view(), "short");
    EXPECT_EQ(Text(std::string(199, 'x')).view(), std::string(199, 'x'));
    EXPECT_EQ(Text(std::string(200, 'x')).view(), std::string(196, 'x') + "...");
    EXPECT_EQ(Text::format("%s %d", std::string(300, 'y').c_str(), 7).view(), std::string(196, 'y') + "...");
    EXPECT_EQ(Text::format("%d%%", 7).view(), "7%");
    EXPECT_STREQ(Text(std::string(500, 'x')).c_str() + 196, "...");
}

}  // namespace
}  // namespace vrrpd::core_values_test
