// Properties that hold in every state and after every event (conformance E38): the full matrix of states and
// events, and long random sequences from a seed. The environment of the instance answers, refuses, answers
// late, or not at all.
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::instance_property_test {
namespace {

using namespace std::chrono_literals;
using test::CoreDriver;
using test::plain_options;
using State = Instance::State;

bool advertising(State state) {
    return state == State::active || state == State::retiring;
}

// Compares what a host did with what it may do.
class Watched {
  public:
    explicit Watched(const InstanceOptions& options) : host_(options) {}

    CoreDriver& host() { return host_; }
    const InstanceOptions& options() const { return host_.instance().options(); }

    void handle(const Event& event) {
        const auto* settled = std::get_if<AddressesSettled>(&event);
        may_run_services_ = (settled != nullptr && settled->present && !settled->refused) ||
                            std::holds_alternative<Reconfigured>(event);
        const auto* hook = std::get_if<HookEnded>(&event);
        if (hook != nullptr && hook->run == awaited_) awaited_ = 0;
        const auto* services = std::get_if<ServicesChanged>(&event);
        if (services != nullptr && services->state == ServicesState::ready) services_were_ready_ = true;
        observe([&] { host_.handle(event); });
    }
    void expire() {
        may_run_services_ = false;
        observe([&] { host_.expire(); });
        EXPECT_GT(host_.router().next_deadline(), host_.now()) << "a deadline was left in the past";
    }
    void pass(Duration duration) {
        const Instant end = host_.now() + duration;
        while (host_.router().next_deadline() <= end) {
            host_.freeze(std::max(Duration::zero(), host_.until_deadline()));
            expire();
        }
        host_.freeze(end - host_.now());
    }

    /// The hook that is waited for ends, or one that nobody waits for any more.
    void end_hook(bool ok) { handle(HookEnded{0, awaited_ != 0 ? awaited_ : 1, ok, "the hook failed"}); }

    // However the environment behaves from now on, a shutdown ends.
    void shut_down() {
        const bool had_services = services_wish_ == ServiceWish::run;
        handle(Shutdown{});
        const Instant begin = host_.now();
        while (!host_.router().finished() && host_.router().next_deadline() - begin < 1min) {
            host_.freeze(std::max(Duration::zero(), host_.until_deadline()));
            expire();
        }
        EXPECT_TRUE(host_.router().finished());
        const Duration slack = had_services ? options().stop_bound : 150ms;  // a fast stop may be under way
        EXPECT_LE(host_.now() - begin, std::max({slack, options().stop_bound, stop_bound_}) + 50ms + 200us + 2ms);
        EXPECT_FALSE(addresses_wanted_);
        EXPECT_NE(services_wish_, ServiceWish::run);
        EXPECT_EQ(host_.instance().role(), Role::init);
    }

  private:
    void observe(const std::function<void()>& step) {
        const State before = host_.state();
        step();
        const State after = host_.state();
        if (before == State::active && after == State::backup) last_advert_open_ = true;
        for (const Action& action : host_.actions()) {
            std::visit([&](const auto& what) { judge(what, before, after); }, action);
        }
        host_.story();
        if (addresses_wanted_) {
            EXPECT_TRUE(advertising(after)) << "addresses outside of active and retiring";
        }
        const bool complete = addresses_wanted_ || host_.instance().prepares();
        EXPECT_TRUE(complete || after != State::active) << "active without addresses";
        EXPECT_TRUE(addresses_wanted_ || services_wish_ != ServiceWish::run) << "services without addresses";
        EXPECT_EQ(host_.instance().role(), role_) << "a role was not told";
        if (role_ == Role::master) {
            EXPECT_TRUE(advertising(after));
        }
        if (advertising(after)) {
            EXPECT_TRUE(host_.instance().path().up);
            EXPECT_LE(host_.until_deadline(), options().advert_interval * 11 / 10) << "adverts would stop";
        }
    }

    void judge(const SendAdvert& advert, State before, State after) {
        EXPECT_TRUE(host_.instance().path().up && host_.instance().path().source);
        if (advert.priority == 0) {
            EXPECT_FALSE(addresses_wanted_) << "released what is still wanted";
        } else if (!advertising(before) && !advertising(after)) {
            EXPECT_TRUE(last_advert_open_) << "an advert of who is not Active";
            last_advert_open_ = false;
        }
        if (options().priority != owner_priority) {
            EXPECT_LT(advert.priority, 255);
        }
    }
    void judge(const SetAddresses& set, State, State) {
        addresses_wanted_ = set.wanted;
        EXPECT_TRUE(!set.wanted || awaited_ == 0) << "addresses before before_master has ended";
        if (set.announce) {
            EXPECT_TRUE(set.wanted);
            EXPECT_TRUE(options().services.empty() || services_were_ready_) << "announced before it serves";
        }
    }
    void judge(const SetServices& set, State, State) {
        if (set.wish == ServiceWish::run) {
            EXPECT_TRUE(may_run_services_ && addresses_wanted_) << "services before the addresses";
            services_were_ready_ = false;
        }
        services_wish_ = set.wish;
        stop_bound_ = set.wish == ServiceWish::stop ? options().stop_bound : Duration::zero();
    }
    void judge(const Announce&, State, State) {
        EXPECT_TRUE(addresses_wanted_) << "announced what is not there";
        if (!options().services.empty()) {
            EXPECT_TRUE(services_were_ready_) << "announced before it serves";
        }
    }
    void judge(const RunHook& hook, State before, State after) {
        EXPECT_GT(hook.timeout, 0s);
        EXPECT_FALSE(hook.reason.empty());
        if (hook.hook == Hook::before_master) {
            EXPECT_FALSE(addresses_wanted_) << "before_master after the addresses";
        } else if (hook.hook == Hook::before_backup) {
            EXPECT_TRUE(before == State::active && after != State::active);
            EXPECT_TRUE(addresses_wanted_) << "before_backup after the addresses";
        } else {
            EXPECT_EQ(hook.run, 0u);
            EXPECT_EQ(hook.to, role_);
            EXPECT_EQ(addresses_wanted_, hook.to == Role::master);
            return;
        }
        EXPECT_EQ(awaited_, 0u) << "two are waited for at once";
        awaited_ = hook.run;
    }
    void judge(const DropHook& hook, State, State) {
        EXPECT_EQ(hook.run, awaited_) << "dropped what nobody waits for";
        awaited_ = 0;
    }
    void judge(const RunGroupHook&, State, State) { ADD_FAILURE() << "there is no group"; }
    void judge(const Probe&, State, State after) {
        EXPECT_EQ(after, State::active);
        EXPECT_TRUE(addresses_wanted_) << "asked for what is not ours";
    }
    void judge(const RoleChanged& change, State, State) {
        EXPECT_EQ(change.from, role_);
        EXPECT_NE(change.from, change.to);
        EXPECT_FALSE(change.reason.empty());
        role_ = change.to;
    }
    void judge(const GroupChanged&, State, State) { ADD_FAILURE() << "there is no group"; }
    void judge(const Notice& notice, State, State) { EXPECT_EQ(notice.instance, 0u); }

    CoreDriver host_;
    bool addresses_wanted_ = false;
    ServiceWish services_wish_ = ServiceWish::stop;
    Duration stop_bound_{};             // of a planned stop, as the options were when it began
    bool services_were_ready_ = false;  // since they were last wanted
    bool may_run_services_ = false;
    bool last_advert_open_ = false;
    std::uint64_t awaited_ = 0;
    Role role_ = Role::init;
};

// What a reload may bring: another priority, interval and list of addresses, a check less and one more.
const std::vector<InstanceOptions>& other_options() {
    static const std::vector<InstanceOptions> options = [] {
        InstanceOptions other = plain_options();
        other.priority = 90;
        other.advert_interval = 200ms;
        other.addresses.push_back({*Prefix::parse("10.9.0.102/24"), "", ""});
        other.services = {0};
        other.checks = {Track{1, 20, false}, Track{2, std::nullopt, false}};
        other.fault_hold = 2s;
        return std::vector{other};
    }();
    return options;
}

// ---- events

struct NamedEvent {
    std::string name;
    std::function<void(Watched&)> happen;
};

std::vector<NamedEvent> all_events() {
    std::vector<NamedEvent> events;
    const auto add = [&](std::string name, std::function<void(Watched&)> happen) {
        events.push_back({std::move(name), std::move(happen)});
    };
    const auto fact = [&](std::string name, Event event) {
        add(std::move(name), [event](Watched& host) { host.handle(event); });
    };
    fact("startup", Startup{});
    fact("shutdown", Shutdown{});
    for (const auto& [name, priority, source] :
         {std::tuple("zero", 0, "10.9.0.2"), std::tuple("lower", 1, "10.9.0.2"),
          std::tuple("equal lower", 100, "10.9.0.0"), std::tuple("equal higher", 100, "10.9.0.2"),
          std::tuple("equal same", 100, "10.9.0.1"), std::tuple("higher", 200, "10.9.0.2"),
          std::tuple("owner", 255, "10.9.0.100")}) {
        add(name, [priority = priority, source = source](Watched& host) {
            const auto message = host.host().advert(priority, source);
            host.handle(message.view());
        });
    }
    add("broken advert", [](Watched& host) {
        const auto message = host.host().advert(200).byte(6, 1);
        host.handle(message.view());
    });
    const auto source = test::ip("10.9.0.1");
    fact("link down", PathChanged{0, 2, false, source, "eth0 is down"});
    fact("link up", PathChanged{0, 2, true, source, ""});
    fact("no source", PathChanged{0, 2, true, std::nullopt, "eth0 has no address"});
    fact("other source", PathChanged{0, 2, true, test::ip("10.9.0.7"), ""});
    fact("interface gone", PathChanged{0, 0, false, std::nullopt, "eth0 does not exist"});
    fact("interface anew", PathChanged{0, 9, true, source, ""});
    for (const auto state : {CheckState::unknown, CheckState::passing, CheckState::failing}) {
        for (std::size_t check = 0; check < 3; ++check) {
            fact("check " + std::to_string(check) + " is " + std::to_string(static_cast<int>(state)),
                 CheckChanged{check, state, "check"});
        }
    }
    fact("addresses present", AddressesSettled{0, true, false, ""});
    fact("addresses refused", AddressesSettled{0, true, true, "refused"});
    fact("addresses gone", AddressesSettled{0, false, false, ""});
    fact("removal refused", AddressesSettled{0, false, true, "refused"});
    fact("services ready", ServicesChanged{0, ServicesState::ready, ""});
    fact("services stopped", ServicesChanged{0, ServicesState::stopped, ""});
    fact("services failed", ServicesChanged{0, ServicesState::failed, "proxy exited"});
    add("hook succeeded", [](Watched& host) { host.end_hook(true); });
    add("hook failed", [](Watched& host) { host.end_hook(false); });
    fact("send failed", SendFailed{0});
    fact("drain", DrainChanged{0, true});
    fact("resume", DrainChanged{0, false});
    fact("failover", HandOver{0});
    static const std::vector<SyncGroupOptions> no_groups;
    fact("reload", Reconfigured{&other_options(), &no_groups, {0}, {}, {}});
    fact("addresses lost", AddressesLost{0, "an address is gone"});
    fact("address claimed", AddressClaimed{0, test::ip("10.9.0.100"), {2, 0, 0, 0, 0, 7}});
    add("timer", [](Watched& host) {
        if (host.host().router().next_deadline() == never) return;
        host.host().freeze(std::max(Duration::zero(), host.host().until_deadline()));
        host.expire();
    });
    add("early timer", [](Watched& host) { host.expire(); });
    add("time", [](Watched& host) { host.pass(150ms); });
    add("a long time", [](Watched& host) { host.pass(3s); });
    add("stall", [](Watched& host) {
        host.host().freeze(3500ms);
        host.expire();
    });
    return events;
}

// ---- states

void add_hooks(InstanceOptions& options) {
    for (std::vector<std::string>& command : options.hooks.commands) command = {"/bin/true"};
    options.hooks.timeout = 300ms;
}

// Check 0: its failure is a fault; check 1 has a weight; check 2 is a gate.
InstanceOptions full_options() {
    InstanceOptions options = plain_options();
    add_hooks(options);
    options.services = {0};
    options.fault_hold = 2s;
    options.checks = {Track{0, std::nullopt, false}, Track{1, -30, false}};
    options.gates = {2};
    return options;
}

std::vector<NamedEvent> all_states() {
    const auto known = [](Watched& host) {
        for (std::size_t check = 0; check < 3; ++check) host.handle(CheckChanged{check, CheckState::passing, "ok"});
    };
    const auto begin = [](Watched& host) {
        host.handle(PathChanged{0, 2, true, test::ip("10.9.0.1"), ""});
        host.handle(Startup{});
    };
    const auto backup = [=](Watched& host) { known(host), begin(host); };
    const auto preparing = [=](Watched& host) { backup(host), host.pass(370ms); };
    const auto claimed = [=](Watched& host) { preparing(host), host.end_hook(true); };
    const auto starting = [=](Watched& host) { claimed(host), host.handle(AddressesSettled{0, true, false, ""}); };
    const auto serving = [=](Watched& host) {
        starting(host), host.handle(ServicesChanged{0, ServicesState::ready, ""});
    };
    const auto hear = [](Watched& host, int priority) {
        const auto message = host.host().advert(priority);
        host.handle(message.view());
    };
    const auto fail = [](Watched& host) { host.handle(CheckChanged{0, CheckState::failing, "failed"}); };
    return {
        {"nothing", [](Watched&) {}},
        {"no path", [](Watched& host) { host.handle(Startup{}); }},
        {"fault", [=](Watched& host) { backup(host), fail(host); }},
        {"backup", backup},
        {"backup, released", [=](Watched& host) { backup(host), hear(host, 0); }},
        {"backup, deferred", [=](Watched& host) { begin(host), host.pass(1s); }},
        {"preempting",
         [=](Watched& host) {
             backup(host);
             for (int i = 0; i < 4; ++i) host.pass(95ms), hear(host, 50);
         }},
        {"preparing", preparing},
        {"claimed", claimed},
        {"starting services", starting},
        {"serving", serving},
        {"yielding", [=](Watched& host) { serving(host), hear(host, 200); }},
        {"wobble",
         [=](Watched& host) {
             serving(host), hear(host, 200), host.handle(AddressesSettled{0, false, false, ""});
         }},
        {"retiring", [=](Watched& host) { serving(host), host.handle(Shutdown{}); }},
        {"handing over", [=](Watched& host) { serving(host), host.handle(HandOver{0}); }},
        {"handed over",
         [=](Watched& host) {
             serving(host), host.handle(HandOver{0}), host.handle(ServicesChanged{0, ServicesState::stopped, ""});
             host.handle(AddressesSettled{0, false, false, ""}), hear(host, 50);
         }},
        {"retiring by fault", [=](Watched& host) { serving(host), fail(host); }},
        {"withdrawing",
         [=](Watched& host) {
             serving(host), fail(host), host.handle(ServicesChanged{0, ServicesState::stopped, ""});
         }},
        {"released",
         [=](Watched& host) {
             claimed(host), fail(host), host.handle(AddressesSettled{0, false, false, ""});
         }},
        {"stalled", [=](Watched& host) { serving(host), host.host().freeze(400ms), host.expire(); }},
        {"cut off",
         [=](Watched& host) {
             serving(host);
             host.handle(PathChanged{0, 2, false, test::ip("10.9.0.1"), "eth0 is down"});
         }},
        {"held",
         [=](Watched& host) {
             starting(host), host.handle(ServicesChanged{0, ServicesState::failed, "proxy exited"});
         }},
    };
}

TEST(Matrix, every_state_and_every_two_events_E38) {
    const auto events = all_events();
    for (const NamedEvent& state : all_states()) {
        for (const NamedEvent& first : events) {
            for (const NamedEvent& second : events) {
                SCOPED_TRACE(state.name + " + " + first.name + " + " + second.name);
                Watched host(full_options());
                state.happen(host);
                first.happen(host);
                second.happen(host);
                host.shut_down();
                if (testing::Test::HasFailure()) return;
            }
        }
    }
}

InstanceOptions random_options(std::mt19937& random) {
    const auto coin = [&] { return random() % 2 == 0; };
    InstanceOptions options = full_options();
    if (coin()) options.hooks = {};
    if (coin()) options.hooks[Hook::before_master].clear();
    if (coin()) options.hooks.timeout = coin() ? 10ms : 5s;
    if (coin()) options.services.clear();
    if (coin()) options.gates.clear();
    if (coin()) options.checks.clear();
    if (random() % 8 == 0) options.priority = 255, options.checks.clear();
    options.preempt = coin();
    if (coin()) options.preempt_delay = 700ms;
    if (coin()) options.startup_delay = 500ms;
    if (coin()) options.advert_interval = coin() ? Duration(10ms) : Duration(1s);
    if (options.advert_interval == 1s && coin()) options.version = Version::v2;
    if (coin()) options.stop_bound = 3s;
    if (coin()) options.announce_refresh = 300ms;
    return options;
}

TEST(Random, sequences_of_events_keep_the_invariants_E38) {
    const auto events = all_events();
    for (unsigned seed = 0; seed < 2000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        Watched host(random_options(random));
        if (random() % 8 != 0) {
            host.handle(PathChanged{0, 2, true, test::ip("10.9.0.1"), ""});
            host.handle(Startup{});
        }
        std::string history;
        for (int step = 0; step < 60; ++step) {
            const NamedEvent& event = events[random() % events.size()];
            if (event.name == "shutdown" && random() % 8 != 0) continue;
            history += "\n  " + event.name;
            event.happen(host);
            if (testing::Test::HasFailure()) FAIL() << history;
        }
        host.shut_down();
        if (testing::Test::HasFailure()) FAIL() << history << "\n  (shutdown)";
    }
}

}  // namespace
}  // namespace vrrpd::instance_property_test
