// Reads what comes back for `version\r\n`: byte by byte if need be, at most 1 KiB, without knowledge of sockets.
//
// | first line                           | class          |
// |--------------------------------------|----------------|
// | `VERSION ...`                        | up             |
// | `ERROR Too many open connections`    | saturated      |
// | `CLIENT_ERROR unauthenticated`       | auth           |
// | `SERVER_ERROR ...`                   | failed         |
// | anything else, or 1 KiB with no line | wrong protocol |
//
// Through nutcracker the command is forwarded to a backend: VERSION proves the proxy and at least one
// backend, and `SERVER_ERROR Connection refused` comes back when all are dead. A full memcached sends its
// line before it was asked and closes. The finding does not depend on how the bytes were cut into pieces.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "health/finding.hpp"
#include "vrrpd/core/time.hpp"

namespace vrrpd::health {

inline constexpr std::string_view memcached_request = "version\r\n";

class MemcachedReply {
  public:
    static constexpr std::size_t longest = 1024;  ///< bytes looked at

    /// Takes the next bytes; a finding once they are enough to tell.
    std::optional<Finding> feed(std::string_view bytes);

    /// The peer closed before feed() had a finding.
    Finding closed() const;

    /// `timeout` passed before feed() had a finding.
    Finding silent(Duration timeout) const;

  private:
    bool could_be_memcached() const;

    std::string received_;
};

}  // namespace vrrpd::health
