#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "netlink/plan.hpp"

namespace vrrpd::netlink::netlink_plan_test {
namespace {

Prefix prefix(const char* text) {
    return Prefix::parse(text).value();
}

Address address(int link, const Prefix& prefix, std::uint8_t mark = 0, bool secondary = false) {
    Address result;
    result.link = link;
    result.prefix = prefix;
    result.peer = prefix.address;
    result.mark = mark;
    result.secondary = secondary;
    return result;
}
Address address(int link, const char* text, std::uint8_t mark = 0, bool secondary = false) {
    return address(link, prefix(text), mark, secondary);
}

Facts facts_of(const std::vector<Address>& addresses) {
    Facts facts;
    for (const Address& one : addresses) facts.set_address(one);
    return facts;
}

DesiredAddress want(int link, const char* text, const char* label = "") {
    return {link, prefix(text), label};
}

using Addresses = std::vector<Address>;
using Conflicts = std::vector<Conflict>;

TEST(NetlinkPlan, AConflictIsAnAddressOfSomebodyElseOnThatVeryLink) {
    const Address stranger = address(2, "10.0.0.9/24");
    const Address stranger6 = address(2, "2001:db8::9/64");
    const Facts actual = facts_of({stranger, stranger6, address(2, "10.0.0.8/24", our_mark),
                                   address(3, "10.0.0.7/32", 3), address(2, "10.0.0.5/24")});
    const std::vector desired{want(2, "10.0.0.9/24", "eth0:v"), want(2, "10.0.0.8/24"), want(2, "2001:db8::9/128"),
                              want(2, "10.0.0.9/32"),           want(3, "10.0.0.9/24"), want(2, "10.0.0.7/32")};
    EXPECT_EQ(conflicts(actual, desired),
              (Conflicts{{desired[0], stranger}, {desired[2], stranger6}, {desired[3], stranger}}));
    EXPECT_TRUE(conflicts(actual, {}).empty());
}

TEST(NetlinkPlan, OursBesideAStrangersIsAConflictAllTheSame) {
    const Address stranger = address(2, "10.0.0.9/32");
    const Facts actual = facts_of({address(2, "10.0.0.9/24", our_mark), stranger});
    const std::vector desired{want(2, "10.0.0.9/24")};
    EXPECT_EQ(conflicts(actual, desired), (Conflicts{{desired[0], stranger}}));
}

TEST(NetlinkPlan, WhatTheCallerNamesIsOursWithoutAMark) {
    const Address first = address(2, "10.0.0.9/24");
    const Address second = address(2, "10.0.0.8/24", 0, true);
    const Facts actual = facts_of({first, second, address(3, "10.0.0.9/24")});
    const std::set<OwnedAddress> ours{{2, first.prefix}};
    const std::vector desired{want(2, "10.0.0.9/24")};
    EXPECT_TRUE(conflicts(actual, desired, ours).empty());
    EXPECT_EQ(leftovers(actual, ours), Addresses{first});
    EXPECT_EQ(removal_hazards(actual, desired, ours), Addresses{second});
    EXPECT_EQ(removal_hazards(actual, desired, {{2, first.prefix}, {2, second.prefix}}), Addresses{second})
        << "ours, but to stay";

    EXPECT_EQ(conflicts(actual, desired), (Conflicts{{desired[0], first}}));
    EXPECT_TRUE(leftovers(actual).empty());
    EXPECT_TRUE(removal_hazards(actual, desired).empty());
}

TEST(NetlinkPlan, LeftoversAreOursAloneSecondaryOnesFirst) {
    const Address first = address(2, "10.0.0.7/24", our_mark);
    const Address second = address(2, "10.0.0.8/24", our_mark, true);
    const Address ipv6 = address(3, "2001:db8::7/128", our_mark);
    const Facts actual = facts_of(
        {address(2, "10.0.0.5/25"), first, second, ipv6, address(3, "10.0.0.8/24"), address(3, "10.0.0.9/32", 3)});
    EXPECT_EQ(leftovers(actual), (Addresses{second, first, ipv6}));
}

TEST(NetlinkPlan, NamesWhatARemovalWouldTakeAlong) {
    const Address stranger = address(2, "10.0.0.5/24", 0, true);
    const Facts actual =
        facts_of({address(2, "10.0.0.7/24", our_mark), stranger, address(2, "10.0.0.8/24", our_mark, true),
                  address(2, "10.0.0.5/25"), address(2, "10.1.0.5/24"), address(3, "10.0.0.5/24", 0, true),
                  address(2, "2001:db8::7/64", our_mark), address(2, "2001:db8::8/64")});
    const std::vector first{want(2, "10.0.0.7/24", "any")};
    EXPECT_EQ(removal_hazards(actual, first), (Addresses{stranger, address(2, "10.0.0.8/24", our_mark, true)}));
    EXPECT_EQ(removal_hazards(actual, std::vector{first[0], want(2, "10.0.0.8/24")}), Addresses{stranger});
    EXPECT_TRUE(removal_hazards(actual, std::vector{want(2, "10.0.0.8/24")}).empty());
    EXPECT_TRUE(removal_hazards(actual, std::vector{want(2, "10.0.0.7/32")}).empty());
    EXPECT_TRUE(removal_hazards(actual, std::vector{want(3, "10.0.0.7/24")}).empty());
    EXPECT_TRUE(removal_hazards(actual, std::vector{want(2, "2001:db8::7/64")}).empty());
}

TEST(NetlinkPlan, AStrangerThatTheRemovalNamesToo) {
    const Address stranger = address(2, "10.0.0.5/24", 0, true);
    const Facts actual = facts_of({address(2, "10.0.0.7/24", our_mark), stranger});
    const std::vector both{want(2, "10.0.0.7/24"), want(2, "10.0.0.5/24")};
    EXPECT_EQ(removal_hazards(actual, both), Addresses{stranger}) << "we do not remove it, the kernel would";
}

TEST(NetlinkPlan, TheSubnetIsThatOfTheFarEnd) {
    Address first = address(2, "10.0.0.7/24", our_mark);
    first.peer = prefix("10.5.0.7").address;
    const Address near = address(2, "10.0.0.8/24", 0, true);
    const Address far = address(2, "10.5.0.8/24", 0, true);
    EXPECT_EQ(removal_hazards(facts_of({first, near, far}), std::vector{want(2, "10.0.0.7/24")}), Addresses{far});
}

// The kernel's rules for addresses of one link, as far as they matter here (promote_secondaries off).
class Kernel {
  public:
    void add(const Prefix& prefix, std::uint8_t mark) {
        if (has(prefix)) return;
        Address one = address(2, prefix, mark);
        one.secondary = std::ranges::any_of(addresses, [&](const Address& other) { return same_subnet(one, other); });
        addresses.push_back(one);
    }
    void remove(const Prefix& gone) {
        const auto there = std::ranges::find(addresses, gone, &Address::prefix);
        if (there == addresses.end()) return;
        const Address removed = *there;
        addresses.erase(there);
        if (removed.secondary) return;
        std::erase_if(addresses, [&](const Address& other) { return other.secondary && same_subnet(removed, other); });
    }
    bool has(const Prefix& wanted) const {
        return std::ranges::find(addresses, wanted, &Address::prefix) != addresses.end();
    }
    Addresses addresses;

