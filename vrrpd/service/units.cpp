#include "vrrpd/service/units.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <poll.h>
#include <time.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <systemd/sd-bus.h>

namespace vrrpd::service {
namespace {

constexpr const char* manager = "org.freedesktop.systemd1";
constexpr const char* manager_path = "/org/freedesktop/systemd1";
constexpr const char* manager_interface = "org.freedesktop.systemd1.Manager";
constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";
constexpr const char* unit_prefix = "/org/freedesktop/systemd1/unit";
constexpr Duration retry_after = std::chrono::seconds(1);
constexpr int messages_at_once = 16;  // then the loop may look at something else

std::string error_of(sd_bus_message* answer) {
    const sd_bus_error* error = sd_bus_message_get_error(answer);
    if (error == nullptr) return {};
    return error->message != nullptr ? error->message : error->name;
}

bool is_not_loaded(sd_bus_message* answer) {
    return sd_bus_error_has_name(sd_bus_message_get_error(answer), "org.freedesktop.systemd1.NoSuchUnit") > 0;
}

/// The object of a unit: letters that a path cannot have are written as bytes.
std::string path_of(const std::string& unit) {
    char* path = nullptr;
    if (sd_bus_path_encode(unit_prefix, unit.c_str(), &path) < 0) return {};
    const std::string result = path;
    std::free(path);
    return result;
}

std::string unit_of(const char* path) {
    char* unit = nullptr;
    if (path == nullptr || sd_bus_path_decode(path, unit_prefix, &unit) <= 0) return {};
    const std::string result = unit;
    std::free(unit);
    return result;
}

}  // namespace

/// The connection, and what is wished of each unit. Calls refer to it by the unit's name, so that what comes late finds
/// nothing rather than something else.
class Units::Bus : public std::enable_shared_from_this<Units::Bus> {
  public:
    Bus(Loop& loop, std::function<void(const std::string&)> problem) : loop_(loop), problem_(std::move(problem)) {
        retry_ = loop.timer([this] { connect(); });
        timeout_ = loop.timer([this] { process(); });
        later_ = loop.timer([this] { report_ended(); });
    }
    ~Bus() { disconnect(); }

    void start(const std::string& unit, std::function<void(ExitStatus)> ended) {
        members_[unit] = {.ended = std::move(ended)};
        pursue(unit);
    }
    void signal(const std::string& unit, int number) {
        Member& member = members_[unit];
        member.wish = Wish::stop;
        member.kill = member.kill || number == SIGKILL;
        pursue(unit);
    }
    /// Nobody wants to hear of it any more.
    void forget(const std::string& unit) { members_.erase(unit); }

  private:
    enum class Wish { run, stop };
    struct Member {
        std::function<void(ExitStatus)> ended;  // empty: nobody wants to know
        Wish wish = Wish::run;
        bool kill = false;
        std::string job{};     // of systemd, that starts it
        bool started = false;  // since then its being inactive is its end
        bool refused = false;  // to stop it, and said so
    };
    struct Call {
        Bus* bus;
        std::string unit;
    };
    using Answer = void (Bus::*)(const std::string& unit, sd_bus_message* answer);

    void connect();
    void disconnect();
    void lose(int error);
    void process();
    void arm();
    void pursue(const std::string& unit);
    void ask_state(const std::string& unit);
    template <Answer answer>
    void call(const std::string& unit, const char* path, const char* interface, const char* method, const char* types,
              auto... arguments);
    void started(const std::string& unit, sd_bus_message* answer);
    void stopped(const std::string& unit, sd_bus_message* answer);
    void killed(const std::string& unit, sd_bus_message* answer);
    void refused(const std::string& unit, const char* what, sd_bus_message* answer);
    void ignored(const std::string&, sd_bus_message*) {}
    /// Then calls without an answer get one of the library, and are wished again on the next connection.
    bool closing() const { return sd_bus_is_open(bus_) <= 0; }
    void state_told(const std::string& unit, sd_bus_message* answer);
    void take_state(const std::string& unit, const std::string& state);
    void end(const std::string& unit, ExitStatus status);
    void report_ended();
    static int on_job_removed(sd_bus_message* message, void* bus, sd_bus_error*);
    static int on_properties(sd_bus_message* message, void* bus, sd_bus_error*);

