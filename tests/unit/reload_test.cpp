// A reload as the core sees it: who stays misses nothing, who is new takes part, who goes hands over.
#include <algorithm>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::reload_test {
namespace {

using namespace std::chrono_literals;
using test::CoreDriver;
using test::ip;
using test::plain_options;
using test::vip;
using State = Instance::State;

InstanceOptions options_of(std::uint8_t vrid, const char* address) {
    InstanceOptions options = plain_options();
    options.name = "VI_" + std::to_string(vrid);
    options.virtual_router_id = vrid;
    options.addresses = {vip(address)};
    return options;
}

PathChanged path(InstanceId id) {
    return {id, CoreDriver::interface_index, true, ip("10.9.0.1"), ""};
}

// Two, both Active and holding their addresses.
struct Two : CoreDriver {
    Two() : CoreDriver(options()) {
        handle(path(1));
        start();
        pass(400ms);
        handle(AddressesSettled{0, true, false, ""});
        handle(AddressesSettled{1, true, false, ""});
        story();
    }
    State state(InstanceId id) { return router().instance(id).state(); }
    static std::vector<InstanceOptions> options() { return {options_of(1, "10.9.0.101"), options_of(2, "10.9.0.102")}; }
};

TEST(Reload, WhoIsUntouchedGoesOnAsIfNothingHadHappened_L03) {
    Two host, other;
    auto options = Two::options();
    options[1].priority = 150;
    Reconfigured event;
    event.changed = {1};
    host.reload(event, options);
    EXPECT_EQ(host.story(), "advert 150");
    EXPECT_EQ(host.router().instance(0).next_deadline(), other.router().instance(0).next_deadline());
    host.pass(100ms);
    other.pass(100ms);
    EXPECT_EQ(host.router().instance(0).counters().adverts_sent, other.router().instance(0).counters().adverts_sent);
}

TEST(Reload, ANewListOfAddressesIsAskedForWithoutLeavingMaster) {
    Two host;
    auto options = Two::options();
    options[0].addresses.push_back(vip("10.9.0.103"));
    Reconfigured event;
    event.changed = {0};
    host.reload(event, options);
    EXPECT_EQ(host.story(), "advert 100, addresses on and announced");
    EXPECT_EQ(host.state(0), State::active);
}

TEST(Reload, WhoIsNewTakesPartAndHearsItsAdverts) {
    Two host;
    auto options = Two::options();
    options.push_back(options_of(3, "10.9.0.103"));
    Reconfigured event;
    event.added = {path(2)};
    host.reload(event, options);
    EXPECT_EQ(host.state(2), State::backup);
    Outgoing advert;
    advert.virtual_router_id = 3;
    advert.priority = 200;
    advert.interval = 100ms;
    advert.addresses = options[2].addresses;
    advert.source = ip("10.9.0.2");
    advert.destination = vrrp_group(Family::ipv4);
    host.handle(test::Message(advert, CoreDriver::interface_index).view());
    EXPECT_EQ(host.router().instance(2).counters().adverts_received, 1u);
    host.pass(1s);
    EXPECT_EQ(host.state(2), State::active);
}

TEST(Reload, WhoIsNewAndDrainedClaimsNothing) {
    Two host;
    auto options = Two::options();
    options.push_back(options_of(3, "10.9.0.103"));
    options[2].priority = owner_priority;  // whoever is one claims at its start
    Reconfigured event;
    event.added = {path(2)};
    event.drained = {2};
    host.reload(event, options);
    EXPECT_EQ(host.story(), "");
    host.pass(1s);
    EXPECT_EQ(host.state(2), State::backup);
    host.handle(DrainChanged{2, false});
    EXPECT_EQ(host.state(2), State::active);
}

TEST(Reload, WhoIsRemovedHandsOverAndItsPlaceCanBeTakenByAnother) {
    Two host;
    Reconfigured event;
    event.removed = {1};
    host.reload(event, Two::options());
    EXPECT_EQ(host.story(), "addresses off");
    host.handle(AddressesSettled{1, false, false, ""});
    host.pass(10ms);
    EXPECT_EQ(host.story(), "advert 0, advert 0");
    EXPECT_TRUE(host.router().instance(1).finished());
    EXPECT_EQ(host.last_reason(), "");
    host.handle(Vacated{{1}});
    EXPECT_EQ(host.state(0), State::active);

    auto options = Two::options();
    options[1] = options_of(7, "10.9.0.107");
    Reconfigured again;
    again.added = {path(1)};
    host.reload(again, options);
    host.pass(1s);
    EXPECT_EQ(host.state(1), State::active);
    EXPECT_EQ(host.router().instance(1).options().virtual_router_id, 7);
}

TEST(Reload, AFaultThatIsHeldIsOver) {
    Two host;
    host.handle(ServicesChanged{0, ServicesState::failed, "proxy exited"});
    host.handle(AddressesSettled{0, false, false, ""});
    host.pass(10ms);
    EXPECT_EQ(host.router().instance(0).role(), Role::fault);
    host.reload({}, Two::options());
    EXPECT_EQ(host.router().instance(0).role(), Role::backup);
}

TEST(Reload, ANewCheckWithoutAVerdictTakesNobodysPriorityAway) {
    InstanceOptions options = plain_options();
    options.checks = {Track{0, 50, false}};
    CoreDriver host(options);
    host.check(0, CheckState::passing);
    host.become_active();
    options.checks = {Track{1, 50, false}};
    host.reload(options);
    EXPECT_EQ(host.state(), State::active);
    EXPECT_EQ(host.instance().priority(), 150);
    host.check(1, CheckState::failing);
    EXPECT_EQ(host.instance().priority(), 100);
}

TEST(Reload, WhatIsKnownOfACheckIsKnownToWhoeverTracksItNow) {
    auto options = Two::options();
    options[0].checks = {Track{4, -30, false}};
    CoreDriver host(options);
    host.handle(path(1));
    host.start();
    host.check(4, CheckState::failing);
    options[1].checks = {Track{4, -30, false}};
    Reconfigured event;
    event.changed = {1};
    host.reload(event, options);
    EXPECT_EQ(host.router().instance(1).priority(), 70);
}

// ---- sync groups

TEST(Reload, ANewMemberOfAGroupThatServesServesWithIt) {
    Two host;
    auto options = Two::options();
    options.push_back(options_of(3, "10.9.0.103"));
    options[2].checks = {Track{0, std::nullopt, false}};  // and has no verdict yet
    Reconfigured event;
    event.added = {path(2)};
    host.reload(event, options, {{"VG", {0, 1, 2}}});
    EXPECT_EQ(host.state(0), State::active);
    EXPECT_EQ(host.state(2), State::active);
}

TEST(Reload, AGroupOfWhoServesAndWhoObeysServesNowhere) {
    Two host;
    Outgoing advert;
    advert.virtual_router_id = 2;
    advert.priority = 200;
    advert.interval = 100ms;
    const std::vector<InstanceOptions> options = Two::options();
    advert.addresses = options[1].addresses;
    advert.source = ip("10.9.0.2");
    advert.destination = vrrp_group(Family::ipv4);
    host.handle(test::Message(advert, CoreDriver::interface_index).view());
    host.handle(AddressesSettled{1, false, false, ""});
    EXPECT_EQ(host.state(1), State::backup);
    host.reload({}, Two::options(), {{"VG", {0, 1}}});
    EXPECT_EQ(host.state(0), State::backup);
}

TEST(Reload, WhoLeavesAGroupGoesOnAlone) {
    Two host;
    host.reload({}, Two::options(), {{"VG", {0, 1}}});
    host.story();
    host.reload({}, Two::options(), {});
    EXPECT_EQ(host.story(), "");
    host.handle(PathChanged{1, CoreDriver::interface_index, false, ip("10.9.0.1"), "eth0 is down"});
    EXPECT_EQ(host.state(0), State::active);
}

// ---- any sequence of reloads

// A host whose file changes at random between all else that happens to it. The kernel carries out every wish.
class Storm {
  public:
    explicit Storm(unsigned seed) : engine_(seed) {
        for (int i = 0; i < 3; ++i) options_.push_back(fresh());
        host_ = std::make_unique<CoreDriver>(options_);
        wanted_.assign(options_.size(), false);
        for (InstanceId id = 1; id < options_.size(); ++id) host_->handle(path(id));
        host_->start();
        look();
    }

