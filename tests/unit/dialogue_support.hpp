// What the tests of the dialogues share: cases of bytes and findings, tried with every cut.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/conversation.hpp"

namespace vrrpd::health::test {

using namespace std::chrono_literals;

/// `bytes` bring `finding`, in one piece, in any two pieces, and in pieces of 1 to 9 bytes.
inline void expect_finding(const Make& make, const std::string& bytes, const Finding& finding, const Past& past = {}) {
    const Outcome whole = converse(make, bytes, past);
    ASSERT_TRUE(whole.finding) << bytes;
    EXPECT_EQ(*whole.finding, finding) << bytes << "\n" << to_string(*whole.finding);
    for (std::size_t first = 1; first < bytes.size(); ++first) {
        const auto in_two = [&](std::string_view rest) { return rest.size() == bytes.size() ? first : rest.size(); };
        ASSERT_TRUE(converse(make, bytes, in_two, past) == whole) << bytes << " cut at " << first;
    }
    for (std::size_t step = 1; step <= 9; ++step) {
        const auto in_steps = [step](std::string_view) { return step; };
        ASSERT_TRUE(converse(make, bytes, in_steps, past) == whole) << bytes << " by " << step;
    }
}

/// `bytes` are not enough to tell: what follows if the peer closes, and if it says no more (within 300 ms).
inline void expect_cut_off(const Make& make, const std::string& bytes, const Finding& closed, const Finding& silent) {
    const Outcome outcome = converse(make, bytes);
    ASSERT_FALSE(outcome.finding) << bytes;
    EXPECT_EQ(outcome.closed, closed) << bytes << "\n" << to_string(outcome.closed);
    EXPECT_EQ(outcome.silent, silent) << bytes << "\n" << to_string(outcome.silent);
    ASSERT_TRUE(converse(make, bytes, [](std::string_view) { return 1; }) == outcome) << bytes;
}

inline const Finding without_a_reply{Class::failed, "closed without a reply", true};
inline const Finding within_its_reply{Class::failed, "closed within its reply", true};
inline const Finding no_reply{Class::hung, "connected, no reply in 300 ms"};
inline const Finding no_whole_reply{Class::hung, "connected, reply not complete in 300 ms"};

}  // namespace vrrpd::health::test
