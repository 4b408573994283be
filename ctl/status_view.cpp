#include "ctl/status_view.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace vrrpd::ctl {
namespace {

using nlohmann::json;

constexpr int known_version = 1;
constexpr std::size_t few = 4;  // instances that are described
constexpr std::size_t label_width = 11;

std::string word(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}
double number(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number() ? found->get<double>() : 0;
}
bool flag(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}
const json& part(const json& object, const char* name) {
    static const json nothing;
    const auto found = object.find(name);
    return found != object.end() ? *found : nothing;
}

// ---- times

// The local time of 2026-11-21T15:40:02.123456Z, to the second.
std::string local_time(const std::string& text) {
    std::tm parts{};
    const int got = std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                                &parts.tm_hour, &parts.tm_min, &parts.tm_sec);
    if (got != 6) return text;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(timegm(&parts)));
}

// Two units at most: "0.4 s", "12 s", "3 min 2 s", "5 h 12 min", "17 days 3 h".
std::string span_of(double seconds) {
    if (seconds < 10) return fmt::format("{:.1f} s", seconds);
    const auto whole = static_cast<long>(seconds);
    if (whole < 60) return fmt::format("{} s", whole);
    if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
    if (whole < 86400) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
    return fmt::format("{} d {} h", whole / 86400, whole % 86400 / 3600);
}

// ---- lines

class Page {
  public:
    explicit Page(const Paper& paper) : paper_(paper) {}

    void line(std::string_view text = {}) { (text_ += text) += '\n'; }

    /// What does not fit goes on below, under its own beginning.
    void entry(std::string_view label, std::string_view content) {
        const std::string first = fmt::format("  {:<{}}", label, label_width);
        wrapped(first, std::string(first.size(), ' '), content);
    }
    void warning(std::string_view content) { wrapped(painted("  ! ", "33"), "    ", content, 4); }

    std::string painted(std::string_view text, const char* colour) const {
        return paper_.coloured ? fmt::format("\033[{}m{}\033[0m", colour, text) : std::string(text);
    }
    std::string painted_state(const std::string& state, std::size_t width = 0) const {
        const std::string padded = fmt::format("{:<{}}", state, width);
        return painted(padded, state == "MASTER" ? "1;32" : state == "FAULT" ? "1;31" : state == "BACKUP" ? "36" : "2");
    }
    std::string cut(std::string text, std::size_t column) const {
        if (paper_.width == 0 || column + text.size() <= paper_.width) return text;
        text.resize(paper_.width > column + 3 ? paper_.width - column - 3 : 0);
        return text + "...";
    }
    void wrapped(const std::string& first, const std::string& further, std::string_view text, std::size_t indent = 0) {
        if (indent == 0) indent = first.size();
        std::string row = first;
        std::size_t column = indent;
        for (bool begun = false; !text.empty();) {
            const std::size_t end = std::min(text.find(' '), text.size());
            if (begun && paper_.width != 0 && column + 1 + end > paper_.width) {
                line(row);
                row = further;
                column = further.size();
                begun = false;
            }
            if (begun) row += ' ', ++column;
            row += text.substr(0, end);
            column += end;
            begun = true;
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        line(row);
    }

    std::string take() { return std::move(text_); }

  private:
    const Paper& paper_;
    std::string text_;
};

// ---- one instance

std::string sum_of(const json& priority) {
    const json& terms = part(priority, "terms");
    std::string text = fmt::format("{:.0f}", number(priority, "configured"));
    for (const json& term : terms) text += fmt::format(" {} {:+.0f}", word(term, "name"), number(term, "weight"));
    const bool as_it_is = number(priority, "configured") == number(priority, "effective");
    return terms.empty() && as_it_is ? text : text + fmt::format(" = {:.0f}", number(priority, "effective"));
}

std::string holder_of(const json& instance) {
    const std::string holder = word(instance, "holder");
    if (holder == "self") return "this host";
    const json& heard = part(instance, "last_advert_heard");
    if (!holder.empty()) return fmt::format("{}, priority {:.0f}", holder, number(heard, "priority"));
    return "nobody that this host hears";
}

std::string adverts_of(const json& instance) {
    const json& sent = part(instance, "last_advert_sent_age_seconds");
    const json& heard = part(instance, "last_advert_heard");
    std::string text = sent.is_number() ? fmt::format("sent {} ago", span_of(sent.get<double>())) : "none sent";
    if (!heard.is_object()) return text + "; none heard";
    text += fmt::format("; heard {} ago from {}, ", span_of(number(heard, "age_seconds")), word(heard, "source"));
    const double priority = number(heard, "priority");
    return text + (priority == 0 ? "which gave up" : fmt::format("priority {:.0f}", priority));
}

std::string check_text(const json& check) {
    std::string text = fmt::format("{} {}", word(check, "name"), word(check, "state"));
    const std::string found = word(check, "class"), evidence = word(check, "evidence");
    if (word(check, "state") == "failing" && !found.empty()) {
        text += fmt::format(" for {}: {}{}{}", span_of(number(check, "age_seconds")), found,
                            evidence.empty() ? "" : ": ", evidence);
        if (number(check, "count") > 0)
            text += fmt::format(", {:.0f}/{:.0f}", number(check, "count"), number(check, "needed"));
    } else if (!evidence.empty()) {
        text += fmt::format(": {}", evidence);
    }
    const std::string use = word(check, "use");
    if (use == "weight") text += " (a weight)";
    if (use == "gate") text += " (a preempt_check)";
    if (use == "service") text += " (of the service)";
    return text;
}

std::string warning_text(const json& warning) {
    std::string text = word(warning, "text");
    if (!part(warning, "last_seconds_ago").is_number()) return text;
    const double count = number(warning, "count");
    const std::string last = span_of(number(warning, "last_seconds_ago"));
    return text +
           (count > 1 ? fmt::format(" ({:.0f} times, last {} ago)", count, last) : fmt::format(" ({} ago)", last));
}

void list(Page& page, const char* label, const json& items, std::string (*text)(const json&)) {
    for (const json& item : items) {
        page.entry(label, text(item));
        label = "";
    }
}

void describe(Page& page, const json& instance, const Paper& paper) {
    const std::string name = word(instance, "name"), state = word(instance, "state");
    const std::string since = fmt::format(" since {} ({})", local_time(word(instance, "since")),
                                          span_of(number(instance, "in_state_seconds")));
    const std::string where = fmt::format("{} VRID {:.0f} v{:.0f}", word(instance, "interface"),
                                          number(instance, "vrid"), number(instance, "vrrp_version"));
    const std::size_t left = name.size() + 2 + state.size() + since.size();
    const std::size_t gap = left + where.size() + 2 <= paper.width ? paper.width - left - where.size() : 2;
    page.line(fmt::format("{}  {}{}{}{}", page.painted(name, "1"), page.painted_state(state), since,
                          std::string(gap, ' '), where));
    page.entry("why", word(instance, "reason"));
    if (const std::string why = word(instance, "hindrance"); !why.empty()) page.entry("held back", why);
    page.entry("holder", holder_of(instance));
    page.entry("priority", sum_of(part(instance, "priority")));
    list(page, "addresses", part(instance, "addresses"), [](const json& address) {
        const std::string at = fmt::format("{} on {}", word(address, "address"), word(address, "interface"));
        return flag(address, "present") ? at + ", here" : at + ", not here";
    });
    page.entry("adverts", adverts_of(instance));
    list(page, "peers", part(instance, "unicast_peers"), [](const json& peer) { return peer.get<std::string>(); });
    if (const std::string group = word(instance, "sync_group"); !group.empty()) page.entry("group", group);
    list(page, "checks", part(instance, "checks"), check_text);
    list(page, "services", part(instance, "services"), [](const json& service) {
        const std::string trouble = word(service, "last_trouble");
        return word(service, "name") + " " + word(service, "state") + (trouble.empty() ? "" : "; last " + trouble);
    });
    for (const json& warning : part(instance, "warnings")) page.warning(warning_text(warning));
}

// ---- many instances

std::string short_holder(const json& instance) {
    const std::string holder = word(instance, "holder");
    return holder == "self" ? "this host" : holder.empty() ? "-" : holder;
}

void tabulate(Page& page, const json& instances) {
    std::size_t names = 8, holders = 9;
    for (const json& instance : instances) {
        names = std::max(names, word(instance, "name").size());
        holders = std::max(holders, short_holder(instance).size());
    }
    const std::size_t before = names + 2 + 8 + 13 + 6 + holders + 2;
    page.line(fmt::format("{:<{}}  {:<8}{:<13}{:<6}{:<{}}  {}", "INSTANCE", names, "STATE", "FOR", "PRIO", "HOLDER",
                          holders, "WHY"));
    for (const json& instance : instances) {
        const std::string hindrance = word(instance, "hindrance");
        page.line(fmt::format("{:<{}}  {}{:<13}{:<6.0f}{:<{}}  {}", word(instance, "name"), names,
                              page.painted_state(word(instance, "state"), 8),
                              span_of(number(instance, "in_state_seconds")),
                              number(part(instance, "priority"), "effective"), short_holder(instance), holders,
                              page.cut(hindrance.empty() ? word(instance, "reason") : hindrance, before)));
    }
    for (const json& instance : instances) {
        for (const json& warning : part(instance, "warnings")) {
            page.warning(word(instance, "name") + ": " + warning_text(warning));
        }
    }
}

}  // namespace

