#include "ctl/import/ini_writer.hpp"

#include <algorithm>

#include "vrrpd/config/ini_reader.hpp"

namespace vrrpd::keepalived {
namespace {

constexpr std::size_t longest_comment = 400;

bool is_visible(unsigned char c) {
    return c >= 0x20 && c < 0x7f;
}

std::string one_line(std::string_view text) {
    std::string line(text.substr(0, longest_comment));
    std::ranges::replace_if(
        line, [](unsigned char c) { return !is_visible(c); }, '?');
    return line;
}

}  // namespace

void IniWriter::comment(std::string_view text) {
    text_ += text.empty() ? ";\n" : "; " + one_line(text) + "\n";
}

void IniWriter::section(std::string_view kind, std::string_view name) {
    text_ += "\n[";
    text_ += kind;
    if (!name.empty()) (text_ += ' ') += name;
    text_ += "]\n";
}

bool IniWriter::key(std::string_view name, std::string_view value, std::string_view remark) {
    std::string line(name);
    (line += " = ") += value;
    const bool fits = line.size() + longest_comment < config::max_line_length && std::ranges::all_of(line, is_visible);
    if (!fits) return false;
    text_ += line;
    if (!remark.empty()) text_ += "  ; " + one_line(remark);
    text_ += '\n';
    return true;
}

std::string item(std::string_view word) {
    const bool plain = !word.empty() && word.find_first_of(" \t,;#\"\\") == std::string_view::npos;
    if (plain) return std::string(word);
    std::string quoted = "\"";
    for (const char c : word) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

std::string command_value(std::span<const std::string> words) {
    std::string value;
    for (const std::string& word : words) {
        if (!value.empty()) value += ' ';
        value += item(word);
    }
    return value;
}

}  // namespace vrrpd::keepalived
