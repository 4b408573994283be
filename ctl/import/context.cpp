#include "ctl/import/context.hpp"

#include <algorithm>
#include <charconv>

#include "ctl/import/lexer.hpp"
#include "vrrpd/config/ini_reader.hpp"
#include "vrrpd/config/parsers.hpp"
#include "vrrpd/config/schema.hpp"

namespace vrrpd::keepalived {

void Context::lose(const Place& place, const std::string& what, std::string_view why) {
    std::string text = what + ": not carried over: " + std::string(why);
    ini.comment(text);
    lost.push_back({place, std::move(text)});
}

void Context::pass_over(Block block, const Statement& statement) {
    const Meaning meaning = meaning_of(block, statement.word());
    if (!meaning.lost) return note(statement.word(), meaning.reason);
    std::string what = statement.word();
    if (statement.has_body && statement.words.size() > 1) {
        for (std::size_t i = 1; i < statement.words.size(); ++i) what += " " + statement.words[i];
    }
    if (block == Block::top && statement.has_body) {
        what += " (lines " + std::to_string(statement.place.line) + " to " + std::to_string(statement.last_line) + ")";
    }
    lose(statement.place, what, meaning.reason);
}

void Context::put(const Place& place, std::string_view key, std::string_view value, std::string_view remark) {
    if (ini.key(key, value, remark)) return;
    lose(place, std::string(key), "the value is too long or has characters that no line of INI can hold");
}

std::string_view Context::script_user() const {
    if (const Statement* const user = global("script_user")) return user->at(1);
    return host.has_script_user ? "keepalived_script" : "root";
}

std::string Context::name_of(std::string_view kind, const std::string& name) {
    std::string& ours = names_[{std::string(kind), name}];
    if (ours.empty()) ours = free_name(kind, name);
    return ours;
}

std::string Context::check_name(Watched kind, const std::string& name) {
    // Scripts, processes and files may share a name there and not here.
    std::string& ours = names_[{"check " + std::to_string(static_cast<int>(kind)), name}];
    if (ours.empty()) ours = free_name("check", name);
    return ours;
}

std::string Context::free_name(std::string_view kind, const std::string& name) {
    std::string allowed = name.substr(0, config::max_name_length);
    std::ranges::replace_if(
        allowed, [](char c) { return !config::is_section_name(std::string_view(&c, 1)); }, '_');
    if (allowed.empty()) allowed = "_";
    const std::string base = allowed.substr(0, config::max_name_length - 6);
    for (int i = 2; !taken_.emplace(kind, allowed).second; ++i) allowed = base + "-" + std::to_string(i);
    return allowed;
}

std::optional<Duration> seconds_of(std::string_view text) {
    const bool number = !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
    if (!number) return std::nullopt;
    const auto read = config::parse_duration(text, Duration::zero(), std::chrono::hours(24 * 365));
    return read ? std::optional(*read) : std::nullopt;
}

std::string text_of(Duration duration) {
    return config::to_text(duration);
}

std::optional<int> number_of(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<Weight> weight_of(const Statement& statement, std::size_t& position) {
    if (statement.at(position) != "weight") return std::nullopt;
    const auto number = number_of(statement.at(position + 1));
    if (!number) return std::nullopt;
    position += 2;
    Weight weight{std::clamp(*number, -253, 253), false};
    const std::string_view direction = statement.at(position);
    if (direction == "reverse" || direction == "noreverse" || direction == "no_reverse") {
        weight.reverse = direction == "reverse";
        ++position;
    }
    return weight;
}

std::vector<std::string> command_of(const Statement& statement) {
    if (statement.words.size() < 2) return {};
    return command_words(statement.words[1]);
}

bool translate_hook(Context& context, const Statement& statement) {
    static const std::set<std::string_view> hooks{"notify", "notify_master", "notify_backup", "notify_fault",
                                                  "notify_stop"};
    const std::string& word = statement.word();
    if (!hooks.contains(word)) return false;
    const auto command = command_of(statement);
    if (config::find_key(config::Section::instance, word) == nullptr) {
        context.lose(statement.place, word, "this version of vrrpd runs no hooks");
    } else if (command.empty()) {
        context.lose(statement.place, word, "there is no command");
    } else {
        context.put(statement.place, word, command_value(command));
    }
    if (statement.words.size() > 2 && statement.at(2) != context.script_user()) {
        context.lose(statement.place, word + " as " + statement.words[2], "hooks run as script_user of [global]");
    }
    return true;
}

}  // namespace vrrpd::keepalived
