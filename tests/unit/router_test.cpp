// The router: which instance a packet is for, the checks of its header, refusals that touch nothing (B27),
// deadlines of many instances.
#include "vrrpd/core/router.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::router_test {
namespace {

using namespace std::chrono_literals;
using test::CoreDriver;
using test::ip;
using test::Message;
using test::plain_options;
using test::vip;
using State = Instance::State;

InstanceOptions with_vrid(int vrid, Family family = Family::ipv4) {
    InstanceOptions options = plain_options();
    options.virtual_router_id = static_cast<std::uint8_t>(vrid);
    options.family = family;
    if (family == Family::ipv6) options.addresses = {vip("fe80::51"), vip("2001:db8::51")};
    return options;
}

Message advert_for(const InstanceOptions& options, const char* source, int priority, int interface_index = 2) {
    Outgoing advert{options.version,
                    options.virtual_router_id,
                    static_cast<std::uint8_t>(priority),
                    options.advert_interval,
                    {},
                    options.addresses,
                    ChecksumForm::pseudo_header,
                    ip(source),
                    vrrp_group(options.family)};
    return {advert, interface_index};
}

// ---- refusals: each is counted, in the right place, and touches nothing

struct Junk {
    Refusal why;
    bool known_instance;  ///< it is counted there; otherwise by the router
    std::function<Message(const CoreDriver&)> make;
};

// Would win if it were valid: priority 200.
std::vector<Junk> junk() {
    const auto changed = [](auto change) {
        return [change](const CoreDriver& host) {
            Message message = host.advert(200);
            change(message);
            return message;
        };
    };
    const auto from = [](const char* source) {
        return [source](const CoreDriver& host) { return host.advert(200, source); };
    };
    const auto to = [&](const char* destination) {
        return changed([destination](Message& m) { m.packet.destination = ip(destination); });
    };
    const auto ttl = [&](int value) {
        return changed([value](Message& m) { m.packet.ttl = static_cast<std::uint8_t>(value); });
    };
    return {
        {Refusal::length, false, changed([](Message& m) { m.bytes.clear(); })},
        {Refusal::length, false, changed([](Message& m) { m.bytes.resize(7); })},
        {Refusal::carp_like, false, changed([](Message& m) { m.bytes.assign(36, 7), m.byte(0, 0x21); })},
        {Refusal::version, false, changed([](Message& m) { m.byte(0, 0x41).seal(); })},
        {Refusal::type, false, changed([](Message& m) { m.byte(0, 0x32).seal(); })},
        {Refusal::ttl, false, ttl(254)},  // B01 H12
        {Refusal::ttl, false, ttl(1)},
        {Refusal::ttl, false, ttl(0)},
        {Refusal::vrid, false, changed([](Message& m) { m.byte(1, 52).seal(); })},  // B10 H13
        {Refusal::vrid, false, changed([](Message& m) { m.byte(1, 0).seal(); })},
        {Refusal::vrid, false, changed([](Message& m) { m.packet.interface_index = 3; })},  // B26
        {Refusal::options, true, changed([](Message& m) { m.packet.has_options = true; })},
        {Refusal::destination, true, to("10.9.0.1")},  // B22 H17
        {Refusal::destination, true, to("224.0.0.1")},
        {Refusal::destination, true, to("255.255.255.255")},
        {Refusal::source, true, from("0.0.0.0")},  // B24 H15 H16
        {Refusal::source, true, from("127.0.0.1")},
        {Refusal::source, true, from("224.0.0.18")},
        {Refusal::source, true, from("255.255.255.255")},
        {Refusal::source, true, from("10.9.0.100")},
        {Refusal::own_source, true, from("10.9.0.1")},  // B23
        {Refusal::version, true, changed([](Message& m) { m.byte(0, 0x21).seal(); })},
        {Refusal::count, true, changed([](Message& m) { m.byte(3, 0).seal(); })},
        {Refusal::length, true, changed([](Message& m) { m.byte(3, 2).seal(); })},
        {Refusal::length, true, changed([](Message& m) { m.bytes.push_back(0), m.seal(); })},
        {Refusal::checksum, true, changed([](Message& m) { m.bytes[7] ^= 1; })},
        {Refusal::interval, true, changed([](Message& m) { m.byte(4, 0).byte(5, 0).seal(); })},
    };
}

std::uint64_t counted(const CoreDriver& host, const Junk& each) {
    return each.known_instance ? host.refused(each.why) : host.unassigned(each.why);
}

void expect_untouched(CoreDriver& host) {
    for (const Junk& each : junk()) {
        SCOPED_TRACE(to_string(each.why));
        const Message message = each.make(host);
        const State state = host.state();
        const Instant deadline = host.router().next_deadline();
        const std::uint64_t before = counted(host, each);
        const auto heard = host.instance().counters().adverts_received;
        host.handle(message.view());
        EXPECT_EQ(counted(host, each), before + 1);
        EXPECT_EQ(host.state(), state);
        EXPECT_EQ(host.router().next_deadline(), deadline);
        EXPECT_EQ(host.instance().counters().adverts_received, heard);
        EXPECT_EQ(host.instance().active_interval(), host.instance().options().advert_interval);
        EXPECT_EQ(host.story(), "");
    }
}

TEST(Refused, by_an_instance_that_has_not_started) {
    CoreDriver host;
    host.path_up();
    expect_untouched(host);
}

TEST(Refused, by_a_backup_B27) {
    CoreDriver host;
    host.start();
    host.pass(30ms);
    expect_untouched(host);
}

TEST(Refused, by_an_active_B27) {
    CoreDriver host;
    host.become_active();
    host.pass(30ms);
    host.story();
    expect_untouched(host);
}

TEST(Refused, by_a_retiring_one_B27) {
    CoreDriver host;
    host.become_active();
    host.shutdown();
    host.story();
    expect_untouched(host);
}

TEST(Refused, a_thousand_leave_the_takeover_where_it_was_B27) {
    CoreDriver host;
    host.start();
    const Instant begin = host.now();
    const auto kinds = junk();
    for (std::size_t i = 0; i < 1000; ++i) {
        host.handle(kinds[i % kinds.size()].make(host).view());
        host.pass(300us);
    }
    host.time_to_active();
    EXPECT_EQ(host.now() - begin, 360'937'500ns);
}

TEST(Refused, do_not_slow_the_adverts_B27) {
    CoreDriver host;
    host.become_active();
    const auto kinds = junk();
    for (std::size_t i = 0; i < 1000; ++i) {
        for (const Junk& kind : kinds) host.handle(kind.make(host).view());
        host.pass(1ms);
    }
    EXPECT_EQ(host.story(),
              "advert 100, advert 100, advert 100, advert 100, advert 100, advert 100, "
              "advert 100, advert 100, advert 100, advert 100");
}

// The order that advert.hpp promises of the header, and that the message comes after it (the rest: advert_test).
TEST(Refused, names_the_first_of_several_mistakes_B28) {
    CoreDriver host;
    host.start();
    Message message = host.advert(200, "0.0.0.0").byte(0, 0x32).byte(1, 52).byte(7, 0);
    message.packet.ttl = 1;
    message.packet.has_options = true;
    message.packet.destination = ip("224.0.0.1");
    const auto named = [&](Refusal why) {
        const auto before = host.unassigned(why) + host.refused(why);
        host.handle(message.view());
        EXPECT_EQ(host.unassigned(why) + host.refused(why), before + 1) << to_string(why);
    };
    named(Refusal::type);
    message.byte(0, 0x31);
    named(Refusal::ttl);
    message.packet.ttl = 255;
    named(Refusal::vrid);
    message.byte(1, 51);
    named(Refusal::options);
    message.packet.has_options = false;
    named(Refusal::destination);
    message.packet.destination = vrrp_group(Family::ipv4);
    named(Refusal::source);
    message.packet.source = ip("10.9.0.1");
    named(Refusal::own_source);
    message.packet.source = ip("10.9.0.2");
    named(Refusal::checksum);
}

TEST(Refused, is_said_once_a_sender_and_reason_and_hides_nothing_else_L07_H41) {
    CoreDriver host;
    host.start();
    for (int i = 2; i < 250; ++i) {
        const std::string source = "10.9.1." + std::to_string(i);
        Message message = host.advert(200, source.c_str());
        message.bytes[7] ^= 1;
        host.handle(message.view());
        host.handle(message.view());
    }
    EXPECT_EQ(host.count_notices(Notice::Kind::refused), 8);
    EXPECT_EQ(host.refused(Refusal::checksum), 2u * 248);
    host.hear(99);
    EXPECT_EQ(host.count_notices(Notice::Kind::lower_discarded), 1);
}

TEST(Refused, version_2_passwords_are_counted_apart_T02_T03_T05) {
    InstanceOptions options = plain_options();
    options.version = Version::v2;
    options.advert_interval = 1s;
    options.password = "s3cret";
    CoreDriver host(options);
    host.start();
    host.handle(host.advert(200).byte(4, 9).seal().view());
    host.handle(host.advert(200).byte(4, 0).seal().view());
    host.handle(host.advert(200).byte(19, 'x').seal().view());
    host.handle(host.advert(200).byte(5, 2).seal().view());
    EXPECT_EQ(host.refused(Refusal::auth_unknown), 1u);
    EXPECT_EQ(host.refused(Refusal::auth_mismatch), 1u);
    EXPECT_EQ(host.refused(Refusal::auth_fail), 1u);
    EXPECT_EQ(host.refused(Refusal::interval), 1u) << "B14";
    EXPECT_EQ(host.instance().counters().adverts_received, 0u);
}

// ---- accepted all the same

TEST(Accepted, an_owner_at_the_virtual_address_B24_and_a_source_off_the_subnet_H14) {
    CoreDriver host;
    host.start();
    host.hear(255, "10.9.0.100");
    host.hear(200, "192.0.2.7");
    EXPECT_EQ(host.instance().counters().adverts_received, 2u);
}

TEST(Accepted, excluded_addresses_are_virtual_ones_too_B24) {
    InstanceOptions options = plain_options();
    options.excluded_addresses = {vip("10.9.0.101")};
    CoreDriver host(options);
    host.start();
    host.hear(200, "10.9.0.101");
    EXPECT_EQ(host.refused(Refusal::source), 1u);
}

TEST(Ipv6, only_link_local_sources_B25_H34) {
    const InstanceOptions options = with_vrid(51, Family::ipv6);
    CoreDriver host(options);
    host.start("fe80::1");
    for (const char* source : {"2001:db8::2", "::", "::1", "ff02::12", "fe80::51"}) {
        host.handle(advert_for(options, source, 200).view());
    }
    EXPECT_EQ(host.refused(Refusal::source), 5u);
    host.handle(advert_for(options, "fe80::1", 200).view());
    EXPECT_EQ(host.refused(Refusal::own_source), 1u);
    host.handle(advert_for(options, "fe80::2", 200).view());
    EXPECT_EQ(host.instance().counters().adverts_received, 1u);
    EXPECT_EQ(host.instance().counters().lists_differed, 0u);
}

TEST(Ipv6, elections_compare_128_bits_E24) {
    const InstanceOptions options = with_vrid(51, Family::ipv6);
    CoreDriver host(options);
    host.start("fe80::10");
    host.time_to_active();
    host.handle(advert_for(options, "fe80::9", 100).view());
    EXPECT_EQ(host.state(), State::active);
    host.handle(advert_for(options, "fe80::1:0:0:0:9", 100).view());
    EXPECT_EQ(host.state(), State::backup);
}

// ---- the checksum form that we send: C08

TEST(ChecksumForm, automatic_mirrors_the_last_valid_peer_C08) {
    CoreDriver host;
    host.start();
    std::vector<std::uint8_t> bytes(max_message_size);
    const auto form_sent = [&] {
        Packet packet = host.advert(1).packet;
        packet.source = ip("10.9.0.1");
        packet.message = std::span(bytes).first(host.instance().encode(100, packet.destination, bytes));
        return std::get<Advert>(decode(packet, {Version::v3, 100ms, {}})).checksum_form;
    };
    EXPECT_EQ(form_sent(), ChecksumForm::pseudo_header) << "what Debian's keepalived and FRR read";
    Message broken = host.advert(200).seal();
    broken.byte(4, 0).byte(5, 0).seal();
    host.handle(broken.view());
    EXPECT_EQ(form_sent(), ChecksumForm::pseudo_header) << "a refused one teaches nothing";
    for (int i = 0; i < 2; ++i) host.handle(host.advert(200).seal().view());
    EXPECT_EQ(form_sent(), ChecksumForm::message_only);
    EXPECT_EQ(host.count_notices(Notice::Kind::checksum_mirrored), 1);
    host.hear(200);
    EXPECT_EQ(form_sent(), ChecksumForm::pseudo_header);
}

TEST(ChecksumForm, a_fixed_one_stays_C02_C03) {
    for (const auto& [mode, form] : {std::pair(ChecksumMode::rfc9568, ChecksumForm::message_only),
                                     std::pair(ChecksumMode::rfc5798, ChecksumForm::pseudo_header)}) {
        InstanceOptions options = plain_options();
        options.checksum = mode;
        CoreDriver host(options);
        host.start();
        host.hear(200);
        host.handle(host.advert(200).seal().view());
        EXPECT_EQ(host.instance().counters().adverts_received, 2u) << "H10: both are always read";
        std::vector<std::uint8_t> bytes(max_message_size);
        Packet packet = host.advert(1).packet;
        packet.source = ip("10.9.0.1");
        packet.message = std::span(bytes).first(host.instance().encode(100, packet.destination, bytes));
        EXPECT_EQ(std::get<Advert>(decode(packet, {Version::v3, 100ms, {}})).checksum_form, form);
    }
}

// ---- many instances

TEST(Demux, by_interface_family_and_id_A15_A17_M05) {
    const std::vector<InstanceOptions> options = {with_vrid(51), with_vrid(52), with_vrid(51, Family::ipv6),
                                                  with_vrid(51)};
    CoreDriver host(options);
    host.handle(PathChanged{0, 2, true, ip("10.9.0.1"), ""});
    host.handle(PathChanged{1, 2, true, ip("10.9.0.1"), ""});
    host.handle(PathChanged{2, 2, true, ip("fe80::1"), ""});
    host.handle(PathChanged{3, 3, true, ip("10.9.0.1"), ""});
    host.handle(Startup{});
    const auto received = [&](InstanceId id) { return host.router().instance(id).counters().adverts_received; };
    host.handle(advert_for(options[0], "10.9.0.2", 200, 2).view());
    host.handle(advert_for(options[1], "10.9.0.2", 200, 2).view());
    host.handle(advert_for(options[1], "10.9.0.2", 200, 2).view());
    host.handle(advert_for(options[2], "fe80::2", 200, 2).view());
    host.handle(advert_for(options[3], "10.9.0.2", 200, 3).view());
    host.handle(advert_for(options[1], "10.9.0.2", 200, 3).view());
    EXPECT_EQ(received(0), 1u);
    EXPECT_EQ(received(1), 2u);
    EXPECT_EQ(received(2), 1u);
    EXPECT_EQ(received(3), 1u);
    EXPECT_EQ(host.unassigned(Refusal::vrid), 1u);

    host.handle(PathChanged{3, 4, true, ip("10.9.0.1"), ""});
    host.handle(advert_for(options[3], "10.9.0.2", 200, 3).view());
    host.handle(advert_for(options[3], "10.9.0.2", 200, 4).view());
    EXPECT_EQ(received(3), 2u) << "an interface that was made anew has another index";
    EXPECT_EQ(host.unassigned(Refusal::vrid), 2u);
}

TEST(Deadlines, what_is_due_in_one_slot_leaves_together) {
    std::vector<InstanceOptions> options;
    for (int vrid = 1; vrid <= 255; ++vrid) {
        options.push_back(with_vrid(vrid));
        options.back().priority = 255;
    }
    CoreDriver host(options);
    for (InstanceId id = 0; id < options.size(); ++id) {
        host.handle(PathChanged{id, 2, true, ip("10.9.0.1"), ""});
    }
    host.handle(Startup{});
    host.story();
    host.freeze(host.until_deadline());
    host.expire();
    EXPECT_EQ(host.actions().size(), 255u);
    EXPECT_EQ(host.until_deadline(), 100ms);
}

TEST(Deadlines, adverts_may_leave_a_slot_early_takeovers_never) {
    std::vector<InstanceOptions> options = {with_vrid(1), with_vrid(2), with_vrid(3)};
    options[0].priority = options[1].priority = 255;
    CoreDriver host(options);
    const auto path_up = [&](InstanceId id) { host.handle(PathChanged{id, 2, true, ip("10.9.0.1"), ""}); };
    host.handle(Startup{});
    path_up(0);
    host.freeze(500us);
    path_up(1);
    host.story();
    host.freeze(host.until_deadline());
    host.expire();
    EXPECT_EQ(host.story(), "advert 255, advert 255") << "the second 0.5 ms early";

    // Instance 2 becomes due 0.4 ms after one of their adverts.
    const Instant begin = host.now();
    host.pass(400'400us - 360'937'500ns);
    path_up(2);
    host.freeze(begin + 400ms - host.now() - 300ms);
    for (int i = 0; i < 4; ++i) {
        host.expire();
        EXPECT_EQ(host.router().instance(2).state(), State::backup);
        if (i < 3) host.freeze(100ms);
    }
    EXPECT_EQ(host.until_deadline(), 400us);
    host.freeze(400us);
    host.expire();
    EXPECT_EQ(host.router().instance(2).state(), State::active);
}

TEST(Router, without_instances_is_idle_and_finished) {
    CoreDriver host(std::vector<InstanceOptions>{});
    host.handle(Startup{});
    host.expire();
    EXPECT_EQ(host.router().next_deadline(), never);
    EXPECT_TRUE(host.router().finished());
}

TEST(Router, is_finished_when_all_are) {
    CoreDriver host({with_vrid(1), with_vrid(2)});
    host.handle(PathChanged{0, 2, true, ip("10.9.0.1"), ""});
    host.handle(Startup{});
    host.pass(1s);
    host.shutdown();
    EXPECT_FALSE(host.router().finished());
    host.pass(1s);
    EXPECT_TRUE(host.router().finished());
}

}  // namespace
}  // namespace vrrpd::router_test
