// What is said on one connection, and what the answer means: bytes in, bytes and in the end one finding out.
// No sockets, no clock, no log. A probe (stream_probe.hpp) carries the bytes and keeps the time.
//
// Promises of every dialogue:
// - The finding does not depend on how the bytes were cut into pieces.
// - It keeps and looks at no more than a bound that it names, and has a finding when that is reached: a peer that
//   talks for ever costs no more than one that answers.
// - Evidence is printable ASCII of bounded length, whatever came in, and never holds what we sent: passwords.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "health/finding.hpp"
#include "health/options.hpp"
#include "vrrpd/core/time.hpp"

namespace vrrpd::health {

/// What one probe of a check leaves to the next: counters of the service that mean something only by their growth.
struct Past {
    std::optional<std::uint64_t> refused_stores;  ///< memcached's store_no_memory
    friend bool operator==(const Past&, const Past&) = default;
};

class Dialogue {
  public:
    Dialogue() = default;
    Dialogue(const Dialogue&) = delete;
    Dialogue& operator=(const Dialogue&) = delete;
    virtual ~Dialogue() = default;

    /// Takes what is to be sent now: the opening at first, then what the bytes fed since have given cause for.
    std::string take_request() { return std::exchange(request_, {}); }

    /// Takes the next bytes; a finding once they are enough to tell, after which nothing more is fed.
    virtual std::optional<Finding> feed(std::string_view bytes) = 0;

    /// The peer closed before feed() had a finding.
    virtual Finding closed() const = 0;

    /// `timeout` passed before feed() had a finding.
    virtual Finding silent(Duration timeout) const = 0;

  protected:
    void ask(std::string_view request) { request_ += request; }

  private:
    std::string request_;
};

/// The dialogue of a check's kind; null: to be connected is enough. `past` must outlive it, and is written to only
/// when a finding is made.
std::unique_ptr<Dialogue> make_dialogue(const CheckOptions& options, Past& past);

// ---- findings that several dialogues have

/// The beginning of what came, fit for a log line: at most 80 printable characters.
std::string excerpt(std::string_view bytes);

/// Something else listens there, which said `bytes`.
Finding wrong_protocol(std::string_view bytes);

/// The end came before the answer was whole, or before it began.
Finding cut_off(bool begun);

/// The time was over before the answer was whole, or before it began.
Finding unanswered(bool begun, Duration timeout);

}  // namespace vrrpd::health
