#include "vrrpd/reloader.hpp"

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/eventfd.h>

#include "vrrpd/io/log.hpp"
#include "vrrpd/io/notify.hpp"
#include "vrrpd/loop/worker_thread.hpp"

namespace vrrpd {
namespace {

Descriptor open_event() {
    Descriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event) throw std::system_error(errno, std::generic_category(), "eventfd");
    return event;
}

}  // namespace

Reloader::Reading::Reading() : done(open_event()) {}

Reloader::Reloader(Loop& loop, std::string file, Agent& agent, Objection objection)
    : loop_(loop),
      file_(std::move(file)),
      agent_(agent),
      objection_(std::move(objection)),
      reading_(std::make_shared<Reading>()),
      watch_(loop_.watch(reading_->done.get(), readable, [this](std::uint32_t) { finish(); })) {}

void Reloader::reload(Done done) {
    waiting_.push_back(std::move(done));
    if (busy_) return;
    notify::reloading();
    read();
}

// Nobody waits for the thread's end: on a busy machine it may take its time even for that.
void Reloader::read() {
    busy_ = true;
    served_ = std::exchange(waiting_, {});
    const auto work = [reading = reading_, file = file_, objection = objection_] {
        reading->loaded = config::load(file);
        reading->objection = reading->loaded.valid() ? objection(reading->loaded.config) : "";
        reading->complete.store(true, std::memory_order_release);
        const std::uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = write(reading->done.get(), &one, sizeof one);
    };
    try {
        pthread_detach(start_worker("vrrpd-reload", Scheduling::ordinary, usual_stack, work));
    } catch (const std::system_error& error) {
        busy_ = false;
        notify::reloaded();
        tell({false, {fmt::format("no thread to read {}: {}", file_, error.what())}}, std::exchange(served_, {}));
    }
}

void Reloader::finish() {
    std::uint64_t count = 0;
    if (::read(reading_->done.get(), &count, sizeof count) < 0) return;
    if (!reading_->complete.exchange(false, std::memory_order_acquire)) return;
    busy_ = false;
    config::Loaded loaded = std::exchange(reading_->loaded, {});
    auto askers = std::exchange(served_, {});
    Outcome outcome;
    for (const config::Problem& problem : loaded.problems) {
        outcome.problems.push_back(config::to_string(problem));
        const bool error = problem.severity == config::Severity::error;
        log::write(error ? log::Level::error : log::Level::warning, outcome.problems.back());
    }
    if (!reading_->objection.empty()) {
        log::write(log::Level::error, outcome.problems.emplace_back(reading_->objection));
    }
    if (loaded.valid() && reading_->objection.empty()) {
        agent_.reload(std::move(loaded.config), [this, outcome, askers](const Agent::Reloaded& reloaded) mutable {
            outcome.applied = reloaded.obstacle.empty();
            for (const std::string& warning : reloaded.warnings) outcome.problems.push_back("warning: " + warning);
            if (!outcome.applied) outcome.problems.push_back(reloaded.obstacle);
            tell(std::move(outcome), std::move(askers));
        });
    } else {
        tell(std::move(outcome), std::move(askers));
    }
    if (!waiting_.empty()) return read();
    notify::reloaded();
}

void Reloader::tell(Outcome outcome, std::vector<Done> askers) {
    agent_.reload_ended(outcome.applied);
    if (outcome.applied && applied_) applied_();
    if (!outcome.applied) {
        log::write(log::Level::error, fmt::format("not reloaded, what was in force goes on: {}",
                                                  outcome.problems.empty() ? "" : outcome.problems.back()));
    }
    for (const Done& done : askers) {
        if (done) done(outcome);
    }
}

}  // namespace vrrpd
