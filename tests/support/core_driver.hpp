// Drives a Router on a virtual clock and tells what it did as a line of words, so that the order of actions
// can be compared with a sentence of docs/architecture.md: "advert 200, addresses on". Adverts of peers go in as bytes.
#pragma once

#include <algorithm>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "vrrpd/core/router.hpp"

namespace vrrpd::test {

inline IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}

inline VirtualAddress vip(const char* text) {
    return {*Prefix::parse(text), "", ""};
}

/// Version 3 over IPv4, VRID 51, priority 100, adverts of 100 ms, one address.
inline InstanceOptions plain_options() {
    InstanceOptions options;
    options.name = "VI_1";
    options.interface = "eth0";
    options.virtual_router_id = 51;
    options.advert_interval = std::chrono::milliseconds(100);
    options.addresses = {vip("10.9.0.100")};
    return options;
}

/// A received message that owns its bytes.
struct Message {
    Packet packet;
    std::vector<std::uint8_t> bytes;

    Message() = default;
    Message(const Outgoing& advert, int interface_index) : bytes(max_message_size) {
        bytes.resize(encode(advert, bytes));
        packet.interface_index = interface_index;
        packet.source = advert.source;
        packet.destination = advert.destination;
        packet.ttl = 255;
    }
    Packet view() const {
        Packet copy = packet;
        copy.message = bytes;
        return copy;
    }
    Message& byte(std::size_t index, std::uint8_t value) {
        bytes[index] = value;
        return *this;
    }
    /// Puts the checksum right again. IPv4, message only.
    Message& seal() {
        bytes[6] = bytes[7] = 0;
        const std::uint16_t sum = internet_checksum_of_bytes();
        return byte(6, static_cast<std::uint8_t>(sum >> 8)).byte(7, static_cast<std::uint8_t>(sum));
    }

  private:
    // Its own arithmetic, so that no test compares the code with itself.
    std::uint16_t internet_checksum_of_bytes() const {
        unsigned long sum = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i) sum += bytes[i] * (i % 2 == 0 ? 256ul : 1ul);
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
        return static_cast<std::uint16_t>(~sum);
    }
};

class CoreDriver {
  public:
    static constexpr int interface_index = 2;

    explicit CoreDriver(InstanceOptions options = plain_options())
        : CoreDriver(std::vector<InstanceOptions>{std::move(options)}) {}
    explicit CoreDriver(std::vector<InstanceOptions> options) : options_(std::move(options)), router_(options_) {}
    CoreDriver(const CoreDriver&) = delete;
    CoreDriver& operator=(const CoreDriver&) = delete;

    // ---- what happens to it
    void handle(const Event& event) { router_.handle(event, now_, actions_); }

    /// Has a path and takes part.
    void start(const char* source = "10.9.0.1") {
        path_up(source);
        handle(Startup{});
    }
    void path_up(const char* source = "10.9.0.1") { handle(PathChanged{0, interface_index, true, ip(source), ""}); }
    void path_down() { handle(PathChanged{0, interface_index, false, ip("10.9.0.1"), "eth0 is down"}); }
    void check(std::size_t index, CheckState state, int number = 0) {
        handle(CheckChanged{index, state, "check said so", false, number});
    }
    void addresses(bool present) { handle(AddressesSettled{0, present, false, ""}); }
    void addresses_refused() { handle(AddressesSettled{0, true, true, "the kernel refused"}); }
    void services(ServicesState state) { handle(ServicesChanged{0, state, "proxy exited"}); }
    /// The latest hook that was waited for ends.
    void hook(bool ok, InstanceId id = 0) {
        for (const Action& action : actions_) note_run(action);
        handle(HookEnded{id, runs_.at(id), ok, ok ? "" : "the hook failed"});
    }
    void shutdown() { handle(Shutdown{}); }
    /// Other options for all instances, and other groups.
    void reload(std::vector<InstanceOptions> options, std::vector<SyncGroupOptions> groups = {}) {
        Reconfigured event;
        for (InstanceId id = 0; id < options.size(); ++id) event.changed.push_back(id);
        reload(std::move(event), std::move(options), std::move(groups));
    }
    void reload(InstanceOptions options) { reload(std::vector<InstanceOptions>{std::move(options)}); }
    void reload(Reconfigured event, std::vector<InstanceOptions> options, std::vector<SyncGroupOptions> groups = {}) {
        auto& kept = reloaded_.emplace_back(std::move(options), std::move(groups));
        event.instances = &kept.first;
        event.groups = &kept.second;
        handle(event);
    }

    /// An advert of a peer that is configured like us.
    Message advert(int priority, const char* source = "10.9.0.2") const {
        const InstanceOptions& ours = options_.front();
        Outgoing advert;
        advert.version = ours.version;
        advert.virtual_router_id = ours.virtual_router_id;
        advert.priority = static_cast<std::uint8_t>(priority);
        advert.interval = ours.advert_interval;
        advert.password = ours.password;
        advert.addresses = ours.addresses;
        advert.source = ip(source);
        advert.destination = vrrp_group(ours.family);
        return {advert, interface_index};
    }
    void hear(int priority, const char* source = "10.9.0.2") { handle(advert(priority, source).view()); }
    void hear_every(Duration interval, int priority, const char* source = "10.9.0.2") {
        const InstanceOptions& ours = options_.front();
        Outgoing other{ours.version,           ours.virtual_router_id, static_cast<std::uint8_t>(priority), interval,
                       ours.password,          ours.addresses,         ChecksumForm::pseudo_header,         ip(source),
                       vrrp_group(ours.family)};
        handle(Message(other, interface_index).view());
    }

