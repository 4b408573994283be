// How a row of the table of keys is made: types of values, each a text for people and a parser, and the two shapes of
// keys, with one value or a list. For schema.cpp and the files that it leaves sections to; nobody else needs it.
#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "vrrpd/config/schema.hpp"
#include "vrrpd/config/suggest.hpp"

namespace vrrpd::config {

using Sentences = std::vector<std::string>;

constexpr Duration none = Duration::zero();

/// What a value may be: a text for people and a parser.
template <typename T>
struct Type {
    std::string text;
    std::function<Result<T>(const Value&)> read;
};

inline Type<Duration> duration(Duration lowest, Duration highest) {
    return {fmt::format("duration, {} to {}", to_text(lowest), to_text(highest)),
            [=](const Value& value) { return parse_duration(text_of(value), lowest, highest); }};
}

inline Type<std::int64_t> number(std::int64_t lowest, std::int64_t highest) {
    return {fmt::format("whole number, {} to {}", lowest, highest),
            [=](const Value& value) { return parse_integer(text_of(value), lowest, highest); }};
}

inline Type<bool> yes_or_no() {
    return {"yes or no", [](const Value& value) { return parse_boolean(text_of(value)); }};
}

inline Type<bool> no_or_yes() {
    return {"yes or no", [](const Value& value) { return parse_boolean(text_of(value)).map(std::logical_not<>{}); }};
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
    return {"program and arguments, without a shell", [](const Value& value) { return parse_command(value); }};
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

/// Properties of a key that most keys do not have.
struct Flags {
    bool required = false;
    bool may_be_empty = false;
};

/// A key with one value, which becomes a member of the section's draft.
template <typename Body, typename T, typename Member>
Key single(Section section, std::string name, Type<T> type, Member member, std::string standard, std::string help,
           Flags flags = {}) {
    auto apply = [type, member](Draft& draft, const Value& value, const Place&) -> Sentences {
        auto read = type.read(value);
        if (!read) return {read.error()};
        auto& target = std::invoke(member, std::get<Body>(draft.body));
        target = static_cast<std::remove_reference_t<decltype(target)>>(std::move(*read));
        return {};
    };
    return {section,        std::move(name),    type.text, std::move(standard), std::move(help), false,
            flags.required, flags.may_be_empty, apply};
}

/// A list: `add` takes one item and says what is wrong with it, or nothing.
template <typename Body, typename Add>
Key list(Section section, std::string name, std::string type, std::string help, Add add) {
    auto apply = [add](Draft& draft, const Value& value, const Place& place) -> Sentences {
        Sentences sentences;
        for (const Value& item : items_of(value)) {
            std::string sentence =
                item.empty() ? "an item of the list is empty" : add(std::get<Body>(draft.body), item, place);
            if (!sentence.empty()) sentences.push_back(std::move(sentence));
        }
        return sentences;
    };
    return {section, std::move(name), std::move(type), {}, std::move(help), true, false, false, apply};
}

}  // namespace vrrpd::config
