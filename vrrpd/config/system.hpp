// What a configuration names of the host that it is read on: users and programs.
#pragma once

#include <string>

#include "health/options.hpp"
#include "vrrpd/core/result.hpp"

namespace vrrpd::config {

/// The user and its primary group.
Result<Credentials> find_user(const std::string& name);

/// The absolute path of a program: itself, or a bare name looked up in the usual system folders. It must be a
/// file that can be executed.
Result<std::string> find_program(const std::string& program);

/// The name of this host.
std::string host_name();

}  // namespace vrrpd::config
