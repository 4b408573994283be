// Reads keepalived's configuration language into a tree of statements: words, and perhaps a block in braces.
//
// It knows how the language is written and nothing of what the words mean: comments (# and !), quotes and escapes,
// blocks over many lines or on one, `include` with patterns, $PARAMETERS and lines for a configuration id (@id, @^id).
// What a person got wrong is named with its line: a quote or a brace that is missing, and where it would have to be.
//
// The text is not trusted: files, lines, depth and what parameters grow to are bounded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vrrpd::keepalived {

struct Place {
    std::string file;
    int line = 0;  ///< from 1; 0: the file as a whole
};

/// Something to tell the person whose file it is.
struct Remark {
    Place place;
    std::string text;
};

struct Statement {
    Place place;
    std::vector<std::string> words;  ///< never empty; without their quotes
    std::vector<Statement> body;
    bool has_body = false;
    int last_line = 0;  ///< of the block's end

    const std::string& word() const { return words.front(); }
    /// The word at this position, or an empty one.
    std::string_view at(std::size_t position) const {
        return position < words.size() ? std::string_view(words[position]) : std::string_view();
    }
};

struct Tree {
    std::vector<Statement> statements;
    std::vector<Remark> broken;   ///< the structure is not what it should be: nothing can be made of the rest
    std::vector<Remark> skipped;  ///< lines that were left out, and why
};

/// What `keepalived -i` says, and for which host @ lines are; keepalived's default is the host's name up to its first
/// dot.
using ConfigId = std::string;

/// A file and what it includes.
Tree read_file(const std::string& path, const ConfigId& id);

/// The same from memory; `file` is its name in remarks. An include is a skipped line.
Tree read_text(std::string_view text, const std::string& file, const ConfigId& id);

}  // namespace vrrpd::keepalived
