#include "vrrpd/agent/json.hpp"

#include <cmath>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace vrrpd {
namespace {

using nlohmann::ordered_json;

constexpr int version = 1;
constexpr std::size_t longest_line = 4096;

std::string dump(const ordered_json& json) {
    return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// 2026-11-21T15:40:02.123456Z
std::string text_of(WallTime time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                       (time - seconds).count());
}

// Milliseconds are enough, and read better.
double rounded_seconds(Duration duration) {
    return std::round(std::chrono::duration<double, std::milli>(duration).count()) / 1000;
}

ordered_json ago(const std::optional<Duration>& age) {
    return age ? ordered_json(rounded_seconds(*age)) : ordered_json(nullptr);
}

template <typename Item, typename Make>
ordered_json list(const std::vector<Item>& items, Make make) {
    ordered_json all = ordered_json::array();
    for (const Item& item : items) all.push_back(make(item));
    return all;
}

ordered_json make_check(const InstanceStatus::Check& check) {
    ordered_json json{{"name", check.name}, {"use", check.use}, {"state", check.state}};
    if (!check.age) return json;
    json.update({{"class", check.finding_class},
                 {"evidence", check.evidence},
                 {"count", check.count},
                 {"needed", check.needed},
                 {"age_seconds", rounded_seconds(*check.age)}});
    return json;
}

ordered_json make_warning(const InstanceStatus::Warning& warning) {
    ordered_json json{{"kind", warning.kind}, {"text", warning.text}};
    if (!warning.source.empty()) json["source"] = warning.source;
    if (!warning.last) return json;
    json.update({{"count", warning.count},
                 {"first_seconds_ago", rounded_seconds(*warning.first)},
                 {"last_seconds_ago", rounded_seconds(*warning.last)}});
    return json;
}

ordered_json make_heard(const InstanceStatus& status) {
    if (!status.last_heard) return nullptr;
    const InstanceStatus::Heard& heard = *status.last_heard;
    return {{"source", heard.source},
            {"priority", heard.priority},
            {"advert_int_seconds", rounded_seconds(heard.interval)},
            {"age_seconds", rounded_seconds(heard.age)}};
}

std::optional<Role> role_of(const std::string& word) {
    for (const Role role : {Role::init, Role::backup, Role::master, Role::fault}) {
        if (word == to_string(role)) return role;
    }
    return std::nullopt;
}

std::string word(const nlohmann::json& json, const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<WallTime> read_time(const std::string& text) {
    std::tm parts{};
    int micros = 0, length = 0;
    const int got = std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ%n", &parts.tm_year, &parts.tm_mon,
                                &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &micros, &length);
    if (got != 7 || static_cast<std::size_t>(length) != text.size()) return std::nullopt;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    return WallTime(std::chrono::seconds(timegm(&parts)) + std::chrono::microseconds(micros));
}

}  // namespace

std::string status_begin(const HostStatus& host) {
    const ordered_json json{{"version", version},
                            {"host", host.router_id},
                            {"daemon", VRRPD_VERSION},
                            {"time", text_of(host.now)},
                            {"warnings", host.warnings}};
    std::string text = dump(json);
    text.pop_back();
    return text + ",\"instances\":[";
}

std::string status_item(const InstanceStatus& status, WallTime now) {
    const auto since = now - std::chrono::duration_cast<std::chrono::microseconds>(status.in_state);
    ordered_json json{{"name", status.name},
                      {"state", to_string(status.state)},
                      {"since", text_of(since)},
                      {"in_state_seconds", rounded_seconds(status.in_state)},
                      {"reason", status.reason},
                      {"hindrance", status.hindrance ? ordered_json(*status.hindrance) : ordered_json(nullptr)},
                      {"holder", status.state == Role::master ? ordered_json("self")
                                 : status.holder              ? ordered_json(*status.holder)
                                                              : ordered_json(nullptr)},
                      {"drained", status.drained},
                      {"failed_over", status.aside},
                      {"sync_group", status.group.empty() ? ordered_json(nullptr) : ordered_json(status.group)},
                      {"interface", status.interface},
                      {"vrid", status.virtual_router_id},
                      {"family", status.family == Family::ipv4 ? "ipv4" : "ipv6"},
                      {"vrrp_version", status.version},
                      {"advert_int_seconds", rounded_seconds(status.advert_interval)},
                      {"lease_seconds", rounded_seconds(status.lease)}};
    json["priority"] = {{"effective", status.priority},
                        {"configured", status.configured_priority},
                        {"terms", list(status.terms, [](const InstanceStatus::Term& term) {
                             return ordered_json{{"name", term.name}, {"weight", term.weight}};
                         })}};
    json["addresses"] = list(status.addresses, [](const InstanceStatus::Address& address) {
        return ordered_json{{"address", address.address},
                            {"interface", address.interface},
                            {"excluded", address.excluded},
                            {"present", address.present}};
    });
    json["last_advert_sent_age_seconds"] = ago(status.last_sent);
    json["last_advert_heard"] = make_heard(status);
    json["unicast_peers"] = status.peers;
    json["checks"] = list(status.checks, make_check);
    json["services"] = list(status.services, [](const InstanceStatus::Service& service) {
        return ordered_json{{"name", service.name}, {"state", service.state}, {"last_trouble", service.last}};
    });
    json["warnings"] = list(status.warnings, make_warning);
    return dump(json);
}

std::string transition_line(const PastTransition& transition) {
    return dump({{"version", version},
                 {"time", text_of(transition.when)},
                 {"instance", transition.instance},
                 {"from", to_string(transition.from)},
                 {"to", to_string(transition.to)},
                 {"priority", transition.priority},
                 {"reason", transition.reason}}) +
           '\n';
}

std::optional<PastTransition> read_transition(std::string_view line) {
    if (line.size() > longest_line) return std::nullopt;
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("version") || json["version"] != version) return std::nullopt;
    const auto when = read_time(word(json, "time"));
    const auto from = role_of(word(json, "from")), to = role_of(word(json, "to"));
    const auto priority = json.find("priority");
    if (!when || !from || !to || priority == json.end() || !priority->is_number_integer()) return std::nullopt;
    return PastTransition{*when, word(json, "instance"), *from, *to, priority->get<int>(), word(json, "reason")};
}

std::string happening_line(const Happening& happening) {
    ordered_json json{{"version", version}, {"time", text_of(happening.when)}, {"event", happening.event}};
    for (const auto& [name, value] : happening.fields) {
        std::visit([&, name = name](const auto& content) { json[name] = content; }, value);
    }
    return dump(json) + '\n';
}

}  // namespace vrrpd
