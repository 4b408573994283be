// vrrpd as process 1 of a container.
//
// The kernel gives process 1 every orphan of its pid namespace, and whoever is not waited for stays a zombie. Scripts
// may leave orphans, so process 1 has to be one that waits for whatever comes; the daemon knows and waits for its own
// children.
#pragma once

namespace vrrpd {

/// Call before all else. In process 1 returns in a child, which goes on as the daemon; process 1 passes on the signals
/// that the daemon knows, reaps whatever ends, and ends as the daemon does. Elsewhere returns at once.
void leave_first_process();

}  // namespace vrrpd