    void step() {
        switch (below(4)) {
            case 0:
                host_->pass(std::chrono::milliseconds(below(200)));
                break;
            case 1:
                hear(below(options_.size()));
                break;
            case 2:
                host_->handle(CheckChanged{below(3), static_cast<CheckState>(below(4)), "check"});
                break;
            default:
                if (departing_.empty()) reload();
        }
        host_->pass(0ms);
        look();
        bury();
    }

    void shut_down() {
        host_->handle(Shutdown{});
        look();
        host_->pass(1s);
        look();
        EXPECT_TRUE(host_->router().finished());
        for (const bool wanted : wanted_) EXPECT_FALSE(wanted);
    }

  private:
    std::size_t below(std::size_t limit) { return engine_() % limit; }
    bool chance(std::size_t percent) { return below(100) < percent; }
    const Instance& instance(InstanceId id) { return host_->router().instance(id); }

    InstanceOptions fresh() {
        const int number = ++last_id_ % 200 + 1;
        InstanceOptions options =
            options_of(static_cast<std::uint8_t>(number), ("10.9.1." + std::to_string(number)).c_str());
        vary(options);
        return options;
    }
    void vary(InstanceOptions& options) {
        options.priority = static_cast<int>(50 + below(100));
        options.advert_interval = chance(50) ? 100ms : 50ms;
        options.addresses.resize(1);
        if (chance(50)) options.addresses.push_back(vip("10.9.3.1"));
        options.checks.clear();
        if (chance(50)) options.checks.push_back(Track{below(3), chance(50) ? std::optional(20) : std::nullopt, false});
    }

