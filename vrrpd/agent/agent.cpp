#include "vrrpd/agent/agent.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

#include "vrrpd/agent/adoption.hpp"
#include "vrrpd/agent/leftovers.hpp"
#include "vrrpd/agent/log_lines.hpp"
#include "vrrpd/agent/paths.hpp"
#include "vrrpd/io/log.hpp"
#include "vrrpd/io/notify.hpp"

namespace vrrpd {
namespace {

constexpr std::size_t usual_actions = 1024;  // of a round; a thousand promotions at once need megabytes
constexpr Duration late_deadline = std::chrono::milliseconds(10);  // then more may have come in than usual
constexpr Duration socket_retry = std::chrono::seconds(1);
constexpr std::size_t status_names = 20;  // instances that a line of status names one by one
constexpr Duration status_delay = std::chrono::milliseconds(100);

std::size_t find_check(const config::Config& config, const std::string& name) {
    const auto found = std::ranges::find(config.checks, name, &health::CheckOptions::name);
    return name.empty() ? config.checks.size() : static_cast<std::size_t>(found - config.checks.begin());
}

CheckState state_of(health::Verdict verdict) {
    switch (verdict) {
        case health::Verdict::up:
            return CheckState::passing;
        case health::Verdict::down:
            return CheckState::failing;
        case health::Verdict::unknown:
            break;
    }
    return CheckState::unknown;
}

// Collecting what nobody will read costs a message for each script.
health::ScriptRunner::Said script_listener(LogLevel level) {
    if (level != LogLevel::debug) return {};
    return [](const std::string& check, const std::string& line) {
        log::write(log::Level::debug, fmt::format("VRRP_Script({}) said {}", check, quoted(line)));
    };
}

}  // namespace

Agent::Agent(Loop& loop, ChildStarter& starter, config::Config config, Record& record, std::function<void()> finished)
    : loop_(loop),
      config_(std::move(config)),
      record_(record),
      finished_(std::move(finished)),
      router_(config_.instances, config_.groups),
      burial_(loop.timer([this] { bury_removed(); })),
      deadline_(loop.timer([this] { on_deadline(); }, Urgency::protocol)),
      status_(loop.timer([this] {
          status_due_ = false;
          publish_status();
      })),
      socket_retry_(loop.timer([this] { refresh_paths(); })),
      monitor_(loop, [this] { refresh_paths(); }),
      paths_(config_.instances, monitor_.facts()),
      receivers_(
          loop, config_.instances, [this](std::span<const Packet> packets) { take(packets); },
          [this](std::span<const Packet> packets) { take(packets); }),
      claims_(loop, config_.instances, monitor_.facts(),
              [this](std::span<const AddressClaimed> claims) { take_claims(claims); }),
      requests_(loop),
      addresses_(
          loop, requests_, monitor_.facts(), record, config_.instances,
          [this](const AddressesSettled& answer) { settled(answer); },
          [this](InstanceId id, int link, const IpAddress& address) { announce(id, link, address); }),
      announcer_(loop, [this](const Announcement& announcement, int error) { cannot_announce(announcement, error); }),
      tracked_links_(config_.tracked_interfaces.size(), CheckState::unknown),
      probers_(loop, starter, script_listener(config_.global.log_level)),
      judged_(config_.services.size(), false),
      services_(
          loop, starter, config_.services, config_.instances, standby_checks(),
          {[this](const ServicesChanged& change) { feed(change); },
           [this](std::size_t service, bool wanted) { judge_service(service, wanted); }, [this] { leave_when_done(); },
           [this](const std::string& service, const char* what, const std::string& reason) {
               if (console_) console_->service_said(service, what, reason);
           }}),
      hooks_(loop, starter, config_.instances, config_.groups, config_.hook_credentials,
             {[this](const HookEnded& end) { feed(end); },
              [this] {
                  if (!departing_.empty()) burial_->arm(loop_.now());
                  leave_when_done();
              },
              [this](const std::string& owner, Hook hook, const char* how) {
                  if (console_) console_->hook_ended(owner, hook, how);
              }}) {
    for (const health::CheckOptions& options : config_.checks) checks_.push_back(make_check(options, checks_.size()));
}

// Whether the check of each service goes to an address that is here while another host is MASTER, too.
std::vector<bool> Agent::standby_checks() const {
    std::vector<bool> standby;
    for (const service::ServiceOptions& service : config_.services) {
        const std::size_t check = find_check(config_, service.check);
        standby.push_back(
            check < config_.checks.size() &&
            !std::ranges::binary_search(paths_.virtual_addresses(), config_.checks[check].endpoint.address));
    }
    return standby;
}

void Agent::start(const std::optional<RecordReader>& predecessor) {
    monitor_.on_removal([this](std::span<const netlink::Address> removed) { look_for_losses(removed); });
    console_ = std::make_unique<Console>(loop_, world());
    for (std::string& warning : warnings_) console_->warn(std::move(warning));
    monitor_.start();
    refresh_paths();
    const auto routes = find_marked_routes();  // takes a while, and what is adopted must be fresh
    const auto adopted = predecessor ? adopt(*predecessor) : std::vector<Legacy>();
    Kept kept;
    for (const Legacy& legacy : adopted) {
        for (const auto& address : addresses_.placeable(legacy.instance)) kept.addresses.insert(address);
        for (const auto& route : addresses_.placeable_routes(legacy.instance)) kept.routes.push_back(route);
    }
    remove_leftovers(requests_, monitor_.facts(), routes, kept, predecessor);
    feed_all(console_->kept_drains());
    feed(Startup{adopted});
    find_tracked();
    run_checks();
    services_.begin(adopted);
    publish_status();
}

// An owner has its own ways to begin at once.
std::vector<Legacy> Agent::adopt(const RecordReader& predecessor) const {
    const auto placeable = [this](InstanceId id) {
        const PathChanged& path = router_.instance(id).path();
        const bool can_take_part = path.up && path.source && config_.instances[id].priority != owner_priority;
        return can_take_part ? addresses_.placeable(id) : std::vector<netlink::OwnedAddress>();
    };
    return adoptable(predecessor, config_.instances, config_.groups, placeable, loop_.now());
}

void Agent::shut_down() {
    if (std::exchange(shutting_down_, true)) return;
    go_on_reloading();
    services_.leave();
    feed(Shutdown{remaining_});
}

void Agent::restart() {
    if (shutting_down_) return;
    const bool can_be_adopted = record_.problem().empty() && kernel_keeps_marks();
    for (InstanceId id = 0; id < router_.size() && can_be_adopted; ++id) {
        const bool serves = router_.instance(id).state() == Instance::State::active;
        if (serves && can_be_left(config_.instances[id])) remaining_.push_back(id);
    }
    remaining_ = with_whole_groups(std::move(remaining_), config_.groups);
    if (!remaining_.empty()) record_.set_parting();
    shut_down();
}

// ---- facts in

void Agent::feed(Event event) {
    facts_.push_back(std::move(event));
    if (!in_round_) end_round();
}

void Agent::feed_all(std::vector<Event> events) {
    facts_.insert(facts_.end(), std::make_move_iterator(events.begin()), std::make_move_iterator(events.end()));
    if (!in_round_) end_round();
}

// What the observer hears takes the same way: the core refuses it by the same rules, and counts it.
void Agent::take(std::span<const Packet> packets) {
    const Instant now = loop_.now();
    for (Packet packet : packets) {
        packet.sender = receivers_.sender_of(packet);
        router_.handle(packet, now, actions_);
    }
    if (!in_round_) end_round();
}

// A winner advertises before it announces: with the adverts that have arrived it may be the one who claims rightly.
void Agent::take_claims(std::span<const AddressClaimed> claims) {
    in_round_ = true;
    receivers_.drain(false);
    facts_.insert(facts_.end(), claims.begin(), claims.end());
    end_round();
}

// A deadline that has moved away is left to fire for nothing, once: adverts move it a thousand times a second, and
// each time would be a system call.
void Agent::arm_deadline() {
    const Instant next = router_.next_deadline();
    if (next >= armed_) return;
    armed_ = next;
    deadline_->arm(next);
}

void Agent::on_deadline() {
    const bool late = loop_.now() - std::exchange(armed_, never) > late_deadline;
    in_round_ = true;
    receivers_.drain(late);
    router_.expire(loop_.now(), actions_);
    end_round();
}

// ---- actions out

// Carrying out an action may bring a new fact at once, which joins the round.
void Agent::end_round() {
    in_round_ = true;
    perform_all();
    while (!facts_.empty()) {
        const Event event = std::move(facts_.front());
        facts_.pop_front();
        router_.handle(event, loop_.now(), actions_);
        perform_all();
    }
    requests_.flush();
    hooks_.begin();
    if (actions_.capacity() > usual_actions) Actions().swap(actions_);
    arm_deadline();
    in_round_ = false;
    if (!departing_.empty()) burial_->arm(loop_.now());
    leave_when_done();
}

void Agent::leave_when_done() {
    if (!shutting_down_ || in_round_ || !router_.finished() || !addresses_.all_settled()) return;
    services_.end_all();
    hooks_.end_soon();
    if (!services_.all_ended() || !hooks_.all_ended() || !finished_) return;
    // The last renewals have to leave as well.
    requests_.on_idle(std::exchange(finished_, nullptr));
    if (leaves_legacy()) feed(Parting{});
    requests_.flush();
}

// Adverts first: a peer waits for them, and whoever takes over has more to do for the addresses.
void Agent::perform_all() {
    for (const Action& action : actions_) {
        if (const auto* advert = std::get_if<SendAdvert>(&action)) perform(*advert);
    }
    const Instant gone = send_queued();
    for (const Action& action : actions_) {
        if (std::holds_alternative<SendAdvert>(action)) continue;
        std::visit([this](const auto& wish) { perform(wish); }, action);
    }
    actions_.clear();
    take_note_of_sent(gone);
}

void Agent::perform(const SendAdvert& action) {
    const Instance& instance = router_.instance(action.instance);
    const InstanceOptions& options = instance.options();
    const std::size_t copies = std::max<std::size_t>(1, options.unicast_peers.size());
    leaving_.push_back({action.instance, action.priority, copies, action.due});
    if (options.unicast_peers.empty()) return queue(action.instance, action.priority, instance.group_address(), 255);
    for (const UnicastPeer& peer : options.unicast_peers) {
        queue(action.instance, action.priority, peer.address, options.unicast_ttl);
    }
}

void Agent::queue(InstanceId id, std::uint8_t priority, const IpAddress& destination, int ttl) {
    const Instance& instance = router_.instance(id);
    Datagram datagram;
    datagram.tag = leaving_.size() - 1;
    datagram.interface_index = instance.path().interface_index;
    datagram.source = *instance.path().source;
    datagram.destination = destination;
    datagram.ttl = static_cast<std::uint8_t>(ttl);
    datagram.message = std::span(message_).first(instance.encode(priority, destination, message_));
    sender_.queue(datagram);
}

Instant Agent::send_queued() {
    if (leaving_.empty()) return {};
    sender_.flush([this](std::size_t advert, int error) {
        ++leaving_[advert].failed;
        leaving_[advert].error = error;
    });
    return loop_.now();
}

// One peer that cannot be reached keeps no advert from the others (V08). Only what really left keeps addresses alive,
// unless the link's being down is no fault: then it is no reason either. An instance that takes over has its addresses
// by now, so that its first advert counts for them.
void Agent::take_note_of_sent(Instant gone) {
    for (const Leaving& advert : leaving_) {
        if (advert.failed < advert.copies) {
            tally_.lateness.add(gone - advert.due, config_.instances[advert.instance].advert_interval);
        }
        const bool left = advert.failed < advert.copies || !config_.instances[advert.instance].track_primary;
        if (left && advert.priority != 0) addresses_.advert_left(advert.instance, advert.priority);
        if (advert.failed == 0) continue;
        const Text reason(std::generic_category().message(advert.error).c_str());
        facts_.push_back(SendFailed{advert.instance, reason, advert.failed < advert.copies});
    }
    leaving_.clear();
}

void Agent::perform(const SetAddresses& action) {
    if (!action.wanted) {
        for_each_placed_address(action.instance, [this](const netlink::Link& link, const IpAddress& address) {
            announcer_.cancel(link.index, address);
        });
    }
    addresses_.set(action);
}

void Agent::perform(const SetServices& action) {
    services_.set(action.instance, action.wish);
}

void Agent::perform(const Announce& action) {
    for_each_placed_address(action.instance, [&](const netlink::Link& link, const IpAddress& address) {
        if (!action.only || *action.only == address) announce(action.instance, link.index, address);
    });
}

void Agent::perform(const Probe& action) {
    for_each_placed_address(action.instance,
                            [&](const netlink::Link& link, const IpAddress& address) { probe(link, address); });
}

void Agent::probe(const netlink::Link& link, const IpAddress& address) {
    Announcement question;
    question.link = link.index;
    question.sender = link.mac;
    question.address = address;
    question.count = 1;
    question.probe = true;
    announcer_.announce(question);
}

void Agent::announce(InstanceId id, int link_index, const IpAddress& address) {
    const netlink::Link* link = monitor_.facts().link(link_index);
    if (link == nullptr) return;  // it went meanwhile
    Announcement announcement;
    announcement.link = link->index;
    announcement.sender = link->mac;
    announcement.address = address;
    announcement.router = true;
    announcement.count = config_.instances[id].announce_count;
    announcement.interval = config_.instances[id].announce_interval;
    announcer_.announce(announcement);
}

void Agent::cannot_announce(const Announcement& announcement, int error) {
    if (announcement.probe) return;  // nobody relies on it
    const auto repeated = announce_failures_.admit(static_cast<std::uint8_t>(error), announcement.address, loop_.now());
    if (!repeated) return;
    log::write(log::Level::warning, fmt::format("cannot announce {}: {}", announcement.address.to_string(),
                                                std::generic_category().message(error)));
}

template <typename Use>
void Agent::for_each_placed_address(InstanceId id, Use use) {
    const InstanceOptions& options = config_.instances[id];
    for_each_address(options, [&](const VirtualAddress& address) {
        const netlink::Link* link = link_of(address, options, monitor_.facts());
        if (link != nullptr) use(*link, address.prefix.address);
    });
}

void Agent::perform(const RoleChanged& action) {
    const LogLine line = log_line(action, router_.instance(action.instance));
    log::write(line.level, line.text, {config_.instances[action.instance].name, to_string(action.to)});
    console_->role_changed(action);
    ++tally_.causes[static_cast<std::size_t>(action.cause)];
    if (!std::exchange(status_due_, true)) status_->arm(loop_.now() + status_delay);
}

void Agent::perform(const GroupChanged& action) {
    log::write(log::Level::info, fmt::format("VRRP_Group({}) Syncing instances to {} state",
                                             config_.groups[action.group].name, to_string(action.to)));
}

void Agent::perform(const Notice& action) {
    const LogLine line = log_line(action, router_.instance(action.instance));
    log::write(line.level, line.text, {config_.instances[action.instance].name, {}});
    console_->noticed(action);
}

// Telling the service manager may wait for it, so many changes are told as one, and shortly.
void Agent::publish_status() {
    std::string text;
    if (router_.size() > status_names) {
        std::map<std::string, std::size_t> counts;
        for (InstanceId id = 0; id < router_.size(); ++id) {
            if (!is_vacant(config_.instances[id])) ++counts[to_string(router_.instance(id).role())];
        }
        for (const auto& [role, count] : counts) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, role);
        return notify::status(text);
    }
    for (InstanceId id = 0; id < router_.size(); ++id) {
        if (is_vacant(config_.instances[id])) continue;
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", config_.instances[id].name,
                            to_string(router_.instance(id).role()));
    }
    notify::status(text);
}

