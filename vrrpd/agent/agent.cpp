#include "vrrpd/agent/agent.hpp"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "vrrpd/agent/log_lines.hpp"
#include "vrrpd/agent/paths.hpp"
#include "vrrpd/io/log.hpp"
#include "vrrpd/io/notify.hpp"

namespace vrrpd {
namespace {

// Packets read before a timer is honoured: an advert that is in the socket wins over an expiry noticed late
// (D12), a flood does not keep the timer waiting.
constexpr std::size_t drain_batches = 8;

std::size_t find_check(const config::Config& config, const std::string& name) {
    const auto found = std::ranges::find(config.checks, name, &health::CheckOptions::name);
    return static_cast<std::size_t>(found - config.checks.begin());
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

// Whether the check of each service goes to an address that is here while another host is MASTER, too.
std::vector<bool> standby_checks(const config::Config& config, std::span<const IpAddress> virtual_addresses) {
    std::vector<bool> standby;
    for (const service::ServiceOptions& service : config.services) {
        const std::size_t check = find_check(config, service.check);
        standby.push_back(check < config.checks.size() &&
                          std::ranges::find(virtual_addresses, config.checks[check].endpoint.address) ==
                              virtual_addresses.end());
    }
    return standby;
}

}  // namespace

Agent::Agent(Loop& loop, ChildStarter& starter, const config::Config& config, std::function<void()> finished)
    : loop_(loop),
      config_(config),
      finished_(std::move(finished)),
      virtual_addresses_(virtual_addresses(config.instances)),
      router_(config.instances),
      deadline_(loop.timer([this] { on_deadline(); }, Urgency::protocol)),
      monitor_(loop, [this](const auto&) { refresh_paths(); }),
      requests_(loop),
      addresses_(requests_, monitor_.facts(), config.instances,
                 [this](const AddressesSettled& settled) { feed(settled); }),
      announcer_(loop,
                 [](const Announcement& announcement, int error) {
                     log::write(log::Level::warning,
                                fmt::format("cannot announce {}: {}", announcement.address.to_string(),
                                            std::generic_category().message(error)));
                 }),
      paths_(config.instances.size()),
      tracked_(config.checks.size(), false),
      services_(loop, starter, config.services, config.instances, standby_checks(config, virtual_addresses_),
                {[this](const ServicesChanged& change) { feed(change); },
                 [this](std::size_t service, bool wanted) { judge_service(service, wanted); },
                 [this] { leave_when_done(); }}) {
    for (std::size_t i = 0; i < config.checks.size(); ++i) {
        checks_.push_back(std::make_unique<health::Check>(
            loop, starter, config.checks[i],
            [this, i](const health::Report& report) { on_report(i, report); }));
    }
}

void Agent::start() {
    monitor_.start();
    addresses_.remove_leftovers();
    refresh_paths();
    feed(Startup{});
    start_checks();
    services_.begin();
    publish_status();
}

void Agent::shut_down() {
    if (std::exchange(shutting_down_, true)) return;
    services_.leave();
    feed(Shutdown{});
}

// ---- facts in
// --------------------------------------------------------------------------------------------------

void Agent::feed(Event event) {
    facts_.push_back(std::move(event));
    if (!in_round_) end_round();
}

void Agent::take(const Packet& packet) {
    router_.handle(packet, loop_.now(), actions_);
    if (!in_round_) end_round();
}

void Agent::on_deadline() {
    in_round_ = true;
    for (const auto& [segment, receiver] : receivers_) receiver->drain(drain_batches);
    router_.expire(loop_.now(), actions_);
    end_round();
}

// ---- actions out
// -----------------------------------------------------------------------------------------------

// Carrying out an action may bring a new fact at once, which joins the round.
void Agent::end_round() {
    in_round_ = true;
    do {
        perform_all();
        while (!facts_.empty()) {
            const Event event = std::move(facts_.front());
            facts_.pop_front();
            router_.handle(event, loop_.now(), actions_);
            perform_all();
        }
        sender_.flush([this](std::size_t instance, int error) {
            log::write(log::Level::warning,
                       fmt::format("({}) cannot send: {}", config_.instances[instance].name,
                                   std::generic_category().message(error)));
            facts_.push_back(SendFailed{instance});
        });
    } while (!facts_.empty());
    requests_.flush();
    deadline_->arm(router_.next_deadline());
    in_round_ = false;
    leave_when_done();
}

void Agent::leave_when_done() {
    if (!shutting_down_ || in_round_ || !router_.finished()) return;
    services_.end_all();
    if (services_.all_ended()) std::exchange(finished_, [] {})();
}

void Agent::perform_all() {
    for (const Action& action : actions_) {
        std::visit([this](const auto& wish) { perform(wish); }, action);
    }
    actions_.clear();
}

void Agent::perform(const SendAdvert& action) {
    const Instance& instance = router_.instance(action.instance);
    const std::size_t size = instance.encode(action.priority, message_);
    Datagram datagram;
    datagram.tag = action.instance;
    datagram.interface_index = instance.path().interface_index;
    datagram.source = *instance.path().source;
    datagram.destination = vrrp_group(instance.options().family);
    datagram.message = std::span(message_).first(size);
    sender_.queue(datagram);
}

void Agent::perform(const SetAddresses& action) {
    if (!action.wanted) {
        for_each_placed_address(action.instance, [this](const netlink::Link& link, const IpAddress& address) {
            announcer_.cancel(link.index, address);
        });
    }
    addresses_.set(action.instance, action.wanted);
}

void Agent::perform(const SetServices& action) {
    services_.set(action.instance, action.wish);
}

void Agent::perform(const Announce& action) {
    const InstanceOptions& options = config_.instances[action.instance];
    for_each_placed_address(action.instance, [&](const netlink::Link& link, const IpAddress& address) {
        Announcement announcement;
        announcement.link = link.index;
        announcement.sender = link.mac;
        announcement.address = address;
        announcement.router = true;
        announcement.count = options.announce_count;
        announcement.interval = options.announce_interval;
        announcer_.announce(announcement);
    });
}

template <typename Use>
void Agent::for_each_placed_address(InstanceId id, Use use) {
    const InstanceOptions& options = config_.instances[id];
    for (const auto* list : {&options.addresses, &options.excluded_addresses}) {
        for (const VirtualAddress& address : *list) {
            const netlink::Link* link = link_of(address, options, monitor_.facts());
            if (link != nullptr) use(*link, address.prefix.address);
        }
    }
}

void Agent::perform(const RoleChanged& action) {
    const LogLine line = log_line(action, router_.instance(action.instance));
    log::write(line.level, line.text, {config_.instances[action.instance].name, to_string(action.to)});
    publish_status();
}

void Agent::perform(const Notice& action) {
    const LogLine line = log_line(action, router_.instance(action.instance));
    log::write(line.level, line.text, {config_.instances[action.instance].name, {}});
}

void Agent::publish_status() {
    std::string text;
    for (InstanceId id = 0; id < router_.size(); ++id) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", config_.instances[id].name,
                            to_string(router_.instance(id).role()));
    }
    notify::status(text);
}

