// Ends the TCP connections of addresses that are about to go (`close_connections`).
//
// An idle client of an address that moved hears nothing: its next request, perhaps hours later, finds a host that does
// not know the connection, and until then it waits. A connection that is destroyed first (SOCK_DESTROY) tells the
// client at once, by RST, while the address is still here to send it from. Sockets that listen stay: they serve again
// when the address is back.
//
// To look through all connections of the host takes the kernel a while, so a thread does it, one for all that are asked
// for in one turn of the loop.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vrrpd/core/ip.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::netlink {

/// How many were closed; waits for the kernel. Throws std::system_error where it cannot be done: for want of NET_ADMIN
/// (EPERM), or, also when there is nothing to close, of a kernel that can (EOPNOTSUPP, EPROTONOSUPPORT, ENOENT).
std::size_t close_connections(std::span<const IpAddress> addresses);

/// What is wrong, with the remedy, for such an error and for ETIMEDOUT.
std::string why_not_closed(int error);

class ConnectionCloser {
  public:
    static constexpr Duration patience = std::chrono::milliseconds(40);
    using Failed = std::function<void(int error)>;

    /// `loop` must outlive it. `failed` is called before `closed` where connections could not be closed (ETIMEDOUT:
    /// within `patience`).
    ConnectionCloser(Loop& loop, Failed failed);
    ~ConnectionCloser();

    /// `closed` is called once, from the loop: when the connections are gone, or it took too long, or could not be
    /// done. Without addresses it only finds out whether the kernel could.
    void close(std::vector<IpAddress> addresses, std::function<void()> closed);

  private:
    struct Batch;

    void begin();
    void end(const Batch& batch, int error);

    Loop& loop_;
    Failed failed_;
    std::unique_ptr<Timer> start_;
    std::vector<IpAddress> addresses_;  // of the next batch
    std::vector<std::function<void()>> closed_;
    std::list<std::unique_ptr<Batch>> batches_;  // under way
};

}  // namespace vrrpd::netlink
