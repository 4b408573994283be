// From facts to paths, and what an instance asks of links for its addresses and routes.
#include "vrrpd/agent/paths.hpp"

#include <cerrno>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/support/held_rtnl.hpp"
#include "tests/unit/netlink_kernel.hpp"
#include "vrrpd/agent/address_keeper.hpp"
#include "vrrpd/agent/leftovers.hpp"

namespace vrrpd::paths_test {
namespace {

using namespace std::chrono_literals;
using netlink::shell;

IpAddress ip(const char* text) {
    return IpAddress::parse(text).value();
}

std::vector<IpAddress> ips(std::initializer_list<const char*> texts) {
    std::vector<IpAddress> result;
    for (const char* text : texts) result.push_back(ip(text));
    return result;
}

InstanceOptions instance(const char* interface, const char* virtual_address) {
    InstanceOptions options;
    options.interface = interface;
    options.addresses = {{*Prefix::parse(virtual_address), "", ""}};
    options.family = options.addresses[0].prefix.address.family();
    return options;
}

struct FindPath : testing::Test {
    netlink::Facts facts;
    std::vector<InstanceOptions> instances{instance("eth0", "10.0.0.100/24")};
    InstanceOptions& options = instances[0];

    FindPath() { set_link(7, "eth0", true, true); }

    void set_link(int index, const char* name, bool up, bool running) {
        netlink::Link link;
        link.index = index;
        link.name = name;
        link.up = up;
        link.running = running;
        facts.set_link(link);
    }
    static netlink::Address address(const char* text, int link = 7) {
        netlink::Address result;
        result.link = link;
        result.prefix = *Prefix::parse(text);
        result.peer = result.prefix.address;
        return result;
    }
    void add(const char* text, int link = 7) { facts.set_address(address(text, link)); }
    void add_ours(const char* text) {
        netlink::Address ours = address(text);
        ours.mark = netlink::our_mark;
        facts.set_address(ours);
    }
    PathChanged path(InstanceId id = 0) const { return Paths(instances, facts).find(id); }

