// The commands that look at files and need no daemon. Each is a row of the table in commands.cpp.
#pragma once

#include "ctl/command.hpp"

namespace vrrpd::ctl {

int check(const Arguments& arguments, std::ostream& out, std::ostream& err);
int doctor(const Arguments& arguments, std::ostream& out, std::ostream& err);
int import_keepalived(const Arguments& arguments, std::ostream& out, std::ostream& err);

}  // namespace vrrpd::ctl
