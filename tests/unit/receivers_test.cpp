// The receiving sockets follow the interfaces; what they have counted stays.
#include "vrrpd/agent/receivers.hpp"

#include <vector>

#include "tests/unit/io_advert_support.hpp"

namespace vrrpd::receivers_test {
namespace {

using namespace test;

TEST_F(Adverts, WhatWasCountedOutlastsTheSocket) {
    InstanceOptions instance;
    instance.virtual_router_id = 51;
    const std::vector<InstanceOptions> instances{instance};
    const netlink::Facts facts;
    const Paths paths(instances, facts);
    PathChanged path;
    path.interface_index = TwoHosts::index(lan.far(), "far0");

    Heard heard;
    const Inside inside(lan.far());
    Receivers receivers(loop, instances, heard.sink(), [](std::span<const Packet>) {});
    receivers.refresh(std::vector{path}, paths);
    ASSERT_EQ(receivers.problem(path.interface_index, Family::ipv4), "");
    send({ipv4(advert(51, max_message_size + 100)), ipv4(advert(51))});
    hear(heard, 1);
    EXPECT_EQ(receivers.dropped().unreadable, 1u);

    receivers.refresh({}, paths);
    ASSERT_NE(receivers.problem(path.interface_index, Family::ipv4), "");
    EXPECT_EQ(receivers.dropped().unreadable, 1u);
    receivers.refresh(std::vector{path}, paths);
    send({ipv4(advert(51, max_message_size + 100)), ipv4(advert(51))});
    hear(heard, 2);
    EXPECT_EQ(receivers.dropped().unreadable, 2u);
}

}  // namespace
}  // namespace vrrpd::receivers_test
