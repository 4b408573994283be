// What a program prints, run without a shell.
#pragma once

#include <string>
#include <vector>

#include "vrrpd/core/result.hpp"

namespace vrrpd::doctor {

/// Its standard output, at most 16 MiB; the program is looked for in the system's folders only. A failure when it is
/// not there, fails, or takes longer than ten seconds.
Result<std::string> output_of(const std::vector<std::string>& command);

}  // namespace vrrpd::doctor
