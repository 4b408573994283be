#include "health/script_runner.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace vrrpd::health {

struct ScriptRunner::Job {
    Owner owner;
    Command command;
    Callbacks callbacks;  // empty: given up
    std::unique_ptr<Child> child = {};
};

// A child that lives holds what is to be called at its end, and that the job, which holds the child.
ScriptRunner::~ScriptRunner() {
    for (const auto& job : running_) job->child.reset();
}

std::unique_ptr<ScriptRunner::Run> ScriptRunner::run(Owner owner, const Command& command, Callbacks callbacks) {
    auto job = std::make_shared<Job>(Job{owner, command, std::move(callbacks)});
    waiting_.push_back(job);
    auto run = std::make_unique<Run>(*this, std::move(job));
    start_waiting();
    return run;
}

bool ScriptRunner::is_busy(const Job& job) const {
    return std::ranges::any_of(running_, [&](const auto& other) { return other->owner == job.owner; });
}

void ScriptRunner::start_waiting() {
    for (auto next = waiting_.begin(); next != waiting_.end() && running_.size() < most_at_once;) {
        if (is_busy(**next)) {
            ++next;
            continue;
        }
        const auto job = *next;
        next = waiting_.erase(next);
        start(job);
    }
}

void ScriptRunner::start(const std::shared_ptr<Job>& job) {
    running_.push_back(job);
    job->child = starter_.start(job->command, [this, job](ExitStatus status) { ended(job, status); });
    job->callbacks.started();
}

void ScriptRunner::give_up(Job& job) {
    job.callbacks = {};
    std::erase_if(waiting_, [&](const auto& waiting) { return waiting.get() == &job; });
    if (job.child) job.child->signal(SIGKILL);
}

void ScriptRunner::ended(const std::shared_ptr<Job>& job, ExitStatus status) {
    std::erase(running_, job);
    const auto child = std::move(job->child);
    const auto report = std::exchange(job->callbacks, {}).ended;
    start_waiting();
    if (report) report(status);
}

}  // namespace vrrpd::health
