// A probe over TCP: `tcp` is up once connected, `memcached` after a whole exchange. One deadline covers all
// of it, because a stopped service still accepts, and a slow connect must not buy it time for the answer.
//
// Connections are closed the ordinary way; a reset would count as an error at the service.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "health/deadline.hpp"
#include "health/memcached_reply.hpp"
#include "health/options.hpp"
#include "health/probe.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::health {

class StreamProbe final : public Probe {
  public:
    /// For `Kind::tcp` and `Kind::memcached`: reads kind, endpoint and timeout.
    StreamProbe(Loop& loop, const CheckOptions& options, Found found);

  private:
    void expire();
    std::optional<Finding> advance();
    std::optional<Finding> finish_connect();
    std::optional<Finding> exchange();
    Finding no_connection() const;
    void finish(const Finding& finding);

    Kind kind_;
    Endpoint endpoint_;
    Duration timeout_;
    Found found_;
    bool connected_ = false;
    std::string_view request_ = memcached_request;  // what is still to be sent
    MemcachedReply reply_;
    Descriptor socket_;
    std::unique_ptr<Watch> watch_;
    std::optional<Deadline> deadline_;
};

}  // namespace vrrpd::health
