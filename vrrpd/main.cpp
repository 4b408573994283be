// The process: configuration, launcher, log, loop, agent, in the order that each needs.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <iostream>
#include <malloc.h>
#include <stdexcept>
#include <unistd.h>

#include <fmt/format.h>

#include "vrrpd/agent/agent.hpp"
#include "vrrpd/command_line.hpp"
#include "vrrpd/config/check_command.hpp"
#include "vrrpd/config/load.hpp"
#include "vrrpd/first_process.hpp"
#include "vrrpd/guard/lock.hpp"
#include "vrrpd/guard/record.hpp"
#include "vrrpd/io/log.hpp"
#include "vrrpd/io/notify.hpp"
#include "vrrpd/io/realtime.hpp"
#include "vrrpd/io/resident.hpp"
#include "vrrpd/io/watchdog.hpp"
#include "vrrpd/launcher/launcher.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/sd_event_loop.hpp"
#include "vrrpd/release.hpp"
#include "vrrpd/reloader.hpp"
#include "vrrpd/service/units.hpp"

namespace vrrpd {
namespace {

constexpr int exit_failure = 1;
constexpr int exit_configuration = 2;  // systemd does not restart after this one

// Whoever starts us with these closed would find our sockets in their place.
void occupy_standard_descriptors() {
    int descriptor = 0;
    while (descriptor >= 0 && descriptor <= STDERR_FILENO) descriptor = open("/dev/null", O_RDWR);
    if (descriptor >= 0) close(descriptor);
}

log::Options log_options(const config::GlobalOptions& global) {
    log::Options options;
    options.target = global.log_target;
    options.level = global.log_level;
    options.facility = global.log_facility;
    return options;
}

void become_realtime(const config::GlobalOptions& global) {
    if (global.realtime) {
        if (const auto result = make_thread_realtime(); !result) log::write(log::Level::warning, result.error());
    }
    if (global.lock_memory) {
        if (const auto result = lock_memory(); !result) log::write(log::Level::warning, result.error());
    }
}

// What a planned demotion may take: the services' end, a moment for addresses and adverts, and notify_stop.
Duration longest_stop(const config::Config& config) {
    Duration longest = std::chrono::seconds(2);
    for (const InstanceOptions& instance : config.instances) {
        longest = std::max<Duration>(longest, instance.stop_bound + std::chrono::seconds(2));
        if (instance.hooks.any())
            longest =
                std::max<Duration>(longest, instance.stop_bound + instance.hooks.timeout + std::chrono::seconds(2));
    }
    return longest;
}

// A place that a reload has left vacant counts as little as one that is slow.
Duration fastest_interval(const config::Config& config) {
    Duration fastest = Duration::max();
    for (const InstanceOptions& instance : config.instances) {
        if (!is_vacant(instance)) fastest = std::min(fastest, instance.advert_interval);
    }
    return fastest;
}

// What is sure to fail at the first takeover had better fail now.
std::string obstacle_to_units(const config::Config& config) {
    const auto unit = std::ranges::find_if(config.services, [](const auto& service) { return !service.unit.empty(); });
    const std::string obstacle = unit == config.services.end() ? "" : service::obstacle_to_units();
    if (obstacle.empty()) return {};
    return fmt::format("[service {}] unit: {} cannot be started: {}; allowed is command, too", unit->name, unit->unit,
                       obstacle);
}

int run(config::Config config, const std::string& file, LauncherProcess launcher_process) {
    SdEventLoop loop;
    std::unique_ptr<Agent> agent;
    int exit_code = 0;
    const auto leave = [&](int code, const char* why, void (Agent::*way)() = &Agent::shut_down) {
        log::write(log::Level::notice, why);
        notify::stopping(longest_stop(agent->config()));
        exit_code = code;
        (*agent.*way)();
    };
    loop.on_signal(SIGTERM, [&] { leave(0, "stopping on SIGTERM"); });
    loop.on_signal(SIGINT, [&] { leave(0, "stopping on SIGINT"); });
    loop.on_signal(SIGUSR2, [&] { leave(0, "stopping on SIGUSR2, for a successor", &Agent::restart); });
    std::unique_ptr<Reloader> reloader;
    loop.on_signal(SIGHUP, [&] { reloader->reload(); });
    signal(SIGPIPE, SIG_IGN);

    log::start(log_options(config.global));
    const Descriptor lock = take_lock();
    const std::string record_file = record_path(config.global.control_socket);
    auto predecessor = RecordReader::open(record_file);
    Record record(record_file, config.instances);
    if (!record.problem().empty()) {
        log::write(log::Level::warning, record.problem() + "; a restart will hand over instead");
    }
    become_realtime(config.global);

    Launcher launcher(loop, std::move(launcher_process),
                      [&] { leave(exit_failure, "stopping: the launcher process is gone"); });
    const auto tell_no_guard = [&] {
        const char* const no_guard = "no guard: what is held when this process hangs stays until its lease ends";
        log::write(log::Level::warning, no_guard);
        if (agent) agent->warn(no_guard);
    };
    launcher.on_no_guard(tell_no_guard);
    const auto set_guard = [&](int descriptor) {
        if (!launcher.guard(descriptor)) tell_no_guard();
    };
    record.on_renewed(set_guard);
    agent = std::make_unique<Agent>(loop, launcher, std::move(config), record, [&] { loop.quit(exit_code); });
    set_guard(record.descriptor());
    if (!record.problem().empty()) agent->warn("a restart will hand over: " + record.problem());
    reloader = std::make_unique<Reloader>(loop, file, *agent, obstacle_to_units);
    agent->on_reload([&](auto done) {
        reloader->reload([done](const Reloader::Outcome& outcome) { done(outcome.applied, outcome.problems); });
    });
    agent->start(predecessor);
    predecessor.reset();
    log::write(log::Level::info, fmt::format("vrrpd {} started on {}: {} instance(s)", VRRPD_VERSION,
                                             agent->config().global.router_id, agent->config().instances.size()));
    notify::ready();
    Watchdog watchdog(loop, fastest_interval(agent->config()));
    reloader->on_applied([&] { watchdog.adapt(fastest_interval(agent->config())); });
    forget_startup_pages();
    const int result = loop.run();
    if (agent->leaves_legacy()) launcher.leave_on_guard();
    reloader.reset();
    agent.reset();
    log::stop();
    return result;
}

// The file only tells where the runtime record is; one that cannot be read keeps no address in place.
int release_leftovers(const std::string& file) {
    const config::Loaded loaded = config::load(file);
    const config::GlobalOptions global = loaded.valid() ? loaded.config.global : config::GlobalOptions();
    const char* const result = std::getenv("SERVICE_RESULT");
    const bool done = release(record_path(global.control_socket), result == nullptr ? "" : result);
    log::stop();
    return done ? 0 : exit_failure;
}

int serve(const std::string& file) {
    leave_first_process();
    // First of all: the launcher must not inherit threads, real-time scheduling or locked memory, nor what reading a
    // long file leaves in the heap.
    LauncherProcess launcher_process = Launcher::fork_process();
    // What a start or a takeover of a thousand instances needs for a moment goes back to the system.
    mallopt(M_MMAP_THRESHOLD, 64 << 10);
    mallopt(M_TRIM_THRESHOLD, 64 << 10);
    config::Loaded loaded = config::load(file);
    malloc_trim(0);  // reading takes several times the memory of what was read
    for (const config::Problem& problem : loaded.problems) std::cerr << config::to_string(problem) << '\n';
    if (!loaded.valid()) return exit_configuration;
    if (const std::string obstacle = obstacle_to_units(loaded.config); !obstacle.empty()) {
        std::cerr << obstacle << '\n';
        return exit_configuration;
    }
    return run(std::move(loaded.config), file, std::move(launcher_process));
}

}  // namespace
}  // namespace vrrpd

int main(int argc, char** argv) {
    using namespace vrrpd;
    occupy_standard_descriptors();
    const CommandLine line = parse_command_line(argc, argv);
    if (line.exit_code) return *line.exit_code;
    if (line.check) return config::check_files(line.files_to_check, std::cout, std::cerr);
    try {
        return line.release ? release_leftovers(line.file) : serve(line.file);
    } catch (const std::exception& error) {
        log::write(log::Level::error, fmt::format("cannot go on: {}", error.what()));
        log::stop();
        return exit_failure;
    }
}
