// Watches many descriptors through one that becomes readable when any of them is ready.
//
// sd-event dispatches one source at a time and asks the kernel about all ready ones again before each: with many
// ready at once that is a system call for each, whose cost grows with their number. So all ordinary watches share
// one source of it, and what is ready is dispatched in small batches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class Poller {
  public:
    /// Dispatched in one go at most, so that what is more urgent does not wait for long.
    static constexpr std::size_t batch = 16;

    /// Throws std::system_error.
    Poller();

    /// Readable while there is something to dispatch.
    int descriptor() const { return epoll_.get(); }

    /// Calls what is ready now, without waiting.
    void dispatch();

    /// As Loop::watch says; not to be used after the poller is gone. Throws std::system_error.
    [[nodiscard]] std::unique_ptr<Watch> watch(int descriptor, std::uint32_t readiness,
                                               std::function<void(std::uint32_t)> ready);

  private:
    class Entry;
    struct Slot {
        std::uint32_t generation = 0;  // an event for an earlier one came too late
        std::shared_ptr<std::function<void(std::uint32_t)>> ready;
    };

    Descriptor epoll_;
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
};

}  // namespace vrrpd
