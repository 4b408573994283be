// What the tests of adverts share: adverts as bytes, a receiver that keeps what it heard, and the LAN between.
#pragma once

#include <initializer_list>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/fake_loop.hpp"
#include "tests/unit/io_support.hpp"
#include "vrrpd/io/advert_receiver.hpp"
#include "vrrpd/io/advert_sender.hpp"

namespace vrrpd::test {

using Bytes = std::vector<std::uint8_t>;

inline IpAddress address(const char* text) {
    return *IpAddress::parse(text);
}

// A v3 advert as far as this room looks at it.
inline Bytes advert(std::uint8_t virtual_router_id, std::size_t size = 12) {
    Bytes bytes(size, 0);
    bytes[0] = 0x31;
    bytes[1] = virtual_router_id;
    bytes[2] = 100;
    return bytes;
}

inline AdvertFilter wants(std::initializer_list<std::size_t> virtual_router_ids) {
    AdvertFilter filter;
    filter.version_3 = true;
    for (const std::size_t id : virtual_router_ids) filter.virtual_router_ids.set(id);
    return filter;
}

inline Subscription in_group(Family family, const AdvertFilter& filter) {
    return {filter, {vrrp_group(family)}};
}

struct Received {
    Packet packet;
    Bytes message;
};

// What was handed over, and in batches of which size.
struct Heard {
    PacketSink sink() {
        return [this](std::span<const Packet> packets) {
            batches.push_back(packets.size());
            for (const Packet& packet : packets) {
                heard.push_back({packet, {packet.message.begin(), packet.message.end()}});
            }
        };
    }
    std::vector<int> virtual_router_ids() const {
        std::vector<int> ids;
        for (const auto& one : heard) ids.push_back(one.message.at(1));
        return ids;
    }
    std::vector<Bytes> messages() const {
        std::vector<Bytes> all;
        for (const auto& one : heard) all.push_back(one.message);
        return all;
    }
    std::vector<Received> heard;
    std::vector<std::size_t> batches;
};

// A receiver at one end and what it heard.
struct Ear : Heard {
    Ear(FakeLoop& loop, const Descriptor& where, const char* interface, Family family,
        const Subscription& subscription) {
        const int index = TwoHosts::index(where, interface);
        const Inside inside(where);
        receiver.emplace(loop, family, index, subscription, sink());
    }
    Ear(FakeLoop& loop, const Descriptor& where, const char* interface, Family family, const AdvertFilter& filter)
        : Ear(loop, where, interface, family, in_group(family, filter)) {}
    std::optional<AdvertReceiver> receiver;
};

class Adverts : public testing::Test {
  protected:
    Datagram ipv4(const Bytes& message) const {
        return {1, near0, address("10.77.0.1"), vrrp_group(Family::ipv4), 255, message};
    }
    Datagram ipv6(const Bytes& message) const {
        return {1, near0, TwoHosts::link_local(lan.near(), "near0"), vrrp_group(Family::ipv6), 255, message};
    }
    Datagram multicast(Family family, const Bytes& message) const {
        return family == Family::ipv4 ? ipv4(message) : ipv6(message);
    }
    static AdvertSender make_sender(const Descriptor& where) {
        const Inside inside(where);
        return {};
    }
    std::size_t send(const std::vector<Datagram>& all) {
        for (const auto& one : all) sender.queue(one);
        return sender.flush([](std::size_t tag, int error) {
            ADD_FAILURE() << "message " << tag << " failed: " << std::generic_category().message(error);
        });
    }
    Datagram unicast(Family family, const Bytes& message) const {
        Datagram datagram = multicast(family, message);
        datagram.destination = family == Family::ipv4 ? address("10.77.0.2") : TwoHosts::link_local(lan.far(), "far0");
        return datagram;
    }
    // Serves the loop until `count` adverts were heard; time goes on when somebody rests.
    void hear(const Heard& ear, std::size_t count) {
        while (ear.heard.size() < count) {
            if (loop.next_deadline() != never) loop.advance_to(loop.next_deadline());
            ASSERT_TRUE(loop.poll_once()) << "heard only " << ear.heard.size();
        }
    }

    TwoHosts lan;
    FakeLoop loop;
    int near0 = TwoHosts::index(lan.near(), "near0");
    int near1 = TwoHosts::index(lan.near(), "near1");
    AdvertSender sender = make_sender(lan.near());
};

class AdvertsOfFamily : public Adverts, public testing::WithParamInterface<Family> {};
inline std::string name_of(const testing::TestParamInfo<Family>& family) {
    return family.param == Family::ipv4 ? "ipv4" : "ipv6";
}

}  // namespace vrrpd::test
