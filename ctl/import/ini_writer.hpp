// Writes the INI of vrrpd: sections, keys whose values are quoted where they must be, comments that can end no line.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace vrrpd::keepalived {

class IniWriter {
  public:
    void comment(std::string_view text);
    void section(std::string_view kind, std::string_view name = {});
    /// False: a line of INI cannot hold it, and nothing was written. `value` is written as it is, see item().
    bool key(std::string_view name, std::string_view value, std::string_view remark = {});
    const std::string& text() const { return text_; }

  private:
    std::string text_;
};

/// One word of a value, in quotes if it needs them.
std::string item(std::string_view word);

/// A program and its arguments.
std::string command_value(std::span<const std::string> words);

}  // namespace vrrpd::keepalived