std::optional<Rendered> render_status(const std::string& text, const Paper& paper, bool in_full) {
    const json document = json::parse(text, nullptr, false);
    if (!document.is_object() || number(document, "version") != known_version) return std::nullopt;
    const json& instances = part(document, "instances");
    Page page(paper);
    page.line(fmt::format("{}  vrrpd {}  {}", page.painted(word(document, "host"), "1"), word(document, "daemon"),
                          local_time(word(document, "time"))));
    for (const json& warning : part(document, "warnings")) page.warning(warning.get<std::string>());
    if (in_full || instances.size() <= few) {
        for (const json& instance : instances) {
            page.line();
            describe(page, instance, paper);
        }
    } else {
        page.line();
        tabulate(page, instances);
    }
    const bool healthy = std::ranges::none_of(instances, [](const json& one) { return word(one, "state") == "FAULT"; });
    return Rendered{page.take(), healthy};
}

std::string render_history(const std::string& lines, const Paper& paper) {
    Page page(paper);
    std::vector<json> transitions;
    std::istringstream in(lines);
    for (std::string line; std::getline(in, line);) {
        json transition = json::parse(line, nullptr, false);
        if (transition.is_object()) transitions.push_back(std::move(transition));
    }
    std::size_t names = 0;
    for (const json& one : transitions) names = std::max(names, word(one, "instance").size());
    for (const json& one : transitions) {
        const std::string start = fmt::format("{}  {:<{}}  {:<6} -> ", local_time(word(one, "time")),
                                              word(one, "instance"), names, word(one, "from"));
        const std::string priority = fmt::format("{:>4.0f}  ", number(one, "priority"));
        const std::size_t column = start.size() + 6 + priority.size();
        page.wrapped(start + page.painted_state(word(one, "to"), 6) + priority, std::string(column, ' '),
                     word(one, "reason"), column);
    }
    return page.take();
}

}  // namespace vrrpd::ctl