// ---- paths

void Agent::refresh_paths() {
    std::vector<PathChanged> found = find_paths();
    for (InstanceId id = 0; id < found.size(); ++id) {
        if (!is_vacant(config_.instances[id])) refresh_path(id, std::move(found[id]));
    }
    refresh_tracked_links();
    // What kept a socket from opening (no descriptor, no memory) may be over without a word from the kernel.
    if (receivers_.any_problem()) socket_retry_->arm(loop_.now() + socket_retry);
}

// And brings the sockets in line with them.
std::vector<PathChanged> Agent::find_paths() {
    std::vector<PathChanged> found;
    found.reserve(config_.instances.size());
    for (InstanceId id = 0; id < config_.instances.size(); ++id) found.push_back(paths_.find(id));
    receivers_.refresh(found, paths_);
    claims_.refresh();
    return found;
}

// Whether an instance can take part there.
PathChanged Agent::judged(PathChanged path) const {
    if (!path.up) return path;
    const InstanceId id = path.instance;
    const std::string deaf = receivers_.problem(path.interface_index, config_.instances[id].family);
    const auto obstacle = addresses_.obstacle(id);
    if (!deaf.empty()) {
        const std::string& name = monitor_.facts().link(path.interface_index)->name;
        path.reason = Text::format("cannot listen on interface %s: %s", name.c_str(), deaf.c_str());
    } else if (obstacle) {
        path.reason = *obstacle;
    }
    path.up = deaf.empty() && !obstacle;
    return path;
}

