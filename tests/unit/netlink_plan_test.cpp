#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "netlink/plan.hpp"

namespace vrrpd::netlink {
namespace {

Prefix prefix(const char* text) {
    return Prefix::parse(text).value();
}

Address address(int link, const char* text, std::uint8_t mark = 0, bool secondary = false) {
    Address result;
    result.link = link;
    result.prefix = prefix(text);
    result.peer = result.prefix.address;
    result.mark = mark;
    result.secondary = secondary;
    return result;
}

Facts facts_of(const std::vector<Address>& addresses) {
    Facts facts;
    for (const Address& one : addresses) facts.set_address(one);
    return facts;
}

Operation add(int link, const char* text, const char* label = "") {
    return {Operation::Kind::add, link, prefix(text), label};
}
Operation remove(int link, const char* text) {
    return {Operation::Kind::remove, link, prefix(text), {}};
}

DesiredAddress want(int link, const char* text, const char* label = "") {
    return {link, prefix(text), label};
}

using Operations = std::vector<Operation>;

TEST(NetlinkPlan, AddsWhatIsMissingInTheGivenOrder) {
    const std::vector desired{want(2, "10.0.0.9/24", "eth0:v"), want(2, "10.0.0.1/32"),
                              want(2, "10.0.0.9/24")};
    const Plan plan = make_plan(facts_of({address(2, "10.0.0.5/24")}), desired);
    EXPECT_EQ(plan.operations, (Operations{add(2, "10.0.0.9/24", "eth0:v"), add(2, "10.0.0.1/32")}));
    EXPECT_TRUE(plan.foreign.empty());
}

TEST(NetlinkPlan, RemovesOnlyWhatCarriesOurMark) {
    const Facts actual = facts_of({address(2, "10.0.0.5/24"), address(2, "10.0.0.9/24", our_mark, true),
                                   address(3, "10.0.0.9/24"), address(3, "10.0.0.8/32", 3)});
    EXPECT_EQ(make_plan(actual, {}).operations, Operations{remove(2, "10.0.0.9/24")});
    EXPECT_EQ(leftovers(actual, {}).size(), 1u);
    EXPECT_TRUE(leftovers(actual, std::vector{want(2, "10.0.0.9/24")}).empty());
}

TEST(NetlinkPlan, WhatTheCallerNamesIsOursWithoutAMark) {
    const Facts actual = facts_of({address(2, "10.0.0.9/24"), address(2, "10.0.0.8/24")});
    const std::set<OwnedAddress> ours{{2, prefix("10.0.0.9/24")}};
    EXPECT_EQ(make_plan(actual, {}, ours).operations, Operations{remove(2, "10.0.0.9/24")});
    const Plan plan = make_plan(actual, std::vector{want(2, "10.0.0.9/24")}, ours);
    EXPECT_TRUE(plan.operations.empty());
    EXPECT_TRUE(plan.foreign.empty());
}

TEST(NetlinkPlan, AVipOfSomebodyElseIsReportedAndNeverTouched) {
    const Facts actual = facts_of({address(2, "10.0.0.9/24"), address(2, "2001:db8::9/64")});
    const std::vector desired{want(2, "10.0.0.9/24"), want(2, "10.0.0.9/32"), want(2, "2001:db8::9/128"),
                              want(3, "10.0.0.9/32")};
    const Plan plan = make_plan(actual, desired);
    EXPECT_EQ(plan.foreign, (std::vector{desired[0], desired[1], desired[2]}));
    EXPECT_EQ(plan.operations, Operations{add(3, "10.0.0.9/32")});
}

TEST(NetlinkPlan, AnotherPrefixLengthIsRemovedBeforeTheNewOneIsAdded) {
    const Plan plan = make_plan(facts_of({address(2, "2001:db8::9/64", our_mark)}),
                                std::vector{want(2, "2001:db8::9/128")});
    EXPECT_EQ(plan.operations, (Operations{remove(2, "2001:db8::9/64"), add(2, "2001:db8::9/128")}));
}

TEST(NetlinkPlan, SecondaryAddressesGoBeforeTheFirstOfTheirSubnet) {
    const Facts actual =
        facts_of({address(2, "10.0.0.7/24", our_mark), address(2, "10.0.0.8/24", our_mark, true)});
    EXPECT_EQ(make_plan(actual, {}).operations,
              (Operations{remove(2, "10.0.0.8/24"), remove(2, "10.0.0.7/24")}));
}

TEST(NetlinkPlan, OursThatWouldGoAlongAreAddedAgain) {
    const Facts actual =
        facts_of({address(2, "10.0.0.7/24", our_mark), address(2, "10.0.0.8/24", our_mark, true),
                  address(2, "10.0.0.8/32", our_mark), address(2, "10.0.1.8/24", our_mark)});
    const std::vector desired{want(2, "10.0.0.8/24"), want(2, "10.0.0.8/32"), want(2, "10.0.1.8/24")};
    EXPECT_EQ(make_plan(actual, desired).operations,
              (Operations{remove(2, "10.0.0.7/24"), add(2, "10.0.0.8/24")}));
}

TEST(NetlinkPlan, NamesTheStrangersThatARemovalWouldTakeAlong) {
    const Address stranger = address(2, "10.0.0.5/24", 0, true);
    const Facts actual =
        facts_of({address(2, "10.0.0.7/24", our_mark), stranger, address(2, "10.0.0.8/24", our_mark, true),
                  address(2, "10.0.0.5/25"), address(2, "10.1.0.5/24"), address(3, "10.0.0.5/24", 0, true),
                  address(2, "2001:db8::7/64", our_mark), address(2, "2001:db8::8/64")});
    EXPECT_EQ(removal_hazards(actual, make_plan(actual, {}).operations), std::vector{stranger});
    EXPECT_TRUE(removal_hazards(actual, Operations{remove(2, "10.0.0.8/24")}).empty());
    EXPECT_TRUE(removal_hazards(actual, Operations{add(2, "10.0.0.7/24")}).empty());
}

// The kernel's rules for addresses of one link, as far as they matter here (promote_secondaries off).
class Kernel {
  public:
    static std::uint32_t network(const Prefix& one) {
        const auto bytes = one.address.bytes();
        const std::uint32_t number = std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
                                     std::uint32_t{bytes[2]} << 8 | bytes[3];
        return one.length == 0 ? 0 : number >> (32 - one.length);
    }
    static bool same_subnet(const Address& a, const Address& b) {
        return a.prefix.length == b.prefix.length && network(a.prefix) == network(b.prefix);
    }
    void add(Address one) {
        const auto there = std::ranges::find(addresses, one.prefix, &Address::prefix);
        if (there != addresses.end()) {
            there->mark = one.mark;
            return;
        }
        one.secondary =
            std::ranges::any_of(addresses, [&](const Address& other) { return same_subnet(one, other); });
        addresses.push_back(one);
    }
    void remove(const Prefix& gone) {
        const auto there = std::ranges::find(addresses, gone, &Address::prefix);
        if (there == addresses.end()) return;
        const Address removed = *there;
        addresses.erase(there);
        if (removed.secondary) return;
        std::erase_if(addresses,
                      [&](const Address& other) { return other.secondary && same_subnet(removed, other); });
    }
    void apply(const Operations& operations) {
        for (const Operation& operation : operations) {
            if (operation.kind == Operation::Kind::remove) {
                remove(operation.prefix);
            } else {
                Address added;
                added.link = 2;
                added.prefix = operation.prefix;
                added.peer = operation.prefix.address;
                added.mark = our_mark;
                add(added);
            }
        }
    }
    bool has(const Prefix& wanted, std::uint8_t mark) const {
        return std::ranges::any_of(
            addresses, [&](const Address& one) { return one.prefix == wanted && one.mark == mark; });
    }
    std::vector<Address> addresses;
};

TEST(NetlinkPlan, RandomPlansReachTheDesiredSetAndLeaveStrangersAlone) {
    std::size_t hazards_seen = 0;
    std::size_t foreign_seen = 0;
    for (unsigned seed = 1; seed <= 3000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        const auto draw = [&] {
            const std::uint8_t length = random() % 3 == 0 ? 32 : 24;
            const std::array<std::uint8_t, 4> bytes{10, 0, static_cast<std::uint8_t>(random() % 2),
                                                    static_cast<std::uint8_t>(1 + random() % 6)};
            return Prefix{*IpAddress::from_bytes(bytes), length};
        };
        Kernel kernel;
        for (auto count = random() % 8; count > 0; --count) {
            Address one;
            one.link = 2;
            one.prefix = draw();
            one.peer = one.prefix.address;
            one.mark = random() % 2 == 0 ? our_mark : std::uint8_t{0};
            if (!kernel.has(one.prefix, our_mark) && !kernel.has(one.prefix, 0)) kernel.add(one);
        }
        std::vector<DesiredAddress> desired;
        for (auto count = random() % 6; count > 0; --count) desired.push_back({2, draw(), {}});

        const Facts before = facts_of(kernel.addresses);
        const Plan plan = make_plan(before, desired);
        const auto hazards = removal_hazards(before, plan.operations);
        hazards_seen += hazards.size();
        foreign_seen += plan.foreign.size();
        kernel.apply(plan.operations);

        for (const DesiredAddress& one : desired) {
            const bool foreign = std::ranges::find(plan.foreign, one) != plan.foreign.end();
            EXPECT_EQ(kernel.has(one.prefix, our_mark), !foreign) << one.prefix.to_string();
        }
        for (const Address& one : before.addresses(2)) {
            if (one.mark == our_mark) continue;
            const bool endangered = std::ranges::find(hazards, one) != hazards.end();
            EXPECT_EQ(kernel.has(one.prefix, 0), !endangered) << one.prefix.to_string();
        }
        EXPECT_TRUE(leftovers(facts_of(kernel.addresses), desired).empty());
        const bool settled = make_plan(facts_of(kernel.addresses), desired).operations.empty();
        EXPECT_TRUE(settled || !hazards.empty());
    }
    EXPECT_GT(hazards_seen, 0u);
    EXPECT_GT(foreign_seen, 0u);
}

}  // namespace
}  // namespace vrrpd::netlink
