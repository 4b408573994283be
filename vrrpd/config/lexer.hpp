// The text behind a `=`, taken apart once: quotes, escapes and comments are gone afterwards, and a blank or
// comma that was quoted can no longer be mistaken for one that separates.
//
// A double quote may stand anywhere in a word, as in a shell: `a" b"` is the word `a b`. Inside quotes `\"`
// and `\\` are a quote and a backslash; any other backslash stays as it is. `;` or `#` after a blank begins a comment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vrrpd/core/result.hpp"

namespace vrrpd::config {

struct Piece {
    enum class Kind { word, blank, comma };
    Kind kind = Kind::word;
    std::string text;
};

/// Pieces in their order, without blanks at either end. Empty: nothing was given.
using Value = std::vector<Piece>;
using Words = std::vector<std::string>;

/// Takes the text after the `=`. The only error is a quote that is never closed.
Result<Value> lex_value(std::string_view text);

/// The whole value as one text: blanks and commas are ordinary characters.
std::string text_of(const Value& value);

/// The value split at blanks: commas are ordinary characters. This is how a command becomes an argv.
Words words_of(const Value& value);

/// The value split at commas. An item between two commas may be empty.
std::vector<Value> items_of(const Value& value);

}  // namespace vrrpd::config
