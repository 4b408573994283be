// The files of a configuration: the one that was named and those that its `include` lines pull in.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "vrrpd/config/ini_reader.hpp"
#include "vrrpd/core/result.hpp"

namespace vrrpd::config {

struct Source {
    std::vector<std::string> files;  ///< in the order in which they were read
    std::vector<Entry> entries;
};

/// Reads `path` and what it includes: at most 256 files, 8 deep, each once. A pattern is expanded in
/// alphabetical order; one without a wildcard must match.
Source read_source(const std::string& path, Problems& problems);

/// The whole of a regular file of at most `limit` bytes that not everybody may write.
Result<std::string> read_text_file(const std::string& path, std::size_t limit);

/// The first line of a regular file of at most 4 KiB that not everybody may read or write, without its end; not empty.
Result<std::string> read_secret(const std::string& path);

}  // namespace vrrpd::config
