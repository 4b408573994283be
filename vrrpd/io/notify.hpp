// What the agent tells the service manager (sd_notify(3)). Without a manager that listens, nothing happens.
//
// What is told again and again never waits for a manager that is busy: it is lost then. Only the two words that are
// said once, at the start and at the end, wait until they are taken.
#pragma once

#include <string>

#include "vrrpd/core/time.hpp"

namespace vrrpd::notify {

/// The configuration is read and every instance listens: `Type=notify` units that wait for us may start.
void ready();

/// The configuration is being read again; ready() ends that.
void reloading();

/// One line for `systemctl status`.
void status(const std::string& text);

/// The planned demotion has begun, and may take up to `longest`, whatever the unit's TimeoutStopSec says.
void stopping(Duration longest);

/// Without such a message for this long the process is taken for hung, whatever the unit's WatchdogSec says.
void watchdog_time(Duration longest);

/// The process is well.
void alive();

}  // namespace vrrpd::notify
