// The commands that ask a running daemon. Each is a row of the table in commands.cpp.
#pragma once

#include "ctl/command.hpp"

namespace vrrpd::ctl {

int metrics(const Arguments& arguments, std::ostream& out, std::ostream& err);

}  // namespace vrrpd::ctl
