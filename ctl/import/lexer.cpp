#include "ctl/import/lexer.hpp"

#include <algorithm>
#include <array>

namespace vrrpd::keepalived {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// What `\` and what follows it stand for; `at` is behind the backslash, and moves behind what was read.
char escaped(std::string_view text, std::size_t& at) {
    constexpr std::string_view names = "abEfnrtv";
    constexpr std::string_view meanings = "\a\b\033\f\n\r\t\v";
    const char c = text[at++];
    if (const auto name = names.find(c); name != std::string_view::npos) return meanings[name];
    unsigned value = 0;
    if (c == 'x') {
        while (at < text.size() && hex_digit(text[at]) >= 0) {
            value = (value << 4 | static_cast<unsigned>(hex_digit(text[at++]))) & 0xff;
        }
        return static_cast<char>(value);
    }
    if (c < '0' || c > '7') return c;
    --at;
    for (int digits = 0; digits < 3 && at < text.size() && text[at] >= '0' && text[at] <= '7'; ++digits) {
        value = (value << 3 | static_cast<unsigned>(text[at++] - '0')) & 0xff;
    }
    return static_cast<char>(value);
}

/// `at` is behind the opening quote, and moves behind the closing one. False: there is none.
bool append_quoted(std::string_view text, std::size_t& at, char quote, std::string& word) {
    while (at < text.size()) {
        const char c = text[at++];
        if (c == quote) return true;
        if (c == '\\' && at < text.size()) {
            word += escaped(text, at);
        } else {
            word += c;
        }
    }
    return false;
}

}  // namespace

std::string_view without_comment(std::string_view line) {
    char quote = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote != 0 && c == '\\') {
            ++i;
        } else if (quote != 0) {
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '#' || c == '!') {
            return line.substr(0, i);
        }
    }
    return line;
}

std::optional<std::vector<Token>> tokens_of(std::string_view line) {
    std::vector<Token> tokens;
    bool inside = false;  // of a word
    const auto append = [&](char c) {
        if (!inside) tokens.emplace_back();
        inside = true;
        tokens.back().text += c;
    };
    for (std::size_t i = 0; i < line.size();) {
        const char c = line[i++];
        if (is_blank(c)) {
            inside = false;
        } else if (c == '"' || c == '\'') {
            if (!inside) tokens.emplace_back();
            inside = true;
            if (!append_quoted(line, i, c, tokens.back().text)) return std::nullopt;
        } else if (c == '$' && i < line.size() && line[i] == '{') {
            // A parameter that nobody defined: its braces are no block.
            const std::size_t end = std::min(line.find('}', i), line.size() - 1);
            for (--i; i <= end; ++i) append(line[i]);
        } else if (c == '{' || c == '}') {
            tokens.push_back({c == '{' ? Token::Kind::open : Token::Kind::close, std::string(1, c)});
            inside = false;
        } else {
            append(c);
        }
    }
    return tokens;
}

std::vector<std::string> command_words(std::string_view text) {
    std::vector<std::string> words;
    bool inside = false;
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i++];
        if (is_blank(c) || c == '\n') {
            inside = false;
            continue;
        }
        if (!inside) words.emplace_back();
        inside = true;
        if (c == '"' || c == '\'') {
            append_quoted(text, i, c, words.back());
        } else {
            words.back() += c;
        }
    }
    return words;
}

}  // namespace vrrpd::keepalived
