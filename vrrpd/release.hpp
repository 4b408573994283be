// `vrrpd --release`: takes away what a daemon left behind when it is not to come back; the unit calls it when it stops.
//
// What a restart will adopt stays: an address with a finite lifetime, of an instance that advertises every second or
// more slowly and that the runtime record shows as MASTER with a fresh advert, and only after SIGUSR2 or where the
// service manager says that the service did not end well ($SERVICE_RESULT), and so will start it again. Should it not,
// the guard, the lease or the next start see to these.
#pragma once

#include <string>

namespace vrrpd {

/// Needs the lock: throws std::runtime_error while a daemon runs, std::system_error without the kernel's help.
/// `service_result`: what the service manager says; empty: nothing. False: not all could be removed.
bool release(const std::string& record_file, const std::string& service_result);

}  // namespace vrrpd