    void expect_no_source(const char* reason) const {
        EXPECT_FALSE(path().source);
        EXPECT_EQ(path().reason.view(), reason);
    }
};

TEST_F(FindPath, TheSourceIsTheInterfacesOwnAddress) {
    expect_no_source("interface eth0 has no IPv4 address of its own");
    add("10.0.0.1/24");
    EXPECT_EQ(path().instance, 0u);
    EXPECT_EQ(path().interface_index, 7);
    EXPECT_TRUE(path().up);
    EXPECT_EQ(path().source, ip("10.0.0.1"));
    EXPECT_TRUE(path().reason.empty());
}

TEST_F(FindPath, TheVirtualAddressOfNoInstanceIsASourceButForAnOwners) {
    instances.push_back(instance("eth0", "10.0.0.200/24"));
    instances.push_back(instance("eth0", "10.0.0.50/24"));
    instances[1].excluded_addresses = {{*Prefix::parse("10.0.0.10/24"), "", ""}};
    for (const char* text : {"10.0.0.200/24", "10.0.0.10/24", "10.0.0.100/24", "10.0.0.50/24"}) add(text);
    instances[1].priority = owner_priority;
    const Paths paths(instances, facts);
    EXPECT_EQ(paths.virtual_addresses(), ips({"10.0.0.10", "10.0.0.50", "10.0.0.100", "10.0.0.200"}));
    EXPECT_EQ(paths.find(0).source, ip("10.0.0.200")) << "an owner's address does not move: load sharing (M05)";
    EXPECT_EQ(paths.find(1).source, ip("10.0.0.200"));
    EXPECT_EQ(paths.find(2).source, ip("10.0.0.200"));
}

TEST_F(FindPath, WhatInstancesShareIsFoundAnewWhenTheFactsChange) {
    instances.push_back(instance("eth0", "10.0.0.101/24"));
    instances.push_back(instance("eth1", "10.1.0.100/24"));
    instances.push_back(instance("eth0", "2001:db8::100/64"));
    set_link(8, "eth1", true, true);
    const Paths paths(instances, facts);
    EXPECT_FALSE(paths.find(0).source);
    add("10.0.0.1/24");
    add("10.1.0.1/24", 8);
    add("fe80::1/64");
    for (int again = 0; again < 2; ++again) {
        EXPECT_EQ(paths.find(0).source, ip("10.0.0.1"));
        EXPECT_EQ(paths.find(1).source, ip("10.0.0.1"));
        EXPECT_EQ(paths.find(2).source, ip("10.1.0.1"));
        EXPECT_EQ(paths.find(3).source, ip("fe80::1"));
    }
    facts.remove_address(address("10.0.0.1/24"));
    add("10.0.0.2/24");
    EXPECT_EQ(paths.find(1).source, ip("10.0.0.2"));
    facts.remove_link(7);
    EXPECT_EQ(paths.find(1).interface_index, 0);
}

// E05
TEST_F(FindPath, EachFaultOfTheLinkIsNamed) {
    add("10.0.0.1/24");
    set_link(7, "eth0", false, false);
    EXPECT_FALSE(path().up);
    EXPECT_EQ(path().reason.view(), "interface eth0 is down");
    set_link(7, "eth0", true, false);
    EXPECT_FALSE(path().up);
    EXPECT_EQ(path().reason.view(), "interface eth0 has no carrier");
    facts.remove_link(7);
    EXPECT_FALSE(path().up);
    EXPECT_EQ(path().reason.view(), "interface eth0 does not exist");
}

TEST_F(FindPath, ALinkThatIsNotTrackedMayBeDownButMustExistWithItsAddress) {
    options.track_primary = false;
    add("10.0.0.1/24");
    for (const bool up : {false, true}) {
        set_link(7, "eth0", up, false);
        EXPECT_TRUE(path().up);
        EXPECT_EQ(path().source, ip("10.0.0.1"));
        EXPECT_TRUE(path().reason.empty());
    }
    facts.remove_address(address("10.0.0.1/24"));
    expect_no_source("interface eth0 has no IPv4 address of its own");
    facts.remove_link(7);
    EXPECT_FALSE(path().up);
    EXPECT_EQ(path().reason.view(), "interface eth0 does not exist");
}

TEST_F(FindPath, AConfiguredSourceMustBeOnTheInterface_V07) {
    set_link(8, "eth1", true, true);
    add("10.0.0.1/24");
    add("10.0.0.5/24", 8);
    options.source = ip("10.0.0.5");
    expect_no_source("interface eth0 does not have 10.0.0.5 (mcast_src_ip)");
    options.unicast_peers = {{ip("10.0.0.6")}};
    expect_no_source("interface eth0 does not have 10.0.0.5 (unicast_src_ip)");
    netlink::Address secondary = address("10.0.0.5/32");
    secondary.secondary = true;
    facts.set_address(secondary);
    EXPECT_EQ(path().source, ip("10.0.0.5"));
    EXPECT_TRUE(path().reason.empty());
    facts.remove_address(secondary);
    add_ours("10.0.0.5/32");
    expect_no_source("interface eth0 does not have 10.0.0.5 (unicast_src_ip)");
}

TEST_F(FindPath, AConfiguredIpv6SourceMustBeUsable) {
    options = instance("eth0", "fe80::100/64");
    options.source = ip("fe80::5");
    netlink::Address tentative = address("fe80::5/64");
    tentative.tentative = true;
    add("fe80::1/64");
    facts.set_address(tentative);
    expect_no_source("interface eth0 does not have fe80::5 (mcast_src_ip)");
    add("fe80::5/64");
    EXPECT_EQ(path().source, ip("fe80::5"));
}

TEST_F(FindPath, WithoutAnInterfaceItIsTheOneThatHasTheSource) {
    options.interface.clear();
    options.source = ip("10.0.0.5");
    options.unicast_peers = {{ip("10.0.0.6")}};
    expect_no_source("no interface has 10.0.0.5 (unicast_src_ip)");
    EXPECT_EQ(path().interface_index, 0);
    EXPECT_FALSE(path().up);
    add_ours("10.0.0.5/24");
    expect_no_source("no interface has 10.0.0.5 (unicast_src_ip)");
    set_link(8, "eth1", true, true);
    add("10.0.0.5/24", 8);
    EXPECT_EQ(path().interface_index, 8);
    EXPECT_TRUE(path().up);
    EXPECT_EQ(path().source, ip("10.0.0.5"));
    EXPECT_EQ(home_link(options, facts), facts.link(8));
    EXPECT_EQ(link_of(options.addresses[0], options, facts), facts.link(8));
    set_link(8, "eth1", true, false);
    EXPECT_EQ(path().reason.view(), "interface eth1 has no carrier");
}

TEST_F(FindPath, Ipv6ComesFromALinkLocalAddressUnlessItGoesToAFarPeer) {
    options = instance("eth0", "2001:db8::100/64");
    add("2001:db8::100/64");  // somebody's, but a virtual one
    add("2001:db8::1/64");
    expect_no_source("interface eth0 has no usable IPv6 link-local address of its own");
    add("fe80::1/64");
    EXPECT_EQ(path().source, ip("fe80::1"));
    options.unicast_peers = {{ip("fe80::2")}, {ip("2001:db8::2")}};
    EXPECT_EQ(path().source, ip("fe80::1"));
    options.unicast_peers = {{ip("2001:db8::2")}, {ip("fe80::2")}};
    EXPECT_EQ(path().source, ip("2001:db8::1"));
    facts.remove_address(address("2001:db8::1/64"));
    expect_no_source("interface eth0 has no usable IPv6 global address of its own");
}

TEST_F(FindPath, AnAddressMayLiveOnALinkOfItsOwn) {
    set_link(9, "eth1", false, false);
    EXPECT_EQ(link_of({*Prefix::parse("10.1.1.1"), "eth1", ""}, options, facts), facts.link(9));
    EXPECT_EQ(link_of({*Prefix::parse("10.1.1.1"), "", ""}, options, facts), facts.link(7));
    EXPECT_EQ(link_of({*Prefix::parse("10.1.1.1"), "eth2", ""}, options, facts), nullptr);
}

TEST_F(FindPath, OwnAddressesOfALinkTellWhoSends) {
    netlink::Address far = address("10.8.0.1/30");
    far.peer = ip("10.9.0.6");  // whose subnet it is
    facts.set_address(far);
    for (const char* text : {"10.0.0.9/24", "10.0.0.1/24", "10.0.0.1/16", "10.4.0.1/31", "10.5.0.1/32", "fe80::1/64"}) {
        add(text);
    }
    add("10.0.0.100/24");  // the virtual address, on a kernel without marks
    add("10.7.0.1/24", 8);
    const Paths paths(instances, facts);
    const auto before = paths.own_addresses(7);
    EXPECT_EQ(before.own, ips({"10.0.0.1", "10.0.0.9", "10.4.0.1", "10.5.0.1", "10.8.0.1", "fe80::1"}));
    EXPECT_EQ(before.broadcasts, ips({"10.0.0.255", "10.0.255.255", "10.9.0.7"}));
    add_ours("10.6.0.100/24");
    EXPECT_EQ(paths.own_addresses(7), before);
    EXPECT_EQ(paths.own_addresses(9), LinkAddresses{});
}

// ---- address keeper

class Keeper : public netlink::NetlinkKernel {
  protected:
    void SetUp() override {
        NetlinkKernel::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        monitor_.emplace(loop_, [] {});
        monitor_->start();
        requests_.emplace(loop_);
        record_.emplace("/proc/none/state", instances_);  // in memory
        keeper_.emplace(
            loop_, *requests_, monitor_->facts(), *record_, instances_,
            [this](const AddressesSettled& one) { settled_.push_back(one); }, [](InstanceId, int, const IpAddress&) {});
    }

