// Keeps the facts current: one socket for the kernel's notices, another for full readings, so that an overrun
// of one cannot hurt the other. Notices come by themselves; a reading may wait for the kernel, on a thread of its own.
//
// Promises: after start() nothing here waits. Notices are taken in bounded portions a wake-up, so that a
// flood of them delays nobody; when they come one after the other they are looked at once a millisecond. The listener
// hears once a portion, and only if something that we look at is different: not of addresses with our mark
// (Facts::version).
//
// When notices were lost, the socket is emptied (the kernel drops new ones until it is), and everything is
// read anew. While a reading is under way notices wait in their socket, so that none that is newer than the
// reading can be overwritten by it. A reading that the kernel calls inconsistent, or that fails, is done
// again after a moment.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "netlink/channel.hpp"
#include "netlink/facts.hpp"
#include "netlink/socket.hpp"
#include "vrrpd/loop/loop.hpp"

struct nlmsghdr;

namespace vrrpd::netlink {

class Monitor {
  public:
    /// Hears that the facts are of another version now. Must not destroy the monitor.
    using Listener = std::function<void()>;

    /// Subscribes in the network namespace of the calling thread. Throws std::system_error.
    Monitor(Loop& loop, Listener changed, int receive_buffer = default_receive_buffer);

    /// Reads everything once, waiting for it, then follows. The listener does not hear of this first reading.
    /// Throws std::system_error when the kernel gives none within five seconds.
    void start();

    const Facts& facts() const { return facts_; }

    /// Who wants to hear of addresses that went while their link stayed, ours among them. Must not destroy the monitor.
    void on_removal(std::function<void(std::span<const Address>)> removed) { removed_ = std::move(removed); }

    /// How often notices were lost and everything was read anew.
    std::uint64_t resyncs() const { return resyncs_; }

  private:
    enum class Phase : std::uint8_t {
        following,
        emptying,           ///< notices were lost; what is left of them is worthless
        reading_links,      ///< notices wait in their socket
        reading_addresses,  ///< likewise
        pausing,            ///< the reading has to be done again; notices are followed meanwhile
    };

    bool is_reading() const { return phase_ == Phase::reading_links || phase_ == Phase::reading_addresses; }
    void begin_reading();
    void ask(std::uint16_t type);
    void read_again_later();
    void end_part();
    void lost();
    void on_notices();
    void rest_if_busy();
    void on_reading();
    void on_reading_message(nlmsghdr& message);
    void on_patience_end();
    void apply(nlmsghdr& message);
    void tell();

    Loop& loop_;
    Listener changed_;
    std::function<void(std::span<const Address>)> removed_;
    Facts facts_;
    Socket notices_;
    Channel readings_;
    Phase phase_ = Phase::pausing;
    std::uint32_t sequence_ = 0;
    bool inconsistent_ = false;  // the kernel's tables changed during this reading
    std::uint64_t resyncs_ = 0;
    Instant woken_{};              // by notices
    std::unique_ptr<Timer> rest_;  // between two looks at them
    std::unique_ptr<Watch> notice_watch_;
    std::unique_ptr<Watch> reading_watch_;
    std::unique_ptr<Timer> patience_;  // end of a pause, or of the time that a reading may take
};

}  // namespace vrrpd::netlink
