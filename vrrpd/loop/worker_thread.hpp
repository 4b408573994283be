// A thread that waits for the kernel or a disk so that the protocol thread need not. It handles no signals: those are
// the protocol thread's.
#pragma once

#include <cstddef>
#include <functional>
#include <pthread.h>

namespace vrrpd {

enum class Scheduling {
    one_below,  ///< real-time where its maker is, one priority below: a takeover waits for it on a busy machine
    ordinary,   ///< not real-time, whatever its maker is
};

inline constexpr std::size_t small_stack = std::size_t{128} << 10;   ///< bytes; for who calls little but the kernel
inline constexpr std::size_t usual_stack = std::size_t{1024} << 10;  ///< bytes

/// Starts one; to be joined or detached. `name` is at most 15 characters. Throws std::system_error.
pthread_t start_worker(const char* name, Scheduling scheduling, std::size_t stack_size, std::function<void()> work);

}  // namespace vrrpd
