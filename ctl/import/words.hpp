// The words of keepalived that have no key of their own here: which of them change nothing, and what is lost with the
// others.
#pragma once

#include <string_view>
#include <vector>

#include "ctl/import/tree.hpp"

namespace vrrpd::keepalived {

enum class Block { top, global, instance, group };

struct Meaning {
    bool lost = true;         ///< false: what it asked for holds anyway, or has no meaning here
    std::string_view reason;  ///< never empty
};

/// Also of a word that nobody knows.
Meaning meaning_of(Block block, std::string_view word);

/// Whether keepalived has this word in such a block, as far as it matters to cut one that stands on a single line.
bool is_word_of(std::string_view block, std::string_view word);

/// The statements of a block; one that was written on a single line is cut before each word that begins a statement.
std::vector<Statement> statements_of(const Statement& block);

}  // namespace vrrpd::keepalived
