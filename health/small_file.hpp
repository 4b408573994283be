// Reads a file that should hold a number: of bounded length, without ever waiting for what else the path may be.
//
// A read from a file system on another host can wait for ever, and no flag prevents that: the configuration
// refuses such paths.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <sys/stat.h>

namespace vrrpd::health {

struct SmallFile {
    static constexpr std::size_t longest = 64;  ///< bytes; there may be more, see `status`

    int error = 0;          ///< errno; EINVAL: not a regular file
    struct stat status {};  ///< without an error
    std::string text;       ///< the beginning of it
};

SmallFile read_small_file(const std::string& path);

/// The whole number that `text` is, blanks around it aside; at most seven digits, and a sign.
std::optional<int> parse_number(std::string_view text);

/// Without the blanks at both ends.
std::string_view trimmed(std::string_view text);

/// In quotes, for evidence: the first 40 bytes, `?` for what a terminal should not see.
std::string quotation(std::string_view text);

}  // namespace vrrpd::health
