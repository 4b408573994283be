// Unicast instances: V01-V06 as far as the core decides them.
#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::router_unicast_test {
namespace {

using namespace std::chrono_literals;
using test::CoreDriver;
using test::ip;
using test::Message;
using test::plain_options;
using State = Instance::State;

InstanceOptions unicast(std::vector<UnicastPeer> peers) {
    InstanceOptions options = plain_options();
    options.unicast_peers = std::move(peers);
    return options;
}

Message to_us(const CoreDriver& host, int priority, const char* source) {
    Message message = host.advert(priority, source);
    message.packet.destination = ip("10.9.0.1");
    return message.seal();
}

TEST(Unicast, a_peer_is_obeyed) {
    CoreDriver host(unicast({{ip("10.9.0.2"), 255}, {ip("10.9.0.3"), 255}}));
    host.start();
    for (int i = 0; i < 20; ++i) {
        host.handle(to_us(host, 200, i % 2 == 0 ? "10.9.0.2" : "10.9.0.3").view());
        host.pass(100ms);
    }
    EXPECT_EQ(host.state(), State::backup);
    EXPECT_EQ(host.instance().counters().adverts_received, 20u);
}

TEST(Unicast, a_packet_to_the_group_is_none_for_it_V02) {
    CoreDriver host(unicast({{ip("10.9.0.2"), 255}}));
    host.start();
    host.hear(200);
    EXPECT_EQ(host.refused(Refusal::destination), 1u);
}

TEST(Unicast, a_packet_to_us_is_none_for_an_instance_of_the_group_V02) {
    CoreDriver host;
    host.start();
    host.handle(to_us(host, 200, "10.9.0.2").view());
    EXPECT_EQ(host.refused(Refusal::destination), 1u);
}

TEST(Unicast, the_sender_must_be_a_peer_V03_H18) {
    CoreDriver host(unicast({{ip("10.9.0.2"), 255}}));
    host.start();
    host.handle(to_us(host, 255, "10.9.0.3").view());
    EXPECT_EQ(host.refused(Refusal::source), 1u);
    EXPECT_EQ(host.time_to_active(), 300ms + 100000000ns * 156 / 256) << "undisturbed";
}

TEST(Unicast, each_peer_has_a_ttl_of_its_own_V04) {
    CoreDriver host(unicast({{ip("10.9.0.2"), 255}, {ip("192.0.2.7"), 64}}));
    host.start();
    const auto hear = [&](const char* source, std::uint8_t ttl) {
        Message message = to_us(host, 200, source);
        message.packet.ttl = ttl;
        host.handle(message.view());
    };
    hear("10.9.0.2", 254);
    EXPECT_EQ(host.refused(Refusal::ttl), 1u);
    hear("192.0.2.7", 63);
    EXPECT_EQ(host.refused(Refusal::ttl), 2u);
    EXPECT_EQ(host.instance().counters().adverts_received, 0u);
    hear("10.9.0.2", 255);
    hear("192.0.2.7", 64);
    EXPECT_EQ(host.instance().counters().adverts_received, 2u);
}

TEST(Unicast, one_id_twice_is_told_apart_by_the_peer_V06) {
    CoreDriver host(std::vector{unicast({{ip("10.9.0.2"), 255}}), unicast({{ip("10.9.0.3"), 255}})});
    for (const InstanceId id : {InstanceId{0}, InstanceId{1}}) {
        host.handle(PathChanged{id, CoreDriver::interface_index, true, ip("10.9.0.1"), ""});
    }
    host.handle(Startup{});
    host.handle(to_us(host, 200, "10.9.0.2").view());
    host.handle(to_us(host, 200, "10.9.0.3").view());
    host.handle(to_us(host, 0, "10.9.0.3").view());
    EXPECT_EQ(host.router().instance(0).counters().adverts_received, 1u);
    EXPECT_EQ(host.router().instance(1).counters().adverts_received, 2u);
    // One that leaves the link leaves the other alone.
    for (const InstanceId gone : {InstanceId{1}, InstanceId{0}}) {
        host.handle(PathChanged{gone, 0, false, std::nullopt, "gone"});
        host.handle(to_us(host, 200, gone == 1 ? "10.9.0.2" : "10.9.0.3").view());
        host.handle(PathChanged{gone, CoreDriver::interface_index, true, ip("10.9.0.1"), ""});
    }
    EXPECT_EQ(host.router().instance(0).counters().adverts_received, 2u);
    EXPECT_EQ(host.router().instance(1).counters().adverts_received, 3u);
}

TEST(Unicast, ipv6_peers_may_have_global_addresses) {
    InstanceOptions options = unicast({{ip("2001:db8::2"), 255}});
    options.family = Family::ipv6;
    options.addresses = {{*Prefix::parse("2001:db8::100"), "", ""}};
    CoreDriver host(options);
    host.start("2001:db8::1");
    Outgoing advert;
    advert.virtual_router_id = 51;
    advert.priority = 200;
    advert.interval = 100ms;
    advert.addresses = options.addresses;
    advert.source = ip("2001:db8::2");
    advert.destination = ip("2001:db8::1");
    host.handle(Message(advert, CoreDriver::interface_index).view());
    EXPECT_EQ(host.instance().counters().adverts_received, 1u);
}

// H14: whoever is on the link may speak; that it looks odd is said once.
TEST(OffSubnet, is_processed_counted_and_said_once_H14) {
    CoreDriver host;
    host.start();
    for (int i = 0; i < 3; ++i) {
        Message message = host.advert(200, "192.0.2.7");
        message.packet.sender = Sender::off_subnet;
        host.handle(message.view());
    }
    EXPECT_EQ(host.instance().counters().adverts_received, 3u);
    EXPECT_EQ(host.instance().counters().off_subnet, 3u);
    EXPECT_EQ(host.count_notices(Notice::Kind::off_subnet), 1);
}

TEST(OffSubnet, ourselves_and_broadcasts_are_refused_B23_H15) {
    CoreDriver host;
    host.start();
    Message message = host.advert(200);
    message.packet.sender = Sender::broadcast;
    host.handle(message.view());
    EXPECT_EQ(host.refused(Refusal::source), 1u);
    message.packet.sender = Sender::ourselves;
    host.handle(message.view());
    EXPECT_EQ(host.refused(Refusal::own_source), 1u);
}

TEST(Group, another_one_may_be_configured) {
    InstanceOptions options = plain_options();
    options.group = ip("224.0.0.99");
    CoreDriver host(options);
    host.start();
    host.hear(200);
    EXPECT_EQ(host.refused(Refusal::destination), 1u);
    Message message = host.advert(200);
    message.packet.destination = ip("224.0.0.99");
    host.handle(message.seal().view());
    EXPECT_EQ(host.instance().counters().adverts_received, 1u);
}

}  // namespace
}  // namespace vrrpd::router_unicast_test
