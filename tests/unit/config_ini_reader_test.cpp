// The structure of INI text: places, the traps of Debian's inih, and hostile input.
#include <gtest/gtest.h>

#include "vrrpd/config/ini_reader.hpp"

namespace vrrpd::config::config_ini_reader_test {
namespace {

struct ReadText {
    std::vector<Entry> entries;
    Problems problems;
};

ReadText read(std::string_view text) {
    ReadText result;
    read_ini(text, "t", result.entries, result.problems);
    return result;
}

/// `LINE kind name key=value`, `!` for a broken key.
std::vector<std::string> shown(const std::vector<Entry>& entries) {
    std::vector<std::string> lines;
    for (const Entry& entry : entries) {
        lines.push_back(std::to_string(entry.place.line) + " " + entry.kind + "/" + entry.name + " " +
                        (entry.broken ? "!" : "") + entry.key + "=" + text_of(entry.value));
    }
    return lines;
}

using Lines = std::vector<std::string>;

TEST(ConfigIniReader, SectionsKeysAndPlaces) {
    const auto result = read("; comment\n\n[global]\nrouter_id = a\n# comment\n[check  memcached]  ; why\ntype=tcp\n");
    EXPECT_EQ(shown(result.entries),
              (Lines{"3 global/ =", "4 global/ router_id=a", "6 check/memcached =", "7 check/memcached type=tcp"}));
    EXPECT_TRUE(result.problems.empty());
}

TEST(ConfigIniReader, ASectionWithoutKeysIsSeen) {
    EXPECT_EQ(shown(read("[check a]\n[check a]").entries), (Lines{"1 check/a =", "2 check/a ="}));
}

TEST(ConfigIniReader, IndentedKeysAreKeys) {
    const auto result =
        read("[global]\n  router_id = a\n\tlog_level = info\n   ; comment\n [defaults]\n  version = 2\n");
    EXPECT_EQ(shown(result.entries), (Lines{"1 global/ =", "2 global/ router_id=a", "3 global/ log_level=info",
                                            "5 defaults/ =", "6 defaults/ version=2"}));
}

TEST(ConfigIniReader, LongLinesAndNamesAreWhole) {
    const std::string value(3000, 'v');
    const std::string name(max_name_length, 'n');
    const auto result = read("[vrrp_sync_group " + name + "]\nkey = " + value + "\n[a]\nb = 1");
    EXPECT_EQ(shown(result.entries), (Lines{"1 vrrp_sync_group/" + name + " =",
                                            "2 vrrp_sync_group/" + name + " key=" + value, "3 a/ =", "4 a/ b=1"}));
    EXPECT_EQ(read("[check " + name + "n]\n").problems.size(), 1U);
    EXPECT_EQ(read("[" + std::string(40, 'k') + " " + name + "]\n").problems.size(), 1U);
}

TEST(ConfigIniReader, ValuesKeepColonsEqualsAndQuotedSemicolons) {
    const auto result = read("[a]\nx = fe80::1/64\ny = a=b:c\nz = \"p ; q\" ; r\n");
    EXPECT_EQ(shown(result.entries), (Lines{"1 a/ =", "2 a/ x=fe80::1/64", "3 a/ y=a=b:c", "4 a/ z=p ; q"}));
}

TEST(ConfigIniReader, AColonIsNoEqualsSign) {
    const auto result = read("[a]\nfe80::1 = x\nkey : value\n");
    ASSERT_EQ(result.problems.size(), 2U);
    EXPECT_EQ(to_string(result.problems[0]),
              "t:2: [a]: \"fe80::1\" is no key, allowed are at most 40 letters, digits and underscores");
    EXPECT_EQ(result.problems[1].line, 3);
    EXPECT_EQ(shown(result.entries), (Lines{"1 a/ =", "2 a/ !fe80=", "3 a/ !key="}));
}

TEST(ConfigIniReader, CarriageReturnsAndByteOrderMark) {
    EXPECT_EQ(shown(read("\xef\xbb\xbf[a]\r\nb = c\r\n").entries), (Lines{"1 a/ =", "2 a/ b=c"}));
}

TEST(ConfigIniReader, MalformedLinesHaveTheirPlace) {
    const auto result = read(
        "early = 1\n[global]\nno equals\n= 1\nq = \"open\n[check a b]\nskipped = 1\n[x] y\n[x\n[]\n[b]\nc = "
        "1");
    Lines places;
    for (const Problem& problem : result.problems) {
        places.push_back(std::to_string(problem.line) + " " + problem.section + " " + problem.key);
    }
    EXPECT_EQ(places, (Lines{"1  early", "3 global ", "4 global ", "5 global q", "6  ", "8  ", "9  ", "10  "}));
    EXPECT_EQ(shown(result.entries), (Lines{"2 global/ =", "3 global/ !no=", "5 global/ !q=", "11 b/ =", "12 b/ c=1"}));
}

TEST(ConfigIniReader, KeepalivedSyntaxIsNamed) {
    const auto result = read("vrrp_instance VI_1 {\n}\n");
    ASSERT_EQ(result.problems.size(), 2U);
    EXPECT_NE(result.problems[0].text.find("keepalived.conf"), std::string::npos);
}

TEST(ConfigIniReader, H46_AnEndlessLineIsOneProblem) {
    const auto result = read("[a]\nb = " + std::string(1000 * 1000, 'x') + "\nc = 1\n");
    ASSERT_EQ(result.problems.size(), 1U);
    EXPECT_EQ(to_string(result.problems[0]), "t:2: [a]: a line of 1000004 bytes, at most 4096 are allowed");
    EXPECT_EQ(shown(result.entries), (Lines{"1 a/ =", "2 a/ !b=", "3 a/ c=1"}));
    EXPECT_EQ(read("[a]\nb = " + std::string(4092, 'x') + "\n").problems.size(), 0U);
    EXPECT_EQ(read("[a]\nb = " + std::string(4093, 'x') + "\n").problems.size(), 1U);
}

TEST(ConfigIniReader, TooMuchIsReadNotAtAll) {
    const auto result = read(std::string(max_file_size + 1, '\n'));
    EXPECT_EQ(result.problems.size(), 1U);
    EXPECT_TRUE(result.entries.empty());
    EXPECT_TRUE(read(std::string(max_file_size, '\n')).problems.empty());
}

TEST(ConfigIniReader, H46_BytesThatAreNoTextAreProblems) {
    using namespace std::string_view_literals;
    const auto result = read("[a]\nb = 1\0 2\nc = \033[31m\nd = x\ry\n[e\0]\nf = 1\n; \0\n"sv);
    Lines places;
    for (const Problem& problem : result.problems)
        places.push_back(std::to_string(problem.line) + " " + problem.section);
    EXPECT_EQ(places, (Lines{"2 a", "3 a", "4 a", "5 ", "7 "}));
    EXPECT_EQ(result.problems[0].text, "the byte 0x00 is in this line, only text is allowed");
    EXPECT_EQ(shown(result.entries), (Lines{"1 a/ =", "2 a/ !b=", "3 a/ !c=", "4 a/ !d="}));
}

TEST(ConfigIniReader, NothingIsNoProblem) {
    for (const auto* text : {"", "\n", " \t\n\n", ";", "# x"}) {
        EXPECT_TRUE(read(text).entries.empty());
        EXPECT_TRUE(read(text).problems.empty());
    }
}

}  // namespace
}  // namespace vrrpd::config::config_ini_reader_test
