// Requests as they travel to the launcher process: bounded on both ends.
#include <cerrno>

#include <gtest/gtest.h>

#include "vrrpd/launcher/wire.hpp"

namespace vrrpd::launcher_wire_test {
namespace {

TEST(Wire, RefusesWhatIsNotExactlyOneRequest) {
    auto message = wire::encode(7, {.argv = {"a", "b"}, .environment = {"C=d"}});
    ASSERT_TRUE(message);
    const auto request = wire::decode(*message);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->id, 7u);
    ASSERT_EQ(request->argv.size(), 3u);
    EXPECT_STREQ(request->argv[1], "b");
    EXPECT_EQ(request->argv[2], nullptr);
    ASSERT_EQ(request->environment.size(), 1u);
    EXPECT_STREQ(request->environment[0], "C=d");
    for (std::size_t size = 0; size < message->size(); ++size) {
        EXPECT_FALSE(wire::decode(std::span(*message).first(size))) << size;
    }
    message->push_back('x');
    EXPECT_FALSE(wire::decode(*message));
}

TEST(Wire, RefusesToSendWhatCannotArrive) {
    EXPECT_EQ(wire::encode(1, {.argv = {}}).error(), EINVAL);
    EXPECT_EQ(wire::encode(1, {.argv = {""}}).error(), EINVAL);
    EXPECT_EQ(wire::encode(1, {.argv = {std::string("a\0b", 3)}}).error(), EINVAL);
    EXPECT_EQ(wire::encode(1, {.argv = {"a"}, .environment = {std::string(wire::max_request, 'x')}}).error(), E2BIG);
}

}  // namespace
}  // namespace vrrpd::launcher_wire_test
