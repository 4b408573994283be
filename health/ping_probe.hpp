// A probe by ICMP or ICMPv6 echo: up with the first reply.
//
// `count` requests leave at even distances within the timeout, so that a lost packet is no failure. A reply
// counts if it comes from the address that was asked, with our identifier and the number of a request of this
// probe. "Unreachable" is what a router or this host's kernel says; silence is "timed out". The kernel's own echo
// sockets are used where net.ipv4.ping_group_range lets us, otherwise raw ones, which need CAP_NET_RAW.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "health/deadline.hpp"
#include "health/options.hpp"
#include "health/probe.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::health {

/// What tells our echoes from those of others on a raw socket; the kernel has numbers of its own for its sockets.
struct EchoId {
    std::uint16_t identifier = 0;
    std::uint16_t first_sequence = 0;
};

/// An echo request; `sequence` counts on from `first_sequence`.
std::array<std::uint8_t, 16> echo_request(Family family, EchoId id, std::uint16_t sequence);

/// Whether an ICMP message is the reply to one of the `sent` requests. `any_identifier`: the kernel has seen to it.
bool is_echo_reply(std::span<const std::uint8_t> message, Family family, EchoId id, int sent, bool any_identifier);

class PingProbe final : public Probe {
  public:
    /// For `Kind::ping`: reads the endpoint's address, count and timeout.
    PingProbe(Loop& loop, const CheckOptions& options, Found found);

  private:
    int open();
    void send_next();
    void ready();
    void expire();
    std::optional<Finding> read_replies();
    void finish(const Finding& finding);

    Loop& loop_;
    const IpAddress address_;
    const int count_;
    const Duration timeout_;
    Found found_;
    const EchoId id_;
    int sent_ = 0;
    bool raw_ = false;
    Descriptor socket_;
    std::unique_ptr<Watch> watch_;
    std::unique_ptr<Timer> next_;
    std::optional<Finding> trouble_;  // why a request did not leave or arrive; an answer to another one may still come
    std::optional<Deadline> deadline_;
};

}  // namespace vrrpd::health
