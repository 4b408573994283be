// The queue of hooks, what they are called with, and the runner on a loop and with children that the test ends.
#include <csignal>
#include <map>

#include <gtest/gtest.h>

#include "tests/support/fake_loop.hpp"
#include "vrrpd/hooks/runner.hpp"

namespace vrrpd::hooks::hooks_test {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

RunHook told(Role to) {
    RunHook wish;
    wish.to = to;
    wish.timeout = 5s;
    return wish;
}

RunHook awaited(Hook hook, std::uint64_t run) {
    RunHook wish = told(Role::master);
    wish.hook = hook;
    wish.run = run;
    return wish;
}

RunHook new_active(const char* peer) {
    RunHook wish = told(Role::backup);
    wish.hook = Hook::notify_new_active;
    wish.peer = IpAddress::parse(peer);
    return wish;
}

// ---- the queue

TEST(Queue, one_at_a_time_in_order) {
    Queue queue;
    EXPECT_TRUE(queue.idle());
    EXPECT_FALSE(queue.begin());
    EXPECT_TRUE(queue.add(awaited(Hook::before_master, 1)).empty());
    EXPECT_TRUE(queue.add(told(Role::master)).empty());
    EXPECT_EQ(queue.begin()->run, 1u);
    EXPECT_FALSE(queue.begin()) << "one runs";
    queue.ended();
    EXPECT_FALSE(queue.idle());
    EXPECT_EQ(queue.begin()->to, Role::master);
    queue.ended();
    EXPECT_TRUE(queue.idle());
}

TEST(Queue, the_latest_state_wins) {
    Queue queue;
    queue.add(told(Role::backup));
    queue.begin();
    queue.add(told(Role::master));
    queue.add(new_active("10.0.0.1"));
    EXPECT_EQ(queue.add(new_active("10.0.0.2")).size(), 1u) << "news of the same kind";
    const auto skipped = queue.add(told(Role::fault));
    ASSERT_EQ(skipped.size(), 2u);
    EXPECT_EQ(skipped[0].to, Role::master);
    EXPECT_EQ(skipped[1].peer, IpAddress::parse("10.0.0.2"));
    EXPECT_TRUE(queue.add(new_active("10.0.0.3")).empty()) << "no state is overtaken by it";
    queue.ended();
    EXPECT_EQ(queue.begin()->to, Role::fault);
    queue.ended();
    EXPECT_EQ(queue.begin()->hook, Hook::notify_new_active);
}

TEST(Queue, what_is_waited_for_is_never_skipped_but_dropped) {
    Queue queue;
    queue.add(told(Role::backup));
    queue.begin();
    queue.add(awaited(Hook::before_master, 7));
    EXPECT_TRUE(queue.add(told(Role::fault)).empty());
    EXPECT_FALSE(queue.drop(0)) << "nobody waits for those";
    EXPECT_FALSE(queue.drop(6));
    EXPECT_EQ(queue.drop(7)->hook, Hook::before_master);
    EXPECT_FALSE(queue.drop(7));
    queue.ended();
    EXPECT_EQ(queue.begin()->to, Role::fault);
    EXPECT_FALSE(queue.drop(7)) << "too late for one that runs";
}

// ---- the call

Hooks all_hooks() {
    Hooks hooks;
    for (std::size_t i = 0; i < hook_count; ++i)
        hooks[static_cast<Hook>(i)] = {"/hook", to_string(static_cast<Hook>(i))};
    return hooks;
}

TEST(Call, is_keepalived_s) {
    RunHook wish = told(Role::init);
    wish.from = Role::master;
    wish.priority = 250;
    wish.peer = IpAddress::parse("10.0.0.9");
    wish.reason = "shut \"down\"";
    const Owner owner{"INSTANCE", "VI_1", {*IpAddress::parse("10.0.0.1"), *IpAddress::parse("fe80::1")}};
    const Command command = call(owner, wish, {"/hook", "own"}, {17, 18});
    EXPECT_EQ(command.argv, (Words{"/hook", "own", "INSTANCE", "VI_1", "STOP", "250"}));
    EXPECT_EQ(command.environment,
              (Words{"VRRP_INSTANCE=VI_1", "VRRP_STATE=STOP", "VRRP_PREVIOUS_STATE=MASTER", "VRRP_PRIORITY=250",
                     "VRRP_VIPS=10.0.0.1 fe80::1", "VRRP_PEER=10.0.0.9", "VRRP_REASON=shut \"down\""}));
    EXPECT_EQ(command.credentials, (Credentials{17, 18}));
}

TEST(Call, of_a_state_is_its_own_and_then_the_one_for_all) {
    using Kinds = std::vector<Hook>;
    EXPECT_EQ(meant_by(told(Role::master), all_hooks()), (Kinds{Hook::notify_master, Hook::notify}));
    EXPECT_EQ(meant_by(told(Role::backup), all_hooks()), (Kinds{Hook::notify_backup, Hook::notify}));
    EXPECT_EQ(meant_by(told(Role::fault), all_hooks()), (Kinds{Hook::notify_fault, Hook::notify}));
    EXPECT_EQ(meant_by(told(Role::init), all_hooks()), (Kinds{Hook::notify_stop, Hook::notify}));
    EXPECT_EQ(meant_by(awaited(Hook::before_master, 1), all_hooks()), Kinds{Hook::before_master});
    EXPECT_EQ(meant_by(new_active("10.0.0.1"), all_hooks()), Kinds{Hook::notify_new_active});
    Hooks few = all_hooks();
    few[Hook::notify].clear();
    EXPECT_EQ(meant_by(told(Role::fault), few), Kinds{Hook::notify_fault});
    EXPECT_EQ(meant_by(told(Role::fault), {}), Kinds{});
}

// ---- the runner

class Starter final : public ChildStarter {
  public:
    struct Started {
        Command command;
        std::function<void(ExitStatus)> ended;
        int signalled = 0;
        bool alive = true;
    };
    class Handle final : public Child {
      public:
        explicit Handle(std::shared_ptr<Started> started) : started_(std::move(started)) {}
        ~Handle() override { started_->alive = false; }
        void signal(int number) override { started_->signalled = number; }

