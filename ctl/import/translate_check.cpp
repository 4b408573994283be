// vrrp_script, vrrp_track_process and track_file: each becomes a [check NAME].
#include <algorithm>

#include <fmt/format.h>

#include "ctl/import/context.hpp"
#include "vrrpd/core/ip.hpp"

namespace vrrpd::keepalived {
namespace {

/// The last statement of each word.
std::map<std::string, Statement, std::less<>> by_word(const Statement& block) {
    std::map<std::string, Statement, std::less<>> found;
    for (const Statement& statement : statements_of(block)) found[statement.word()] = statement;
    return found;
}

using Parts = std::map<std::string, Statement, std::less<>>;

/// `</dev/tcp/ADDR/PORT`, which keepalived connects to by itself; nothing: it is none.
std::optional<std::string> tcp_address(const std::vector<std::string>& command) {
    constexpr std::string_view prefix = "</dev/tcp/";
    if (command.size() != 1 || !command.front().starts_with(prefix)) return std::nullopt;
    const std::string_view rest = std::string_view(command.front()).substr(prefix.size());
    const std::size_t slash = rest.rfind('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const std::string_view host = rest.substr(0, slash);
    const auto address = IpAddress::parse(host == "localhost" ? "127.0.0.1" : host);
    const auto port = number_of(rest.substr(slash + 1));
    if (!address || !port || *port < 1 || *port > 65535) return std::nullopt;
    const bool brackets = address->family() == Family::ipv6;
    return fmt::format("{}{}{}:{}", brackets ? "[" : "", address->to_string(), brackets ? "]" : "", *port);
}

/// What would look better than a script that is known to look badly; empty: nothing.
std::string_view better_than(const std::vector<std::string>& command) {
    const auto has = [&](std::string_view word) {
        return std::ranges::any_of(command, [&](const std::string& each) { return each.find(word) != each.npos; });
    };
    if (has("killall") || has("pidof") || has("pgrep") || has("pkill")) {
        return "that a process is there does not mean that it answers; type = process, or better one that asks it "
               "(memcached, redis, http, send_expect), looks without a fork";
    }
    if (has("curl") || has("wget")) return "type = http asks the same without a fork";
    if (has("nc ") || command.front().ends_with("/nc") || command.front() == "nc") {
        return "type = tcp connects without a fork; a program that hangs still accepts, so better ask it something";
    }
    return {};
}

struct Timing {
    Duration interval = std::chrono::seconds(1);
    Duration timeout = std::chrono::seconds(1);
};

/// keepalived's: without a timeout a script may take an interval.
Timing timing_of(Context& context, const Statement& block, const Parts& parts) {
    Timing timing;
    const auto read = [&](const char* word, Duration& target) {
        const auto part = parts.find(word);
        if (part == parts.end()) return false;
        const auto duration = seconds_of(part->second.at(1));
        if (!duration || *duration <= Duration::zero()) {
            context.lose(part->second.place, word, "is no time");
            return false;
        }
        target = *duration;
        return true;
    };
    read("interval", timing.interval);
    if (!read("timeout", timing.timeout)) timing.timeout = timing.interval;
    if (timing.timeout > timing.interval) {
        context.lose(block.place, "interval " + text_of(timing.interval),
                     "a check has a timeout of at most the interval, so the interval is as long as the timeout");
        timing.interval = timing.timeout;
    }
    return timing;
}

int count_of(Context& context, const Parts& parts, const char* word) {
    const auto part = parts.find(word);
    if (part == parts.end()) return 1;
    const auto count = number_of(part->second.at(1));
    if (count && *count >= 1) return *count;
    context.lose(part->second.place, word, "is no number");
    return 1;
}

void put_what_is_asked(Context& context, const Statement& script) {
    const auto command = command_of(script);
    if (const auto address = tcp_address(command)) {
        context.put(script.place, "type", "tcp");
        context.put(script.place, "address", *address);
        context.put(script.place, "watch", "no", "yes holds one connection, and sees the end of the service at once");
        return;
    }
    context.put(script.place, "type", "script");
    context.put(script.place, "command", command_value(command));
    if (script.words.size() > 2) {
        context.lose(script.place, "script " + script.words[2],
                     "keepalived ignores what stands behind the first word; "
                     "write all of it in one pair of quotes");
    }
    if (const auto advice = better_than(command); !advice.empty()) context.ini.comment(advice);
}

void translate_script(Context& context, const std::string& name, const Statement& block) {
    const Parts parts = by_word(block);
    const auto script = parts.find("script");
    const bool asks = script != parts.end() && !command_of(script->second).empty();
    context.ini.section("check", name);
    if (!asks) return context.lose(block.place, "vrrp_script " + name, "there is no script in it");
    put_what_is_asked(context, script->second);
    const Timing timing = timing_of(context, block, parts);
    context.put(block.place, "interval", text_of(timing.interval));
    context.put(block.place, "timeout", text_of(timing.timeout));
    context.put(block.place, "fall", std::to_string(count_of(context, parts, "fall")));
    context.put(block.place, "rise", std::to_string(count_of(context, parts, "rise")));
    context.put(block.place, "fast_fail", "no", "yes, the default here, finds a failure sooner: it asks again at once");
    if (parts.contains("init_fail")) context.put(block.place, "init_fail", "yes");
    const auto user = parts.find("user");
    if (user != parts.end() && !tcp_address(command_of(script->second))) {
        context.put(user->second.place, "user", item(user->second.at(1)));
        if (user->second.words.size() > 2) {
            context.lose(user->second.place, "group " + user->second.words[2], "a script has the group of its user");
        }
    }
    for (const auto& [word, statement] : parts) {
        if (word != "weight" && !is_word_of("vrrp_script", word)) {
            context.lose(statement.place, word, "this importer does not know the word");
        }
    }
}

void translate_process(Context& context, const std::string& name, const Statement& block) {
    constexpr std::size_t longest_name = 15;  // that the kernel keeps of a process
    const Parts parts = by_word(block);
    context.ini.section("check", name);
    const auto process = parts.find("process");
    const auto command = process == parts.end() ? std::vector<std::string>() : command_of(process->second);
    if (command.empty()) return context.lose(block.place, "vrrp_track_process " + name, "there is no process in it");
    context.put(block.place, "type", "process");
    const std::string program = command.front().substr(command.front().rfind('/') + 1);
    context.put(process->second.place, "name", item(program.substr(0, longest_name)));
    context.put(block.place, "fall", "1");
    context.put(block.place, "rise", "1");
    if (command.size() > 1 || process->second.words.size() > 2 || parts.contains("param_match")) {
        context.lose(process->second.place, "the parameters of " + program, "a process is known by its name only");
    }
    for (const auto& [word, statement] : parts) {
        if (word == "process" || word == "weight" || word == "param_match" || word == "full_command") continue;
        if (word == "quorum" && statement.at(1) == "1") continue;
        context.lose(
            statement.place, word,
            word == "quorum" ? "one process that runs is enough here" : "a process that ended is missed at once");
    }
}

void translate_file(Context& context, const std::string& name, const Statement& block) {
    const Parts parts = by_word(block);
    context.ini.section("check", name);
    const auto file = parts.find("file");
    if (file == parts.end() || file->second.words.size() < 2) {
        return context.lose(block.place, "track_file " + name, "there is no file in it");
    }
    context.put(block.place, "type", "file");
    context.put(file->second.place, "path", item(file->second.at(1)));
    context.put(block.place, "fall", "1");
    context.put(block.place, "rise", "1");
    if (const auto init = parts.find("init_file"); init != parts.end()) {
        context.lose(init->second.place, "init_file", "nobody makes the file; one that is not there counts as 0");
    }
}

}  // namespace

void translate_checks(Context& context) {
    for (const auto& [kind, name] : context.tracked) {
        const Statement& block = *context.watched.at({kind, name});
        const std::string ours = context.check_name(kind, name);
        switch (kind) {
            case Watched::script:
                translate_script(context, ours, block);
                break;
            case Watched::process:
                translate_process(context, ours, block);
                break;
            case Watched::file:
                translate_file(context, ours, block);
                break;
        }
    }
}

}  // namespace vrrpd::keepalived
