// Services shared by instances, on a loop whose clock the test turns: who needs what, who is told what, and
// how it ends.
#include "vrrpd/agent/service_set.hpp"

#include <csignal>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/fake_loop.hpp"

namespace vrrpd::service_set_test {
namespace {

using namespace std::chrono_literals;

// Children that end when they are told to: by SIGTERM, or if they are stubborn only by SIGKILL.
class ObedientStarter final : public ChildStarter {
  public:
    explicit ObedientStarter(test::FakeLoop& loop) : loop_(loop) {}

    std::unique_ptr<Child> start(const Command&, std::function<void(ExitStatus)> ended) override {
        ++started;
        auto child = std::make_unique<ObedientChild>(*this, std::move(ended));
        alive.push_back(child.get());
        return child;
    }
    std::size_t running() const { return alive.size(); }
    void end_first(ExitStatus status) { alive.front()->end(status); }

    std::size_t started = 0;
    bool stubborn = false;

  private:
    struct ObedientChild final : Child {
        ObedientChild(ObedientStarter& owner, std::function<void(ExitStatus)> on_end)
            : starter(owner), ended(std::move(on_end)), timer(owner.loop_.timer([this] { report(); })) {}
        ~ObedientChild() override { std::erase(starter.alive, this); }
        void signal(int number) override {
            if (number == SIGKILL || !starter.stubborn) end({ExitStatus::Kind::signalled, number});
        }
        void end(ExitStatus how) {
            status = how;
            std::erase(starter.alive, this);
            timer->arm(starter.loop_.now());
        }
        void report() {
            const auto callback = ended;  // it destroys this child
            callback(status);
        }
        ObedientStarter& starter;
        std::function<void(ExitStatus)> ended;
        ExitStatus status;
        std::unique_ptr<Timer> timer;
    };

    test::FakeLoop& loop_;
    std::vector<ObedientChild*> alive;
};

struct ServiceSetTest : testing::Test {
    test::FakeLoop loop;
    ObedientStarter starter{loop};
    std::vector<service::ServiceOptions> options;
    std::vector<InstanceOptions> instances;
    std::vector<std::string> told;
    int ended = 0;
    std::unique_ptr<ServiceSet> set;

