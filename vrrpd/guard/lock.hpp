// The lock of a network namespace: one daemon in each. Its name is an abstract one that dies with the process, so it
// cannot be left behind, and no file has to be found.
#pragma once

#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd {

/// Held while the descriptor is open. Throws std::runtime_error when somebody else holds it.
Descriptor take_lock();

/// Whether somebody holds it.
bool is_locked();

}  // namespace vrrpd