// Tells the core where an instance is and whether it can take part, if that is new.
void Agent::refresh_path(InstanceId id, PathChanged path) {
    path = judged(std::move(path));
    const PathChanged& known = router_.instance(id).path();
    if (path.interface_index == known.interface_index && path.up == known.up && path.source == known.source &&
        path.reason == known.reason && path.carrier == known.carrier) {
        return;
    }
    // What was to be announced on a link that is gone has nowhere to go.
    if (known.interface_index != 0 && path.interface_index != known.interface_index) {
        announcer_.cancel(known.interface_index);
    }
    feed(std::move(path));
}

// To the core a tracked interface is one more check.
void Agent::refresh_tracked_links() {
    for (std::size_t i = 0; i < tracked_links_.size(); ++i) {
        const std::string& name = config_.tracked_interfaces[i];
        if (name.empty()) continue;
        const netlink::Link* link = monitor_.facts().link(name);
        const bool well = link != nullptr && link->up && link->running;
        const CheckState state = well ? CheckState::passing : CheckState::failing;
        if (std::exchange(tracked_links_[i], state) == state) continue;
        const char* what = link == nullptr ? "does not exist" : !link->up ? "is down" : "has no carrier";
        feed(CheckChanged{first_tracked_interface + i, state,
                          well ? Text() : Text::format("tracked interface %s %s", name.c_str(), what)});
    }
}