    Loop& loop_;
    std::function<void(const std::string&)> problem_;
    sd_bus* bus_ = nullptr;
    bool lost_ = false;  // and said so
    std::unique_ptr<Watch> watch_;
    std::unique_ptr<Timer> retry_, timeout_, later_;
    std::map<std::string, Member> members_;
    std::vector<std::pair<std::function<void(ExitStatus)>, ExitStatus>> ended_;  // to be told from the loop
};

// ---- the connection

void Units::Bus::connect() {
    if (bus_ != nullptr) return;
    constexpr const char* changes =
        "type='signal',sender='org.freedesktop.systemd1',interface='org.freedesktop.DBus.Properties',"
        "member='PropertiesChanged',arg0='org.freedesktop.systemd1.Unit'";
    int result = sd_bus_open_system(&bus_);
    if (result >= 0) result = sd_bus_add_match_async(bus_, nullptr, changes, &Bus::on_properties, nullptr, this);
    if (result >= 0)
        result = sd_bus_match_signal_async(bus_, nullptr, manager, manager_path, manager_interface, "JobRemoved",
                                           &Bus::on_job_removed, nullptr, this);
    if (result < 0) return lose(result);
    watch_ = loop_.watch(sd_bus_get_fd(bus_), readable, [this](std::uint32_t) { process(); });
    call<&Bus::ignored>("", manager_path, manager_interface, "Subscribe", "");
    for (const auto& [unit, member] : members_)
        member.wish == Wish::run&& member.started ? ask_state(unit) : pursue(unit);
    arm();
}

void Units::Bus::disconnect() {
    watch_.reset();
    timeout_->disarm();
    bus_ = sd_bus_close_unref(bus_);
}

void Units::Bus::lose(int error) {
    disconnect();
    if (!std::exchange(lost_, true)) problem_(std::string("no connection to systemd: ") + std::strerror(-error));
    retry_->arm(loop_.now() + retry_after);
}

void Units::Bus::process() {
    for (int i = 0; i < messages_at_once && bus_ != nullptr; ++i) {
        const int result = sd_bus_process(bus_, nullptr);
        if (result < 0) return lose(result);
        if (result == 0) break;
    }
    arm();
}

void Units::Bus::arm() {
    if (bus_ == nullptr) return;
    const int events = sd_bus_get_events(bus_);
    watch_->interest(hang_up | (events & POLLIN ? readable : 0u) | (events & POLLOUT ? writable : 0u));
    std::uint64_t due = 0;
    if (sd_bus_get_timeout(bus_, &due) < 0 || due == UINT64_MAX) return timeout_->disarm();
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto passed =
        static_cast<std::uint64_t>(now.tv_sec) * 1000000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
    timeout_->arm(loop_.now() + std::chrono::microseconds(due > passed ? due - passed : 0));
}

// ---- calls and their answers

template <Units::Bus::Answer answer>
void Units::Bus::call(const std::string& unit, const char* path, const char* interface, const char* method,
                      const char* types, auto... arguments) {
    const auto answered = [](sd_bus_message* message, void* data, sd_bus_error*) {
        const Call& call = *static_cast<Call*>(data);
        (call.bus->*answer)(call.unit, message);
        return 0;
    };
    sd_bus_slot* slot = nullptr;
    auto context = std::make_unique<Call>(Call{this, unit});
    const int result = sd_bus_call_method_async(bus_, &slot, manager, path, interface, method, answered, context.get(),
                                                types, arguments...);
    if (result < 0) return problem_(unit + ": " + method + ": " + std::strerror(-result));
    // The slot belongs to the connection, and takes its context along.
    sd_bus_slot_set_destroy_callback(slot, [](void* data) { delete static_cast<Call*>(data); });
    context.release();
    sd_bus_slot_set_floating(slot, true);
    sd_bus_slot_unref(slot);
}

// Repeating a wish does no harm: a unit that runs, or has stopped, stays as it is.
void Units::Bus::pursue(const std::string& unit) {
    if (bus_ == nullptr) return connect();  // which pursues all
    const Member& member = members_.at(unit);
    if (member.wish == Wish::run) {
        call<&Bus::started>(unit, manager_path, manager_interface, "StartUnit", "ss", unit.c_str(), "replace");
    } else {
        call<&Bus::stopped>(unit, manager_path, manager_interface, "StopUnit", "ss", unit.c_str(), "replace");
        if (member.kill)
            call<&Bus::killed>(unit, manager_path, manager_interface, "KillUnit", "ssi", unit.c_str(), "all", SIGKILL);
    }
    arm();
}

void Units::Bus::ask_state(const std::string& unit) {
    call<&Bus::state_told>(unit, path_of(unit).c_str(), "org.freedesktop.DBus.Properties", "Get", "ss", unit_interface,
                           "ActiveState");
}

void Units::Bus::started(const std::string& unit, sd_bus_message* answer) {
    const auto found = members_.find(unit);
    if (found == members_.end() || closing()) return;
    if (const std::string error = error_of(answer); !error.empty()) {
        problem_(unit + " cannot be started: " + error);
        return end(unit, {ExitStatus::Kind::not_started, sd_bus_message_get_errno(answer)});
    }
    const char* job = nullptr;
    if (sd_bus_message_read(answer, "o", &job) >= 0) found->second.job = job;
    lost_ = false;
}

// Only then: what is told of the unit before may still be the end that an earlier wish brought about.
int Units::Bus::on_job_removed(sd_bus_message* message, void* data, sd_bus_error*) {
    auto& bus = *static_cast<Bus*>(data);
    const char *job = nullptr, *unit = nullptr, *result = nullptr;
    if (sd_bus_message_read(message, "uoss", nullptr, &job, &unit, &result) < 0) return 0;
    const auto found = bus.members_.find(unit);
    if (found == bus.members_.end() || found->second.job != job || found->second.wish != Wish::run) return 0;
    if (std::strcmp(result, "done") != 0) {
        bus.problem_(std::string(unit) + " was not started: " + result);
        bus.end(unit, {ExitStatus::Kind::not_started, ECANCELED});
        return 0;
    }
    found->second.started = true;
    bus.ask_state(unit);
    return 0;
}

// One that is not loaded has no need to stop. Any other error leaves it running, and so it counts until its end is
// told.
void Units::Bus::stopped(const std::string& unit, sd_bus_message* answer) {
    const auto found = members_.find(unit);
    if (found == members_.end() || found->second.wish != Wish::stop || closing()) return;
    if (error_of(answer).empty()) return ask_state(unit);
    if (is_not_loaded(answer)) return end(unit, {ExitStatus::Kind::exited, 0});
    refused(unit, "stopped", answer);
}

void Units::Bus::killed(const std::string& unit, sd_bus_message* answer) {
    if (!closing() && !error_of(answer).empty() && !is_not_loaded(answer)) refused(unit, "killed", answer);
}

// Once for each wish: it is repeated, and each time refused alike.
void Units::Bus::refused(const std::string& unit, const char* what, sd_bus_message* answer) {
    const auto found = members_.find(unit);
    if (found == members_.end() || std::exchange(found->second.refused, true)) return;
    problem_(unit + " cannot be " + what + ", and counts as running: " + error_of(answer));
}

void Units::Bus::state_told(const std::string& unit, sd_bus_message* answer) {
    const char* state = nullptr;
    if (error_of(answer).empty() && sd_bus_message_read(answer, "v", "s", &state) >= 0) take_state(unit, state);
}

void Units::Bus::take_state(const std::string& unit, const std::string& state) {
    const auto found = members_.find(unit);
    if (found == members_.end()) return;
    const bool counts = found->second.started || found->second.wish == Wish::stop;
    if (!counts || (state != "inactive" && state != "failed")) return;
    end(unit, {ExitStatus::Kind::exited, state == "failed" ? 1 : 0});
}

int Units::Bus::on_properties(sd_bus_message* message, void* data, sd_bus_error*) {
    auto& bus = *static_cast<Bus*>(data);
    const std::string unit = unit_of(sd_bus_message_get_path(message));
    if (!bus.members_.contains(unit)) return 0;
    if (sd_bus_message_skip(message, "s") < 0 || sd_bus_message_enter_container(message, 'a', "{sv}") < 0) return 0;
    while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
        const char* name = nullptr;
        const char* value = nullptr;
        if (sd_bus_message_read(message, "s", &name) < 0) return 0;
        if (std::strcmp(name, "ActiveState") != 0) {
            if (sd_bus_message_skip(message, "v") < 0) return 0;
        } else if (sd_bus_message_read(message, "v", "s", &value) >= 0) {
            bus.take_state(unit, value);
            return 0;
        }
        sd_bus_message_exit_container(message);
    }
    return 0;
}

