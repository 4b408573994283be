// One idle connection to a service, held for the sake of its end: when the process dies, the kernel closes
// it, and the check knows within a fraction of a millisecond instead of an interval. Its end is only a hint;
// a probe judges.
//
// Promises: nothing is ever sent; what comes in is dropped, at most 64 KiB of it in a connection's life. A
// server that closes idle connections as a habit costs one probe for each, not a loop of them: the second end
// in a row pauses for 1 s, then 2 s, ... up to a minute, until a connection lives for a minute or release() is called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "health/options.hpp"
#include "vrrpd/core/time.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::health {

class IdleWatch {
  public:
    /// `ended` is called from the loop when a held connection ends, never from within hold() or release(). It
    /// may not destroy this object.
    IdleWatch(Loop& loop, Endpoint endpoint, std::function<void()> ended);
    IdleWatch(const IdleWatch&) = delete;
    IdleWatch& operator=(const IdleWatch&) = delete;

    /// A probe succeeded: opens the connection, unless there is one or it is paused.
    void hold();

    /// A probe failed or the check stops: closes the connection and forgets the pauses.
    void release();

  private:
    void ready(bool hung_up);
    void lost();

    Loop& loop_;
    Endpoint endpoint_;
    std::function<void()> ended_;
    Descriptor socket_;
    std::unique_ptr<Watch> watch_;
    std::size_t dropped_ = 0;  // bytes, of this connection
    Instant since_{};
    Instant paused_until_{};
    int losses_ = 0;  // in a row
};

}  // namespace vrrpd::health
