// What is at the other end of our output, and drawing over what is there.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "ctl/status_view.hpp"

namespace vrrpd::ctl {

/// Whether `out` is our standard output, and that a terminal.
bool is_terminal(const std::ostream& out);

/// As wide as the terminal, in colour unless NO_COLOR is set or TERM says `dumb`. Anything else has no width and no
/// colour, so that what greps through it finds whole lines.
Paper paper_for(const std::ostream& out);

/// Calls `draw` every second until it returns an exit code that is not `exit_done`, or SIGINT or SIGTERM. On a terminal
/// each text replaces the one before; elsewhere they follow each other, with an empty line between.
int redraw(std::ostream& out, const std::function<int(std::string& text)>& draw);

}  // namespace vrrpd::ctl