  private:
    static std::uint32_t network(const Prefix& one) {
        const auto bytes = one.address.bytes();
        const std::uint32_t number =
            std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
        return one.length == 0 ? 0 : number >> (32 - one.length);
    }
    static bool same_subnet(const Address& a, const Address& b) {
        return a.prefix.length == b.prefix.length && network(a.prefix) == network(b.prefix);
    }
};

// A few addresses of a few subnets, ours and others', and wishes from the same few.
class RandomKernel {
  public:
    explicit RandomKernel(unsigned seed) : random_(seed) {
        for (auto count = random_() % 10; count > 0; --count) {
            kernel.add(draw(), random_() % 2 == 0 ? our_mark : std::uint8_t{0});
        }
        for (auto count = random_() % 6; count > 0; --count) desired.push_back({2, draw(), {}});
        facts = facts_of(kernel.addresses);
    }
    Kernel kernel;
    Facts facts;
    std::vector<DesiredAddress> desired;

  private:
    Prefix draw() {
        const std::uint8_t length = random_() % 3 == 0 ? 32 : 24;
        const std::array<std::uint8_t, 4> bytes{10, 0, static_cast<std::uint8_t>(random_() % 2),
                                                static_cast<std::uint8_t>(1 + random_() % 6)};
        return {*IpAddress::from_bytes(bytes), length};
    }
    std::mt19937 random_;
};

constexpr unsigned seeds = 3000;

TEST(NetlinkPlan, LeftoversOfRandomKernelsAreAllOfOursAndNoStranger) {
    std::size_t seen = 0;
    for (unsigned seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        RandomKernel world(seed);
        const auto found = leftovers(world.facts);
        seen += found.size();
        EXPECT_TRUE(std::ranges::all_of(found, [](const Address& one) { return one.mark == our_mark; }));
        EXPECT_EQ(found.size(),
                  static_cast<std::size_t>(std::ranges::count(world.kernel.addresses, our_mark, &Address::mark)));
        for (const Address& one : found) {
            ASSERT_TRUE(world.kernel.has(one.prefix)) << "went along before its turn: the order is wrong";
            world.kernel.remove(one.prefix);
        }
    }
    EXPECT_GT(seen, seeds);
}

TEST(NetlinkPlan, HazardsOfRandomRemovalsAreWhatTheKernelDeletes) {
    std::size_t seen = 0;
    for (unsigned seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        RandomKernel world(seed);
        const auto foretold = removal_hazards(world.facts, world.desired);
        const Addresses before = world.kernel.addresses;
        for (const DesiredAddress& one : world.desired) {
            const auto there = std::ranges::find(before, one.prefix, &Address::prefix);
            if (there != before.end() && there->mark == our_mark) world.kernel.remove(one.prefix);
        }
        Addresses gone;
        std::ranges::copy_if(before, std::back_inserter(gone), [&](const Address& one) {
            const bool removed = one.mark == our_mark && std::ranges::any_of(world.desired, [&](const auto& want) {
                                     return want.prefix == one.prefix;
                                 });
            return !removed && !world.kernel.has(one.prefix);
        });
        EXPECT_EQ(foretold, gone);
        seen += gone.size();
    }
    EXPECT_GT(seen, seeds / 100);
}

TEST(NetlinkPlan, WhatIsAddedToRandomKernelsOnceConflictsAreLeftOutIsOursAlone) {
    std::size_t seen = 0;
    for (unsigned seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        RandomKernel world(seed);
        const auto found = conflicts(world.facts, world.desired);
        seen += found.size();
        for (const Conflict& one : found) {
            EXPECT_EQ(one.holder.mark, 0);
            EXPECT_EQ(one.holder.prefix.address, one.wanted.prefix.address);
            EXPECT_TRUE(world.kernel.has(one.holder.prefix));
            std::erase(world.desired, one.wanted);
        }
        for (const DesiredAddress& one : world.desired) world.kernel.add(one.prefix, our_mark);
        for (const DesiredAddress& one : world.desired) {
            for (const Address& there : world.kernel.addresses) {
                EXPECT_TRUE(there.prefix.address != one.prefix.address || there.mark == our_mark);
            }
        }
    }
    EXPECT_GT(seen, seeds / 10);
}

TEST(NetlinkPlan, MarksAreKeptFrom518On) {
    for (const char* kernel : {"5.18.0", "6.1.0-18-amd64", "6.18.5", "10.0", "5.100-rc1", "strange", ""}) {
        EXPECT_TRUE(keeps_marks(kernel)) << kernel;
    }
    for (const char* kernel : {"5.17.9", "5.10.0-28-amd64", "4.19.0"}) EXPECT_FALSE(keeps_marks(kernel)) << kernel;
}

}  // namespace
}  // namespace vrrpd::netlink::netlink_plan_test
