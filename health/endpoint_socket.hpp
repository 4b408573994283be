// Sockets towards an endpoint, TCP or unix, for probes and idle watches: opened without ever blocking, and asked for
// the three things that tell a service's failures apart.
#pragma once

#include "health/finding.hpp"
#include "health/options.hpp"
#include "vrrpd/core/ip.hpp"
#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd::health {

/// A connection under way, or the errno that ended it right away.
struct Attempt {
    Descriptor socket;  ///< close-on-exec, non-blocking; writable once connected or failed
    int error = 0;
};

Attempt start_connect(const Endpoint& endpoint);

/// Connects a non-blocking socket of any type; 0, or an errno that is not EINPROGRESS.
int connect_socket(int socket, const Endpoint& endpoint);

/// The pending error of a socket (SO_ERROR), which this clears; 0: none.
int pending_error(int socket);

/// A connect to a local port of the ephemeral range that nobody listens on can meet itself (simultaneous
/// open): it would look healthy, and keep the service from binding its port.
bool connected_to_itself(int socket, const Endpoint& peer);

/// Whether packets to `address` stay on this host. Asks the routing table; sends nothing.
bool is_own_address(const IpAddress& address);

/// The same for an endpoint: a unix socket is always here.
bool is_on_this_host(const Endpoint& endpoint);

/// What an errno from connect says about the service.
Finding connect_failure(int error, const Endpoint& endpoint);

}  // namespace vrrpd::health
