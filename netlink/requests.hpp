// Asks the kernel to add and remove addresses and routes, without waiting for its answers.
//
// A request is queued, leaves with flush(), and is completed by the kernel's ACK or by its timeout. What
// leaves together goes in few system calls, on the thread of a Channel: the kernel works inside of it (10-20 us an
// address, more on links with thousands) and may wait for others first. At most `max_in_flight` are under way; the
// others follow in order as ACKs come in, by portions, so that some keep the kernel busy while we take care of others.
//
// They say what shall be, not what to do: adding what is there and removing what is not are successes. The addition
// of an address marks as ours whatever it finds, so conflicts() must have been asked first.
//
// Completions run from the event loop only, never inside the calls of this class. They may queue
// and flush; they must not destroy this object. Requests whose object goes are never completed.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "netlink/channel.hpp"
#include "netlink/route.hpp"
#include "vrrpd/core/ip.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::netlink {

class Requests {
  public:
    /// `error`: 0, or an errno value; ETIMEDOUT when the kernel said nothing. `text`: a sentence for a
    /// person, empty with 0.
    using Completion = std::function<void(int error, const std::string& text)>;

    struct Counters {
        std::uint64_t sent = 0;     ///< to the kernel, whatever it said
        std::uint64_t failed = 0;   ///< completed with an error
        std::size_t in_flight = 0;  ///< sent, not completed
        std::size_t queued = 0;     ///< not sent yet
    };

    /// About 20 ms of the kernel's work: more than either thread is late on a bad day, or the other one would run dry.
    static constexpr std::size_t max_in_flight = 256;
    static constexpr std::size_t portion_size = 32;  ///< their answers come together

    /// Opens its socket in the network namespace of the calling thread. Throws std::system_error.
    explicit Requests(Loop& loop, Duration timeout = std::chrono::seconds(2));

    /// For whom an addition is; see discard().
    using Tag = std::size_t;
    static constexpr Tag no_tag = static_cast<Tag>(-1);

    /// Queues it. An addition carries our mark. `lifetime`: whole seconds, which count from now on even where the
    /// address is there already; 0: for ever. IPv6: usable at once (no duplicate detection), and a /128 is never
    /// chosen as a source address. Label: IPv4 only, at most 15 bytes; empty: the link's name.
    void add_address(int link, const Prefix& prefix, const std::string& label, Completion completed, Tag tag = no_tag,
                     Duration lifetime = Duration::zero());
    /// Queues it.
    void remove_address(int link, const Prefix& prefix, Completion completed);
    /// Queues it: no packet for the address is taken any more, until it is removed and added again. It may still be
    /// sent from.
    void make_deaf(int link, const IpAddress& address, Completion completed);

    /// Queues it. Where the route has a source or a gateway in the subnet of an address, that has to be there first.
    void add_route(const Route& route, Completion completed, Tag tag = no_tag);
    /// Queues it.
    void remove_route(const Route& route, Completion completed);

    /// Additions with this tag that have not left are not wanted any more: they are neither sent nor completed.
    void discard(Tag tag);

    /// Lets go what is queued by now.
    void flush();

    /// Calls back once, from the loop, when nothing is queued or in flight any more.
    void on_idle(std::function<void()> idle);

    Counters counters() const;

  private:
    enum class Kind : std::uint8_t { addition, removal };
    // Of the message, when it leaves: for thousands at once it would take milliseconds.
    using Builder = std::function<std::vector<std::uint8_t>(std::uint32_t sequence)>;
    struct Queued {
        std::uint32_t sequence;
        Kind kind;
        Tag tag;
        Builder build;
        Completion completed;
    };
    struct Pending {
        Kind kind;
        Completion completed;
        Instant deadline;
        int verdict;  // what the deadline means
    };

    // The kernel's ways to say that things are as they shall be.
    static bool is_done(Kind kind, int error);

    void queue(Kind kind, Tag tag, Builder build, Completion completed);
    void send_portions();
    void send_portion();
    void read_acks();
    void not_sent(Channel::Incoming& returned);
    void on_ack(std::uint32_t sequence, int error, const std::string& text);
    void on_deadline();
    void complete(const Pending& pending, int error, const std::string& text);
    void arm();

    Loop& loop_;
    const Duration timeout_;
    Channel channel_;
    std::deque<Queued> queue_;
    std::size_t released_ = 0;           // how many of the queue flush() has let go
    std::map<Tag, std::size_t> tagged_;  // how many of the queue each has
    std::map<std::uint32_t, Pending> in_flight_;
    std::uint32_t sequence_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t failed_ = 0;
    std::vector<std::uint8_t> portion_;
    std::unique_ptr<Watch> watch_;
    std::unique_ptr<Timer> timer_;
    std::function<void()> idle_;
};

}  // namespace vrrpd::netlink
