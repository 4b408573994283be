// What must hold for every dialogue, whatever the peer says.
#pragma once

#include <algorithm>
#include <string_view>

#include "tests/fuzz/fuzz.hpp"
#include "tests/support/conversation.hpp"

namespace vrrpd::fuzz {

inline void check_finding(const health::Finding& finding) {
    require(finding.evidence.size() <= 160, "the evidence is of bounded length");
    const bool printable = std::ranges::all_of(finding.evidence, [](char c) { return c >= ' ' && c <= '~'; });
    require(printable, "the evidence is printable ASCII");
    require(!finding.hard || !finding.success(), "only a failure is hard");
    require(!finding.cold || finding.success() || finding.cls == health::Class::degraded, "what fails is not cold");
}

/// Feeds the bytes at once, one by one, and in pieces whose lengths come from the bytes themselves.
inline health::test::Outcome check_dialogue(const health::test::Make& make, std::string_view bytes,
                                            std::size_t longest) {
    using health::test::converse;
    const auto whole = converse(make, bytes);
    require(whole == converse(make, bytes, [](std::string_view) { return 1; }), "one by one the same");
    require(whole == converse(make, bytes, [](std::string_view rest) { return rest.front() & 0x1f; }),
            "in pieces the same");
    require(whole.finding || bytes.size() < longest, "the bound is enough to tell");
    require(whole.finding || !whole.silent.success(), "silence is no success");
    for (const auto& finding : {whole.finding.value_or(health::Finding{}), whole.closed, whole.silent}) {
        check_finding(finding);
    }
    return whole;
}

}  // namespace vrrpd::fuzz
