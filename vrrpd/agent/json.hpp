// All that the agent says, and reads back, as JSON. Each document and each line carries `"version"`; what is added to
// one later leaves it, what is changed or removed makes another. docs/control.md lists the members.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "vrrpd/agent/event_feed.hpp"
#include "vrrpd/agent/history.hpp"
#include "vrrpd/agent/status.hpp"

namespace vrrpd {

/// Of the host; the instances follow, and `}` at the end.
struct HostStatus {
    std::string router_id;
    WallTime now;
    std::vector<std::string> warnings;  ///< what is wrong with the daemon itself
};

/// The beginning of the document, up to and with the `[` of its instances.
std::string status_begin(const HostStatus& host);
/// One of them.
std::string status_item(const InstanceStatus& status, WallTime now);
inline constexpr const char* status_end = "]}\n";

/// With its end of line.
std::string transition_line(const PastTransition& transition);
/// Nothing: it is none, or one of another version.
std::optional<PastTransition> read_transition(std::string_view line);

/// With its end of line.
std::string happening_line(const Happening& happening);

}  // namespace vrrpd
