// The observer: it gets all that the receiver does not, no faster than it should, and knows what it missed.
#include <algorithm>

#include "tests/unit/io_advert_support.hpp"
#include "vrrpd/io/advert_observer.hpp"

namespace vrrpd::io_observer_test {
namespace {

using namespace test;
using std::chrono::milliseconds;

// An observer at one end and what it saw.
struct Eye : Heard {
    Eye(FakeLoop& loop, const Descriptor& where, Family family, const AdvertFilter& filter) {
        const int index = TwoHosts::index(where, "far0");
        const Inside inside(where);
        observer.emplace(loop, family, index, in_group(family, filter), sink());
    }
    std::optional<AdvertObserver> observer;
};

class Observers : public AdvertsOfFamily {
  protected:
    // Sends `count` copies and waits until the kernel has shared them out: a receiver elsewhere hears the last.
    void send_unread(const Bytes& message, std::size_t count) {
        FakeLoop elsewhere;
        AdvertFilter last;
        last.version_3 = true;
        last.virtual_router_ids.set(200);
        Ear witness(elsewhere, lan.far(), "far0", GetParam(), last);
        std::vector<Datagram> all(count, multicast(GetParam(), message));
        const Bytes marker = advert(200);
        all.push_back(multicast(GetParam(), marker));
        send(all);
        while (witness.heard.empty()) ASSERT_TRUE(elsewhere.poll_once());
    }
    // A filter that the marker of send_unread passes, so that the observer does not see it.
    static AdvertFilter mostly(std::initializer_list<std::size_t> ids) {
        AdvertFilter filter = wants(ids);
        filter.virtual_router_ids.set(200);
        return filter;
    }
};
INSTANTIATE_TEST_SUITE_P(Families, Observers, testing::Values(Family::ipv4, Family::ipv6), name_of);

struct Sent {
    Bytes message;
    std::uint8_t ttl;
};

// One packet for each way in which one can differ from what is wanted, and for many in which it does not.
std::vector<Sent> all_kinds() {
    std::vector<Sent> all;
    for (const int first : {0x31, 0x21, 0x11, 0x41, 0x32, 0x30, 0x71, 0x01}) {
        for (const int id : {51, 52, 0, 255}) {
            for (const int ttl : {255, 254, 1}) {
                Bytes message = advert(static_cast<std::uint8_t>(id));
                message[0] = static_cast<std::uint8_t>(first);
                all.push_back({message, static_cast<std::uint8_t>(ttl)});
            }
        }
    }
    for (std::size_t size = 0; size <= 9; ++size) {
        Bytes message = advert(51);
        message.resize(size);
        all.push_back({message, 255});
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].message.size() == 12) all[i].message[11] = static_cast<std::uint8_t>(i);  // to tell them apart
    }
    return all;
}

bool wanted(const AdvertFilter& filter, const Sent& sent) {
    if (sent.message.size() < 8) return false;
    if (!filter.any_ttl && sent.ttl != 255) return false;
    const bool version = (filter.version_2 && sent.message[0] == 0x21) || (filter.version_3 && sent.message[0] == 0x31);
    return version && filter.virtual_router_ids.test(sent.message[1]);
}

TEST_P(Observers, EachPacketComesToTheReceiverOrToTheObserver) {
    AdvertFilter version_2 = wants({51, 255}), both = wants({51, 0}), nothing;
    version_2.version_2 = true;
    version_2.version_3 = false;
    both.version_2 = both.any_ttl = true;
    nothing.virtual_router_ids.set(51);
    for (const AdvertFilter& filter : {wants({51}), version_2, both, nothing}) {
        Ear ear(loop, lan.far(), "far0", GetParam(), filter);
        Eye eye(loop, lan.far(), GetParam(), filter);
        std::vector<Bytes> received, observed;
        for (const Sent& one : all_kinds()) {
            Datagram datagram = multicast(GetParam(), one.message);
            datagram.ttl = one.ttl;
            send({datagram});
            (wanted(filter, one) ? received : observed).push_back(one.message);
            ASSERT_NO_FATAL_FAILURE(hear(ear, received.size()));
            ASSERT_NO_FATAL_FAILURE(hear(eye, observed.size()));
        }
        EXPECT_EQ(ear.messages(), received);
        EXPECT_EQ(eye.messages(), observed);
        EXPECT_EQ(eye.observer->unclassified(), 0u);
    }
}

