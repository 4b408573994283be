// The commands that ask a running daemon, or give it orders. Each is a row of the table in commands.cpp.
#pragma once

#include "ctl/command.hpp"

namespace vrrpd::ctl {

int status(const Arguments& arguments, std::ostream& out, std::ostream& err);
int watch(const Arguments& arguments, std::ostream& out, std::ostream& err);
int events(const Arguments& arguments, std::ostream& out, std::ostream& err);
int history(const Arguments& arguments, std::ostream& out, std::ostream& err);
int failover(const Arguments& arguments, std::ostream& out, std::ostream& err);
int drain(const Arguments& arguments, std::ostream& out, std::ostream& err);
int resume(const Arguments& arguments, std::ostream& out, std::ostream& err);
int reload(const Arguments& arguments, std::ostream& out, std::ostream& err);
int metrics(const Arguments& arguments, std::ostream& out, std::ostream& err);

}  // namespace vrrpd::ctl
