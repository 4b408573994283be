// `vrrpctl import keepalived.conf`: prints the INI that does the same.
#pragma once

#include <iosfwd>
#include <string>

namespace vrrpd::keepalived {

/// What could not be carried over goes to `err`, a line each, and stands in the INI as comments. Returns 0: all was
/// carried over; 1: something was not; 2: the file cannot be read, or its structure is broken (nothing is printed), or
/// vrrpd would refuse the result on this host (it is printed all the same).
int import_file(const std::string& path, std::ostream& out, std::ostream& err);

}  // namespace vrrpd::keepalived
