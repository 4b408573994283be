// A probe over TCP or a unix socket: it connects and carries the bytes of its kind's dialogue; `tcp` has none and is
// up once connected. One deadline covers all of it, because a stopped service still accepts, and a slow connect must
// not buy it time for the answer.
//
// Connections are closed the ordinary way; a reset would count as an error at the service.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "health/deadline.hpp"
#include "health/dialogue.hpp"
#include "health/options.hpp"
#include "health/probe.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::health {

class StreamProbe final : public Probe {
  public:
    /// For kinds that connect. `options` and `past` must outlive the probe.
    StreamProbe(Loop& loop, const CheckOptions& options, Past& past, Found found);

  private:
    void expire();
    std::optional<Finding> advance(std::uint32_t ready);
    std::uint32_t state_of_connect() const;
    std::optional<Finding> finish_connect(std::uint32_t ready);
    std::optional<Finding> exchange();
    void send_request();
    Finding no_connection() const;
    void finish(const Finding& finding);

    const CheckOptions& options_;
    Found found_;
    bool connected_ = false;
    std::unique_ptr<Dialogue> dialogue_;  // null: none
    std::string request_;                 // what is still to be sent
    Descriptor socket_;
    std::unique_ptr<Watch> watch_;
    std::optional<Deadline> deadline_;
};

}  // namespace vrrpd::health
