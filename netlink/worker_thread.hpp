// A thread that waits for the kernel so that the protocol thread need not: it handles no signals, has a small stack,
// and is real-time where its maker is, one priority below, since a takeover waits for it on a busy machine.
#pragma once

#include <functional>
#include <pthread.h>

namespace vrrpd::netlink {

/// Starts one; to be joined or detached. `name` is at most 15 characters. Throws std::system_error.
pthread_t start_worker(const char* name, std::function<void()> work);

}  // namespace vrrpd::netlink
