// The claim observer on a real link: what comes through its filter, and how much of it.
#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "tests/support/fake_loop.hpp"
#include "tests/unit/io_support.hpp"
#include "vrrpd/io/claim_observer.hpp"

namespace vrrpd::io_claims_test {
namespace {

using namespace std::chrono_literals;
using test::FakeLoop;
using test::Inside;
using test::Tap;
using test::TwoHosts;
using Bytes = std::vector<std::uint8_t>;

constexpr MacAddress our_mac = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
constexpr MacAddress their_mac = {0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee};

IpAddress ip(const std::string& text) {
    return *IpAddress::parse(text);
}

Bytes bytes_of(const Frame& frame) {
    return {frame.view().begin(), frame.view().end()};
}

class ClaimObservers : public testing::TestWithParam<Family> {
  protected:
    bool ipv4() const { return GetParam() == Family::ipv4; }
    IpAddress address(int number) const { return ip((ipv4() ? "10.77.0." : "2001:db8::") + std::to_string(number)); }
    ClaimSubscription ours(const std::vector<int>& numbers) const {
        ClaimSubscription ours{our_mac, {}};
        for (const int number : numbers) ours.addresses.push_back(address(number));
        return ours;
    }
    Bytes claim(const IpAddress& address, const MacAddress& mac = their_mac) const {
        return bytes_of(ipv4() ? gratuitous_arp(mac, address)
                               : unsolicited_neighbour_advertisement(mac, address, ip("fe80::7"), false));
    }
    void observe(const ClaimSubscription& subscription) {
        const int index = TwoHosts::index(lan.far(), "far0");
        const Inside inside(lan.far());
        observer.emplace(loop, GetParam(), index, subscription, [this](std::span<const Claim> claims) {
            heard.insert(heard.end(), claims.begin(), claims.end());
            batches.push_back(claims.size());
        });
    }
    /// Until a claim of `marker`, sent last, was heard.
    void hear_up_to(const IpAddress& marker) {
        wire.put(claim(marker));
        while (heard.empty() || heard.back().address != marker) {
            ASSERT_TRUE(loop.poll_once());
            loop.advance(1s);
        }
        heard.pop_back();
    }

    TwoHosts lan;
    FakeLoop loop;
    Tap wire{lan.near(), "near0"};
    std::vector<Claim> heard;
    std::vector<std::size_t> batches;
    std::optional<ClaimObserver> observer;
};
INSTANTIATE_TEST_SUITE_P(Families, ClaimObservers, testing::Values(Family::ipv4, Family::ipv6),
                         [](const auto& family) { return family.param == Family::ipv4 ? "Ipv4" : "Ipv6"; });

TEST_P(ClaimObservers, HearWhoClaimsAnAddressOfOurs_G07) {
    observe(ours({16, 17, 99}));
    wire.put(claim(address(16)));
    wire.put(claim(address(18)));
    wire.put(claim(address(17)));
    hear_up_to(address(99));
    EXPECT_EQ(heard, (std::vector<Claim>{{address(16), their_mac}, {address(17), their_mac}}));
}

TEST_P(ClaimObservers, HearNotWhatIsOurOwnOrNoClaim) {
    observe(ours({16, 99}));
    wire.put(claim(address(16), our_mac));
    wire.put(bytes_of(ipv4() ? arp_probe(their_mac, address(16)) : neighbour_probe(their_mac, address(16))));
    Bytes odd = claim(address(16));
    odd.resize(ipv4() ? 30 : 70);
    wire.put(odd);
    odd = claim(address(16));
    odd[ipv4() ? 21 : 54] = 9;  // no operation of ARP, no message of neighbour discovery
    wire.put(odd);
    Tap back(lan.far(), "far0");
    back.put(claim(address(16)));  // leaves here
    // Like ours in all but one byte of the MAC.
    for (std::size_t i = 0; i < 6; ++i) {
        MacAddress mac = our_mac;
        mac[i] ^= 0x80;
        wire.put(claim(address(16), mac));
    }
    hear_up_to(address(99));
    EXPECT_EQ(heard.size(), 6u);
}

TEST_P(ClaimObservers, FollowAChangeOfAddresses) {
    observe(ours({16, 99}));
    observer->configure(ours({17, 99}));
    wire.put(claim(address(16)));
    wire.put(claim(address(17)));
    hear_up_to(address(99));
    EXPECT_EQ(heard, (std::vector<Claim>{{address(17), their_mac}}));
}

TEST_P(ClaimObservers, OfManyAddressesHearWhatIsBetweenThem) {
    for (const auto& [count, between] : std::map<int, std::size_t>{{128, 0}, {129, 1}}) {
        std::vector<int> numbers;
        for (int i = 0; i < count; ++i) numbers.push_back(10 + i + (i > 50));  // all but 61
        observer.reset();
        heard.clear();
        observe(ours(numbers));
        for (const int number : {9, 10, 61, 138 + (count - 128), 139 + (count - 128)}) {
            wire.put(claim(address(number)));
        }
        hear_up_to(address(77));
        EXPECT_EQ(heard.size(), 2 + between) << count;
    }
}

TEST_P(ClaimObservers, AFloodIsReadTwentyAtATime) {
    observe(ours({16}));
    for (int i = 0; i < 40; ++i) wire.put(claim(address(16)));
    ASSERT_TRUE(loop.poll_once());
    EXPECT_EQ(batches, (std::vector<std::size_t>{20}));
    EXPECT_FALSE(loop.poll_once(0ms));
    loop.advance(99ms);
    EXPECT_FALSE(loop.poll_once(0ms));
    loop.advance(1ms);
    ASSERT_TRUE(loop.poll_once());
    EXPECT_EQ(batches, (std::vector<std::size_t>{20, 20}));
}

TEST_P(ClaimObservers, SurviveALinkThatGoesDownAndComesBack) {
    observe(ours({16, 99}));
    const auto set = [&](const char* state) {
        const Inside inside(lan.far());
        ASSERT_EQ(std::system((std::string("ip link set far0 ") + state).c_str()), 0);
    };
    set("down");
    ASSERT_TRUE(loop.poll_once());
    EXPECT_TRUE(heard.empty());
    EXPECT_FALSE(loop.poll_once(0ms));
    set("up");
    TwoHosts::link_local(lan.far(), "far0");
    wire.put(claim(address(16)));
    hear_up_to(address(99));
    EXPECT_EQ(heard.size(), 1u);
}

TEST(ClaimObserver, SaysThatThereIsNoSuchInterface) {
    FakeLoop loop;
    EXPECT_THROW(ClaimObserver(loop, Family::ipv4, 9999, {our_mac, {ip("10.77.0.16")}}, {}), std::system_error);
}

}  // namespace
}  // namespace vrrpd::io_claims_test
