// Adverts over a real link: what is sent is what arrives, and nothing else does.
#include "tests/unit/io_advert_support.hpp"

namespace vrrpd::io_adverts_test {
namespace {

using namespace test;

INSTANTIATE_TEST_SUITE_P(Families, AdvertsOfFamily, testing::Values(Family::ipv4, Family::ipv6), name_of);

TEST_P(AdvertsOfFamily, A07_A08_ArriveAsTheyWereSent) {
    Ear ear(loop, lan.far(), "far0", GetParam(), wants({51}));
    const Bytes message = advert(51);
    const Datagram datagram = multicast(GetParam(), message);
    EXPECT_EQ(send({datagram}), 1u);
    hear(ear, 1);
    const auto& [packet, bytes] = ear.heard.at(0);
    EXPECT_EQ(bytes, message);
    EXPECT_EQ(packet.source, datagram.source);
    EXPECT_EQ(packet.destination, datagram.destination);
    EXPECT_EQ(packet.ttl, 255);
    EXPECT_FALSE(packet.has_options);
    EXPECT_EQ(packet.interface_index, TwoHosts::index(lan.far(), "far0"));
    EXPECT_EQ(ear.receiver->unreadable(), 0u);
}

TEST_F(Adverts, A07_A09_Ipv4OnTheWire) {
    Tap tap(lan.far(), "far0", ETH_P_IP);
    send({ipv4(advert(51))});
    const auto frame = tap.next([](const Bytes& bytes) { return bytes.at(23) == 112; });
    ASSERT_TRUE(frame);
    EXPECT_EQ(Bytes(frame->begin(), frame->begin() + 6), Bytes({0x01, 0x00, 0x5e, 0x00, 0x00, 0x12}));
    EXPECT_EQ(frame->at(14), 0x45);  // no options
    EXPECT_EQ(frame->at(15), 0xc0);  // TOS
    EXPECT_EQ(frame->at(22), 255);
}

TEST_F(Adverts, A08_A09_Ipv6OnTheWire) {
    Tap tap(lan.far(), "far0", ETH_P_IPV6);
    send({ipv6(advert(51))});
    const auto frame = tap.next([](const Bytes& bytes) { return bytes.at(20) == 112; });
    ASSERT_TRUE(frame);
    EXPECT_EQ(Bytes(frame->begin(), frame->begin() + 6), Bytes({0x33, 0x33, 0x00, 0x00, 0x00, 0x12}));
    EXPECT_EQ((frame->at(14) & 0x0f) << 4 | frame->at(15) >> 4, 0xc0);  // traffic class
    EXPECT_EQ(frame->at(21), 255);
}

TEST_P(AdvertsOfFamily, FilterKeepsJunkOut) {
    Ear ear(loop, lan.far(), "far0", GetParam(), wants({51}));
    Bytes version = advert(51), type = advert(51);
    version[0] = 0x21;
    type[0] = 0x32;
    const Bytes other_router = advert(52), too_short = advert(51, 7), good = advert(51);
    Datagram low_ttl = multicast(GetParam(), good);
    low_ttl.ttl = 254;
    send({multicast(GetParam(), version), multicast(GetParam(), type), multicast(GetParam(), other_router),
          multicast(GetParam(), too_short), low_ttl, multicast(GetParam(), good)});
    hear(ear, 1);
    EXPECT_EQ(ear.heard.size(), 1u);
    EXPECT_EQ(ear.heard.at(0).message, good);
    EXPECT_EQ(ear.heard.at(0).packet.ttl, 255);
    EXPECT_EQ(ear.receiver->drain(1), 0u);
}

TEST_P(AdvertsOfFamily, FilterKnowsEveryVirtualRouterId) {
    const std::vector<int> wanted = {1, 31, 32, 51, 63, 64, 127, 128, 200, 254, 255};
    AdvertFilter filter = wants({});
    for (const int id : wanted) filter.virtual_router_ids.set(static_cast<std::size_t>(id));
    Ear ear(loop, lan.far(), "far0", GetParam(), filter);
    std::vector<Bytes> all;
    for (int id = 0; id < 256; ++id) all.push_back(advert(static_cast<std::uint8_t>(id)));
    std::vector<Datagram> datagram;
    for (const auto& message : all) datagram.push_back(multicast(GetParam(), message));
    EXPECT_EQ(send(datagram), 256u);
    hear(ear, wanted.size());
    EXPECT_EQ(ear.virtual_router_ids(), wanted);
    EXPECT_EQ(ear.receiver->drain(8), 0u);
}

TEST_P(AdvertsOfFamily, FilterCanWantBothVersionsAndAnyTtlAndChange) {
    AdvertFilter filter = wants({51});
    filter.version_2 = true;
    filter.any_ttl = true;
    Ear ear(loop, lan.far(), "far0", GetParam(), filter);
    Bytes version_2 = advert(51);
    version_2[0] = 0x21;
    const Bytes version_3 = advert(51), other = advert(52);
    Datagram low_ttl = multicast(GetParam(), version_2);
    low_ttl.ttl = 3;
    send({low_ttl, multicast(GetParam(), other), multicast(GetParam(), version_3)});
    hear(ear, 2);
    EXPECT_EQ(ear.heard.at(0).packet.ttl, 3);
    EXPECT_EQ(ear.heard.at(1).message, version_3);

    ear.receiver->configure(in_group(GetParam(), wants({52})));
    send({multicast(GetParam(), version_3), multicast(GetParam(), other)});
    hear(ear, 3);
    EXPECT_EQ(ear.heard.at(2).message, other);

    ear.receiver->configure(in_group(GetParam(), {}));  // no instance left: silence
    Ear witness(loop, lan.far(), "far0", GetParam(), wants({52}));
    send({multicast(GetParam(), version_3), multicast(GetParam(), other)});
    hear(witness, 1);
    EXPECT_EQ(ear.receiver->drain(1), 0u);
    EXPECT_EQ(ear.heard.size(), 3u);
}

TEST_P(AdvertsOfFamily, M03_OurOwnAreNotLoopedBack) {
    Ear own(loop, lan.near(), "near0", GetParam(), wants({51, 52}));
    Ear other(loop, lan.far(), "far0", GetParam(), wants({51}));
    send({multicast(GetParam(), advert(51))});
    hear(other, 1);
    AdvertSender far_sender = make_sender(lan.far());
    const Bytes answer = advert(52);
    const IpAddress source =
        GetParam() == Family::ipv4 ? address("10.77.0.2") : TwoHosts::link_local(lan.far(), "far0");
    far_sender.queue({2, TwoHosts::index(lan.far(), "far0"), source, vrrp_group(GetParam()), 255, answer});
    far_sender.flush([](std::size_t, int) { FAIL(); });
    hear(own, 1);
    EXPECT_EQ(own.virtual_router_ids(), std::vector<int>({52}));
}

TEST_P(AdvertsOfFamily, B26_NothingComesFromAnotherInterface) {
    Ear ear(loop, lan.far(), "far0", GetParam(), wants({51, 52}));
    Ear neighbour(loop, lan.far(), "far1", GetParam(), wants({51}));
    const Bytes first = advert(51), second = advert(52);
    Datagram elsewhere = multicast(GetParam(), first);
    elsewhere.interface_index = near1;
    elsewhere.source = GetParam() == Family::ipv4 ? address("10.78.0.1") : TwoHosts::link_local(lan.near(), "near1");
    send({elsewhere, multicast(GetParam(), second)});
    hear(ear, 1);
    hear(neighbour, 1);
    EXPECT_EQ(ear.virtual_router_ids(), std::vector<int>({52}));
}

TEST_P(AdvertsOfFamily, V08_OneThatFailsStopsNoOther) {
    Ear ear(loop, lan.far(), "far0", GetParam(), wants({1, 2, 3}));
    const Bytes first = advert(1), second = advert(2), third = advert(3);
    Datagram no_interface = multicast(GetParam(), second);
    no_interface.interface_index = 4711;
    no_interface.tag = 77;
    Datagram not_our_address = multicast(GetParam(), second);
    not_our_address.source = GetParam() == Family::ipv4 ? address("192.0.2.7") : address("fe80::dead");
    not_our_address.tag = 78;
    for (const auto& one : {no_interface, multicast(GetParam(), first), no_interface, not_our_address,
                            multicast(GetParam(), third), no_interface}) {
        sender.queue(one);
    }
    std::vector<std::size_t> failures;
    const std::size_t sent = sender.flush([&](std::size_t tag, int error) {
        EXPECT_NE(error, 0);
        failures.push_back(tag);
    });
    hear(ear, 2);
    EXPECT_EQ(ear.virtual_router_ids(), std::vector<int>({1, 3}));
    EXPECT_EQ(failures, std::vector<std::size_t>({77, 77, 78, 77}));
    EXPECT_EQ(sent, 2u);
    EXPECT_EQ(sender.flush([](std::size_t, int) { FAIL(); }), 0u);
}

TEST_P(AdvertsOfFamily, V08_WhatFailsIsToldAlsoOfBatchesThatLeftBeforeTheFlush) {
    const Bytes message = advert(1);
    Datagram datagram = multicast(GetParam(), message);
    const int interface_index = datagram.interface_index;
    for (std::size_t tag = 0; tag < 300; ++tag) {
        datagram.tag = tag;
        datagram.interface_index = tag % 100 == 99 ? 4711 : interface_index;
        sender.queue(datagram);
    }
    std::vector<std::size_t> failures;
    EXPECT_EQ(sender.flush([&](std::size_t tag, int) { failures.push_back(tag); }), 297u);
    EXPECT_EQ(failures, std::vector<std::size_t>({99, 199, 299}));
}

TEST_P(AdvertsOfFamily, TwoHundredAndFiftyOnTwoInterfacesInOneFlush) {
    AdvertFilter all = wants({});
    all.virtual_router_ids.set();
    Ear ear0(loop, lan.far(), "far0", GetParam(), all);
    Ear ear1(loop, lan.far(), "far1", GetParam(), all);
    std::vector<Bytes> messages;
    for (int id = 1; id <= 250; ++id) messages.push_back(advert(static_cast<std::uint8_t>(id), 8 + 4 * (id % 200)));
    std::vector<Datagram> datagram;
    std::vector<int> odd, even;
    for (int id = 1; id <= 250; ++id) {
        Datagram one = multicast(GetParam(), messages[static_cast<std::size_t>(id - 1)]);
        if (id % 2 == 0) {
            one.interface_index = near1;
            one.source = {};
        }
        datagram.push_back(one);
        (id % 2 == 0 ? even : odd).push_back(id);
    }
    EXPECT_EQ(send(datagram), 250u);
    hear(ear0, 125);
    hear(ear1, 125);
    EXPECT_EQ(ear0.virtual_router_ids(), odd);
    EXPECT_EQ(ear1.virtual_router_ids(), even);
    for (const auto& [packet, bytes] : ear0.heard) EXPECT_EQ(bytes, messages[bytes.at(1) - 1u]);
}

TEST_P(AdvertsOfFamily, UnicastGoesWithItsOwnTtl) {
    AdvertFilter filter = wants({51});
    filter.any_ttl = true;
    Ear ear(loop, lan.far(), "far0", GetParam(), filter);
    const Bytes message = advert(51);
    Datagram datagram = unicast(GetParam(), message);
    datagram.ttl = 64;
    send({datagram});
    hear(ear, 1);
    EXPECT_EQ(ear.heard.at(0).packet.ttl, 64);
    EXPECT_EQ(ear.heard.at(0).packet.destination, datagram.destination);
}

TEST_F(Adverts, OneDispatchReadsOneBatch) {
    Ear ear(loop, lan.far(), "far0", Family::ipv4, wants({51}));
    const Bytes message = advert(51);
    send(std::vector<Datagram>(100, ipv4(message)));
    // The marker comes last: who has heard it knows that all are there.
    FakeLoop elsewhere;
    Ear witness(elsewhere, lan.far(), "far0", Family::ipv4, wants({52}));
    const Bytes marker = advert(52);
    send({ipv4(marker)});
    while (witness.heard.empty()) ASSERT_TRUE(elsewhere.poll_once());
    ASSERT_TRUE(loop.poll_once());
    EXPECT_EQ(ear.batches, std::vector<std::size_t>({AdvertReceiver::batch_size}));
    ASSERT_TRUE(loop.poll_once());  // nor is there a rest after a full one
    ASSERT_TRUE(loop.poll_once(std::chrono::milliseconds(0)));
    EXPECT_EQ(ear.receiver->drain(10), 4u);
    EXPECT_EQ(ear.batches, std::vector<std::size_t>({32, 32, 32, 4}));
}

TEST_P(AdvertsOfFamily, V01_V08_AnUnreachablePeerDoesNotKeepTheOtherWaiting) {
    AdvertFilter filter = wants({1, 2});
    filter.any_ttl = true;
    Ear peer(loop, lan.far(), "far0", GetParam(), Subscription{filter, {}});
    const Bytes first = advert(1), second = advert(2);
    std::vector<Datagram> datagrams;
    for (const Bytes* message : {&first, &second}) {
        Datagram unreachable = unicast(GetParam(), *message);
        unreachable.tag = 7;
        unreachable.interface_index = 0;
        unreachable.source = {};
        unreachable.destination = GetParam() == Family::ipv4 ? address("203.0.113.9") : address("2001:db8::9");
        for (const Datagram& one : {unreachable, unicast(GetParam(), *message)}) {
            datagrams.push_back(one);
            datagrams.back().ttl = 64;
        }
    }
    for (const Datagram& one : datagrams) sender.queue(one);
    std::vector<std::pair<std::size_t, int>> failures;
    EXPECT_EQ(sender.flush([&](std::size_t tag, int error) { failures.emplace_back(tag, error); }), 2u);
    hear(peer, 2);
    EXPECT_EQ(peer.virtual_router_ids(), std::vector<int>({1, 2}));
    for (const Received& one : peer.heard) {
        EXPECT_EQ(one.packet.ttl, 64);
        EXPECT_EQ(one.packet.source, datagrams[1].source);
    }
    const std::pair<std::size_t, int> unreachable{7, ENETUNREACH};
    EXPECT_EQ(failures, std::vector({unreachable, unreachable}));
}

TEST_P(AdvertsOfFamily, NothingOfAnEarlierMessageIsLeftInALaterOne) {
    Ear ear0(loop, lan.far(), "far0", GetParam(), wants({51}));
    Ear ear1(loop, lan.far(), "far1", GetParam(), wants({51}));
    const Bytes longer = advert(51, 40), shorter = advert(51);
    Datagram other = multicast(GetParam(), shorter);
    other.interface_index = near1;
    other.source = {};
    send({multicast(GetParam(), longer)});
    send({other});
    hear(ear0, 1);
    hear(ear1, 1);
    EXPECT_EQ(ear0.heard.at(0).message, longer);
    EXPECT_EQ(ear1.heard.at(0).message, shorter);
    EXPECT_EQ(ear1.heard.at(0).packet.source,
              GetParam() == Family::ipv4 ? address("10.78.0.1") : TwoHosts::link_local(lan.near(), "near1"));
}

// Groups that differ in nothing but the last byte.
IpAddress group(Family family, int last) {
    return address(((family == Family::ipv4 ? "239.1.2." : "ff02::") + std::to_string(last)).c_str());
}

TEST_P(AdvertsOfFamily, GroupsAreJoinedAndLeft) {
    const AdvertFilter filter = wants({1, 2, 3});
    const IpAddress first = group(GetParam(), 71), second = group(GetParam(), 72), third = group(GetParam(), 73);
    Ear ear(loop, lan.far(), "far0", GetParam(), Subscription{filter, {first, second, first}});
    const auto send_to_all = [&] {
        const Bytes one = advert(1), two = advert(2), three = advert(3);
        std::vector<Datagram> all = {multicast(GetParam(), one), multicast(GetParam(), two),
                                     multicast(GetParam(), three)};
        all[0].destination = first;
        all[1].destination = second;
        all[2].destination = third;
        send(all);
        // Who has heard the last of all has heard what came before.
        all[0] = unicast(GetParam(), three);
        send({all[0]});
    };
    send_to_all();
    hear(ear, 3);
    EXPECT_EQ(ear.virtual_router_ids(), std::vector<int>({1, 2, 3}));

    ear.receiver->configure({filter, {third, second}});
    send_to_all();
    hear(ear, 6);
    EXPECT_EQ(ear.heard.at(3).packet.destination, second);
    EXPECT_EQ(ear.heard.at(4).packet.destination, third);
    EXPECT_FALSE(ear.heard.at(5).packet.destination.is_multicast());

    ear.receiver->configure({filter, {}});
    send_to_all();
    hear(ear, 7);
    EXPECT_EQ(ear.heard.size(), 7u);
    EXPECT_FALSE(ear.heard.at(6).packet.destination.is_multicast());
}

// Of IPv6 a raw socket hears every group that the host has joined; the core looks at the destination.
TEST_F(Adverts, WhatOthersJoinedIsNotHeard) {
    Ear ear(loop, lan.far(), "far0", Family::ipv4, Subscription{wants({1, 2}), {}});
    Ear neighbour(loop, lan.far(), "far0", Family::ipv4, wants({1, 2}));
    const Bytes to_group = advert(1), to_host = advert(2);
    send({ipv4(to_group), unicast(Family::ipv4, to_host)});
    hear(neighbour, 2);
    hear(ear, 1);
    EXPECT_EQ(neighbour.virtual_router_ids(), std::vector<int>({1, 2}));
    EXPECT_EQ(ear.virtual_router_ids(), std::vector<int>({2}));
}

TEST_F(Adverts, M02_OneGroupMoreThanTheKernelAllowsIsRefusedWithItsReason) {
    std::vector<IpAddress> groups;
    for (int i = 1; i <= 20; ++i) groups.push_back(group(Family::ipv4, i));
    Ear ear(loop, lan.far(), "far0", Family::ipv4, Subscription{wants({1}), groups});
    groups.front() = group(Family::ipv4, 21);
    EXPECT_NO_THROW(ear.receiver->configure({wants({1}), groups}));  // one left, one joined
    groups.push_back(group(Family::ipv4, 22));
    try {
        ear.receiver->configure({wants({1}), groups});
        FAIL() << "21 groups";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code().value(), ENOBUFS);
        EXPECT_NE(std::string(error.what()).find("239.1.2.22, more than net.ipv4.igmp_max_memberships"),
                  std::string::npos)
            << error.what();
    }
}

TEST_F(Adverts, WhatComesInBurstsIsReadOnceAMillisecond) {
    Ear ear(loop, lan.far(), "far0", Family::ipv4, wants({51}));
    FakeLoop elsewhere;
    Ear witness(elsewhere, lan.far(), "far0", Family::ipv4, wants({51}));
    std::size_t sent = 0;
    const auto arrive = [&] {
        send({ipv4(advert(51))});
        for (++sent; witness.heard.size() < sent; elsewhere.advance(AdvertReceiver::rest)) {
            ASSERT_TRUE(elsewhere.poll_once());
        }
    };
    const auto is_woken = [&] { return loop.poll_once(std::chrono::milliseconds(0)); };

    // The first comes alone, and there is no rest after it.
    arrive();
    EXPECT_TRUE(is_woken());
    arrive();
    EXPECT_TRUE(is_woken());
    arrive();
    arrive();
    EXPECT_FALSE(is_woken());
    loop.advance(AdvertReceiver::rest);
    EXPECT_TRUE(is_woken());
    EXPECT_EQ(ear.batches, std::vector<std::size_t>({1, 1, 2}));

    loop.advance(3 * AdvertReceiver::rest);
    arrive();
    EXPECT_TRUE(is_woken());
    arrive();
    EXPECT_TRUE(is_woken());
    EXPECT_EQ(ear.heard.size(), 6u);
}

TEST_P(AdvertsOfFamily, AnInterfaceThatDoesNotExistIsRefused) {
    const Inside inside(lan.far());
    const Subscription unicast_only{wants({1}), {}};
    EXPECT_THROW(AdvertReceiver(loop, GetParam(), 4711, unicast_only, [](auto) {}), std::system_error);
    EXPECT_THROW(AdvertReceiver(loop, GetParam(), 4711, in_group(GetParam(), wants({1})), [](auto) {}),
                 std::system_error);
}

}  // namespace
}  // namespace vrrpd::io_adverts_test