    /// Lets time pass; everything is done at the time it is due.
    void pass(Duration duration) {
        const Instant end = now_ + duration;
        while (router_.next_deadline() <= end) {
            now_ = std::max(now_, router_.next_deadline());
            router_.expire(now_, actions_);
        }
        now_ = end;
    }
    /// Lets time pass without a chance to do anything: a stopped process.
    void freeze(Duration duration) { now_ += duration; }
    void expire() { router_.expire(now_, actions_); }

    /// Time until it becomes Active if nothing else happens, to the nanosecond; stops there, or gives up.
    Duration time_to_active() {
        const Instant begin = now_;
        while (state() != Instance::State::active && router_.next_deadline() - begin < std::chrono::hours(1)) {
            now_ = std::max(now_, router_.next_deadline());
            router_.expire(now_, actions_);
        }
        return now_ - begin;
    }

    /// From nothing to Active with addresses, services and announcement; says nothing of it.
    void become_active() {
        start();
        time_to_active();
        addresses(true);
        if (!options_.front().services.empty()) services(ServicesState::ready);
        story();
    }

    // ---- what it did
    /// What was done since the last call, without roles and notices.
    std::string story() {
        std::string words;
        for (const Action& action : std::exchange(actions_, {})) {
            note_run(action);
            const std::string word = describe(action);
            if (!word.empty()) words += (words.empty() ? "" : ", ") + word;
        }
        return words;
    }
    /// The roles entered since the last call: "BACKUP, MASTER". Drops the rest.
    std::string roles() {
        std::string words;
        for (const Action& action : std::exchange(actions_, {})) {
            if (const auto* change = std::get_if<RoleChanged>(&action))
                words += (words.empty() ? "" : ", ") + std::string(to_string(change->to));
        }
        return words;
    }
    int count_notices(Notice::Kind kind) const {
        return static_cast<int>(std::ranges::count_if(actions_, [&](const Action& action) {
            const auto* notice = std::get_if<Notice>(&action);
            return notice != nullptr && notice->kind == kind;
        }));
    }
    /// The reason given for the last change of role.
    std::string last_reason() const {
        std::string reason;
        for (const Action& action : actions_) {
            if (const auto* change = std::get_if<RoleChanged>(&action)) reason = change->reason.view();
        }
        return reason;
    }

    // ---- looks
    Router& router() { return router_; }
    const Instance& instance() const { return router_.instance(0); }
    Instance::State state() const { return instance().state(); }
    Instant now() const { return now_; }
    Duration until_deadline() const { return router_.next_deadline() - now_; }
    const Actions& actions() const { return actions_; }
    Actions take_actions() { return std::exchange(actions_, {}); }
    std::uint64_t refused(Refusal why) const { return instance().counters().refused[static_cast<std::size_t>(why)]; }
    std::uint64_t unassigned(Refusal why) const { return router_.unassigned()[static_cast<std::size_t>(why)]; }

  private:
    static std::string describe(const Action& action) {
        if (const auto* send = std::get_if<SendAdvert>(&action)) return "advert " + std::to_string(send->priority);
        if (const auto* addresses = std::get_if<SetAddresses>(&action))
            return !addresses->wanted
                       ? addresses->close_connections ? "connections closed, addresses off" : "addresses off"
                   : addresses->announce ? "addresses on and announced"
                                         : "addresses on";
        if (const auto* services = std::get_if<SetServices>(&action)) {
            static constexpr const char* wishes[] = {"services run", "services stop", "services stop fast",
                                                     "services settle"};
            return wishes[static_cast<std::size_t>(services->wish)];
        }
        if (const auto* hook = std::get_if<RunHook>(&action))
            return hook->hook == Hook::notify ? std::string("told ") + to_string(hook->to) : to_string(hook->hook);
        if (const auto* hook = std::get_if<RunGroupHook>(&action))
            return std::string("group told ") + to_string(hook->to);
        if (std::holds_alternative<DropHook>(action)) return "hook dropped";
        return std::holds_alternative<Announce>(action) ? "announce" : "";
    }

    void note_run(const Action& action) {
        const auto* hook = std::get_if<RunHook>(&action);
        if (hook != nullptr && hook->run != 0) runs_[hook->instance] = hook->run;
    }

    const std::vector<InstanceOptions> options_;
    std::map<InstanceId, std::uint64_t> runs_;
    std::list<std::pair<std::vector<InstanceOptions>, std::vector<SyncGroupOptions>>> reloaded_;
    Router router_;
    Actions actions_;
    Instant now_{std::chrono::hours(1)};
};

/// Adverts of 1 s, a service, a check whose failure is a fault, one announcement.
inline InstanceOptions with_service() {
    InstanceOptions options = plain_options();
    options.advert_interval = std::chrono::seconds(1);
    options.services = {0};
    options.checks = {Track{0, std::nullopt, false}};
    options.announce_repeat_delay = options.announce_refresh = Duration::zero();
    return options;
}

/// Active and serving, its check passing.
struct Serving : CoreDriver {
    explicit Serving(InstanceOptions options = with_service()) : CoreDriver(std::move(options)) {
        check(0, CheckState::passing);
        become_active();
    }
};

}  // namespace vrrpd::test