TEST_P(Observers, ItFollowsAChangeOfTheFilter) {
    Eye eye(loop, lan.far(), GetParam(), wants({51}));
    eye.observer->configure(in_group(GetParam(), wants({52})));
    const Bytes first = advert(51), second = advert(52);
    send({multicast(GetParam(), second), multicast(GetParam(), first)});
    hear(eye, 1);
    EXPECT_EQ(eye.virtual_router_ids(), std::vector<int>({51}));
    EXPECT_EQ(eye.heard.at(0).packet.ttl, 255);
    EXPECT_EQ(eye.heard.at(0).packet.destination, vrrp_group(GetParam()));
    EXPECT_EQ(eye.heard.at(0).packet.source, multicast(GetParam(), first).source);
}

TEST_P(Observers, AFloodWakesItTenTimesASecond) {
    Eye eye(loop, lan.far(), GetParam(), mostly({}));
    send_unread(advert(51), 40);
    ASSERT_TRUE(loop.poll_once());
    EXPECT_EQ(eye.heard.size(), 20u);
    EXPECT_FALSE(loop.poll_once(milliseconds(0)));
    loop.advance(milliseconds(99));
    EXPECT_FALSE(loop.poll_once(milliseconds(0)));
    for (std::size_t round = 2; round <= 50; ++round) {
        loop.advance(milliseconds(round == 2 ? 1 : 100));
        ASSERT_TRUE(loop.poll_once());
        EXPECT_EQ(eye.heard.size(), 20 * round);
        EXPECT_FALSE(loop.poll_once(milliseconds(0)));
        send_unread(advert(51), 20);
    }
    EXPECT_EQ(eye.observer->unclassified(), 0u);
}

TEST_P(Observers, TwoHundredASecondAreReadAsTheyCome) {
    Eye eye(loop, lan.far(), GetParam(), mostly({}));
    for (std::size_t i = 1; i <= 100; ++i) {
        send_unread(advert(51), 1);
        ASSERT_TRUE(loop.poll_once(milliseconds(0)));
        EXPECT_EQ(eye.heard.size(), i);
        if (i % 2 == 0) loop.advance(milliseconds(10));
    }
}

TEST_P(Observers, WhatCameInPiecesCountsTogether) {
    Eye eye(loop, lan.far(), GetParam(), mostly({}));
    send_unread(advert(51), 12);
    ASSERT_TRUE(loop.poll_once());
    loop.advance(milliseconds(10));
    send_unread(advert(51), 12);
    ASSERT_TRUE(loop.poll_once());
    EXPECT_EQ(eye.heard.size(), 12u + 10u);
    loop.advance(milliseconds(99));
    EXPECT_FALSE(loop.poll_once(milliseconds(0)));
    loop.advance(milliseconds(1));
    EXPECT_TRUE(loop.poll_once(milliseconds(0)));
    EXPECT_EQ(eye.heard.size(), 24u);
}

TEST_P(Observers, WhatDidNotFitIsUnclassified) {
    Eye eye(loop, lan.far(), GetParam(), mostly({51}));
    send_unread(advert(51), 500);  // the receiver's: none of this socket's business
    EXPECT_EQ(eye.observer->unclassified(), 0u);

    send_unread(advert(52), 500);
    const std::uint64_t missed = eye.observer->unclassified();
    EXPECT_GE(missed, 400u);
    hear(eye, 500 - missed);
    EXPECT_FALSE(loop.poll_once(milliseconds(0)));
    EXPECT_GE(eye.heard.size(), 20u);
    EXPECT_LE(eye.heard.size(), 100u);

    send_unread(advert(52), 500);
    EXPECT_GT(eye.observer->unclassified(), missed + 400);
    hear(eye, 1000 - eye.observer->unclassified());
}

}  // namespace
}  // namespace vrrpd::io_observer_test
