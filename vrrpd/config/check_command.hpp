// `vrrpd --check [FILE...]`: says whether configurations are valid, and what is wrong with them.
#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace vrrpd::config {

/// Checks each file for itself, and the valid ones of several side by side (lint.hpp). A file without errors gets one
/// line on `out`, each problem one on `err`. Returns the exit code, the worst of all: 0 valid, 1 valid with warnings, 2
/// errors or unreadable.
int check_files(std::span<const std::string> files, std::ostream& out, std::ostream& err);

}  // namespace vrrpd::config