void Agent::look_for_losses(std::span<const netlink::Address> removed) {
    for (const netlink::Address& address : removed) {
        if (const auto loss = addresses_.loss(address)) feed(*loss);
    }
}

// Our own addresses never change a path, but with them away those of others may stand in the way again.
void Agent::settled(const AddressesSettled& answer) {
    feed(answer);
    if (!answer.present) refresh_path(answer.instance, paths_.find(answer.instance));
}

// ---- the operator

Console::World Agent::world() {
    return {config_,
            router_,
            [this](std::vector<Event> events) { feed_all(std::move(events)); },
            [this] { return counters(); },
            [this](std::size_t check) { return checks_[check] ? checks_[check]->verdict() : health::Verdict::unknown; },
            [this](std::size_t service) { return services_.state(service); },
            [this](const VirtualAddress& address, const InstanceOptions& options) {
                const netlink::Link* link = link_of(address, options, monitor_.facts());
                return link != nullptr && !monitor_.facts().holders(link->index, address.prefix.address).empty();
            },
            hooks_,
            read_again_};
}

// ---- checks

std::unique_ptr<health::Check> Agent::make_check(const health::CheckOptions& options, std::size_t check) {
    return std::make_unique<health::Check>(probers_, options,
                                           [this, check](const health::Report& report) { on_report(check, report); });
}

