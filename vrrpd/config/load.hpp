// Reads a configuration: files -> entries -> drafts -> options, with every problem of all files in one list.
//
// `vrrpd --check`, the start of the daemon and a reload are the same code. A configuration with an error is
// for reading its problems only: nothing may be started from it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vrrpd/config/config.hpp"
#include "vrrpd/config/problem.hpp"

namespace vrrpd::config {

inline constexpr const char* default_path = "/etc/vrrpd/vrrpd.ini";

struct Loaded {
    Config config;
    Problems problems;  ///< in the order of files and lines

    /// No errors; there may be warnings.
    bool valid() const;
};

/// Reads a file and what it includes.
Loaded load(const std::string& path);

/// The same from memory; `file` is its name in problems. What it includes is not read.
Loaded load_text(std::string_view text, const std::string& file);

}  // namespace vrrpd::config
