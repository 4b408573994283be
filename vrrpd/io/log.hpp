// The agent's log. Only the agent writes to it; rooms report through values and callbacks.
//
// Writing copies the text into a bounded queue and returns; a thread of its own takes it to the journal, to
// syslog or to standard error. A target that is stuck therefore costs messages, the oldest first, and never
// an advert (sd_journal_send was seen to block after some ten messages nobody read). What is lost is counted
// in the log.
//
// Before start() messages go straight to standard error: then there is a person at the terminal, and no
// advert to be late. After stop() they go nowhere.
//
// All of it belongs to the main thread. Fork the launcher before start(): a child has no log thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "vrrpd/core/log_options.hpp"

namespace vrrpd::log {

using Target = LogTarget;
using Level = LogLevel;

/// What is added to a message in the journal, as VRRP_INSTANCE= and VRRP_STATE=; empty: not added.
struct Fields {
    std::string_view instance;
    std::string_view state;
};

struct Options {
    Target target = Target::automatic;
    Level level = Level::info;  ///< the least urgent that is written
    int facility = 3 << 3;      ///< as in <syslog.h>
    std::string identifier = "vrrpd";
};

/// What `automatic` means here: the journal if standard error leads there (JOURNAL_STREAM names it); else
/// standard error, where a person or a container looks; syslog if it is closed or /dev/null, where nobody could.
Target resolve(Target target);

/// Starts the log thread. Call once. Throws if there can be no thread.
void start(const Options& options);

/// The least urgent that is written from now on.
void set_level(Level level);

/// Whether a message of this level would be written: saves the making of one that would not.
bool enabled(Level level);

/// Never blocks between start() and stop(). Control characters in `text` become blanks, outside the journal.
void write(Level level, std::string_view text, Fields fields = {});

/// Messages since start() that the target was too slow for.
std::size_t lost();

/// Writes what is queued, but for `limit` at most: the log thread is left behind if its target is stuck.
/// False: some messages were not written.
bool stop(std::chrono::milliseconds limit = std::chrono::milliseconds(500));

}  // namespace vrrpd::log
