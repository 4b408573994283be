// Holds a dialogue of the health room with a peer that says given bytes, however they are cut: for the unit tests and
// the fuzz targets, which both want the cuts to make no difference.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "health/dialogue.hpp"

namespace vrrpd::health::test {

using Make = std::function<std::unique_ptr<Dialogue>(Past&)>;
using Cut = std::function<std::size_t(std::string_view)>;  ///< how long the next piece of what is left is

/// What became of it: a finding, or else what there would be if the peer closed now, or said no more.
struct Outcome {
    std::optional<Finding> finding;
    Finding closed, silent;
    std::string asked;  ///< all that was sent
    Past past;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

inline Outcome converse(const Make& make, std::string_view bytes, const Cut& cut, const Past& past = {}) {
    Outcome outcome;
    outcome.past = past;
    const auto dialogue = make(outcome.past);
    outcome.asked = dialogue->take_request();
    while (!bytes.empty()) {
        const std::size_t length = std::clamp<std::size_t>(cut(bytes), 1, bytes.size());
        outcome.finding = dialogue->feed(bytes.substr(0, length));
        outcome.asked += dialogue->take_request();
        if (outcome.finding) return outcome;
        bytes.remove_prefix(length);
    }
    outcome.closed = dialogue->closed();
    outcome.silent = dialogue->silent(std::chrono::milliseconds(300));
    return outcome;
}

inline Outcome converse(const Make& make, std::string_view bytes, const Past& past = {}) {
    return converse(
        make, bytes, [](std::string_view rest) { return rest.size(); }, past);
}

}  // namespace vrrpd::health::test
