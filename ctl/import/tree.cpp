#include "ctl/import/tree.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <glob.h>
#include <optional>

#include <fmt/format.h>

#include "ctl/import/lexer.hpp"
#include "ctl/import/parameters.hpp"
#include "vrrpd/config/parsers.hpp"
#include "vrrpd/config/source.hpp"

namespace vrrpd::keepalived {
namespace {

using config::excerpt;

constexpr std::size_t longest_file = 1 << 20;
constexpr std::size_t most_files = 256;
constexpr int deepest_include = 8;
constexpr std::size_t deepest_block = 12;
constexpr std::size_t most_lines = 100'000;
constexpr std::size_t longest_line = 1 << 16;
constexpr std::size_t most_expanded_bytes = 1 << 23;
constexpr int deepest_expansion = 16;

// Blocks that stand in no other, and blocks that stand directly in one of those. Inside of anything deeper they tell
// that a brace is missing before them. What stands in both kinds of places, as track_file, tells less and is not here.
constexpr std::array top_blocks{"global_defs",        "vrrp_instance",        "vrrp_script",        "vrrp_sync_group",
                                "vrrp_track_process", "vrrp_track_file",      "virtual_server",     "garp_group",
                                "bfd_instance",       "virtual_server_group", "static_ipaddress",   "static_routes",
                                "static_rules",       "track_group",          "linkbeat_interfaces"};
constexpr std::array second_blocks{"authentication",
                                   "virtual_ipaddress",
                                   "virtual_ipaddress_excluded",
                                   "virtual_routes",
                                   "virtual_rules",
                                   "track_interface",
                                   "track_script",
                                   "track_process",
                                   "unicast_peer",
                                   "track_bfd",
                                   "group",
                                   "notification_email"};

std::size_t depth_of(std::string_view word) {
    if (std::ranges::find(top_blocks, word) != top_blocks.end()) return 0;
    if (std::ranges::find(second_blocks, word) != second_blocks.end()) return 1;
    return deepest_block;
}

std::string title_of(const Statement& statement) {
    return excerpt(statement.word() + (statement.words.size() > 1 ? " " + statement.words[1] : ""));
}

/// Makes a tree of tokens, line by line.
class Builder {
  public:
    explicit Builder(Tree& tree) : tree_(tree) {}

    void take_line(const std::vector<Token>& tokens, const Place& place) {
        for (const Token& token : tokens) {
            if (!tree_.broken.empty()) return;
            if (token.kind == Token::Kind::word) {
                add_word(token.text, place);
            } else if (token.kind == Token::Kind::open) {
                open(place);
            } else {
                close(place);
            }
        }
        in_statement_ = false;
    }

    void finish() {
        if (open_.empty() || !tree_.broken.empty()) return;
        const Statement& block = *open_.back();
        broken(block.place, fmt::format("the block of {} is never closed, a }} is missing", title_of(block)));
    }

  private:
    void broken(const Place& place, std::string text) { tree_.broken.push_back({place, std::move(text)}); }
    std::vector<Statement>& current() { return open_.empty() ? tree_.statements : open_.back()->body; }

    void add_word(const std::string& text, const Place& place) {
        if (!in_statement_) current().push_back({place, {}, {}, false, place.line});
        in_statement_ = true;
        current().back().words.push_back(text);
    }

    // A brace on a line of its own belongs to what stands before it.
    void open(const Place& place) {
        if (current().empty() || current().back().has_body) return broken(place, "a { that belongs to no word");
        Statement& block = current().back();
        if (open_.size() >= deepest_block) return broken(place, "blocks are nested too deep");
        if (depth_of(block.word()) < open_.size()) {
            const Statement& unclosed = *open_.back();
            return broken(block.place,
                          fmt::format("{} stands inside of {}, which was opened on line {}: a }} is missing before it",
                                      title_of(block), title_of(unclosed), unclosed.place.line));
        }
        block.has_body = true;
        open_.push_back(&block);
        in_statement_ = false;
    }

    void close(const Place& place) {
        if (open_.empty()) return broken(place, "a } that closes nothing");
        open_.back()->last_line = place.line;
        open_.pop_back();
        in_statement_ = false;
    }

    Tree& tree_;
    std::vector<Statement*> open_;  // each the last of its list, so nothing moves it
    bool in_statement_ = false;
};

class Reader {
  public:
    Reader(ConfigId id, bool follows) : id_(std::move(id)), follows_(follows), builder_(tree_) {
        parameters_.define("_INSTANCE", id_);
    }

    void read_file(const std::string& path, const std::optional<Place>& origin, int depth) {
        const auto refuse = [&](const std::string& why) {
            (origin ? tree_.skipped : tree_.broken).push_back({origin.value_or(Place{path, 0}), why});
        };
        if (depth > deepest_include || ++files_ > most_files) return refuse("too many or too deeply nested includes");
        const auto text = config::read_text_file(path, longest_file);
        if (!text) return refuse(fmt::format("{} {}", excerpt(path), text.error()));
        read(*text, path, depth);
    }

