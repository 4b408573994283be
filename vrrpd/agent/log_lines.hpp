// The lines that people and their tools grep for, made from what the core says. Pure. The wording is a
// contract: see "Log lines" in docs/.
#pragma once

#include <string>

#include "vrrpd/core/events.hpp"
#include "vrrpd/core/instance.hpp"
#include "vrrpd/io/log.hpp"

namespace vrrpd {

struct LogLine {
    log::Level level = log::Level::info;
    std::string text;
};

/// `(VI_1) Entering MASTER STATE reason="..." from=BACKUP priority=250`
LogLine log_line(const RoleChanged& change, const Instance& instance);

LogLine log_line(const Notice& notice, const Instance& instance);
/// The same without the name of the instance.
std::string words(const Notice& notice, const Instance& instance);

}  // namespace vrrpd
