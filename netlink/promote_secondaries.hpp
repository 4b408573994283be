// Keeps the secondary addresses of a link when the first one of their subnet goes: the kernel then makes the
// next of them the first, instead of deleting them all (F13; sysctl net.ipv4.conf.LINK.promote_secondaries).
//
// It stays on afterwards: what was put on the link meanwhile relies on it.
#pragma once

#include <string>

namespace vrrpd::netlink {

/// In the network namespace of the calling thread. True when the kernel does so by now, be it because it did
/// already, for this link or for all of them. False when it refuses (a read-only /proc/sys, no such link).
bool promote_secondaries(const std::string& link);

}  // namespace vrrpd::netlink