void Agent::find_tracked() {
    tracked_.assign(checks_.size(), false);
    for (InstanceId id = 0; id < config_.instances.size(); ++id) {
        if (std::ranges::find(departing_, id) != departing_.end()) continue;
        for (const Track& track : config_.instances[id].checks) {
            if (track.index < first_tracked_interface) tracked_[track.index] = true;
        }
        for (const std::size_t gate : config_.instances[id].gates) tracked_[gate] = true;
    }
}

void Agent::tell_verdict(std::size_t check) {
    const CheckState state = state_of(checks_[check]->verdict());
    feed(CheckChanged{check, state, Text::format("check %s", config_.checks[check].name.c_str())});
}

void Agent::run_checks() {
    for (std::size_t i = 0; i < checks_.size(); ++i) {
        if (checks_[i]) run_check(i);
    }
}

// The check of a service runs while the service does; one that an instance tracks runs always.
void Agent::run_check(std::size_t check) {
    bool wanted = tracked_[check];
    for (std::size_t i = 0; i < judged_.size() && !wanted; ++i) {
        wanted = judged_[i] && config_.services[i].check == config_.checks[check].name;
    }
    if (!wanted) return checks_[check]->stop();
    if (!checks_[check]->start() || !tracked_[check]) return;
    if (checks_[check]->verdict() == health::Verdict::down) {  // init_fail
        feed(CheckChanged{check, CheckState::unproven,
                          Text::format("check %s: no success yet", config_.checks[check].name.c_str())});
    }
}

void Agent::on_report(std::size_t check, const health::Report& report) {
    const health::CheckOptions& options = config_.checks[check];
    if (report.finding.cls == health::Class::not_asked) {
        return log::write(log::Level::warning, health::log_line(options, report));
    }
    log::write(log::Level::notice, health::log_line(options, report));
    console_->check_reported(check, report);
    const std::string finding = to_string(report.finding);
    const bool new_verdict = report.count > 0;
    const Text reason = new_verdict ? Text::format("check %s: %s, %d/%d", options.name.c_str(), finding.c_str(),
                                                   report.count, report.needed)
                                    : Text::format("check %s: %s", options.name.c_str(), finding.c_str());
    for (std::size_t i = 0; i < config_.services.size() && new_verdict; ++i) {
        if (config_.services[i].check != options.name) continue;
        services_.check_changed(i, report.verdict, std::string(reason.view()));
    }
    if (!tracked_[check]) return;
    CheckChanged change{check, state_of(report.verdict), reason};
    change.cold = report.is_cold();
    change.number = report.finding.number;
    feed(std::move(change));
}

void Agent::judge_service(std::size_t service, bool wanted) {
    judged_[service] = wanted;
    const std::size_t check = find_check(config_, config_.services[service].check);
    if (check < checks_.size()) run_check(check);
}

}  // namespace vrrpd
