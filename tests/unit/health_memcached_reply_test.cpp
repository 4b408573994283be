#include <vector>

#include <gtest/gtest.h>

#include "health/memcached_reply.hpp"

namespace vrrpd::health {
namespace {

using namespace std::chrono_literals;

struct Case {
    std::string bytes;
    Finding finding;
};

const std::vector<Case> whole_replies{
    {"VERSION 1.6.18\r\n", {Class::up, "VERSION 1.6.18"}},
    {"VERSION 1.6.18\n", {Class::up, "VERSION 1.6.18"}},
    {"VERSION 1.6.18\r\nVERSION 1.6.18\r\n", {Class::up, "VERSION 1.6.18"}},
    {"ERROR Too many open connections\r\n", {Class::saturated, "ERROR Too many open connections"}},
    {"CLIENT_ERROR unauthenticated\r\n", {Class::auth, "CLIENT_ERROR unauthenticated", true}},
    {"SERVER_ERROR Connection refused\r\n", {Class::failed, "SERVER_ERROR Connection refused"}},
    {"SERVER_ERROR out of memory\r\n", {Class::failed, "SERVER_ERROR out of memory"}},
    {"-ERR unknown command 'version', with args beginning with: \r\n",
     {Class::wrong_protocol, "-ERR unknown command 'version', with args beginning with: ", true}},
    {"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", {Class::wrong_protocol, "HTTP/1.1 400 Bad Request", true}},
    {"ERROR\r\n", {Class::wrong_protocol, "ERROR", true}},
    {"VERSION\r\n", {Class::wrong_protocol, "VERSION", true}},
    {"version 1\r\n", {Class::wrong_protocol, "version 1", true}},
    {"\r\n", {Class::wrong_protocol, "an empty line", true}},
    {std::string("J\0\0\0\x0a", 5), {Class::wrong_protocol, "J???", true}},
    {std::string(2000, 'x'), {Class::wrong_protocol, std::string(80, 'x'), true}},
    {std::string("VERSION ") + std::string(2000, 'x'),
     {Class::wrong_protocol, std::string("VERSION ") + std::string(72, 'x'), true}},
};

// The finding for `reply` when it comes in the pieces that `next` cuts, or none.
template <typename Next>
std::optional<Finding> in_pieces(const std::string& reply, Next next) {
    MemcachedReply parser;
    for (std::size_t at = 0; at < reply.size();) {
        const std::size_t length = next(at);
        if (const auto finding = parser.feed(std::string_view(reply).substr(at, length))) return finding;
        at += length;
    }
    return std::nullopt;
}

TEST(HealthMemcachedReply, ClassifiesWholeReplies) {
    for (const auto& [bytes, finding] : whole_replies) {
        EXPECT_EQ(in_pieces(bytes, [&](std::size_t) { return bytes.size(); }), finding) << bytes;
    }
}

TEST(HealthMemcachedReply, AnyCutInTwoGivesTheSame) {
    for (const auto& [bytes, finding] : whole_replies) {
        for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
            const auto next = [&, cut](std::size_t at) { return at == 0 ? cut : bytes.size() - cut; };
            ASSERT_EQ(in_pieces(bytes, next), finding) << bytes << " cut at " << cut;
        }
    }
}

TEST(HealthMemcachedReply, EveryBytewiseCutGivesTheSame) {
    for (const auto& [bytes, finding] : whole_replies) {
        for (std::size_t step = 1; step <= 9; ++step) {
            ASSERT_EQ(in_pieces(bytes, [&](std::size_t) { return step; }), finding) << bytes << " by " << step;
        }
    }
}

TEST(HealthMemcachedReply, NothingIsDecidedBeforeTheLineEnds) {
    const std::string line = "VERSION 1.6.18\r";
    EXPECT_FALSE(in_pieces(line, [](std::size_t) { return 1; }));
}

TEST(HealthMemcachedReply, StopsAtItsBound) {
    MemcachedReply parser;
    EXPECT_FALSE(parser.feed(std::string(MemcachedReply::longest - 1, 'V')));
    const auto finding = parser.feed("VVVV\n");
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->cls, Class::wrong_protocol);
}

TEST(HealthMemcachedReply, AnEarlyEndIsToldApart) {
    MemcachedReply nothing;
    EXPECT_EQ(nothing.closed(), (Finding{Class::failed, "closed without a reply", true}));
    MemcachedReply partial;
    partial.feed("VERS");
    EXPECT_EQ(partial.closed(), (Finding{Class::failed, "closed within its reply", true}));
    MemcachedReply long_partial;
    long_partial.feed("VERSION 1.6");
    EXPECT_EQ(long_partial.closed().cls, Class::failed);
    MemcachedReply other;
    other.feed(R"({"service":"nutcracker")");
    EXPECT_EQ(other.closed(), (Finding{Class::wrong_protocol, R"({"service":"nutcracker")", true}));
}

TEST(HealthMemcachedReply, SilenceIsToldApart) {
    MemcachedReply nothing;
    EXPECT_EQ(nothing.silent(500ms), (Finding{Class::hung, "connected, no reply in 500 ms"}));
    MemcachedReply partial;
    partial.feed("VERSION 1.6");
    EXPECT_EQ(partial.silent(500ms), (Finding{Class::hung, "connected, reply not complete in 500 ms"}));
    MemcachedReply other;
    other.feed("220 mail");
    EXPECT_EQ(other.silent(500ms), (Finding{Class::wrong_protocol, "220 mail", true}));
}

TEST(HealthMemcachedReply, EvidenceIsPrintableAndShortWhateverCameIn) {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    for (std::size_t start = 0; start < all.size(); ++start) {
        MemcachedReply parser;
        const auto finding = parser.feed(all.substr(start) + "\n");
        ASSERT_TRUE(finding);
        EXPECT_LE(finding->evidence.size(), 80u);
        for (const char character : finding->evidence) ASSERT_TRUE(character >= ' ' && character <= '~');
    }
}

}  // namespace
}  // namespace vrrpd::health
