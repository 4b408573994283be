#include "ctl/import/translate.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "ctl/import/context.hpp"

namespace vrrpd::keepalived {
namespace {

/// Words of global_defs that become keys.
const std::set<std::string_view> translated_globals{"router_id",
                                                    "script_user",
                                                    "vrrp_version",
                                                    "vrrp_startup_delay",
                                                    "vrrp_mcast_group4",
                                                    "vrrp_mcast_group6",
                                                    "vrrp_garp_master_delay",
                                                    "vrrp_garp_master_repeat",
                                                    "vrrp_garp_interval",
                                                    "vrrp_garp_master_refresh",
                                                    "vrrp_down_timer_adverts",
                                                    "vrrp_min_garp",
                                                    "vrrp_gna_interval"};

void collect_globals(Context& context, const Statement& block) {
    for (const Statement& statement : statements_of(block)) {
        context.strict = context.strict || statement.word() == "vrrp_strict";
        if (translated_globals.contains(statement.word())) {
            context.globals[statement.word()] = statement;
        } else {
            context.other_globals.push_back(statement);
        }
    }
}

void collect_group(Context& context, const Statement& block) {
    context.groups.push_back(&block);
    for (const Statement& statement : statements_of(block)) {
        if (statement.word() != "group") continue;
        for (const Statement& line : statement.body) {
            for (const std::string& name : line.words) context.group_of[name] = &block;
        }
    }
}

/// False: the statement is none that is understood.
bool collect(Context& context, const Statement& statement) {
    const std::string& word = statement.word();
    const std::string name(statement.at(1));
    if (word == "global_defs") {
        collect_globals(context, statement);
    } else if (word == "vrrp_instance" && !name.empty()) {
        context.instances.push_back(&statement);
    } else if (word == "vrrp_sync_group" && !name.empty()) {
        collect_group(context, statement);
    } else if (word == "vrrp_script" && !name.empty()) {
        context.watched[{Watched::script, name}] = &statement;
    } else if (word == "vrrp_track_process" && !name.empty()) {
        context.watched[{Watched::process, name}] = &statement;
    } else if ((word == "track_file" || word == "vrrp_track_file") && !name.empty()) {
        context.watched[{Watched::file, name}] = &statement;
    } else {
        return false;
    }
    return true;
}

bool runs_commands(const Context& context) {
    const auto is_script = [](const auto& entry) { return entry.first.first == Watched::script; };
    const auto has_hook = [](const Statement* block) {
        return std::ranges::any_of(statements_of(*block),
                                   [](const Statement& each) { return each.word().starts_with("notify"); });
    };
    return std::ranges::any_of(context.watched, is_script) || std::ranges::any_of(context.instances, has_hook) ||
           std::ranges::any_of(context.groups, has_hook);
}

void put_script_user(Context& context, const Place& place) {
    const Statement* const user = context.global("script_user");
    if (user != nullptr) {
        context.put(user->place, "script_user", item(user->at(1)));
        if (user->words.size() > 2) {
            context.lose(user->place, "group " + user->words[2], "commands have the group of their user");
        }
    } else if (runs_commands(context)) {
        context.put(place, "script_user", context.script_user(),
                    "who keepalived runs scripts as; without this line it is vrrpd_script, which is safer");
    }
}

void translate_global(Context& context, const Place& place) {
    context.ini.section("global");
    if (const Statement* const id = context.global("router_id")) context.put(id->place, "router_id", item(id->at(1)));
    put_script_user(context, place);
    for (const Statement& statement : context.other_globals) context.pass_over(Block::global, statement);
}

void put_time(Context& context, const Statement* statement, std::string_view key, Duration usual,
              std::string_view remark) {
    const auto time = statement != nullptr ? seconds_of(statement->at(1)) : std::optional(usual);
    if (!time) return context.lose(statement->place, statement->word(), "is no time");
    const Place place = statement != nullptr ? statement->place : Place{};
    context.put(place, key, text_of(*time), statement != nullptr ? "" : remark);
}

/// What keepalived takes where an instance says nothing.
void translate_defaults(Context& context) {
    using std::chrono::seconds;
    context.ini.section("defaults");
    const Statement* const version = context.global("vrrp_version");
    if (version != nullptr) {
        context.put(version->place, "version", item(version->at(1)));
    } else {
        context.put({}, "version", "2", "keepalived's default; all hosts must have the same");
    }
    const Statement* const minimal = context.global("vrrp_min_garp");
    const bool few =
        minimal != nullptr && minimal->at(1) != "off" && minimal->at(1) != "no" && minimal->at(1) != "false";
    if (few) context.note("vrrp_min_garp", "one announcement and no second burst");
    const Statement* const count = context.global("vrrp_garp_master_repeat");
    context.put({}, "garp_master_repeat", count != nullptr ? item(count->at(1)) : few ? "1" : "5");
    put_time(context, context.global("vrrp_garp_master_delay"), "garp_master_delay", few ? seconds(0) : seconds(5), "");
    put_time(context, context.global("vrrp_garp_interval"), "garp_interval", seconds(0),
             "keepalived's default; 20ms, the default here, spares switches a burst");
    put_time(context, context.global("vrrp_garp_master_refresh"), "garp_master_refresh", seconds(0),
             "keepalived's default; 60s, the default here, helps where a switch forgot the address");
    if (context.global("vrrp_gna_interval") != nullptr) {
        context.note("vrrp_gna_interval", "garp_interval is for IPv6, too");
    }
    const Statement* const adverts = context.global("vrrp_down_timer_adverts");
    if (adverts != nullptr) context.put(adverts->place, "down_timer_adverts", item(adverts->at(1)));
}

void note_unused(Context& context) {
    for (const auto& [key, statement] : context.watched) {
        if (std::ranges::find(context.tracked, key) != context.tracked.end()) continue;
        context.note(statement->word() + " " + key.second, "nobody tracks it, so it is left out");
    }
}

/// The list of what is lost goes first: who reads the file must not miss it.
std::string headed(const Context& context, const std::string& file) {
    IniWriter head;
    head.comment("Made from " + file + " by vrrpctl import. Try it with vrrpd --check, and compare the hosts with");
    head.comment("vrrpctl check A.ini B.ini.");
    head.comment("");
    head.comment(context.lost.empty() ? "Everything was carried over." : "What was not carried over, and why:");
    for (const Remark& remark : context.lost) {
        head.comment("  " + remark.place.file + ":" + std::to_string(remark.place.line) + ": " + remark.text);
    }
    return head.text() + context.ini.text();
}

}  // namespace

Translation translate(const Tree& tree, const Host& host) {
    Context context;
    context.host = host;
    std::vector<const Statement*> others;
    for (const Statement& statement : tree.statements) {
        if (!collect(context, statement)) others.push_back(&statement);
    }
    const Place begin = tree.statements.empty() ? Place{} : Place{tree.statements.front().place.file, 0};
    for (const Remark& remark : tree.skipped) context.lose(remark.place, "line", remark.text);
    translate_global(context, begin);
    for (const Statement* const statement : others) context.pass_over(Block::top, *statement);
    translate_defaults(context);
    for (const Statement* const instance : context.instances) translate_instance(context, *instance);
    for (const Statement* const group : context.groups) translate_group(context, *group);
    translate_checks(context);
    note_unused(context);
    return {headed(context, begin.file), std::move(context.lost)};
}

}  // namespace vrrpd::keepalived
