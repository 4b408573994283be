// The hooks of instances and groups together, while a reload changes who there is; with children that the test ends.
#include "vrrpd/agent/hook_set.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/fake_loop.hpp"

namespace vrrpd::hook_set_test {
namespace {

using Words = std::vector<std::string>;

// Knows the child that runs, by its command.
class Starter final : public ChildStarter {
  public:
    std::unique_ptr<Child> start(const Command& command, std::function<void(ExitStatus)> ended) override {
        running.push_back(command.argv.front());
        ended_ = std::move(ended);
        return std::make_unique<One>(*this);
    }
    void end() {
        running.clear();
        if (const auto ended = std::exchange(ended_, nullptr)) ended({});
    }
    Words running;

  private:
    struct One final : Child {
        explicit One(Starter& owner) : starter(owner) {}
        ~One() override {
            starter.running.clear();
            starter.ended_ = nullptr;
        }
        void signal(int) override {}
        Starter& starter;
    };
    std::function<void(ExitStatus)> ended_;
};

SyncGroupOptions group(const char* name) {
    SyncGroupOptions options{name, {0}};
    options.hooks[Hook::notify_master] = {std::string("/master-of-") + name};
    options.hooks[Hook::notify] = {std::string("/any-of-") + name};
    return options;
}

// One group, whose hook for MASTER runs, and the one for all states comes after it.
struct GroupHooks : testing::Test {
    GroupHooks() {
        RunGroupHook wish;
        wish.to = Role::master;
        hooks.add(wish);
        hooks.begin();
    }
    /// The old ones go.
    void reload(std::vector<SyncGroupOptions> others) {
        auto before = std::exchange(groups, std::move(others));
        hooks.reconfigure({});
    }

    test::FakeLoop loop;
    Starter starter;
    std::vector<InstanceOptions> instances{1};
    std::vector<SyncGroupOptions> groups{group("old")};
    Words said;
    HookSet hooks{loop,
                  starter,
                  instances,
                  groups,
                  {},
                  {[](const HookEnded&) {}, [] {},
                   [this](const std::string& owner, Hook hook, const char* how) {
                       said.push_back(owner + " " + to_string(hook) + " " + how);
                   }}};
};

TEST_F(GroupHooks, OfAGroupThatIsGoneGoOnToTheirEnd) {
    reload({group("new")});
    EXPECT_EQ(starter.running, Words{"/master-of-old"});
    reload({});
    EXPECT_EQ(starter.running, Words{"/master-of-old"});
    EXPECT_FALSE(hooks.all_ended()) << "a daemon that leaves waits for them";
    starter.end();
    EXPECT_EQ(starter.running, Words{"/any-of-old"});
    starter.end();
    EXPECT_TRUE(hooks.all_ended());
    EXPECT_EQ(said, (Words{"old notify_master succeeded", "old notify succeeded"}));
}

TEST_F(GroupHooks, OfAGroupThatComesBackMeanwhileAreItsOwn) {
    reload({});
    reload({group("old")});
    RunGroupHook wish;
    wish.to = Role::backup;
    hooks.add(wish);
    hooks.begin();
    EXPECT_EQ(starter.running, Words{"/master-of-old"}) << "one at a time";
    starter.end();
    starter.end();
    EXPECT_EQ(starter.running, Words{"/any-of-old"});
    starter.end();
    EXPECT_EQ(said, (Words{"old notify_master succeeded", "old notify succeeded", "old notify succeeded"}));
}

TEST_F(GroupHooks, OfAGroupThatIsGoneAreKilledWhenTheDaemonHasNoTimeLeft) {
    reload({});
    hooks.end_soon();
    loop.advance(group("old").hooks.timeout);
    EXPECT_TRUE(hooks.all_ended());
    EXPECT_TRUE(starter.running.empty());
}

}  // namespace
}  // namespace vrrpd::hook_set_test