    void read(std::string_view text, const std::string& file, int depth) {
        Place place{file, 0};
        std::string joined;
        Place begin = place;
        while (!text.empty() && tree_.broken.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            std::string_view line = without_comment(text.substr(0, end));
            text.remove_prefix(std::min(end + 1, text.size()));
            ++place.line;
            if (joined.empty()) begin = place;
            while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) {
                line.remove_suffix(1);
            }
            const bool goes_on = line.ends_with('\\');
            if (goes_on) line.remove_suffix(1);
            joined += line;
            if (joined.size() > longest_line) return broken(begin, "is too long");
            if (goes_on) {
                joined += '\n';
                continue;
            }
            take(joined, begin, depth);
            joined.clear();
        }
        if (!joined.empty()) take(joined, begin, depth);
    }

    Tree finish() {
        builder_.finish();
        return std::move(tree_);
    }

  private:
    void broken(const Place& place, std::string text) { tree_.broken.push_back({place, std::move(text)}); }
    void skip(const Place& place, std::string text) { tree_.skipped.push_back({place, std::move(text)}); }

    /// A line with the lines that continue it, or one of those that a parameter of several lines stands for: these are
    /// read one after the other, because they may define what a later one uses.
    void take(std::string_view line, const Place& place, int depth, int nesting = 0) {
        if (!tree_.broken.empty() || !is_for_us(line)) return;
        if (const auto definition = definition_of(line)) return parameters_.define(definition->name, definition->value);
        const std::string folder = std::filesystem::path(place.file).parent_path().string();
        const auto expanded = parameters_.expand(line, folder);
        expanded_bytes_ += expanded ? expanded->size() : 0;
        if (!expanded || expanded_bytes_ > most_expanded_bytes || nesting > deepest_expansion ||
            ++lines_ > most_lines) {
            return broken(place, "too long, or a parameter stands for itself");
        }
        if (expanded->find('\n') == std::string::npos) return take_expanded(*expanded, place, depth);
        for (std::string_view rest = *expanded; tree_.broken.empty();) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            take(rest.substr(0, end), place, depth, nesting + 1);
            if (end == rest.size()) break;
            rest.remove_prefix(end + 1);
        }
    }

    /// Whether the line is for our configuration id; removes what says so.
    bool is_for_us(std::string_view& line) const {
        const std::size_t at = line.find_first_not_of(" \t");
        if (at == std::string_view::npos || line[at] != '@') return true;
        const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
        std::string_view name = line.substr(at + 1, end - at - 1);
        const bool negated = name.starts_with('^');
        if (negated) name.remove_prefix(1);
        line.remove_prefix(end);
        return (name == id_) != negated;
    }

    void take_expanded(std::string_view line, const Place& place, int depth) {
        if (!is_for_us(line)) return;  // $IF_MAIN=@main
        const auto tokens = tokens_of(line);
        if (!tokens) return broken(place, "a quote is never closed");
        if (tokens->empty()) return;
        const std::string& first = tokens->front().text;
        if (tokens->front().kind == Token::Kind::word && first.starts_with('~')) {
            return skip(place,
                        fmt::format("{}: sequences and lists are not read here, write the lines out", excerpt(first)));
        }
        static const std::array<std::string_view, 6> includes{"include",  "includer", "includem",
                                                              "includew", "includeb", "includea"};
        if (std::ranges::find(includes, first) != includes.end()) return include(*tokens, place, depth);
        builder_.take_line(*tokens, place);
    }

    void include(const std::vector<Token>& tokens, const Place& place, int depth) {
        if (tokens.size() != 2) return skip(place, "include: allowed is one file or pattern");
        const std::string& named = tokens[1].text;
        if (!follows_) return skip(place, fmt::format("include {}: is not followed here", excerpt(named)));
        const std::string pattern = (std::filesystem::path(place.file).parent_path() / named).string();
        glob_t found{};
        std::vector<std::string> paths;
        if (glob(pattern.c_str(), GLOB_BRACE, nullptr, &found) == 0) {
            paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
        }
        globfree(&found);
        if (paths.empty()) return skip(place, fmt::format("include {}: there is no such file", excerpt(named)));
        for (const std::string& path : paths) read_file(path, place, depth + 1);
    }

    ConfigId id_;
    bool follows_;
    Tree tree_;
    Builder builder_;
    Parameters parameters_;
    std::size_t files_ = 0, lines_ = 0, expanded_bytes_ = 0;
};

}  // namespace

Tree read_file(const std::string& path, const ConfigId& id) {
    Reader reader(id, true);
    reader.read_file(path, std::nullopt, 0);
    return reader.finish();
}

Tree read_text(std::string_view text, const std::string& file, const ConfigId& id) {
    Reader reader(id, false);
    reader.read(text, file, 0);
    return reader.finish();
}

}  // namespace vrrpd::keepalived