    void service(const char* name, service::Run run = service::Run::master) {
        service::ServiceOptions one;
        one.name = name;
        one.command = {"/bin/true"};
        one.run = run;
        options.push_back(one);
    }
    void instance(std::vector<std::size_t> services) {
        InstanceOptions one;
        one.name = "VI_" + std::to_string(instances.size());
        one.services = std::move(services);
        instances.push_back(one);
    }
    void make() {
        ServiceSet::Callbacks callbacks;
        callbacks.changed = [this](const ServicesChanged& change) {
            static constexpr const char* words[] = {"stopped", "ready", "failed"};
            told.push_back(std::to_string(change.instance) + " " + words[static_cast<std::size_t>(change.state)]);
        };
        callbacks.check_wanted = [](std::size_t, bool) {};
        callbacks.ended = [this] { ++ended; };
        set = std::make_unique<ServiceSet>(loop, starter, options, instances, std::vector<bool>(options.size(), false),
                                           std::move(callbacks));
        set->begin({});
        turn();
    }
    void reload() {
        set->reconfigure(options, std::vector<bool>(options.size(), false));
        turn();
    }
    void turn(Duration by = 0ms) { loop.advance(by); }
    std::vector<std::string> take() { return std::exchange(told, {}); }
};

using Told = std::vector<std::string>;

// Without a listen address it is ready as soon as it was started.
TEST_F(ServiceSetTest, CountsWhatBecomesOfAService) {
    service("a");
    options[0].restart_delay = 200ms;
    instance({0});
    make();
    set->set(0, ServiceWish::run);
    turn();
    EXPECT_EQ(set->counters(0).ready, 1u);
    for (int i = 0; i < 2; ++i) {  // the first restart is at once, the second one 200 ms later
        starter.end_first({ExitStatus::Kind::exited, 1});
        turn(300ms);
    }
    set->set(0, ServiceWish::stop);
    turn();
    const ServiceCounters& counters = set->counters(0);
    EXPECT_EQ(counters.ready, 3u);
    EXPECT_EQ(counters.restarted, 2u);
    EXPECT_EQ(counters.stopped, 1u);
    EXPECT_EQ(counters.failed, 0u);
    EXPECT_EQ(counters.starting, 200ms);
}

TEST_F(ServiceSetTest, AnInstanceIsReadyWhenAllItsServicesAre) {
    service("a");
    service("b");
    instance({0, 1});
    make();
    set->set(0, ServiceWish::run);
    turn();
    EXPECT_EQ(starter.running(), 2u);
    EXPECT_EQ(take(), Told{"0 ready"});
}

TEST_F(ServiceSetTest, ASharedServiceStaysWhileSomebodyNeedsIt) {
    service("a");
    instance({0});
    instance({0});
    make();
    set->set(0, ServiceWish::run);
    set->set(1, ServiceWish::run);
    turn();
    take();
    set->set(0, ServiceWish::stop);
    turn(5s);
    EXPECT_EQ(take(), Told{"0 stopped"});
    EXPECT_EQ(starter.running(), 1u);
    set->set(1, ServiceWish::stop);
    turn(5s);
    EXPECT_EQ(take(), Told{"1 stopped"});
    EXPECT_EQ(starter.running(), 0u);
}

TEST_F(ServiceSetTest, AWobbleLeavesTheProcessAlone) {
    service("a");
    instance({0});
    make();
    set->set(0, ServiceWish::run);
    turn();
    take();
    const std::size_t starts = starter.started;
    set->set(0, ServiceWish::settle);
    turn(999ms);
    EXPECT_EQ(take(), Told{});
    set->set(0, ServiceWish::run);
    turn(5s);
    EXPECT_EQ(take(), Told{"0 ready"});
    EXPECT_EQ(starter.started, starts);
}

TEST_F(ServiceSetTest, WhatSettlesEndsAfterASecondAndAtOnceWhenTold) {
    service("a");
    instance({0});
    make();
    for (const bool told_to_stop : {false, true}) {
        set->set(0, ServiceWish::run);
        turn();
        take();
        set->set(0, ServiceWish::settle);
        if (told_to_stop) set->set(0, ServiceWish::stop);
        turn(told_to_stop ? 10ms : 1100ms);
        EXPECT_EQ(take(), Told{"0 stopped"}) << told_to_stop;
        EXPECT_EQ(starter.running(), 0u);
    }
}

// A service that failed in standby is a fault of every instance that would need it, and is started afresh.
TEST_F(ServiceSetTest, AStandbyServiceThatKeepsEndingFailsItsInstances) {
    service("a", service::Run::always);
    options.front().restart_limit = 1;
    instance({0});
    make();
    ASSERT_EQ(starter.running(), 1u);
    starter.end_first({ExitStatus::Kind::exited, 1});
    turn(50ms);
    EXPECT_EQ(take(), Told{"0 failed"});
    turn(60s);
    EXPECT_EQ(starter.running(), 1u);
}

// With one service idle and another slow to stop, leaving must neither spin nor repeat itself.
TEST_F(ServiceSetTest, LeavingEndsEachServiceOnce) {
    service("idle");
    service("slow", service::Run::always);
    options.back().stop_timeout = 800ms;
    instance({0});
    instance({1});
    make();
    starter.stubborn = true;
    set->leave();
    for (int i = 0; i < 100; ++i) {
        set->end_all();
        turn(1ms);
    }
    EXPECT_FALSE(set->all_ended());
    EXPECT_LE(ended, 1);
    turn(2s);
    EXPECT_TRUE(set->all_ended());
    EXPECT_LE(ended, 2);
}

// There is no systemd to tell that it has ended.
TEST_F(ServiceSetTest, AUnitThatDoesNotEndIsLeftRunning) {
    setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
    service("a");
    options.back().unit = "a.service";
    instance({0});
    make();
    set->set(0, ServiceWish::run);
    turn();
    set->leave();
    set->set(0, ServiceWish::stop);
    set->end_all();
    turn(1900ms);
    EXPECT_FALSE(set->all_ended());
    ended = 0;
    turn(200ms);
    EXPECT_TRUE(set->all_ended());
    EXPECT_EQ(ended, 1);
}

// ---- reload

TEST_F(ServiceSetTest, AReloadLeavesWhatIsUnchangedAlone) {
    service("a");
    instance({0});
    make();
    set->set(0, ServiceWish::run);
    turn();
    take();
    service("b");
    reload();
    EXPECT_EQ(starter.started, 1u);
    EXPECT_EQ(take(), Told{});
}

TEST_F(ServiceSetTest, AChangedServiceIsStartedAgainIfItIsNeeded) {
    service("a");
    service("b");
    instance({0});
    make();
    set->set(0, ServiceWish::run);
    turn();
    take();
    options[0].command = options[1].command = {"/bin/false"};
    reload();
    EXPECT_EQ(starter.started, 2u);
    EXPECT_EQ(starter.running(), 1u);
    EXPECT_EQ(take(), Told{"0 ready"});
    set->set(0, ServiceWish::stop);
    turn(5s);
    EXPECT_EQ(take(), Told{"0 stopped"});
    EXPECT_EQ(starter.running(), 0u);
}

TEST_F(ServiceSetTest, AChangedServiceOfWhoStopsMeanwhileStaysStopped) {
    service("a");
    instance({0});
    starter.stubborn = true;
    make();
    set->set(0, ServiceWish::run);
    turn();
    take();
    options[0].command = {"/bin/false"};
    reload();
    set->set(0, ServiceWish::stop);
    turn(5s);
    EXPECT_EQ(take(), Told{"0 stopped"});
    EXPECT_EQ(starter.started, 1u);
    set->set(0, ServiceWish::run);
    turn();
    EXPECT_EQ(take(), Told{"0 ready"});
    EXPECT_EQ(starter.started, 2u);
}

TEST_F(ServiceSetTest, ARemovedServiceStopsAndItsPlaceCanBeTaken) {
    service("a", service::Run::always);
    instance({0});
    make();
    set->set(0, ServiceWish::run);
    turn();
    options[0] = {};
    instances[0].services.clear();
    reload();
    EXPECT_EQ(starter.running(), 0u);
    options.clear();
    service("b", service::Run::always);
    reload();
    EXPECT_EQ(starter.running(), 1u);
}

TEST_F(ServiceSetTest, ARemovedServiceServesUntilItsInstanceHasHandedOver) {
    service("a");
    instance({0});
    make();
    set->set(0, ServiceWish::run);
    turn();
    take();
    options[0] = {};
    reload();
    EXPECT_EQ(starter.running(), 1u);
    set->set(0, ServiceWish::stop);
    turn(5s);
    EXPECT_EQ(take(), Told{"0 stopped"});
    EXPECT_EQ(starter.running(), 0u);
}

TEST_F(ServiceSetTest, AServiceThatNobodyNamesAnyMoreStops) {
    service("a");
    instance({0});
    make();
    set->set(0, ServiceWish::run);
    turn();
    instances[0].services.clear();
    reload();
    EXPECT_EQ(starter.running(), 0u);
}

}  // namespace
}  // namespace vrrpd::service_set_test
