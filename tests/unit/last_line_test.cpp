#include "vrrpd/launcher/last_line.hpp"

#include <gtest/gtest.h>

namespace vrrpd::last_line_test {
namespace {

std::string last_of(std::string_view text, std::size_t piece) {
    LastLine line;
    for (std::size_t at = 0; at < text.size(); at += piece) line.feed(text.substr(at, piece));
    return line.text();
}

TEST(LastLine, IsTheLastThatIsNotEmptyHoweverItComes) {
    for (const std::size_t piece : {1u, 2u, 3u, 1000u}) {
        EXPECT_EQ(last_of("", piece), "");
        EXPECT_EQ(last_of("\n\n", piece), "");
        EXPECT_EQ(last_of("one\ntwo\n", piece), "two");
        EXPECT_EQ(last_of("one\r\n\r\n\n", piece), "one");
        EXPECT_EQ(last_of("one\ntwo", piece), "two") << "not complete";
        EXPECT_EQ(last_of("a\x1b[31m\xff"
                          "b\n",
                          piece),
                  "a?[31m?b");
    }
}

TEST(LastLine, IsBounded) {
    LastLine line;
    for (int i = 0; i < 1000; ++i) line.feed(std::string(1000, 'x'));
    EXPECT_EQ(line.text(), std::string(LastLine::longest, 'x'));
    line.feed("\nend");
    EXPECT_EQ(line.text(), "end");
}

}  // namespace
}  // namespace vrrpd::last_line_test
