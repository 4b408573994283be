#include "vrrpd/hooks/runner.hpp"

#include <csignal>
#include <utility>

#include <fmt/format.h>

namespace vrrpd::hooks {

std::string Outcome::to_string() const {
    if (!late) return status.to_string();
    return fmt::format("no end within {} s, killed", std::chrono::duration<double>(wish.timeout).count());
}

Runner::Runner(Loop& loop, ChildStarter& starter, Owner owner, std::function<const Hooks&()> hooks,
               Credentials credentials, Listener listener)
    : loop_(loop),
      starter_(starter),
      owner_(std::move(owner)),
      hooks_(std::move(hooks)),
      credentials_(credentials),
      listener_(std::move(listener)),
      deadline_(loop.timer([this] { on_deadline(); })) {}

void Runner::add(const RunHook& wish) {
    for (const RunHook& skipped : queue_.add(wish)) listener_.skipped(skipped);
}

void Runner::drop(std::uint64_t run) {
    if (const auto dropped = queue_.drop(run)) listener_.skipped(*dropped);
}

// Other options may have come since the wish, with fewer hooks.
void Runner::begin() {
    while (!job_) {
        const auto wish = queue_.begin();
        if (!wish) return;
        auto meant = meant_by(*wish, hooks_());
        if (meant.empty()) {
            queue_.ended();
            continue;
        }
        job_ = Job{*wish, std::move(meant)};
        start();
    }
}

void Runner::start() {
    job_->started = loop_.now();
    job_->reported = false;
    deadline_->arm(job_->started + job_->wish.timeout);
    child_ = starter_.start(call(owner_, job_->wish, hooks_()[job_->left.front()], credentials_),
                            [this](ExitStatus status) { on_end(status); });
}

void Runner::report(bool late, const ExitStatus& status) {
    job_->reported = true;
    Outcome outcome;
    outcome.late = late;
    outcome.status = status;
    outcome.hook = job_->left.front();
    outcome.wish = job_->wish;
    outcome.took = loop_.now() - job_->started;
    listener_.ended(outcome);
}

// Whoever waits learns it now; a process that the kernel cannot end keeps the others out all the same.
void Runner::on_deadline() {
    child_->signal(SIGKILL);
    report(true, {});
}

void Runner::on_end(const ExitStatus& status) {
    deadline_->disarm();
    child_.reset();
    if (!job_->reported) report(false, status);
    job_->left.erase(job_->left.begin());
    if (!job_->left.empty() && hooks_().has(job_->left.front())) return start();
    job_.reset();
    queue_.ended();
    begin();
    if (idle()) listener_.idle();
}

}  // namespace vrrpd::hooks