    void reload() {
        Reconfigured event;
        auto options = options_;
        std::vector<std::size_t> alive;
        for (InstanceId id = 0; id < options.size(); ++id) {
            if (is_vacant(options[id])) {
                if (!chance(40)) continue;
                options[id] = fresh();
                event.added.push_back(path(id));
            } else if (chance(20)) {
                event.removed.push_back(id);
                continue;
            } else if (chance(30)) {
                vary(options[id]);
                if (!(options[id] == options_[id])) event.changed.push_back(id);
            }
            alive.push_back(id);
        }
        if (options.size() < 6 && chance(30)) {
            alive.push_back(options.size());
            event.added.push_back(path(options.size()));
            options.push_back(fresh());
        }
        std::vector<SyncGroupOptions> groups;
        std::ranges::shuffle(alive, engine_);
        if (alive.size() >= 2 && chance(60)) groups.push_back({"VG", {alive[0], alive[1]}});
        apply(event, std::move(options), std::move(groups));
    }

    void apply(const Reconfigured& event, std::vector<InstanceOptions> options, std::vector<SyncGroupOptions> groups) {
        const bool same_groups = groups == groups_ && groups.empty();
        std::vector<std::pair<Instance::State, Instant>> before;
        for (InstanceId id = 0; id < options_.size(); ++id) {
            before.emplace_back(instance(id).state(), instance(id).next_deadline());
        }
        options_ = options;
        groups_ = groups;
        departing_ = event.removed;
        wanted_.resize(options.size(), false);
        host_->reload(event, std::move(options), std::move(groups));
        for (InstanceId id = 0; id < before.size() && same_groups; ++id) {
            const bool touched = std::ranges::find(event.changed, id) != event.changed.end() ||
                                 std::ranges::find(event.removed, id) != event.removed.end() ||
                                 std::ranges::find(event.added, id, &PathChanged::instance) != event.added.end();
            if (touched) continue;
            EXPECT_EQ(before[id], std::pair(instance(id).state(), instance(id).next_deadline())) << "untouched";
        }
    }

    void hear(InstanceId id) {
        if (is_vacant(options_[id])) return;
        const InstanceOptions& ours = options_[id];
        Outgoing advert;
        advert.virtual_router_id = ours.virtual_router_id;
        advert.priority = static_cast<std::uint8_t>(below(200));
        advert.interval = ours.advert_interval;
        advert.addresses = ours.addresses;
        advert.source = ip("10.9.0.2");
        advert.destination = vrrp_group(Family::ipv4);
        host_->handle(test::Message(advert, CoreDriver::interface_index).view());
    }

    // Answers every wish, and looks whether all is as it should be.
    void look() {
        while (!host_->actions().empty()) {
            for (const Action& action : host_->take_actions()) {
                if (const auto* set = std::get_if<SetAddresses>(&action)) {
                    wanted_[set->instance] = set->wanted;
                    host_->handle(AddressesSettled{set->instance, set->wanted, false, ""});
                }
            }
        }
        for (InstanceId id = 0; id < options_.size(); ++id) {
            EXPECT_EQ(wanted_[id], instance(id).state() == State::active) << "of " << id;
        }
        for (const SyncGroupOptions& group : groups_) {
            EXPECT_EQ(wanted_[group.members[0]], wanted_[group.members[1]]) << "Active together or not at all";
        }
        EXPECT_GT(host_->router().next_deadline(), host_->now()) << "a deadline was left in the past";
    }

    void bury() {
        Vacated vacated;
        for (const InstanceId id : departing_) {
            if (instance(id).finished()) vacated.instances.push_back(id);
        }
        host_->handle(vacated);
        for (const InstanceId id : vacated.instances) {
            std::erase(departing_, id);
            options_[id] = {};
        }
    }

    std::mt19937 engine_;
    int last_id_ = 0;
    std::vector<InstanceOptions> options_;
    std::vector<SyncGroupOptions> groups_;
    std::vector<InstanceId> departing_;
    std::vector<bool> wanted_;
    std::unique_ptr<CoreDriver> host_;
};

TEST(Reload, AnySequenceOfReloadsKeepsTheInvariants) {
    for (unsigned seed = 0; seed < 200 && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Storm storm(seed);
        for (int i = 0; i < 200 && !testing::Test::HasFailure(); ++i) storm.step();
        storm.shut_down();
    }
}

}  // namespace
}  // namespace vrrpd::reload_test