    VirtualRoute& add_route(const char* destination) {
        options_.routes.push_back({*Prefix::parse(destination), {}, "", {}, 254, {}});
        return options_.routes.back();
    }
    static bool kernel_has(const std::string& line) {
        return std::system(("ip -d route show table all proto 112 | grep -q '" + line + "'").c_str()) == 0;
    }
    Step wish(bool wanted) {
        return {[this, wanted] {
                    awaited_ = settled_.size() + 1;
                    keeper_->set({0, wanted});
                    requests_->flush();
                },
                [this] { return settled_.size() == awaited_; }};
    }
    static Step look(std::function<void()> around) {
        return {std::move(around), [] { return true; }};
    }

    std::vector<InstanceOptions> instances_{instance("a0", "10.9.0.100/24")};
    InstanceOptions& options_ = instances_[0];
    std::optional<netlink::Monitor> monitor_;
    std::optional<netlink::Requests> requests_;
    std::optional<Record> record_;
    std::optional<AddressKeeper> keeper_;
    std::vector<AddressesSettled> settled_;
    std::size_t awaited_ = 0;  // how many settled wishes a step waits for
};

TEST_F(Keeper, RoutesMoveWithTheAddresses) {
    VirtualRoute& route = add_route("10.1.0.0/16");
    route.gateway = ip("10.9.0.1");  // known only by the address
    route.source = ip("10.9.0.100");
    route.table = 1000;
    route.metric = 50;
    add_route("10.2.0.0/16").device = "b0";
    run({wish(true), look([] {
             EXPECT_TRUE(kernel_has("10.1.0.0/16 via 10.9.0.1 dev a0 table 1000 .*src 10.9.0.100 metric 50"));
             EXPECT_TRUE(kernel_has("10.2.0.0/16 dev b0 .*scope link"));
         }),
         wish(false)});
    for (const AddressesSettled& one : settled_) EXPECT_FALSE(one.refused) << one.reason.c_str();
    EXPECT_FALSE(kernel_has("."));
    EXPECT_NE(std::system("ip addr show dev a0 | grep -q 10.9.0.100"), 0);
}

TEST_F(Keeper, ARefusedRouteIsARefusedWish) {
    add_route("10.1.0.0/16").gateway = ip("172.16.0.1");
    add_route("10.2.0.0/16").gateway = ip("172.16.0.2");
    run({wish(true), wish(false)});
    EXPECT_TRUE(settled_[0].refused);
    EXPECT_TRUE(settled_[0].reason.view().starts_with("route 10.1.0.0/16: ")) << settled_[0].reason.c_str();
    EXPECT_TRUE(settled_[0].reason.view().ends_with("(Network is unreachable)")) << settled_[0].reason.c_str();
    EXPECT_FALSE(settled_[1].refused) << settled_[1].reason.c_str();
}

TEST_F(Keeper, WithoutAnInterfaceTheGatewayTellsWhereARouteGoes) {
    options_.interface.clear();
    options_.source = ip("10.0.0.1");
    options_.unicast_peers = {{ip("10.0.0.2")}};
    shell("ip addr add 10.5.0.1/24 dev b0");
    add_route("10.1.0.0/16").gateway = ip("10.5.0.2");
    EXPECT_FALSE(keeper_->obstacle(0));
    run({wish(true)});
    EXPECT_FALSE(settled_[0].refused) << settled_[0].reason.c_str();
    EXPECT_TRUE(kernel_has("10.1.0.0/16 via 10.5.0.2 dev b0"));
    EXPECT_EQ(std::system("ip addr show dev a0 | grep -q 10.9.0.100"), 0) << "it goes where the source is";
}

// A link that changed its name, or a reload: what was put once is not forgotten.
TEST_F(Keeper, WhatHasNoPlaceAnyMoreGoes) {
    run({wish(true), look([this] {
             options_.addresses = {{*Prefix::parse("10.9.0.101/24"), "", ""}};
         }),
         wish(true), look([] {
             EXPECT_NE(std::system("ip addr show dev a0 | grep -q 10.9.0.100"), 0);
             EXPECT_EQ(std::system("ip addr show dev a0 | grep -q 10.9.0.101"), 0);
         })});
}

TEST_F(Keeper, LinksThatAreNotThereAreObstacles) {
    EXPECT_FALSE(keeper_->obstacle(0));
    add_route("10.1.0.0/16").device = "eth8";
    ASSERT_TRUE(keeper_->obstacle(0));
    EXPECT_EQ(keeper_->obstacle(0)->view(), "route 10.1.0.0/16: interface eth8 does not exist");
    options_.excluded_addresses = {{*Prefix::parse("10.3.0.1/24"), "eth9", ""}};
    EXPECT_EQ(keeper_->obstacle(0)->view(), "10.3.0.1/24: interface eth9 does not exist");
}

// E04: a removal that failed once, and then did not, is over.
TEST_F(Keeper, WhatAPersonPutsInThePlaceOfWhatWasStuckIsTheirs_E04) {
    std::optional<test::HeldRtnl> held;
    run({wish(true),
         look([&] {
             requests_.emplace(loop_, 100ms);
             held.emplace("a0");
         }),
         wish(false),
         look([&] { held.reset(); }),
         {[] {},
          [this] {
              const auto counters = requests_->counters();
              return counters.in_flight == 0 && counters.sent > counters.failed && !known(*monitor_, "10.9.0.100/24");
          }},
         {[] { shell("ip addr add 10.9.0.100/24 dev a0"); },
          [this] { return known(*monitor_, "10.9.0.100/24").has_value(); }}});
    EXPECT_TRUE(settled_[1].refused);
    EXPECT_TRUE(keeper_->obstacle(0));
    EXPECT_TRUE(keeper_->placeable(0).empty());
}

// ---- close_connections

class KeeperThatCloses : public Keeper {
  protected:
    void SetUp() override {
        instances_[0].close_connections = true;
        Keeper::SetUp();
    }
    Step connect() {
        return {[this] {
                    listener_ = Descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
                    sockaddr_in name{};
                    name.sin_family = AF_INET;
                    inet_pton(AF_INET, "10.9.0.100", &name.sin_addr);
                    socklen_t size = sizeof name;
                    auto* const generic = reinterpret_cast<sockaddr*>(&name);
                    ASSERT_EQ(bind(listener_.get(), generic, size), 0);
                    ASSERT_EQ(listen(listener_.get(), 8), 0);
                    ASSERT_EQ(getsockname(listener_.get(), generic, &size), 0);
                    client_ = Descriptor(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
                    sockaddr_in own{};
                    own.sin_family = AF_INET;
                    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
                    ASSERT_EQ(bind(client_.get(), reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
                    ASSERT_EQ(::connect(client_.get(), generic, size), 0);
                },
                [] { return true; }};
    }
    /// 0 or an errno value; EAGAIN: nothing has happened.
    int seen_by_client() const {
        char byte;
        return recv(client_.get(), &byte, 1, MSG_DONTWAIT) < 0 ? errno : 0;
    }
    Step take(bool close_connections) {
        return {[this, close_connections] {
                    awaited_ = settled_.size() + 1;
                    keeper_->set({0, false, false, close_connections});
                    requests_->flush();
                    EXPECT_FALSE(keeper_->is_idle(0));
                },
                [this] { return settled_.size() == awaited_; }};
    }
    static bool is_on() { return std::system("ip addr show dev a0 | grep -q 10.9.0.100") == 0; }

    Descriptor listener_, client_;
    Instant due_{};
};

TEST_F(KeeperThatCloses, EndsConnectionsWhileTheAddressIsStillThere) {
    run({wish(true), connect(), take(true)});
    EXPECT_EQ(seen_by_client(), ECONNRESET);
    EXPECT_FALSE(is_on());
    ASSERT_EQ(settled_.size(), 2u);
    EXPECT_FALSE(settled_[1].present || settled_[1].refused);
}

TEST_F(KeeperThatCloses, LeavesThemAloneUnlessItIsTold) {
    run({wish(true), connect(), take(false)});
    EXPECT_EQ(seen_by_client(), EAGAIN);
    EXPECT_FALSE(is_on());
}

TEST_F(KeeperThatCloses, WhatIsWantedAgainMeanwhileStays) {
    run({wish(true),
         {[this] {
              keeper_->set({0, false, false, true});
              keeper_->set({0, true});
              awaited_ = settled_.size() + 1;
              requests_->flush();
          },
          [this] { return settled_.size() == awaited_; }},
         {[this] { due_ = loop_.now() + 2 * netlink::ConnectionCloser::patience; },
          [this] { return loop_.now() >= due_; }}});
    EXPECT_TRUE(is_on());
    EXPECT_TRUE(settled_.back().present);
}

TEST_F(KeeperThatCloses, ALostLinkMeanwhileWaitsForNothing) {
    run({wish(true),
         connect(),
         {[this] {
              keeper_->set({0, false, false, true});
              keeper_->set({0, false});
              awaited_ = settled_.size() + 1;
              requests_->flush();
          },
          [this] { return settled_.size() == awaited_; }}});
    EXPECT_FALSE(is_on());
    EXPECT_EQ(settled_.size(), 2u) << "one wish, one answer";
}

TEST_F(KeeperThatCloses, AReloadThatCannotBeRecordedAsksTheKernelForNothing) {
    run({wish(true)});
    keeper_->set({0, false, false, true});
    requests_->flush();
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    const rlimit none{0, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    EXPECT_THROW(keeper_->reconfigure({}), std::system_error);
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_EQ(requests_->counters().queued, 0u);
    keeper_->reconfigure({});
    EXPECT_EQ(requests_->counters().queued, 1u) << "nobody inherits it";
}

// F14
TEST_F(Keeper, APredecessorsRoutesAndAddressesGo) {
    shell("ip addr add 10.9.0.8/24 dev a0");
    shell("ip route add 10.1.0.0/16 dev a0 proto 112 table 1000 && ip route add 10.2.0.0/16 dev a0 proto static");
    shell("ip -6 route add 2001:db8:1::/48 dev a0 proto 112");
    std::optional<Answer> added;
    run({{[&] {
              requests_->add_address(a0_, *Prefix::parse("10.9.0.7/24"), "", into(added));
              requests_->flush();
          },
          [&] { return added && known(*monitor_, "10.9.0.7/24") && known(*monitor_, "10.9.0.8/24"); }},
         {[&] {
              remove_leftovers(*requests_, monitor_->facts(), find_marked_routes(), {}, {});
              requests_->flush();
          },
          [&] { return !known(*monitor_, "10.9.0.7/24"); }}});
    EXPECT_FALSE(kernel_has("."));
    EXPECT_NE(std::system("ip -6 route show | grep -q 2001:db8:1::/48"), 0);
    EXPECT_EQ(std::system("ip route show | grep -q 10.2.0.0/16"), 0);
    EXPECT_TRUE(known(*monitor_, "10.9.0.8/24"));
}

}  // namespace
}  // namespace vrrpd::paths_test
