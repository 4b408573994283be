// Faults are computed from facts, and facts do not depend on how they were learned: links and addresses come, change
// and go in random order, notices are doubled, or lost until everything is read anew; what the daemon then knows is
// what a fresh look at the same kernel gives. A failure prints its seed.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "netlink/plan.hpp"
#include "vrrpd/agent/paths.hpp"

namespace vrrpd::facts_property_test {
namespace {

using netlink::Address;
using netlink::Facts;
using netlink::Link;

// What the kernel has, in its order.
struct Kernel {
    std::vector<Link> links;
    std::vector<Address> addresses;

    Facts look() const {
        Facts facts;
        for (const Link& link : links) facts.set_link(link);
        for (const Address& address : addresses) facts.set_address(address);
        return facts;
    }
};

std::vector<InstanceOptions> every_kind_of_instance() {
    std::vector<InstanceOptions> all;
    const auto add = [&](const char* interface, const char* vip) -> InstanceOptions& {
        InstanceOptions options;
        options.interface = interface;
        options.addresses = {{*Prefix::parse(vip), "", ""}};
        options.family = options.addresses[0].prefix.address.family();
        return all.emplace_back(options);
    };
    add("eth0", "10.0.0.100/24");
    add("eth1", "10.0.0.101/24").addresses[0].device = "eth0";
    add("eth0", "fe80::100/64");
    add("eth0", "10.0.0.1/24").priority = owner_priority;
    add("eth2", "10.0.0.102/24").source = *IpAddress::parse("10.0.0.2");
    add("eth1", "10.0.0.103/24").track_primary = false;
    InstanceOptions& unicast = add("", "10.0.0.104/24");
    unicast.source = *IpAddress::parse("10.0.0.3");
    unicast.unicast_peers = {{*IpAddress::parse("10.9.9.9")}};
    return all;
}

class World {
  public:
    explicit World(std::uint64_t seed) : random_(seed) {}

    void step() {
        switch (pick(8)) {
            case 0:
                return change_link();
            case 1:
                return remove_link();
            case 2:
            case 3:
            case 4:
                return change_address();
            case 5:
                return remove_address();
            case 6:
                deaf_ = deaf_ || pick(4) == 0;  // notices are lost from now on
                return;
            default:
                return read_anew();
        }
    }

    void read_anew() {
        facts_.begin_resync();
        for (const Link& link : kernel_.links) facts_.set_link(link);
        for (const Address& address : kernel_.addresses) facts_.set_address(address);
        facts_.end_resync();
        deaf_ = false;
    }

    bool deaf() const { return deaf_; }
    const Facts& facts() const { return facts_; }
    const Kernel& kernel() const { return kernel_; }

  private:
    std::size_t pick(std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_); }

    template <typename Tell>
    void notice(Tell tell) {
        if (deaf_) return;
        tell();
        if (pick(8) == 0) tell();
    }

    // Index and name are drawn apart: links are renamed, and made anew under an old name.
    void change_link() {
        Link link;
        link.index = static_cast<int>(2 + pick(3));
        link.name = "eth" + std::to_string(pick(3));
        link.up = pick(4) != 0;
        link.running = link.up && pick(4) != 0;
        const auto same_name = [&](const Link& other) { return other.name == link.name && other.index != link.index; };
        if (std::ranges::any_of(kernel_.links, same_name)) return;  // no kernel allows it
        std::erase_if(kernel_.links, [&](const Link& other) { return other.index == link.index; });
        kernel_.links.push_back(link);
        notice([&] { facts_.set_link(link); });
    }

    void remove_link() {
        if (kernel_.links.empty()) return;
        const int index = kernel_.links[pick(kernel_.links.size())].index;
        std::erase_if(kernel_.links, [&](const Link& link) { return link.index == index; });
        std::erase_if(kernel_.addresses, [&](const Address& address) { return address.link == index; });
        notice([&] { facts_.remove_link(index); });
    }

    void change_address() {
        if (kernel_.links.empty()) return;
        static constexpr const char* texts[] = {"10.0.0.1/24",   "10.0.0.2/24", "10.0.0.3/24", "10.0.0.100/24",
                                                "10.0.0.100/32", "fe80::1/64",  "fe80::2/64",  "2001:db8::1/64"};
        Address address;
        address.link = kernel_.links[pick(kernel_.links.size())].index;
        address.prefix = *Prefix::parse(texts[pick(std::size(texts))]);
        address.peer = address.prefix.address;
        address.mark = pick(3) == 0 ? netlink::our_mark : std::uint8_t{0};
        address.secondary = address.prefix.address.family() == Family::ipv4 && pick(3) == 0;
        address.tentative = address.prefix.address.family() == Family::ipv6 && pick(3) == 0;
        const auto same = std::ranges::find_if(kernel_.addresses, [&](const Address& other) {
            return other.link == address.link && other.prefix == address.prefix;
        });
        if (same == kernel_.addresses.end()) {
            kernel_.addresses.push_back(address);
        } else {
            *same = address;
        }
        notice([&] { facts_.set_address(address); });
    }

    void remove_address() {
        if (kernel_.addresses.empty()) return;
        const std::size_t which = pick(kernel_.addresses.size());
        const Address gone = kernel_.addresses[which];
        kernel_.addresses.erase(kernel_.addresses.begin() + static_cast<std::ptrdiff_t>(which));
        notice([&] { facts_.remove_address(gone); });
    }

    std::mt19937_64 random_;
    Kernel kernel_;
    Facts facts_;
    bool deaf_ = false;
};

std::vector<netlink::DesiredAddress> wanted() {
    std::vector<netlink::DesiredAddress> all;
    for (int link = 2; link < 5; ++link) all.push_back({link, *Prefix::parse("10.0.0.100/24"), {}});
    return all;
}

void expect_same(const PathChanged& known, const PathChanged& fresh) {
    EXPECT_EQ(known.interface_index, fresh.interface_index);
    EXPECT_EQ(known.up, fresh.up);
    EXPECT_EQ(known.source, fresh.source);
    EXPECT_EQ(known.reason, fresh.reason);
}

// `paths` has lived through it all, with what it keeps from one look to the next.
void expect_as_seen_anew(const World& world, const Paths& paths, const std::vector<InstanceOptions>& instances) {
    const Facts fresh = world.kernel().look();
    const Paths anew(instances, fresh);
    for (InstanceId id = 0; id < instances.size(); ++id) expect_same(paths.find(id), anew.find(id));
    for (int link = 2; link < 5; ++link) EXPECT_EQ(paths.own_addresses(link), anew.own_addresses(link));
    EXPECT_EQ(netlink::conflicts(world.facts(), wanted()), netlink::conflicts(fresh, wanted()));
    EXPECT_EQ(netlink::leftovers(world.facts()).size(), netlink::leftovers(fresh).size());
}

TEST(FactsProperty, WhatIsKnownIsWhatAFreshLookTells) {
    const auto instances = every_kind_of_instance();
    for (std::uint64_t seed = 1; seed <= 300 && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        World world(seed);
        const Paths paths(instances, world.facts());
        int looks = 0;
        for (int i = 0; i < 200 && !testing::Test::HasFailure(); ++i) {
            world.step();
            if (world.deaf()) continue;
            expect_as_seen_anew(world, paths, instances);
            ++looks;
        }
        EXPECT_GT(looks, 20);
    }
}

}  // namespace
}  // namespace vrrpd::facts_property_test
