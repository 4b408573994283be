// What the agent tells the service manager (sd_notify(3)). Without a manager that listens, nothing happens.
#pragma once

#include <string>

#include "vrrpd/core/time.hpp"

namespace vrrpd::notify {

/// The configuration is read and every instance listens: `Type=notify` units that wait for us may start.
void ready();

/// One line for `systemctl status`.
void status(const std::string& text);

/// The planned demotion has begun, and may take up to `longest`, whatever the unit's TimeoutStopSec says.
void stopping(Duration longest);

}  // namespace vrrpd::notify