// ---- paths
// -----------------------------------------------------------------------------------------------------

void Agent::refresh_paths() {
    open_receivers();
    for (InstanceId id = 0; id < paths_.size(); ++id) {
        PathChanged path = find_path(id, config_.instances[id], monitor_.facts(), virtual_addresses_);
        const Segment segment{path.interface_index, config_.instances[id].family};
        if (path.up && !receivers_.contains(segment)) {
            path.up = false;
            path.reason =
                Text::format("cannot listen on interface %s", config_.instances[id].interface.c_str());
        }
        const PathChanged& known = paths_[id];
        if (path.interface_index == known.interface_index && path.up == known.up &&
            path.source == known.source && path.reason == known.reason) {
            continue;
        }
        paths_[id] = path;
        feed(path);
    }
}

// One receiver for each interface and family that an instance uses; none for an interface that is gone.
void Agent::open_receivers() {
    std::erase_if(receivers_,
                  [this](const auto& entry) { return monitor_.facts().link(entry.first.first) == nullptr; });
    for (const InstanceOptions& instance : config_.instances) {
        const netlink::Link* link = monitor_.facts().link(instance.interface);
        if (link == nullptr || receivers_.contains({link->index, instance.family})) continue;
        const Segment segment{link->index, instance.family};
        try {
            receivers_[segment] =
                std::make_unique<AdvertReceiver>(loop_, segment.second, segment.first, filter_for(segment),
                                                 [this](const Packet& packet) { take(packet); });
        } catch (const std::system_error& error) {
            receivers_.erase(segment);
            log::write(log::Level::warning,
                       fmt::format("interface {}: {}", instance.interface, error.what()));
        }
    }
}

AdvertFilter Agent::filter_for(const Segment& segment) const {
    AdvertFilter filter;
    for (const InstanceOptions& instance : config_.instances) {
        const netlink::Link* link = monitor_.facts().link(instance.interface);
        if (link == nullptr || Segment{link->index, instance.family} != segment) continue;
        (instance.version == Version::v2 ? filter.version_2 : filter.version_3) = true;
        filter.virtual_router_ids.set(instance.virtual_router_id);
    }
    return filter;
}

// ---- checks
// ----------------------------------------------------------------------------------------------------

void Agent::start_checks() {
    for (const InstanceOptions& instance : config_.instances) {
        for (const Track& track : instance.checks) tracked_[track.index] = true;
        for (const std::size_t gate : instance.gates) tracked_[gate] = true;
    }
    for (std::size_t i = 0; i < checks_.size(); ++i) {
        if (!tracked_[i]) continue;
        checks_[i]->start();
        // init_fail: failing until the first success.
        if (checks_[i]->verdict() == health::Verdict::down) {
            feed(CheckChanged{i, CheckState::failing,
                              Text::format("check %s: no success yet", config_.checks[i].name.c_str())});
        }
    }
}

void Agent::on_report(std::size_t check, const health::Report& report) {
    const health::CheckOptions& options = config_.checks[check];
    log::write(log::Level::notice, health::log_line(options, report));
    const Text reason = Text::format("check %s: %s, %d/%d", options.name.c_str(),
                                     to_string(report.finding).c_str(), report.count, report.needed);
    for (std::size_t i = 0; i < config_.services.size(); ++i) {
        if (config_.services[i].check != options.name) continue;
        services_.check_changed(i, report.verdict, std::string(reason.view()));
    }
    if (tracked_[check]) feed(CheckChanged{check, state_of(report.verdict), reason});
}

// The check of a service runs while the service does; one that an instance tracks runs anyway.
void Agent::judge_service(std::size_t service, bool wanted) {
    const std::size_t check = find_check(config_, config_.services[service].check);
    if (check == checks_.size()) return;
    if (!wanted) {
        if (!tracked_[check]) checks_[check]->stop();
        return;
    }
    if (!tracked_[check]) checks_[check]->start();
    if (checks_[check]->verdict() == health::Verdict::up)
        services_.check_changed(service, health::Verdict::up, {});
}

}  // namespace vrrpd
