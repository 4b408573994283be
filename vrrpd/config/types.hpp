// The types of values that the schema is written with: a text for people and a parser, made from values.hpp.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "vrrpd/config/suggest.hpp"
#include "vrrpd/config/values.hpp"

namespace vrrpd::config {

template <typename T>
struct Type {
    std::string text;
    std::function<Result<T>(const Value&)> read;
};

inline Type<Duration> duration(Duration lowest, Duration highest) {
    return {fmt::format("duration, {} to {}", to_text(lowest), to_text(highest)),
            [=](const Value& value) { return parse_duration(text_of(value), lowest, highest); }};
}

inline Type<int> number(int lowest, int highest) {
    return {fmt::format("whole number, {} to {}", lowest, highest),
            [=](const Value& value) { return parse_integer(text_of(value), lowest, highest); }};
}

inline Type<bool> yes_or_no() {
    return {"yes or no", [](const Value& value) { return parse_boolean(text_of(value)); }};
}

inline Type<bool> no_or_yes() {
    return {"yes or no",
            [](const Value& value) { return parse_boolean(text_of(value)).map(std::logical_not<>{}); }};
}

inline Type<std::string> text(std::size_t longest) {
    return {fmt::format("text, at most {} bytes", longest), [=](const Value& value) -> Result<std::string> {
                std::string read = text_of(value);
                if (!read.empty() && read.size() <= longest) return read;
                return failure(fmt::format("{} bytes long, allowed are 1 to {}", read.size(), longest));
            }};
}

inline Type<std::string> absolute_path() {
    return {"absolute path", [](const Value& value) -> Result<std::string> {
                std::string path = text_of(value);
                if (path.starts_with('/')) return path;
                return failure(fmt::format("{} is no absolute path, it must begin with /", excerpt(path)));
            }};
}

inline Type<Words> command() {
    return {"program and arguments, without a shell",
            [](const Value& value) { return parse_command(value); }};
}

/// One of some words. `refused` are words that a user may expect, each with the sentence why it is not there.
template <typename T>
Type<T> choice(std::vector<std::pair<std::string, T>> allowed,
               std::vector<std::pair<std::string, std::string>> refused = {}) {
    std::vector<std::string> names;
    for (const auto& option : allowed) names.push_back(option.first);
    const std::string list = fmt::format("{}", fmt::join(names, ", "));
    const auto read = [=](const Value& value) -> Result<T> {
        const std::string word = text_of(value);
        for (const auto& [name, meaning] : allowed) {
            if (word == name) return meaning;
        }
        for (const auto& [name, reason] : refused) {
            if (word == name) return failure(fmt::format("{} {}, allowed: {}", excerpt(word), reason, list));
        }
        const auto meant = nearest(word, names);
        return failure(fmt::format("{} is unknown{}, allowed: {}", excerpt(word),
                                   meant ? ", did you mean " + *meant + "?" : "", list));
    };
    return {fmt::format("{}", fmt::join(names, " | ")), read};
}

}  // namespace vrrpd::config
