// What keeps the protocol thread on time while the machine is busy: with four busy loops on two cores its
// timers came 4 ms late at normal priority and 26 us late with a real-time one.
//
// A refusal is a sentence for one warning, never a reason not to run.
#pragma once

#include "vrrpd/core/result.hpp"

namespace vrrpd {

/// Makes the calling thread SCHED_RR, with SCHED_RESET_ON_FORK so that threads and children start as normal
/// ones. One that already has a real-time policy (a unit with CPUSchedulingPolicy=rr) keeps it, and nothing
/// is asked of the kernel that RestrictRealtime= would forbid.
Result<void> make_thread_realtime();

/// Keeps the pages of the process in memory, once they were touched: locking whole thread stacks would count
/// them in full against the limit.
Result<void> lock_memory();

}  // namespace vrrpd
