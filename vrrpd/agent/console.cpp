#include "vrrpd/agent/console.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "vrrpd/agent/json.hpp"
#include "vrrpd/agent/log_lines.hpp"
#include "vrrpd/io/log.hpp"

namespace vrrpd {
namespace {

constexpr std::size_t status_portion = 20;                      // instances in one piece of a status
constexpr std::size_t history_portion = 100;                    // transitions in one piece
constexpr Duration look_every = std::chrono::milliseconds(10);  // after a failover

std::string joined(const std::vector<std::string>& names) {
    return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

struct Console::Command {
    std::string_view name;
    std::size_t least, most;  // arguments
    Response (Console::*run)(const Request&);
};

Console::Console(Loop& loop, World world)
    : loop_(loop),
      world_(std::move(world)),
      reports_(world_.config.checks.size()),
      store_(loop, world_.config.global.state_directory),
      history_(loop, store_),
      drains_(store_),
      look_(loop.timer([this] {
          if (control_) control_->wake();
      })) {
    if (!store_.problem().empty()) {
        warn("no drain, and no history across restarts: " + store_.problem());
        log::write(log::Level::warning, warnings_.back());
    }
    open_sockets();
}

void Console::open_sockets() {
    const auto& global = world_.config.global;
    try {
        control_ =
            std::make_unique<ControlServer>(loop_, ControlServer::Options{global.control_socket, global.control_group},
                                            [this](const Request& request) { return answer(request); });
    } catch (const std::runtime_error& problem) {
        log::write(log::Level::warning, problem.what());
    }
    if (!global.metrics_listen) return;
    const auto begin = [this] { return [pages = pages()]() mutable { return pages.next(); }; };
    try {
        metrics_server_ =
            std::make_unique<MetricsServer>(loop_, global.metrics_listen->address, global.metrics_listen->port, begin);
    } catch (const std::runtime_error& problem) {
        log::write(log::Level::warning, problem.what());
        warn(problem.what());
    }
}

void Console::reconfigured(const config::Changes& checks, const config::Changes& services) {
    reports_.resize(world_.config.checks.size());
    for (const auto* places : {&checks.removed, &checks.added, &checks.changed}) {
        for (const std::size_t check : *places) reports_[check].reset();
    }
    std::set<std::string> unchanged;
    for (const service::ServiceOptions& service : world_.config.services) unchanged.insert(service.name);
    for (const auto* places : {&services.added, &services.changed}) {
        for (const std::size_t service : *places) unchanged.erase(world_.config.services[service].name);
    }
    std::erase_if(troubles_, [&](const auto& trouble) { return !unchanged.contains(trouble.first); });
}

// ---- what happens

std::vector<Event> Console::kept_drains() const {
    std::vector<InstanceId> all(world_.router.size());
    std::iota(all.begin(), all.end(), InstanceId{0});
    std::vector<Event> events;
    for (const InstanceId id : kept_drains(all, "start")) events.push_back(DrainChanged{id, true});
    return events;
}

std::vector<InstanceId> Console::kept_drains(const std::vector<InstanceId>& among, const char* event) const {
    std::vector<InstanceId> drained;
    for (const InstanceId id : among) {
        const std::string& name = world_.config.instances[id].name;
        if (!drains_.names().contains(name)) continue;
        drained.push_back(id);
        log::write(log::Level::notice,
                   fmt::format("({}) is drained since before the {}: not MASTER until resume", name, event));
    }
    return drained;
}

void Console::role_changed(const RoleChanged& change) {
    const std::string& name = world_.router.instance(change.instance).options().name;
    const std::string reason(change.reason.view());
    history_.add({wall_clock(), name, change.from, change.to, change.priority, reason});
    if (!feed_.is_followed()) return;
    publish("transition", {{"instance", name},
                           {"from", to_string(change.from)},
                           {"to", to_string(change.to)},
                           {"priority", change.priority},
                           {"reason", reason}});
}

void Console::noticed(const Notice& notice) {
    if (!feed_.is_followed()) return;
    const Instance& instance = world_.router.instance(notice.instance);
    publish("notice", {{"instance", instance.options().name}, {"text", words(notice, instance)}});
}

void Console::check_reported(std::size_t check, const health::Report& report) {
    reports_[check] = {report, loop_.now()};
    if (!feed_.is_followed()) return;
    publish("check", {{"check", world_.config.checks[check].name},
                      {"state", report.verdict == health::Verdict::up ? "passing" : "failing"},
                      {"class", std::string(to_string(report.finding.cls))},
                      {"evidence", report.finding.evidence},
                      {"count", report.count},
                      {"needed", report.needed}});
}

void Console::service_said(const std::string& service, const char* what, const std::string& reason) {
    if (!reason.empty()) troubles_[service] = fmt::format("{}: {}", what, reason);
    if (!feed_.is_followed()) return;
    publish("service", {{"service", service}, {"state", what}, {"reason", reason}});
}

void Console::hook_ended(const std::string& owner, Hook hook, const char* how) {
    if (!feed_.is_followed()) return;
    publish("hook", {{"owner", owner}, {"hook", to_string(hook)}, {"result", how}});
}

void Console::publish(const char* event, std::vector<std::pair<const char*, Happening::Value>> fields) {
    feed_.publish({wall_clock(), event, std::move(fields)});
    if (control_) control_->wake();
}

// ---- what is asked

Console::Response Console::answer(const Request& request) {
    static constexpr Command commands[] = {
        {"status", 0, 1, &Console::status},      {"metrics", 0, 0, &Console::metrics},
        {"history", 0, 1, &Console::history},    {"events", 0, 0, &Console::events},
        {"failover", 1, 1, &Console::fail_over}, {"drain", 0, 1, &Console::drain},
        {"resume", 0, 1, &Console::resume},      {"reload", 0, 0, &Console::reload},
    };
    const auto command = std::ranges::find(commands, request.command, &Command::name);
    if (command == std::end(commands)) return Answer{false, fmt::format("unknown command {}", quoted(request.command))};
    const std::size_t given = request.arguments.size();
    if (given < command->least || given > command->most) {
        const char* const wanted = command->most == 0    ? "no arguments"
                                   : command->least == 1 ? "one NAME"
                                                         : "at most one NAME";
        return Answer{false, fmt::format("{} takes {}", request.command, wanted)};
    }
    for (const std::string& name : request.arguments) {
        if (!find(name)) return Answer{false, fmt::format("there is no instance {}", quoted(name))};
    }
    return (this->*command->run)(request);
}

std::optional<InstanceId> Console::find(const std::string& name) const {
    for (InstanceId id = 0; id < world_.router.size(); ++id) {
        if (world_.router.instance(id).options().name == name) return id;
    }
    return std::nullopt;
}

Surroundings Console::surroundings() const {
    using Reported = std::optional<Surroundings::Reported>;
    const auto report = [this](std::size_t check) -> const Reported& {
        static const Reported none;
        return check < reports_.size() ? reports_[check] : none;
    };
    const auto service = [this](std::size_t index) {
        const std::string& name = world_.config.services[index].name;
        const auto trouble = troubles_.find(name);
        return InstanceStatus::Service{name, world_.service_state(index),
                                       trouble == troubles_.end() ? std::string() : trouble->second};
    };
    return {world_.config, world_.router, report, world_.verdict, world_.present, service};
}

Console::Response Console::status(const Request& request) {
    const InstanceId first = request.arguments.empty() ? 0 : *find(request.arguments[0]);
    const InstanceId end = request.arguments.empty() ? world_.router.size() : first + 1;
    return [this, next = first, first, end, any = false]() mutable -> std::optional<Answer> {
        const WallTime now = wall_clock();
        Answer piece{true, "", true};
        if (next == first) piece.text = status_begin({world_.config.global.router_id, now, warnings_});
        for (const InstanceId stop = std::min(end, next + status_portion); next < stop; ++next) {
            if (is_vacant(world_.router.instance(next).options())) continue;
            if (std::exchange(any, true)) piece.text += ',';
            piece.text += status_item(status_of(surroundings(), next, loop_.now()), now);
        }
        piece.more = next < end;
        if (!piece.more) piece.text += status_end;
        return piece;
    };
}

MetricsPages Console::pages() const {
    return {world_.router, world_.counters(), loop_.now(), &world_.hooks};
}

Console::Response Console::metrics(const Request&) {
    return [pages = pages()]() mutable -> std::optional<Answer> {
        auto page = pages.next();
        return Answer{true, page ? std::move(*page) : std::string(), page.has_value()};
    };
}

Console::Response Console::history(const Request& request) {
    std::vector<PastTransition> wanted;
    for (const PastTransition& transition : history_.all()) {
        if (request.arguments.empty() || transition.instance == request.arguments[0]) wanted.push_back(transition);
    }
    return [wanted = std::move(wanted), next = std::size_t{0}]() mutable -> std::optional<Answer> {
        Answer piece{true, "", true};
        for (const std::size_t stop = std::min(wanted.size(), next + history_portion); next < stop; ++next) {
            piece.text += transition_line(wanted[next]);
        }
        piece.more = next < wanted.size();
        return piece;
    };
}

Console::Response Console::events(const Request&) {
    return feed_.follow();
}

// ---- what is ordered

std::vector<InstanceId> Console::chosen(const std::vector<std::string>& names) const {
    std::vector<InstanceId> all;
    if (names.empty()) {
        for (InstanceId id = 0; id < world_.router.size(); ++id) {
            if (!is_vacant(world_.router.instance(id).options())) all.push_back(id);
        }
        return all;
    }
    const InstanceId id = *find(names[0]);
    for (const SyncGroupOptions& group : world_.config.groups) {
        if (std::ranges::find(group.members, id) != group.members.end()) return group.members;
    }
    return {id};
}

Console::Response Console::fail_over(const Request& request) {
    const std::string& name = request.arguments[0];
    const InstanceId id = *find(name);
    const Role role = world_.router.instance(id).role();
    if (role != Role::master || world_.router.instance(id).state() != Instance::State::active) {
        return Answer{false, fmt::format("{} is {} here: only a MASTER can hand over", name, to_string(role))};
    }
    log::write(log::Level::notice, fmt::format("({}) failover, asked for by an operator", name));
    if (feed_.is_followed()) publish("operator", {{"command", "failover"}, {"instance", name}});
    world_.feed({HandOver{id}});
    return [this, name] { return outcome_of_failover(name); };
}

// Known when an Active was heard, or when we are it again.
std::optional<Console::Answer> Console::outcome_of_failover(const std::string& name) {
    const auto id = find(name);
    if (!id) return Answer{false, "the configuration has changed meanwhile"};
    const Instance& instance = world_.router.instance(*id);
    if (instance.state() == Instance::State::active) return Answer{false, "nobody took over: taken back"};
    if (instance.fault() != nullptr)
        return Answer{false, fmt::format("handed over, but at fault: {}", instance.fault()->view())};
    if (instance.aside() && instance.obeying()) {
        return Answer{true, fmt::format("{} serves now\n", instance.last_heard()->source.to_string())};
    }
    if (!instance.aside()) return Answer{true, "resumed meanwhile\n"};
    look_->arm(loop_.now() + look_every);
    return std::nullopt;
}

Console::Response Console::drain(const Request& request) {
    if (!store_.problem().empty()) {
        return Answer{false, "a drain would not survive a restart, so it is refused: " + store_.problem()};
    }
    return set_drained(request.arguments, true);
}

Console::Response Console::resume(const Request& request) {
    return set_drained(request.arguments, false);
}

Console::Response Console::reload(const Request&) {
    if (feed_.is_followed()) publish("operator", {{"command", "reload"}});
    const auto result = std::make_shared<std::optional<Answer>>();
    world_.reload([this, result](bool applied, const std::vector<std::string>& problems) {
        std::string text;
        for (const std::string& problem : problems) text += problem + '\n';
        if (applied) {
            *result = Answer{true, text + "reloaded\n"};
        } else {
            *result = Answer{false, text + "not reloaded, what was in force goes on"};
        }
        if (control_) control_->wake();
    });
    return [result] { return *result; };
}

// Drained is who will stay so; resumed is resumed, even if it cannot be written down.
Console::Response Console::set_drained(const std::vector<std::string>& names, bool drained) {
    std::vector<std::string> all;
    for (const InstanceId id : chosen(names)) all.push_back(world_.router.instance(id).options().name);
    const char* const what = drained ? "drained" : "resumed";
    const auto result = std::make_shared<std::optional<Answer>>();
    const auto done = [this, all, drained, what, result](const std::string& error) {
        const bool is_done = error.empty() || !drained;
        if (is_done) apply(all, drained);
        *result = error.empty() ? Answer{true, fmt::format("{}: {}\n", what, joined(all))}
                  : is_done     ? Answer{false, "resumed, but a restart will drain again: " + error}
                                : Answer{false, "a drain would not survive a restart, so it is refused: " + error};
        if (control_) control_->wake();
    };
    const bool on_record = std::ranges::any_of(all, [&](const auto& name) { return drains_.names().contains(name); });
    if (!drained && !on_record) {
        done("");  // a failover, at most
    } else {
        drains_.set(all, drained, done);
    }
    return [result] { return *result; };
}

// By name: while the disk was waited for, a reload may have put others into the places of these.
void Console::apply(const std::vector<std::string>& names, bool drained) {
    std::vector<Event> events;
    for (const std::string& name : names) {
        const auto id = find(name);
        if (!id) continue;
        const char* const what = drained ? "drain" : "resume";
        log::write(log::Level::notice, fmt::format("({}) {}, asked for by an operator", name, what));
        if (feed_.is_followed()) publish("operator", {{"command", what}, {"instance", name}});
        events.push_back(DrainChanged{*id, drained});
    }
    world_.feed(std::move(events));
}

}  // namespace vrrpd