      private:
        std::shared_ptr<Started> started_;
    };
    std::unique_ptr<Child> start(const Command& command, std::function<void(ExitStatus)> ended) override {
        all.push_back(std::make_shared<Started>(Started{command, std::move(ended)}));
        return std::make_unique<Handle>(all.back());
    }
    /// Which hooks were started, in order.
    std::string story() const {
        std::string words;
        for (const auto& each : all) words += (words.empty() ? "" : ", ") + each->command.argv[1];
        return words;
    }
    void end(int code = 0) { all.back()->ended({ExitStatus::Kind::exited, code}); }

    std::vector<std::shared_ptr<Started>> all;
};

class RunnerTest : public testing::Test {
  protected:
    test::FakeLoop loop;
    Starter starter;
    Hooks hooks = all_hooks();
    std::vector<std::string> said;
    int idle = 0;
    Runner runner{loop,
                  starter,
                  {"INSTANCE", "VI_1", {}},
                  [this]() -> const Hooks& { return hooks; },
                  {},
                  {[this](const Outcome& outcome) {
                       said.push_back(std::string(to_string(outcome.hook)) + ": " + outcome.to_string());
                   },
                   [this](const RunHook& wish) { said.push_back(std::string("skipped ") + state_word(wish.to)); },
                   [this] { ++idle; }}};
};

TEST_F(RunnerTest, nothing_starts_before_it_is_told_to_begin) {
    runner.add(told(Role::master));
    EXPECT_EQ(starter.story(), "");
    runner.begin();
    EXPECT_EQ(starter.story(), "notify_master");
    starter.end();
    EXPECT_EQ(starter.story(), "notify_master, notify");
    EXPECT_EQ(idle, 0);
    starter.end(3);
    EXPECT_EQ(said, (Words{"notify_master: exit code 0", "notify: exit code 3"}));
    EXPECT_EQ(idle, 1);
    EXPECT_TRUE(runner.idle());
}

TEST_F(RunnerTest, one_that_is_late_is_killed_and_reported_and_waited_for) {
    runner.add(awaited(Hook::before_master, 1));
    runner.begin();
    runner.add(told(Role::fault));
    loop.advance(4999ms);
    EXPECT_EQ(starter.all[0]->signalled, 0);
    EXPECT_TRUE(said.empty());
    loop.advance(1ms);
    EXPECT_EQ(starter.all[0]->signalled, SIGKILL);
    EXPECT_EQ(said, Words{"before_master: no end within 5 s, killed"});
    runner.begin();
    EXPECT_EQ(starter.story(), "before_master") << "it has not ended yet";
    loop.advance(1h);
    starter.all[0]->ended({ExitStatus::Kind::signalled, SIGKILL});
    EXPECT_EQ(starter.story(), "before_master, notify_fault");
    EXPECT_EQ(said.size(), 1u) << "said once";
}

TEST_F(RunnerTest, says_what_could_not_be_started) {
    runner.add(new_active("10.0.0.1"));
    runner.begin();
    starter.all[0]->ended({ExitStatus::Kind::not_started, ENOENT});
    EXPECT_EQ(said, Words{"notify_new_active: could not be started: No such file or directory"});
    EXPECT_TRUE(runner.idle());
}

TEST_F(RunnerTest, says_what_is_skipped) {
    runner.add(told(Role::backup));
    runner.begin();
    runner.add(told(Role::master));
    runner.add(told(Role::fault));
    EXPECT_EQ(said, Words{"skipped MASTER"});
    runner.add(awaited(Hook::before_master, 4));
    runner.drop(4);
    EXPECT_EQ(said, (Words{"skipped MASTER", "skipped MASTER"}));
}

TEST_F(RunnerTest, of_a_hook_that_is_configured_no_more_nothing_is_run) {
    runner.add(told(Role::master));
    hooks = {};
    runner.begin();
    EXPECT_EQ(starter.story(), "");
    EXPECT_TRUE(runner.idle());
}

TEST_F(RunnerTest, kills_what_runs_when_it_goes) {
    auto other = std::make_unique<Runner>(
        loop, starter, Owner{"INSTANCE", "VI_2", {}}, [this]() -> const Hooks& { return hooks; }, Credentials{},
        Listener{[](const Outcome&) {}, [](const RunHook&) {}, [] {}});
    other->add(told(Role::master));
    other->begin();
    EXPECT_TRUE(starter.all[0]->alive);
    other.reset();
    EXPECT_FALSE(starter.all[0]->alive);
}

}  // namespace
}  // namespace vrrpd::hooks::hooks_test
