// What a log can be told: where it goes and how much of it. The configuration reads these, the log obeys
// them, and neither knows the other.
#pragma once

namespace vrrpd {

enum class LogTarget {
    automatic,       ///< where somebody looks: see log::resolve()
    journal,         ///< with fields of its own
    syslog,          ///< /dev/log
    standard_error,  ///< lines like `2026-11-21T06:10:28.123456Z notice TEXT`
};

/// The most urgent first, so that `<=` means at least as urgent.
enum class LogLevel { error, warning, notice, info, debug };

}  // namespace vrrpd
