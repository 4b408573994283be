// One child from clone to exec: the part of the launcher process that makes a stranger of it.
//
// The child's parent is the daemon, not the launcher (CLONE_PARENT): the kernel gives it the launcher's
// parent and the launcher's own exit signal, which is SIGCHLD as for any forked process. So the daemon alone
// waits for it and learns the truth about its end, and the death signal that the child asks for comes with
// the daemon's death.
//
// What the program finds: its own process group, no signal blocked or ignored, no ambient or inheritable
// capability, none at all (bounding set included) unless it runs as root, standard input from /dev/null,
// output to /dev/null, a pipe or the daemon's standard error, no other descriptor. The limit of descriptors is the one
// that the daemon was started with. Working folder, umask, scheduling and all other limits are those of the launcher
// process, which sets them once.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include "vrrpd/core/result.hpp"
#include "vrrpd/launcher/wire.hpp"
#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd {

struct StartedChild {
    pid_t pid = 0;
    wire::ChildDescriptors descriptors;
    Descriptor output;  ///< for Output::last_line: not blocking
};

/// Starts `request` as a child of `daemon`, the caller's parent, with `descriptors` as its soft limit. An errno when no
/// process could be made; that the program could not be executed is told through `descriptors.exec_error` later. The
/// caller is single-threaded, has all signals blocked, and has /dev/null as its descriptors 0 and 1.
tl::expected<StartedChild, int> start_child(const wire::Request& request, pid_t daemon, rlim_t descriptors);

}  // namespace vrrpd
