// The $PARAMETERS of keepalived's configuration language: definitions, and the text that stands for them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace vrrpd::keepalived {

class Parameters {
  public:
    void define(const std::string& name, std::string value) { values_[name] = std::move(value); }

    /// With each `${NAME}`, and each `$NAME` that a blank or the end follows, replaced, also in what replaced another;
    /// a name that nobody defined stays. `folder` is ${_PWD}.
    /// What follows a value of several lines is left as it is: those may define what it uses. Nothing: it would grow
    /// without end.
    std::optional<std::string> expand(std::string_view line, const std::string& folder) const;

  private:
    std::optional<std::string> value_of(std::string_view name, const std::string& folder) const;
    std::map<std::string, std::string, std::less<>> values_;
};

struct Definition {
    std::string name;
    std::string value;
};

/// `$NAME=VALUE`, blanks before it; nothing: the line is none.
std::optional<Definition> definition_of(std::string_view line);

}  // namespace vrrpd::keepalived
