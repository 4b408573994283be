// What the daemon says as JSON, as a person wants to read it: `status` and `history`. Pure, but for the time zone.
#pragma once

#include <optional>
#include <string>

namespace vrrpd::ctl {

struct Paper {
    std::size_t width = 0;  ///< columns; 0: lines are as long as they are
    bool coloured = false;
};

struct Rendered {
    std::string text;
    bool healthy = true;  ///< no instance is at fault
};

/// `json` is the document of the command `status`. Few instances are described, of many there is a table; `in_full`
/// describes all. Nothing: the document is not one that we know.
std::optional<Rendered> render_status(const std::string& json, const Paper& paper, bool in_full);

/// `lines` are those of the command `history`.
std::string render_history(const std::string& lines, const Paper& paper);

}  // namespace vrrpd::ctl
