// One rtnetlink socket that never waits.
//
// It believes only the kernel: what another process sends to our port is passed over. Its receive buffer is
// raised past the system's limit where we may, because the default loses notices and ACKs under load.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

struct nl_sock;

namespace vrrpd::netlink {

inline constexpr int default_receive_buffer = 4 << 20;  ///< bytes; the kernel counts its own overhead in

class Socket {
  public:
    /// Opens it in the network namespace of the calling thread. Throws std::system_error.
    explicit Socket(int receive_buffer);
    ~Socket();
    Socket(Socket&&) = delete;

    /// Subscribes to an RTNLGRP_ group. Throws std::system_error.
    void join(int group);

    int descriptor() const;

    /// 0 or an errno value.
    int send(std::span<const std::uint8_t> messages);

    /// Reads one datagram into a buffer of its own, valid until the next call. 0; EAGAIN: nothing is there;
    /// ENOBUFS or EMSGSIZE: something was lost; or another errno value. An empty one did not come from the kernel.
    int receive(std::span<std::uint8_t>& datagram);

  private:
    struct Free {
        void operator()(nl_sock* socket) const;
    };
    std::unique_ptr<nl_sock, Free> socket_;
    std::unique_ptr<std::uint8_t[]> buffer_;  // its pages are touched as far as datagrams reach
};

}  // namespace vrrpd::netlink
