// What a reload makes of two configurations: random ones, and the cases that are easy to get wrong.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "vrrpd/config/arrange.hpp"

namespace vrrpd::config::config_arrange_test {
namespace {

using Places = std::vector<std::size_t>;

VirtualAddress address(int number) {
    return {*Prefix::parse("10.9.0." + std::to_string(number) + "/24"), "", ""};
}

InstanceOptions instance(const char* name, std::uint8_t vrid, std::vector<int> addresses = {}) {
    InstanceOptions options;
    options.name = name;
    options.interface = "eth0";
    options.virtual_router_id = vrid;
    for (const int number : addresses) options.addresses.push_back(address(number));
    return options;
}

health::CheckOptions check(const std::string& name, int fall = 2) {
    health::CheckOptions options;
    options.name = name;
    options.fall = fall;
    return options;
}

Track track(std::size_t index) {
    return {index, -5, false, false};
}

Config config(std::vector<InstanceOptions> instances) {
    Config result;
    result.instances = std::move(instances);
    return result;
}

TEST(Arrange, TheSameFileInAnotherOrderChangesNothing) {
    Config running = config({instance("a", 1), instance("b", 2)});
    running.checks = {check("x"), check("y")};
    running.tracked_interfaces = {"eth1", "eth2"};
    running.instances[0].checks = {track(0), track(first_tracked_interface)};
    running.instances[1].gates = {1};
    running.groups = {{"g", {0, 1}}};
    Config loaded = config({running.instances[1], running.instances[0]});
    loaded.checks = {check("y"), check("x")};
    loaded.tracked_interfaces = {"eth2", "eth1"};
    loaded.instances[1].checks = {track(1), track(first_tracked_interface + 1)};
    loaded.instances[0].gates = {0};
    loaded.groups = {{"g", {1, 0}}};
    const Arranged arranged = arrange(running, loaded);
    EXPECT_TRUE(arranged.instances.none() && arranged.checks.none() && arranged.services.none());
    EXPECT_EQ(arranged.config.instances, running.instances);
    EXPECT_EQ(arranged.config.groups, running.groups);
    EXPECT_TRUE(arranged.moves.empty());
}

TEST(Arrange, AnotherVridIsAnotherInstance) {
    const Arranged arranged = arrange(config({instance("a", 1)}), config({instance("a", 2)}));
    EXPECT_EQ(arranged.instances, (Changes{{}, {1}, {0}}));
    EXPECT_EQ(arranged.config.instances[0].virtual_router_id, 1) << "it is still to be handed over";
}

TEST(Arrange, AnotherNameIsTheSameInstance) {
    EXPECT_EQ(arrange(config({instance("a", 1)}), config({instance("b", 1)})).instances, (Changes{{0}, {}, {}}));
}

TEST(Arrange, UnicastInstancesOfOneVridAreToldApartByNameThenByPeer) {
    const auto unicast = [](const char* name, const char* peer) {
        InstanceOptions options = instance(name, 1);
        options.unicast_peers = {UnicastPeer{*IpAddress::parse(peer)}};
        return options;
    };
    const Config running = config({unicast("a", "10.0.0.1"), unicast("b", "10.0.0.2"), unicast("c", "10.0.0.3")});
    const Arranged arranged =
        arrange(running, config({unicast("n", "10.0.0.9"), unicast("m", "10.0.0.1"), unicast("b", "10.0.0.7")}));
    EXPECT_EQ(arranged.instances, (Changes{{0, 1, 2}, {}, {}}));
    EXPECT_EQ(arranged.config.instances[0].name, "m") << "by its peer";
    EXPECT_EQ(arranged.config.instances[1].name, "b") << "by its name";
    EXPECT_EQ(arranged.config.instances[2].name, "n") << "what is left";
}

TEST(Arrange, APlaceIsTakenOnlyWhenItWasVacantBefore) {
    Config running = config({instance("a", 1), {}, instance("c", 3)});
    const Arranged arranged = arrange(running, config({instance("c", 3), instance("d", 4), instance("e", 5)}));
    EXPECT_EQ(arranged.instances, (Changes{{}, {1, 3}, {0}}));
    EXPECT_EQ(arranged.config.instances[0].name, "a");
    EXPECT_EQ(arranged.config.instances[1].name, "d");
    EXPECT_EQ(arranged.config.instances[3].name, "e");
}

TEST(Arrange, AnAddressThatMovesIsNamed) {
    const Config running = config({instance("a", 1, {1, 2}), instance("b", 2, {3}), instance("c", 3, {4})});
    const Arranged arranged = arrange(running, config({instance("a", 1, {1}), instance("b", 2, {2, 3, 4})}));
    EXPECT_EQ(arranged.moves, (std::vector<Move>{{address(2).prefix, 0, 1}, {address(4).prefix, 2, 1}}));
}

TEST(Arrange, WhatHasAnEffectAtTheStartOnlyStaysAndIsNamed) {
    Config loaded;
    loaded.global.control_socket = "/run/other";
    loaded.global.state_directory = "/var/lib/other";
    loaded.global.metrics_listen = health::Endpoint{};
    loaded.global.log_level = LogLevel::debug;
    loaded.global.router_id = "another";
    const Arranged arranged = arrange({}, loaded);
    EXPECT_EQ(arranged.needs_restart,
              (std::vector<std::string>{"control_socket", "metrics_listen", "state_directory"}));
    EXPECT_EQ(arranged.config.global.control_socket, GlobalOptions().control_socket);
    EXPECT_EQ(arranged.config.global.state_directory, GlobalOptions().state_directory);
    EXPECT_FALSE(arranged.config.global.metrics_listen);
    EXPECT_EQ(arranged.config.global.log_level, LogLevel::debug);
    EXPECT_EQ(arranged.config.global.router_id, "another");
}

// ---- random ones

struct Draw {
    std::mt19937 engine;
    std::size_t below(std::size_t limit) { return engine() % limit; }

