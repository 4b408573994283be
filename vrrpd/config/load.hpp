// Reads a configuration: files -> entries -> drafts -> options, with every problem of all files in one list.
//
// The way through this folder: `source` finds the files; `ini_reader` makes entries of their lines, with
// `lexer` for what stands behind a `=`; `collect` sorts the entries into a `draft` a section, by the table of
// keys in `schema`, whose values the `parsers` read; `resolve` turns names into indices, users and programs;
// `rules` judges what several keys must agree on. `suggest` helps all of them to say what was probably meant.
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
