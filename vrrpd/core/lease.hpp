// How long an address may outlive the daemon that put it on an interface: the arithmetic of leases and of the guard.
//
// Every virtual address is in the kernel with a finite lifetime, which an advert that really left renews. A daemon
// that hangs, dies or cannot send therefore loses its addresses without anybody's doing. The kernel looks only about
// once a second, so the lifetime is a net. The guard, a second process, looks itself, and is in time: it takes the
// addresses away before the peers' shortest down time (down_timer_adverts intervals) is over.
//
// Pure: the figures that `vrrpd --check` prints are computed here, too.
#pragma once

#include <optional>

#include "vrrpd/core/options.hpp"
#include "vrrpd/core/time.hpp"

namespace vrrpd {

/// `vip_lease = auto`: the largest whole number of seconds, at least one, that ends 0.4 s before a peer's shortest
/// down time does.
Duration automatic_lease(Duration advert_interval, int down_timer_adverts);

/// The shortest lease that an instance can keep up: the next advert must come well before its end.
Duration shortest_lease(Duration advert_interval);

/// Whether the advert that has just left, at `now`, has to renew a lease that was renewed last at `renewed`: unless
/// the next advert comes within 0.6 of the lease after that, it has.
bool is_renewal_due(Instant renewed, Instant now, Duration advert_interval, Duration lease);

/// How old the last advert may become before the guard removes the addresses: 2.5 intervals, at least 100 ms.
Duration guard_patience(Duration advert_interval);

/// How long the addresses stay for sure after an advert that is the last one: until the guard or the kernel may act.
Duration shortest_stay(const InstanceOptions& options);

/// How long two hosts may hold an address at the same time if a daemon hangs or dies, its peers having the same
/// advert_int.
struct HolderBounds {
    Duration with_guard;
    std::optional<Duration> without_guard;  ///< the guard hangs or is dead as well; none: until somebody acts
};
HolderBounds holder_bounds(const InstanceOptions& options);

}  // namespace vrrpd
