#include "vrrpd/loop/worker_thread.hpp"

#include <algorithm>
#include <csignal>
#include <memory>
#include <sched.h>
#include <system_error>

namespace vrrpd {
namespace {

struct Policy {
    int policy = SCHED_OTHER;
    sched_param parameters{};
};

// For a thread that works for the calling one.
Policy policy_of(Scheduling scheduling) {
    Policy result{sched_getscheduler(0) & ~SCHED_RESET_ON_FORK, {}};
    const bool real_time = result.policy == SCHED_RR || result.policy == SCHED_FIFO;
    if (scheduling == Scheduling::ordinary || !real_time) return {};
    sched_getparam(0, &result.parameters);
    result.parameters.sched_priority = std::max(1, result.parameters.sched_priority - 1);
    return result;
}

// Who could not become real-time himself has said so; one that was started as such may not ask for a policy.
void apply(const Policy& wanted) {
    if (sched_getscheduler(0) == wanted.policy) {
        sched_setparam(0, &wanted.parameters);
    } else {
        sched_setscheduler(0, wanted.policy, &wanted.parameters);
    }
}

struct Start {
    const char* name;
    Policy policy;
    std::function<void()> work;
};

void* run(void* argument) {
    const std::unique_ptr<Start> start(static_cast<Start*>(argument));
    pthread_setname_np(pthread_self(), start->name);
    apply(start->policy);
    start->work();
    return nullptr;
}

}  // namespace

pthread_t start_worker(const char* name, Scheduling scheduling, std::size_t stack_size, std::function<void()> work) {
    pthread_attr_t attributes;
    sigset_t all;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_size);
    pthread_attr_setsigmask_np(&attributes, &all);
    auto start = std::make_unique<Start>(Start{name, policy_of(scheduling), std::move(work)});
    pthread_t thread{};
    const int error = pthread_create(&thread, &attributes, &run, start.get());
    pthread_attr_destroy(&attributes);
    if (error != 0) throw std::system_error(error, std::generic_category(), name);
    start.release();  // NOLINT: the thread's now
    return thread;
}

}  // namespace vrrpd
