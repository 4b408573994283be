// The words and braces of one line of keepalived's configuration language.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vrrpd::keepalived {

struct Token {
    enum class Kind { word, open, close };
    Kind kind = Kind::word;
    std::string text;
    friend bool operator==(const Token&, const Token&) = default;
};

/// The line without its comment: what follows a # or ! outside of quotes.
std::string_view without_comment(std::string_view line);

/// Nothing: a quote is never closed.
std::optional<std::vector<Token>> tokens_of(std::string_view line);

/// A command as keepalived splits it: at blanks outside of quotes.
std::vector<std::string> command_words(std::string_view text);

}  // namespace vrrpd::keepalived
