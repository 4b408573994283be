// What has to last: the store and its thread, the history and the drains in it, and what somebody else may have made of
// their files. Needs root.
#include "vrrpd/agent/history.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/support/fake_loop.hpp"
#include "vrrpd/agent/drains.hpp"
#include "vrrpd/agent/event_feed.hpp"
#include "vrrpd/agent/json.hpp"

namespace vrrpd::history_test {
namespace {

using namespace std::chrono_literals;
using test::FakeLoop;
namespace fs = std::filesystem;

class Kept : public testing::Test {
  protected:
    Kept() {
        char name[] = "/tmp/vrrpd-kept-XXXXXX";
        if (mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
        folder = name;
    }
    ~Kept() override { fs::remove_all(folder); }

    std::string file(const std::string& name) const { return folder + "/" + name; }
    std::string content(const std::string& name) const {
        std::ifstream in(file(name));
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void put(const std::string& name, const std::string& text) const {
        std::ofstream(file(name)) << text;
        chmod(file(name).c_str(), 0600);
    }
    /// Lets a history of its own add so many, and end.
    void write(int count) {
        StateStore store(loop, folder);
        History history(loop, store);
        for (int i = 0; i < count; ++i) {
            history.add({wall_clock(), "VI_" + std::to_string(i), Role::backup, Role::master, 250, "because"});
        }
    }
    std::size_t remembered() {
        StateStore store(loop, folder);
        return History(loop, store).all().size();
    }
    std::size_t lines() const {
        const std::string text = content("history");
        return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    }

    FakeLoop loop;
    std::string folder;
};

TEST_F(Kept, AHistoryOutlivesItsProcess) {
    const PastTransition one{WallTime(1764000000123456us), "VI \"1\"", Role::master, Role::fault, 250, "x: \"y\"\n"};
    {
        StateStore store(loop, folder);
        History history(loop, store);
        history.add(one);
    }
    StateStore store(loop, folder);
    const History history(loop, store);
    ASSERT_EQ(history.all().size(), 1u);
    EXPECT_EQ(history.all().front(), one);
}

TEST_F(Kept, NeitherTheListNorTheFileGrowsForEver) {
    for (int i = 0; i < 12; ++i) write(100);
    EXPECT_EQ(remembered(), History::most);
    EXPECT_LE(lines(), 2 * History::most);
    write(5000);
    EXPECT_LE(lines(), 2 * History::most);
    EXPECT_EQ(remembered(), History::most);
}

TEST_F(Kept, ATornLineIsLeftOutAndSpoilsNoOther) {
    write(3);
    put("history", content("history") + R"({"version":1,"time":"2026-11-2)");
    EXPECT_EQ(remembered(), 3u);
    write(1);
    EXPECT_EQ(remembered(), 4u);
}

TEST_F(Kept, LinesOfOthersAreLeftOut) {
    write(1);
    put("history", "\n[]\n{}\n{\"version\":2}\n" + std::string(100, '[') + "\n" + content("history") +
                       "{\"version\":1}\n" + R"({"version":1,"time":"x","from":"INIT","to":"BACKUP","priority":1})" +
                       "\n" + R"({"version":1,"time":7,"from":[],"to":{},"priority":"y"})" + "\n");
    EXPECT_EQ(remembered(), 1u);
}

TEST_F(Kept, AHugeFileIsReadFromItsEnd) {
    write(2);
    put("history", std::string(History::longest_file, 'x') + "\n" + content("history"));
    EXPECT_EQ(remembered(), 2u);
}

TEST_F(Kept, WhatIsNotOursAloneIsNeitherReadNorWritten) {
    const auto stays = [&](const char* what) {
        EXPECT_EQ(remembered(), 0u) << what;
        const std::string before = content("history");
        write(1);
        EXPECT_EQ(content("history"), before) << what;
        fs::remove(file("history"));
    };
    write(1);
    ASSERT_EQ(chown(file("history").c_str(), 65534, 65534), 0);
    stays("another user's");
    write(1);
    chmod(file("history").c_str(), 0666);
    stays("anybody's");
    write(1);
    fs::rename(file("history"), file("elsewhere"));
    fs::create_symlink(file("elsewhere"), file("history"));
    stays("a link");
    fs::create_hard_link(file("elsewhere"), file("history"));
    stays("a file with two names");
}

TEST_F(Kept, APipeHoldsNobodyUp) {
    ASSERT_EQ(mkfifo(file("history").c_str(), 0600), 0);
    EXPECT_EQ(remembered(), 0u);
    write(1);
}

TEST_F(Kept, AFolderOfOthersIsNone) {
    chmod(folder.c_str(), 0777);
    const StateStore store(loop, folder);
    EXPECT_NE(store.problem().find("somebody else may write there"), std::string::npos) << store.problem();
}

TEST_F(Kept, AStoreThatCannotBeSaysWhyOnceAndLater) {
    put("file", "");
    StateStore store(loop, file("file"));
    EXPECT_NE(store.problem(), "");
    std::string error;
    store.replace("x", "y", [&](const std::string& why) { error = why; });
    EXPECT_EQ(error, "") << "not from within the call";
    loop.advance(1ms);
    EXPECT_EQ(error, store.problem());
}

// ---- drains

class KeptDrains : public Kept {
  protected:
    /// Returns what came of it.
    std::string set(Drains& drains, const std::vector<std::string>& names, bool drained) {
        std::optional<std::string> result;
        drains.set(names, drained, [&](const std::string& error) { result = error; });
        while (!result && loop.poll_once()) {
        }
        return result.value_or("no answer");
    }
};

TEST_F(KeptDrains, AreOnDiskBeforeTheyAreSaidToBe) {
    StateStore store(loop, folder);
    Drains drains(store);
    EXPECT_TRUE(drains.names().empty());
    EXPECT_EQ(set(drains, {"VI_1", "VI_2"}, true), "");
    EXPECT_EQ(content("drained"), "vrrpd drained 1\nVI_1\nVI_2\n");
    EXPECT_EQ(set(drains, {"VI_1"}, false), "");
    EXPECT_EQ(Drains(store).names(), std::set<std::string>{"VI_2"});
}

TEST_F(KeptDrains, ADiskThatIsFullIsAnError) {
    StateStore store(loop, folder);
    Drains drains(store);
    fs::create_directory(file("drained"));
    EXPECT_NE(set(drains, {"VI_1"}, true), "");
    EXPECT_TRUE(drains.names().empty());
    fs::remove(file("drained"));
    EXPECT_EQ(set(drains, {"VI_2"}, true), "");
    EXPECT_EQ(drains.names(), std::set<std::string>{"VI_2"}) << "and not the one that failed";
}

TEST_F(KeptDrains, WhatWeDidNotWriteDrainsNobody) {
    for (const char* text : {"VI_1\n", "vrrpd drained 2\nVI_1\n", "vrrpd drained 1\nVI_1", "vrrpd drained 1"}) {
        put("drained", text);
        StateStore store(loop, folder);
        EXPECT_TRUE(Drains(store).names().empty()) << text;
    }
}

// ---- followers of events

Happening happening(int number) {
    return {WallTime(1764000000s), "transition", {{"number", number}}};
}

TEST(Feed, AFollowerGetsAllThatHappensFromThenOn) {
    EventFeed feed;
    feed.publish(happening(1));
    EXPECT_FALSE(feed.is_followed());
    auto source = feed.follow();
    EXPECT_TRUE(feed.is_followed());
    feed.publish(happening(2));
    EXPECT_NE(source()->text.find(R"("event":"following")"), std::string::npos);
    const auto piece = source();
    ASSERT_TRUE(piece);
    EXPECT_EQ(piece->text, R"({"version":1,"time":"2025-11-24T16:00:00.000000Z","event":"transition","number":2})"
                           "\n");
    EXPECT_TRUE(piece->more);
    EXPECT_FALSE(source()) << "nothing more yet";
    source = nullptr;
    EXPECT_FALSE(feed.is_followed());
}

TEST(Feed, WhoIsTooSlowIsToldHowMuchHeMissed) {
    EventFeed feed;
    auto slow = feed.follow(), quick = feed.follow();
    for (std::size_t i = 0; i < EventFeed::most + 7; ++i) {
        feed.publish(happening(1));
        while (quick()) {
        }
    }
    slow();
    const auto last = slow();
    ASSERT_TRUE(last);
    EXPECT_FALSE(last->ok);
    EXPECT_FALSE(last->more);
    EXPECT_EQ(last->text, "too slow: 7 events were lost");
    feed.publish(happening(2));
    EXPECT_TRUE(quick()->ok);
}

TEST(Feed, APieceIsShortHoweverMuchThereIs) {
    EventFeed feed;
    auto source = feed.follow();
    for (int i = 0; i < 1000; ++i) feed.publish(happening(i));
    source();
    const std::string piece = source()->text;
    EXPECT_EQ(std::count(piece.begin(), piece.end(), '\n'), 64);
}

}  // namespace
}  // namespace vrrpd::history_test
