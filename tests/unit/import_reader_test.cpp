// keepalived's configuration language: what its lines become, and what is said of a broken one.
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "ctl/import/lexer.hpp"
#include "ctl/import/parameters.hpp"
#include "ctl/import/tree.hpp"

namespace vrrpd::keepalived::import_reader_test {
namespace {

namespace fs = std::filesystem;

/// A statement as `words`, its block as `words{...}`; statements are separated by blanks, words by commas.
std::string shown(const std::vector<Statement>& statements) {
    std::string text;
    for (const Statement& statement : statements) {
        if (!text.empty()) text += ' ';
        for (std::size_t i = 0; i < statement.words.size(); ++i) text += (i > 0 ? "," : "") + statement.words[i];
        if (statement.has_body) text += "{" + shown(statement.body) + "}";
    }
    return text;
}

std::string shown(const std::vector<Remark>& remarks) {
    std::string text;
    for (const Remark& remark : remarks) text += std::to_string(remark.place.line) + ": " + remark.text + "\n";
    return text;
}

std::string read(std::string_view text) {
    const Tree tree = read_text(text, "k", "main");
    EXPECT_EQ(shown(tree.broken), "");
    EXPECT_EQ(shown(tree.skipped), "");
    return shown(tree.statements);
}

std::string broken(std::string_view text) {
    return shown(read_text(text, "k", "main").broken);
}

TEST(ImportReader, BlocksOverLinesAndOnOne) {
    EXPECT_EQ(read("a {\n  b 1\n  c {\n d\n }\n}\ne 2\n"), "a{b,1 c{d}} e,2");
    EXPECT_EQ(read("a { b 1 }\nc{d}e"), "a{b,1} c{d} e");
    EXPECT_EQ(read("a x\n\n{\n}\n"), "a,x{}");
    EXPECT_EQ(read("a {\r\n\tb\r\n}\r\n"), "a{b}");
    EXPECT_EQ(read(""), "");
}

TEST(ImportReader, CommentsBeginAnywhereOutsideOfQuotes) {
    EXPECT_EQ(read("! all\n# of it\na 1 # one\nb 2 ! two\nc#d\n"), "a,1 b,2 c");
    EXPECT_EQ(read("a \"#1 !\" '!2 #' 3\n"), "a,#1 !,!2 #,3");
    EXPECT_EQ(read("a { # {\n b ! }\n}\n"), "a{b}");
}

TEST(ImportReader, Quotes) {
    EXPECT_EQ(read(R"(a "b c" 'd "e' f"g h"i "")"), "a,b c,d \"e,fg hi,");
    EXPECT_EQ(read(R"(a "\x41\102\t\"\\" "{" '}')"), "a,AB\t\"\\,{,}");
    EXPECT_EQ(broken("a\nb \"c\nd\n"), "2: a quote is never closed\n");
}

TEST(ImportReader, CommandsAreSplitOutsideOfQuotes) {
    EXPECT_EQ(command_words("/usr/bin/x -a 'b c'  \"d\"e"),
              (std::vector<std::string>{"/usr/bin/x", "-a", "b c", "de"}));
    EXPECT_TRUE(command_words("  ").empty());
}

TEST(ImportReader, AMissingBraceIsNamedWithItsLine) {
    EXPECT_EQ(broken("vrrp_instance A {\n  priority 1\n"),
              "1: the block of \"vrrp_instance A\" is never closed, a } is missing\n");
    EXPECT_EQ(broken("vrrp_instance A {\n  virtual_ipaddress {\n    10.0.0.1\n}\n\nvrrp_instance B {\n}\n"),
              "6: \"vrrp_instance B\" stands inside of \"vrrp_instance A\", which was opened on line 1: a } is missing "
              "before it\n");
    EXPECT_EQ(
        broken("vrrp_instance A {\n  authentication {\n    auth_type PASS\n  virtual_ipaddress {\n  }\n}\n"),
        "4: \"virtual_ipaddress\" stands inside of \"authentication\", which was opened on line 2: a } is missing "
        "before it\n");
    EXPECT_EQ(broken("a {\n}\n}\n"), "3: a } that closes nothing\n");
    EXPECT_EQ(broken("{\n}\n"), "1: a { that belongs to no word\n");
    EXPECT_EQ(broken("a {\n} {\n}\n"), "2: a { that belongs to no word\n");
}

TEST(ImportReader, Parameters) {
    EXPECT_EQ(read("$BASE=10.2.${SUB}\n$SUB=0\na ${BASE}.1\n$SUB=9\na ${BASE}.1\nb $SUB\n"),
              "a,10.2.0.1 a,10.2.9.1 b,9");
    EXPECT_EQ(read("a $NOBODY ${KNOWS} x$\n"), "a,$NOBODY,${KNOWS},x$");
    EXPECT_EQ(read("a ${_INSTANCE} ${_HASH}1\n"), "a,main,#1");
    EXPECT_EQ(read("$ONE= \\\n  r ${N} { \\\n s \\\n }\n$N=1\n$ONE\n$N=2\n$ONE\n"), "r,1{s} r,2{s}");
    EXPECT_EQ(read("$IN= \\\n  i ${N}\n$OUT= \\\n $N=1 \\\n $IN \\\n $N=2 \\\n $IN\n$OUT\n"), "i,1 i,2");
    EXPECT_EQ(read("$EMPTY=\na $EMPTY b\n"), "a,b");
}

TEST(ImportReader, AParameterThatStandsForItselfEnds) {
    const std::string sentence = ": too long, or a parameter stands for itself\n";
    EXPECT_EQ(broken("$A=$A $A\nb $A\n"), "2" + sentence);
    EXPECT_EQ(broken("$A= \\\n x \\\n $A \\\n $A\nb\n$A\n"), "6" + sentence);
    std::string bomb = "$A0=xxxxxxxxxxxxxxxx\n";
    for (int i = 1; i < 30; ++i) {
        const std::string before = "${A" + std::to_string(i - 1) + "}";
        bomb += "$A" + std::to_string(i) + "=" + before + before + "\n";
    }
    EXPECT_EQ(broken(bomb + "a ${A29}\n"), "31" + sentence);
}

TEST(ImportReader, LinesForAConfigurationId) {
    EXPECT_EQ(read("a {\n@main b 1\n@other b 2\n@^main b 3\n@^other b 4\n}\n"), "a{b,1 b,4}");
    EXPECT_EQ(read("$IF_MAIN=@main\n$IF_OTHER=@other\n$IF_MAIN a\n$IF_OTHER b\n"), "a");
}

TEST(ImportReader, SequencesAreNamed) {
    const Tree tree = read_text("a {\n ~SEQ(N, 1, 3) 10.0.0.${N}\n}\n", "k", "");
    EXPECT_EQ(shown(tree.skipped), "2: \"~SEQ(N,\": sequences and lists are not read here, write the lines out\n");
    EXPECT_EQ(shown(tree.statements), "a{}");
}

TEST(ImportReader, PlacesAreThoseOfTheFile) {
    const Tree tree = read_text("\n# c\na {\n  b\n}\n", "k", "");
    ASSERT_EQ(tree.statements.size(), 1u);
    EXPECT_EQ(tree.statements[0].place.line, 3);
    EXPECT_EQ(tree.statements[0].last_line, 5);
    EXPECT_EQ(tree.statements[0].body[0].place.line, 4);
}

TEST(ImportReader, HostileTextIsBounded) {
    EXPECT_EQ(broken(std::string(1000, 'a') + std::string(200'000, ' ') + "b"), "1: is too long\n");
    std::string deep;
    for (int i = 0; i < 100; ++i) deep += "a {\n";
    EXPECT_EQ(broken(deep), "13: blocks are nested too deep\n");
    EXPECT_NE(broken(std::string(300'000, '\n') + "}"), "");
}

class ImportFiles : public testing::Test {
  protected:
    ImportFiles() {
        std::string pattern = (fs::temp_directory_path() / "vrrpd-import-XXXXXX").string();
        folder_ = mkdtemp(pattern.data());
    }
    ~ImportFiles() override { fs::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& text) {
        const fs::path path = folder_ / name;
        fs::create_directories(path.parent_path());
        std::ofstream(path) << text;
        return path.string();
    }
    fs::path folder_;
};

TEST_F(ImportFiles, IncludesAreRelativeToTheFileThatNamesThem) {
    const auto path = write("keepalived.conf", "a\ninclude conf.d/*.conf\nd\n");
    write("conf.d/1.conf", "b\ninclude deep/x\n");
    write("conf.d/2.conf", "c ${_PWD}\n");
    write("conf.d/deep/x", "x\n");
    const Tree tree = read_file(path, "");
    EXPECT_EQ(shown(tree.statements), "a b x c," + (folder_ / "conf.d").string() + " d");
    EXPECT_EQ(tree.statements[2].place.file, (folder_ / "conf.d/deep/x").string());
    EXPECT_EQ(tree.statements[2].place.line, 1);
    EXPECT_EQ(shown(tree.skipped), "");
}

TEST_F(ImportFiles, IncludesThatCannotBe) {
    const auto path = write("k", "include none\ninclude k\ninclude a b\n");
    const Tree tree = read_file(path, "");
    EXPECT_EQ(shown(tree.broken), "");
    EXPECT_NE(shown(tree.skipped).find("1: include \"none\": there is no such file\n"), std::string::npos);
    EXPECT_NE(shown(tree.skipped).find("2: too many or too deeply nested includes\n"), std::string::npos);
    EXPECT_NE(shown(tree.skipped).find("3: include: allowed is one file or pattern\n"), std::string::npos);
    const Tree none = read_file((folder_ / "none").string(), "");
    EXPECT_NE(shown(none.broken).find("cannot be read: No such file"), std::string::npos);
}

}  // namespace
}  // namespace vrrpd::keepalived::import_reader_test
