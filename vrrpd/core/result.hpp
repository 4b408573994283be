// A value or the reason why there is none. std::expected is not in C++20, tl::expected is the same thing.
#pragma once

#include <string>

#include <tl/expected.hpp>

namespace vrrpd {

/// Either a T or a sentence for a person.
template <typename T>
using Result = tl::expected<T, std::string>;

inline tl::unexpected<std::string> failure(std::string sentence) {
    return tl::make_unexpected(std::move(sentence));
}

}  // namespace vrrpd