    std::vector<std::string> names(const char* stem) {
        std::vector<std::string> all;
        for (int i = 0; i < 6; ++i) {
            if (below(2) == 0) all.push_back(stem + std::to_string(i));
        }
        std::ranges::shuffle(all, engine);
        return all;
    }

    Config file() {
        Config drawn;
        for (const auto& name : names("check")) drawn.checks.push_back(check(name, 1 + static_cast<int>(below(2))));
        for (const auto& name : names("service")) {
            drawn.services.emplace_back().name = name;
            drawn.services.back().restart_limit = 1 + static_cast<int>(below(2));
        }
        drawn.tracked_interfaces = names("eth");
        for (const auto& name : names("VI_")) {
            InstanceOptions one = instance(name.c_str(), static_cast<std::uint8_t>(1 + below(3)));
            one.virtual_router_id = static_cast<std::uint8_t>(one.virtual_router_id + 3 * drawn.instances.size());
            one.priority = 100 + static_cast<int>(below(2));
            if (!drawn.checks.empty()) one.checks.push_back(track(below(drawn.checks.size())));
            if (!drawn.checks.empty() && below(2) == 0) one.gates.push_back(below(drawn.checks.size()));
            if (!drawn.services.empty()) one.services.push_back(below(drawn.services.size()));
            if (!drawn.tracked_interfaces.empty())
                one.checks.push_back(track(first_tracked_interface + below(drawn.tracked_interfaces.size())));
            drawn.instances.push_back(one);
        }
        if (drawn.instances.size() > 1) drawn.groups.push_back({"g", {0, drawn.instances.size() - 1}});
        return drawn;
    }
};

// Without places: everything by the name of what it points at.
std::multiset<std::string> meaning(const Config& config, const Changes& instances) {
    std::multiset<std::string> lines;
    const auto track_name = [&](std::size_t index) {
        return index < first_tracked_interface ? config.checks.at(index).name
                                               : config.tracked_interfaces.at(index - first_tracked_interface);
    };
    for (std::size_t i = 0; i < config.instances.size(); ++i) {
        const InstanceOptions& one = config.instances[i];
        if (is_vacant(one) || std::ranges::binary_search(instances.removed, i)) continue;
        std::string line = one.name + "/" + std::to_string(one.virtual_router_id) + "/" + std::to_string(one.priority);
        for (const Track& track : one.checks) line += " t:" + track_name(track.index);
        for (const std::size_t gate : one.gates) line += " g:" + config.checks.at(gate).name;
        for (const std::size_t service : one.services) line += " s:" + config.services.at(service).name;
        lines.insert(line);
    }
    for (const auto& check : config.checks) {
        if (!check.name.empty()) lines.insert(check.name + std::to_string(check.fall));
    }
    for (const auto& service : config.services) {
        if (!service.name.empty()) lines.insert(service.name + std::to_string(service.restart_limit));
    }
    for (const auto& group : config.groups) {
        std::string line = group.name;
        for (const std::size_t member : group.members) line += " " + config.instances.at(member).name;
        lines.insert(line);
    }
    return lines;
}

template <typename Thing, typename IsVacant>
void check_places(const std::vector<Thing>& before, const std::vector<Thing>& after, const Changes& changes,
                  IsVacant is_vacant, bool removed_stay) {
    const auto in = [](const Places& places, std::size_t i) { return std::ranges::binary_search(places, i); };
    ASSERT_GE(after.size(), before.size());
    for (std::size_t i = 0; i < after.size(); ++i) {
        const bool was = i < before.size() && !is_vacant(before[i]);
        EXPECT_EQ(in(changes.added, i), !was && !is_vacant(after[i]));
        if (!was) continue;
        if (in(changes.removed, i)) {
            EXPECT_TRUE(removed_stay ? after[i] == before[i] : is_vacant(after[i]));
        } else {
            EXPECT_EQ(in(changes.changed, i), !(after[i] == before[i]));
        }
    }
}

TEST(Arrange, AnyFileAfterAnyOtherMeansWhatItSaysAndKeepsEveryPlace) {
    const auto no_name = [](const auto& thing) { return thing.name.empty(); };
    for (unsigned seed = 0; seed < 300; ++seed) {
        Draw draw{std::mt19937(seed)};
        Config running = draw.file();
        for (int reload = 0; reload < 5; ++reload) {
            const Config loaded = draw.file();
            const Arranged arranged = arrange(running, loaded);
            ASSERT_EQ(meaning(arranged.config, arranged.instances), meaning(loaded, {})) << "seed " << seed;
            check_places(running.instances, arranged.config.instances, arranged.instances, is_vacant, true);
            check_places(running.checks, arranged.config.checks, arranged.checks, no_name, false);
            check_places(running.services, arranged.config.services, arranged.services, no_name, false);
            running = arranged.config;
            for (const std::size_t place : arranged.instances.removed) running.instances[place] = {};
            ASSERT_TRUE(arrange(running, loaded).instances.none()) << "a second time changes nothing";
            ASSERT_LE(running.instances.size(), 12u) << "places are taken again";
        }
    }
}

}  // namespace
}  // namespace vrrpd::config::config_arrange_test
