#include "vrrpd/config/ini_reader.hpp"

#include <algorithm>
#include <cstring>
#include <ini.h>
#include <optional>

#include <fmt/format.h>

#include "vrrpd/config/parsers.hpp"

namespace vrrpd::config {
namespace {

constexpr std::string_view blanks = " \t";
constexpr std::size_t max_header_length = 49;  // inih cuts a longer section name
constexpr std::size_t max_key_length = 40;
// A key that no file can contain. It follows each section line, because inih reports a section only with its keys.
constexpr std::string_view section_mark = "@";

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_comment(std::string_view text) {
    return text.starts_with(';') || text.starts_with('#');
}

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// What a key or the kind of a section is made of.
bool is_word(std::string_view text) {
    return !text.empty() && text.size() <= max_key_length &&
           std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '_' || c == '-'; });
}

std::optional<unsigned char> control_character(std::string_view line) {
    const auto found = std::ranges::find_if(line, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
    if (found == line.end()) return std::nullopt;
    return static_cast<unsigned char>(*found);
}

/// Feeds inih line by line and takes its reports.
class Feeder {
  public:
    Feeder(std::string_view text, std::string file, std::vector<Entry>& entries, Problems& problems)
        : rest_(text), file_(std::move(file)), entries_(entries), problems_(problems) {
        if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
    }

    void run() {
        if (ini_parse_stream(&Feeder::read, this, &Feeder::handle, this) != 0) problem("cannot be read as INI");
    }

  private:
    static char* read(char* buffer, int size, void* self);
    static int handle(void* self, const char* section, const char* key, const char* value);

    std::string_view take_line();
    std::string structure_of(std::string_view line);
    std::string header(std::string_view line);
    std::string key_line(std::string_view line);
    std::string broken_key(std::string_view line);

    std::string problem(std::string text, std::string key = {}) {
        problems_.push_back({file_, line_, section_, std::move(key), std::move(text), Severity::error});
        return {};
    }

    std::string_view rest_;
    std::string file_;
    std::vector<Entry>& entries_;
    Problems& problems_;
    int line_ = 0;
    std::string section_;       // the last good section line, without brackets
    bool in_section_ = false;   // some section line, good or bad, has been seen
    bool skip_keys_ = false;    // the last section line was bad
    bool mark_is_due_ = false;  // a section line went to inih, its mark has not yet
    Value value_;               // of the key that inih is about to report
    bool broken_ = false;       // that key's line was not understood
};

char* Feeder::read(char* buffer, int size, void* self) {
    auto& feeder = *static_cast<Feeder*>(self);
    std::string structure;
    if (feeder.mark_is_due_) {
        structure = std::string(section_mark) + " =";
        feeder.mark_is_due_ = false;
    }
    while (structure.empty()) {
        if (feeder.rest_.empty()) return nullptr;
        structure = feeder.structure_of(feeder.take_line());
    }
    structure += '\n';
    // The limits above keep every structural line far below inih's buffer of 200.
    if (structure.size() >= static_cast<std::size_t>(size)) return nullptr;
    std::memcpy(buffer, structure.c_str(), structure.size() + 1);
    return buffer;
}

int Feeder::handle(void* self, const char* section, const char* key, const char*) {
    auto& feeder = *static_cast<Feeder*>(self);
    const std::string_view title = section;
    const auto blank = std::min(title.find(' '), title.size());
    Entry entry{{feeder.file_, feeder.line_},
                std::string(title.substr(0, blank)),
                std::string(trim(title.substr(blank))),
                key == section_mark ? "" : key,
                std::move(feeder.value_),
                feeder.broken_};
    feeder.value_.clear();
    feeder.broken_ = false;
    feeder.entries_.push_back(std::move(entry));
    return 1;
}

std::string_view Feeder::take_line() {
    const auto end = std::min(rest_.find('\n'), rest_.size());
    std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    ++line_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

/// What inih is to see of a line; empty: nothing.
std::string Feeder::structure_of(std::string_view line) {
    const std::string_view text = trim(line);
    if (text.starts_with('[')) {
        in_section_ = skip_keys_ = true;
        section_.clear();
    }
    if (line.size() > max_line_length) {
        problem(fmt::format("a line of {} bytes, at most {} are allowed", line.size(), max_line_length));
        return broken_key(text);
    }
    if (const auto character = control_character(line)) {
        problem(fmt::format("the byte {:#04x} is in this line, only text is allowed", *character));
        return broken_key(text);
    }
    if (text.empty() || is_comment(text)) return {};
    return text.starts_with('[') ? header(text) : key_line(text);
}

std::string Feeder::header(std::string_view line) {
    const auto close = line.find(']');
    if (close == std::string_view::npos) return problem("a section line without ], write [kind] or [kind NAME]");
    const std::string_view behind = line.substr(close + 1);
    if (!trim(behind).empty() && (trim(behind) == behind || !is_comment(trim(behind)))) {
        return problem(fmt::format("unexpected text {} behind ], only a comment is allowed", excerpt(trim(behind))));
    }
    const std::string_view title = trim(line.substr(1, close - 1));
    const auto blank = std::min(title.find_first_of(blanks), title.size());
    const std::string_view kind = title.substr(0, blank);
    const std::string_view name = trim(title.substr(blank));
    if (!is_word(kind) || (!name.empty() && !is_section_name(name)) ||
        kind.size() + 1 + name.size() > max_header_length) {
        return problem(
            fmt::format("{} is no section, allowed is [kind] or [kind NAME] with a NAME of at most {} letters, "
                        "digits and _-.:@+/",
                        excerpt(title), max_name_length));
    }
    section_ = name.empty() ? std::string(kind) : fmt::format("{} {}", kind, name);
    skip_keys_ = false;
    mark_is_due_ = true;
    return "[" + section_ + "]";
}

std::string Feeder::key_line(std::string_view line) {
    if (skip_keys_) return {};
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
        const bool keepalived = line.ends_with('{') || line.starts_with('}');
        problem(fmt::format("{} has no =, allowed is [kind NAME] or key = value{}", excerpt(line),
                            keepalived ? "; this looks like keepalived.conf" : ""));
        return broken_key(line);
    }
    const std::string_view key = trim(line.substr(0, equals));
    if (!is_word(key)) {
        problem(fmt::format("{} is no key, allowed are at most {} letters, digits and underscores", excerpt(key),
                            max_key_length));
        return broken_key(line);
    }
    if (!in_section_)
        return problem("a key before the first section, write [kind] or [kind NAME] above", std::string(key));
    auto value = lex_value(line.substr(equals + 1));
    if (!value) {
        problem(value.error(), std::string(key));
        return broken_key(key);
    }
    value_ = std::move(*value);
    return std::string(key) + " =";
}

/// Lets a key be known as present although its line could not be read, so that nobody calls it missing as well.
std::string Feeder::broken_key(std::string_view line) {
    const auto end = std::ranges::find_if(line, [](char c) { return !is_letter_or_digit(c) && c != '_'; });
    const std::string_view key(line.begin(), end);
    if (skip_keys_ || !in_section_ || !is_word(key)) return {};
    broken_ = true;
    return std::string(key) + " =";
}

}  // namespace

void read_ini(std::string_view text, const std::string& file, std::vector<Entry>& entries, Problems& problems) {
    if (text.size() > max_file_size) {
        problems.push_back({file, 0, {}, {}, fmt::format("more than {} bytes, which is the limit", max_file_size)});
        return;
    }
    Feeder(text, file, entries, problems).run();
}

bool is_section_name(std::string_view text) {
    const auto is_allowed = [](char c) {
        return is_letter_or_digit(c) || std::string_view("_-.:@+/").find(c) != std::string_view::npos;
    };
    return !text.empty() && text.size() <= max_name_length && std::ranges::all_of(text, is_allowed);
}

}  // namespace vrrpd::config
