// What the agent tells the service manager (sd_notify(3)). Without a manager that listens, nothing happens.
//
// Only the word that ends the start waits until it is taken: units wait for it, and nobody for us yet. All others are
// lost on a manager that is busy or frozen, since an advert or a hand-over would wait with them.
#pragma once

#include <string>

#include "vrrpd/core/time.hpp"

namespace vrrpd::notify {

/// The configuration is read and every instance listens: `Type=notify` units that wait for us may start. Waits
/// for the manager; once.
void ready();

/// The configuration is being read again, until reloaded().
void reloading();

/// That has ended. Told again with alive() if the manager was too busy.
void reloaded();

/// One line for `systemctl status`.
void status(const std::string& text);

/// The planned demotion has begun, and may take up to `longest`, whatever the unit's TimeoutStopSec says.
void stopping(Duration longest);

/// Without such a message for this long the process is taken for hung, whatever the unit's WatchdogSec says.
void watchdog_time(Duration longest);

/// The process is well.
void alive();

}  // namespace vrrpd::notify
