#include "vrrpd/config/lexer.hpp"

#include <algorithm>
#include <optional>

namespace vrrpd::config {
namespace {

bool is_blank(char character) {
    return character == ' ' || character == '\t';
}

void append_to_word(Value& value, std::string_view text) {
    if (value.empty() || value.back().kind != Piece::Kind::word) value.push_back({Piece::Kind::word, {}});
    value.back().text += text;
}

/// Takes what follows an opening quote; returns the length up to and including the closing one.
std::optional<std::size_t> lex_quoted(Value& value, std::string_view text) {
    append_to_word(value, {});
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"') return i + 1;
        if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) ++i;
        append_to_word(value, text.substr(i, 1));
    }
    return std::nullopt;
}

}  // namespace

Result<Value> lex_value(std::string_view text) {
    Value value;
    std::size_t i = 0;
    while (i < text.size()) {
        if (is_blank(text[i])) {
            const std::size_t end = std::min(text.find_first_not_of(" \t", i), text.size());
            if (end == text.size() || text[end] == ';' || text[end] == '#') break;
            if (!value.empty()) value.push_back({Piece::Kind::blank, std::string(text.substr(i, end - i))});
            i = end;
        } else if (text[i] == ',') {
            value.push_back({Piece::Kind::comma, ","});
            ++i;
        } else if (text[i] == '"') {
            const auto length = lex_quoted(value, text.substr(i + 1));
            if (!length) return failure("a quote is never closed, write \" at its end and \\\" for one inside");
            i += 1 + *length;
        } else {
            append_to_word(value, text.substr(i, 1));
            ++i;
        }
    }
    return value;
}

std::string text_of(const Value& value) {
    std::string text;
    for (const Piece& piece : value) text += piece.text;
    return text;
}

Words words_of(const Value& value) {
    Words words;
    bool between_words = true;
    for (const Piece& piece : value) {
        if (piece.kind == Piece::Kind::blank) {
            between_words = true;
            continue;
        }
        if (between_words) words.emplace_back();
        between_words = false;
        words.back() += piece.text;
    }
    return words;
}

std::vector<Value> items_of(const Value& value) {
    std::vector<Value> items(1);
    for (const Piece& piece : value) {
        if (piece.kind == Piece::Kind::comma) {
            items.emplace_back();
        } else if (piece.kind == Piece::Kind::word || !items.back().empty()) {
            items.back().push_back(piece);
        }
    }
    for (Value& item : items) {
        if (!item.empty() && item.back().kind == Piece::Kind::blank) item.pop_back();
    }
    return items;
}

}  // namespace vrrpd::config
