// The launcher process: a small single-threaded copy of the daemon, forked before it has threads, locked
// memory or real-time scheduling, that starts the daemon's children.
//
// It is also the guard (vrrpd/guard/guard.hpp) of what the daemon holds, as soon as it was given the runtime record.
//
// It serves start requests one after the other and remembers whom it started. It waits for nobody, not even for the
// daemon to take its replies: while some are left it takes no requests, and goes on with all else. It runs with all
// signals blocked: those for the daemon's group are not for it, and it ends when its socket does. By then the daemon is
// gone, and so that nothing outlives it, the launcher kills the process groups of all children that had not ended
// before; the death signal of each child reaches only the leader of its group. Then it stays on guard until nothing is
// held any more, or a successor of the daemon runs.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

namespace vrrpd {

/// Serves on `socket` (SOCK_SEQPACKET) until its other end is closed. `daemon` is this process's parent, `descriptors`
/// the soft limit of descriptors for children. Call in a freshly forked process with all signals blocked: it closes all
/// descriptors but the socket and the standard three.
[[noreturn]] void run_launcher_process(int socket, pid_t daemon, rlim_t descriptors);

}  // namespace vrrpd
