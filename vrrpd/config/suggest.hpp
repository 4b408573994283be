// What the user may have meant: the nearest known name, and sentences for words that come from keepalived or
// from a newer vrrpd.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vrrpd::config {

/// The known name with the smallest edit distance (a swap of neighbours counts one), when it is close: one
/// change for a short word, up to three for a long one.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known);

/// A sentence about a section kind that we deliberately lack, or do not have yet; empty: nothing is known about it.
std::string_view hint_for_section(std::string_view kind);

/// The same for a key; `kind` is the kind of the section that it stands in.
std::string_view hint_for_key(std::string_view kind, std::string_view key);

}  // namespace vrrpd::config
