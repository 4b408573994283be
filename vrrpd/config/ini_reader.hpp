// INI text to a flat list of entries, through inih.
//
// inih keeps the structure: which key stands in which section. What Debian's inih 55 would get wrong never
// reaches it: it swallows an indented key into the value above, splits a line at 197 characters, cuts a
// section name at 49, takes a
// `:` for a `=`, strips ` ;` inside quotes, calls nobody for a section without keys, and reads a folder as an
// empty file. So this reader takes the lines itself, checks and counts them, and hands inih only `[section]`
// and `key =`; the value comes from the whole line that it has kept.
//
// Promises: bounded (4096 bytes a line, 1 MiB a file); every line that is not understood is a problem with
// its line number; the order of the file is kept; nothing is cut.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "vrrpd/config/lexer.hpp"
#include "vrrpd/config/problem.hpp"

namespace vrrpd::config {

inline constexpr std::size_t max_line_length = 4096;
inline constexpr std::size_t max_file_size = 1024 * 1024;
inline constexpr std::size_t max_name_length = 32;

/// A key with its value, or (with an empty key) the beginning of a section.
struct Entry {
    Place place;
    std::string kind;  ///< `check` of `[check memcached]`
    std::string name;  ///< `memcached` of it; empty for `[global]`
    std::string key;
    Value value;
    bool broken = false;  ///< the line was not understood, which is reported already; only the key is known
};

/// Appends what `text` says. `file` is only a name for the places. Keys below a section line that is
/// malformed are skipped: nobody can tell what they belong to.
void read_ini(std::string_view text, const std::string& file, std::vector<Entry>& entries, Problems& problems);

/// Whether a text may name a section: 1 to 32 letters, digits and `_-.:@+/`.
bool is_section_name(std::string_view text);

}  // namespace vrrpd::config