// ---- ends

// The owner may start it anew at once, or destroy the child: so not from within a call of the bus.
void Units::Bus::end(const std::string& unit, ExitStatus status) {
    const auto member = members_.extract(unit);
    if (!member || !member.mapped().ended) return;
    ended_.emplace_back(std::move(member.mapped().ended), status);
    later_->arm(loop_.now());
}

void Units::Bus::report_ended() {
    const auto self = shared_from_this();
    for (const auto& [ended, status] : std::exchange(ended_, {})) ended(status);
}

// ---- as the supervisor sees it

class Units::Handle final : public Child {
  public:
    Handle(std::shared_ptr<Bus> bus, std::string unit, std::shared_ptr<bool> over)
        : bus_(std::move(bus)), unit_(std::move(unit)), over_(std::move(over)) {}
    ~Handle() override {
        if (!*over_) bus_->forget(unit_);
        *over_ = true;
    }
    void signal(int number) override {
        if (!*over_) bus_->signal(unit_, number);
    }

  private:
    std::shared_ptr<Bus> bus_;
    std::string unit_;
    std::shared_ptr<bool> over_;  // ended, or nobody cares any more
};

Units::Units(Loop& loop, std::function<void(const std::string&)> problem)
    : bus_(std::make_shared<Bus>(loop, std::move(problem))) {}

Units::~Units() = default;

std::unique_ptr<Child> Units::start(const Command& command, std::function<void(ExitStatus)> ended) {
    auto over = std::make_shared<bool>(false);
    bus_->start(command.argv.front(), [over, ended = std::move(ended)](ExitStatus status) {
        if (!std::exchange(*over, true)) ended(status);
    });
    return std::make_unique<Handle>(bus_, command.argv.front(), std::move(over));
}

void Units::stop(const std::string& unit) {
    bus_->signal(unit, SIGTERM);
}

std::string obstacle_to_units() {
    if (access("/run/dbus/system_bus_socket", F_OK) != 0) return "there is no system bus (package dbus)";
    constexpr const char* polkit = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service";
    if (geteuid() != 0 && access(polkit, F_OK) != 0)
        return "this is not root, and there is no polkit to allow it (package polkitd)";
    return {};
}

}  // namespace vrrpd::service
