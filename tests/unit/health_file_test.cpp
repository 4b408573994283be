// File checks with real files: what they say, and that a change is seen at once.
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "health/check.hpp"
#include "health/file_method.hpp"
#include "health/small_file.hpp"
#include "tests/unit/health_support.hpp"

namespace vrrpd::health::health_file_test {
namespace {

using namespace test;
namespace fs = std::filesystem;

TEST(HealthSmallFile, Numbers) {
    for (const auto& [text, number] : std::vector<std::pair<std::string, int>>{{"0", 0},
                                                                               {"7\n", 7},
                                                                               {" -20 \r\n", -20},
                                                                               {"+5", 5},
                                                                               {"007", 7},
                                                                               {"4194304", 4194304},
                                                                               {"-9999999", -9999999}}) {
        EXPECT_EQ(parse_number(text), number) << text;
    }
    for (const char* text :
         {"", " ", "-", "+", "+-5", "-+5", "--5", "5x", "5 6", "0x5", "1.5", "99999999", "-99999999"}) {
        EXPECT_EQ(parse_number(text), std::nullopt) << text;
    }
}

class HealthFile : public ::testing::Test {
  protected:
    HealthFile() {
        char name[] = "/tmp/health_file.XXXXXX";
        folder = mkdtemp(name);
        fs::create_directory(folder / "in");
        path = folder / "in" / "flag";
        options.name = "flag";
        options.kind = Kind::file;
        options.path = path;
        options.fall = 2;
        options.rise = 2;
    }
    ~HealthFile() override { fs::remove_all(folder); }

    static void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }
    Finding finding() const { return judge_file(path); }

    void start() {
        check = std::make_unique<Check>(probers, options, [this](const Report& report) { reports.push_back(report); });
        check->start();
        loop.advance(100ms);
        EXPECT_NE(check->verdict(), Verdict::unknown);
        reports.clear();
    }
    /// What is seen of changes within less than an interval.
    std::vector<Report> seen() {
        const Instant end = loop.now() + 500ms;
        while (loop.now() < end) {
            loop.poll_once(0ms);
            loop.advance(1ms);
        }
        return std::exchange(reports, {});
    }

    vrrpd::test::FakeLoop loop;
    FakeStarter starter{loop};
    Probers probers{loop, starter};
    CheckOptions options;
    fs::path folder, path;
    std::unique_ptr<Check> check;
    std::vector<Report> reports;
};

TEST_F(HealthFile, WhatItSays) {
    EXPECT_EQ(finding(), (Finding{Class::up, "no file"}));
    for (const char* text : {"", "\n", " \n"}) {
        write(path, text);
        EXPECT_EQ(finding(), (Finding{Class::up, "empty"}));
    }
    write(path, "0\n");
    EXPECT_EQ(finding(), (Finding{Class::up, "it says 0"}));
    write(path, "-30\n");
    EXPECT_EQ(finding(), (Finding{Class::failed, "it says -30", true, false, -30}));
    write(path, "yes\x01\n");
    EXPECT_EQ(finding(), (Finding{Class::failed, "it says 'yes?', which is no number", true}));
    write(path, std::string(64, ' ') + "5");
    EXPECT_EQ(finding().cls, Class::failed) << "what is not read may say anything";
    write(path, "5" + std::string(63, ' ') + "6");
    EXPECT_EQ(finding().cls, Class::failed);
    fs::remove(path);
    fs::create_directory(path);
    EXPECT_EQ(finding(), (Finding{Class::failed, "not a regular file", true}));
    fs::remove(path);
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    EXPECT_EQ(finding(), (Finding{Class::failed, "not a regular file", true})) << "and nobody waits for a writer";
    fs::remove(path);
    fs::create_symlink("flag", path);
    EXPECT_EQ(finding(), (Finding{Class::failed, "Too many levels of symbolic links", true}));
}

TEST_F(HealthFile, AChangeIsSeenLongBeforeTheInterval) {
    options.rise = 1;
    start();
    write(path, "1");
    auto told = seen();
    ASSERT_EQ(told.size(), 2u);
    EXPECT_EQ(told[0].count, 0) << "first the number";
    EXPECT_EQ(told[1].verdict, Verdict::down);
    EXPECT_EQ(log_line(options, told[1]), R"(Check(flag) failed reason="failed: it says 1" count=2/2)");

    write(folder / "in" / "new", "0");
    fs::rename(folder / "in" / "new", path);
    told = seen();
    ASSERT_EQ(told.size(), 1u) << "replaced by rename";
    EXPECT_EQ(told[0].verdict, Verdict::up);

    write(folder / "in" / "new", "3");
    fs::rename(folder / "in" / "new", path);
    told = seen();
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back().verdict, Verdict::down);
    fs::remove(path);
    told = seen();
    ASSERT_EQ(told.size(), 1u) << "removed";
    EXPECT_EQ(told[0].verdict, Verdict::up);
    EXPECT_EQ(told[0].finding.evidence, "no file");
    write(path, "4");
    told = seen();
    ASSERT_FALSE(told.empty()) << "made anew";
    EXPECT_EQ(told.back().finding.number, 4);
}

TEST_F(HealthFile, AFolderThatIsReplacedIsFollowed) {
    start();
    fs::rename(folder / "in", folder / "out");
    seen();
    fs::create_directory(folder / "in");
    loop.advance(1s);
    write(path, "1");
    const auto told = seen();
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back().verdict, Verdict::down);
}

TEST_F(HealthFile, TheTargetOfALinkIsWatched) {
    write(folder / "target", "0");
    fs::create_symlink(folder / "target", path);
    start();
    write(folder / "target", "1");
    const auto told = seen();
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back().verdict, Verdict::down);
}

TEST_F(HealthFile, ANumberThatChangesIsToldThoughTheVerdictStays) {
    write(path, "5");
    start();
    write(path, "6");
    const auto told = seen();
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].verdict, Verdict::down);
    EXPECT_EQ(told[0].finding.number, 6);
    EXPECT_EQ(log_line(options, told[0]), "Check(flag) number=6");
}

TEST_F(HealthFile, OneThatIsWrittenAllTheTimeIsNotReadAllTheTime) {
    start();
    int looks = 0;
    for (int i = 0; i < 200; ++i) {
        write(path, std::to_string(i + 1));
        while (loop.poll_once(0ms)) {
        }
        loop.advance(100us);
        looks += static_cast<int>(reports.size());
        reports.clear();
    }
    EXPECT_GE(looks, 1);
    EXPECT_LE(looks, 2 + 20ms / file_hint_pause * 2) << "200 writes in 20 ms";
}

TEST_F(HealthFile, OthersInTheFolderAreNoHint) {
    start();
    const Instant next = loop.next_deadline();
    write(folder / "in" / "other", "1");
    while (loop.poll_once(20ms)) {
    }
    EXPECT_EQ(loop.next_deadline(), next);
    write(path, "1");
    loop.poll_once();
    EXPECT_EQ(loop.next_deadline(), loop.now());
}

TEST_F(HealthFile, StoppedItWatchesNothing) {
    start();
    check->stop();
    write(path, "1");
    EXPECT_FALSE(loop.poll_once(20ms));
    EXPECT_EQ(loop.next_deadline(), never);
}

}  // namespace
}  // namespace vrrpd::health::health_file_test
