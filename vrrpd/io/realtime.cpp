#include "vrrpd/io/realtime.hpp"

#include <cerrno>
#include <sched.h>
#include <system_error>

#include <sys/mman.h>

namespace vrrpd {
namespace {

// Above all normal threads is what counts; below the kernel's interrupt threads, which have 50.
constexpr int realtime_priority = 10;

std::string reason() {
    return std::generic_category().message(errno);
}

}  // namespace

Result<void> make_thread_realtime() {
    const int policy = sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
    if (policy == SCHED_RR || policy == SCHED_FIFO) return {};
    sched_param parameters{};
    parameters.sched_priority = realtime_priority;
    if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters) == 0) return {};
    return failure("no real-time scheduling, timers may be late on a busy machine: " + reason());
}

Result<void> lock_memory() {
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0) return {};
    return failure("cannot lock memory, paging may delay adverts: " + reason());
}

}  // namespace vrrpd
