#include "ctl/import/parameters.hpp"

#include <cctype>

namespace vrrpd::keepalived {
namespace {

constexpr std::size_t longest_text = 1 << 18;
constexpr int most_replacements = 4096;

bool is_name_character(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::size_t end_of_name(std::string_view text, std::size_t at) {
    while (at < text.size() && is_name_character(text[at])) ++at;
    return at;
}

/// A `$NAME` or `${NAME}` at `at`: its name, and the length of the whole; an empty name: it is none.
struct Use {
    std::string_view name;
    std::size_t length = 0;
};

Use use_at(std::string_view text, std::size_t at) {
    if (at + 1 >= text.size()) return {};
    const bool braces = text[at + 1] == '{';
    const std::size_t begin = at + (braces ? 2 : 1);
    const std::size_t end = end_of_name(text, begin);
    const bool whole = braces ? end < text.size() && text[end] == '}'
                              : end == text.size() || std::isspace(static_cast<unsigned char>(text[end])) != 0;
    if (end == begin || !whole) return {};
    return {text.substr(begin, end - begin), end + (braces ? 1 : 0) - at};
}

}  // namespace

std::optional<Definition> definition_of(std::string_view line) {
    const std::size_t dollar = line.find_first_not_of(" \t");
    if (dollar == std::string_view::npos || line[dollar] != '$') return std::nullopt;
    const std::size_t end = end_of_name(line, dollar + 1);
    if (end == dollar + 1 || end >= line.size() || line[end] != '=') return std::nullopt;
    std::string_view value = line.substr(end + 1);
    const std::size_t first = value.find_first_not_of(" \t");
    value = first == std::string_view::npos ? "" : value.substr(first, value.find_last_not_of(" \t\r") + 1 - first);
    return Definition{std::string(line.substr(dollar + 1, end - dollar - 1)), std::string(value)};
}

std::optional<std::string> Parameters::value_of(std::string_view name, const std::string& folder) const {
    if (name == "_PWD") return folder;
    // They stand for what would begin a comment; that is cut before anything is replaced.
    if (name == "_HASH") return "#";
    if (name == "_BANG") return "!";
    const auto found = values_.find(name);
    return found == values_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> Parameters::expand(std::string_view line, const std::string& folder) const {
    std::string text(line);
    int replacements = 0;
    for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at)) {
        const Use use = use_at(text, at);
        const auto value = use.name.empty() ? std::nullopt : value_of(use.name, folder);
        if (!value) {
            ++at;
            continue;
        }
        if (++replacements > most_replacements || text.size() + value->size() > longest_text) return std::nullopt;
        text.replace(at, use.length, *value);
        if (value->find('\n') != std::string::npos) return text;
    }
    return text;
}

}  // namespace vrrpd::keepalived
