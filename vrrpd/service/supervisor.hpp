// What becomes of one service, decided without touching it: wishes, ends and deadlines in, actions and reports out.
//
// The promises are those of `[service NAME]` in docs/configuration.md:
//
// - It is `ready` when its listen address accepts, or, without one, once it was started. Until then it has
//   start_timeout: from the wish when it was asked for, or from its end when it served before and is restarted. One
//   that is still being stopped has it from its SIGKILL on, since a unit need not end of that.
// - An end nobody asked for is restarted in place: the first time at once, then after restart_delay, doubling
//   to 30 s; a minute of good service makes the next end a first one again.
// - It has `failed` when it is not ready in time, at restart_limit ends in a row, or when its check fails.
//   With on_failure = ignore it never fails: late, it is reported ready all the same; it is restarted for
//   ever; and its check changes nothing.
// - The check is judged while the service serves and accepts. A service without a listen address cannot say
//   when it has come up, so its check may fail during start_timeout before it counts.
// - To stop is SIGTERM, then SIGKILL to the group after a bound: stop_timeout when planned, 100 ms after a
//   fault.
// - Where the role may come back at once (a higher Active heard, a stall, a link down), the owner stops
//   `settled`: from then on nothing is judged, and only a second later the process is stopped. A wish to
//   serve within that second leaves the process alone: it is `ready` again as soon as it accepts again, and
//   its clients lose nothing.
// - With run = always the process also runs while another host serves (`standby`): its listen address may be
//   absent there, so it is not tried. One that failed is ended and started afresh.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "vrrpd/core/time.hpp"
#include "vrrpd/launcher/child.hpp"
#include "vrrpd/service/options.hpp"

namespace vrrpd::service {

/// What the owner wants of the service.
enum class Wish {
    nothing,  ///< no process
    standby,  ///< a process, but no service (run = always)
    serve,    ///< this host is MASTER
};

/// How a service is to stop.
enum class StopMode {
    planned,  ///< SIGKILL after stop_timeout
    fault,    ///< SIGKILL after fault_stop_timeout, or stop_timeout where that is shorter
    settled,  ///< left alone for settle_time, then as planned
};

inline constexpr Duration fault_stop_timeout = std::chrono::milliseconds(100);
inline constexpr Duration settle_time = std::chrono::seconds(1);
inline constexpr Duration longest_restart_delay = std::chrono::seconds(30);
inline constexpr Duration good_service = std::chrono::minutes(1);

/// What is to be done.
enum class Action {
    start,        ///< start the command
    terminate,    ///< SIGTERM to its process group
    kill,         ///< SIGKILL to its process group
    probe_begin,  ///< try the listen address until it accepts, from the start on
    probe_end,
    check_begin,  ///< judge the service's check, from unknown on
    check_end,
};

/// What the owner is to know. The text is for people, and empty for `ready` and `stopped`.
struct Report {
    enum class Kind {
        ready,      ///< it serves; once for each wish to serve, and again after each restart
        stopped,    ///< as wished: the process has ended, or is in standby
        failed,     ///< and nothing more happens until the owner wishes otherwise
        restarted,  ///< it ended and is being started again
    };
    Kind kind;
    std::string text;
    friend bool operator==(const Report&, const Report&) = default;
};

using Step = std::variant<Action, Report>;
/// In the order in which they are to be carried out; reports come last.
using Steps = std::vector<Step>;

class Supervisor {
  public:
    /// `check_in_standby`: the check also counts in standby, because it does not go to an address that is absent there.
    explicit Supervisor(ServiceOptions options, bool check_in_standby = false);

    /// Repeating a wish is allowed: to serve asks for `ready` again, to stop can only shorten the bound.
    /// `mode` says how to stop whatever the wish makes an end of.
    [[nodiscard]] Steps want(Wish wish, StopMode mode, Instant now);
    [[nodiscard]] Steps child_ended(const ExitStatus& status, Instant now);
    /// The listen address accepted a connection.
    [[nodiscard]] Steps accepted(Instant now);
    void check_passed();
    [[nodiscard]] Steps check_failed(const std::string& text);

    /// Bounds and limits that are others from now on; deadlines that run stay.
    void adjust(const ServiceOptions& options) { options_ = options; }

    Instant next_deadline() const;
    [[nodiscard]] Steps expire(Instant now);

    bool running() const { return process_ == Process::running || process_ == Process::stopping; }
    Instant killed_by() const { return process_due_ == never ? Instant() : process_due_; }
    /// Serves and accepts, as far as is known.
    bool ready() const { return wish_ == Wish::serve && ready_; }

  private:
    enum class Process { none, running, stopping, waiting_to_restart };

    void serve(bool afresh, Instant now);
    void leave(StopMode mode, Instant now);
    void start(Instant now);
    void stop(StopMode mode, Instant now);
    void await_ready(const char* since, Instant now);
    void become_ready(Instant now);
    void ended_by_itself(const std::string& how, Instant now);
    void restart(const std::string& how, Instant now);
    void not_ready_in_time(Instant now);
    void fail(std::string text);
    void probe(bool on);
    void judge(Instant from, Instant now);
    void stop_judging();
    Duration restart_pause() const;
    Instant end_of_start() const { return started_ + options_.start_timeout; }

    void add(Action action) { steps_.emplace_back(action); }
    void add(Report::Kind kind, std::string text = {}) { reports_.push_back({kind, std::move(text)}); }
    Steps take_steps();

    ServiceOptions options_;
    bool check_in_standby_;

    Wish wish_ = Wish::nothing;
    Process process_ = Process::none;
    bool ready_ = false;   // this process serves, as far as is known
    bool failed_ = false;  // reported; only a wish changes that
    bool probing_ = false;
    bool judging_ = false;
    int ends_in_a_row_ = 0;
    Instant started_ = never;
    Instant good_since_ = never;        // ready, or started where nobody asks for readiness
    Instant process_due_ = never;       // SIGKILL, or the next start
    Instant settle_due_ = never;        // SIGTERM
    Instant ready_due_ = never;         // failed if not ready by then
    const char* ready_due_since_ = "";  // what start_timeout counts from
    Instant judge_due_ = never;         // until then a failing check is only remembered
    std::string remembered_;            // its text
    Steps steps_;
    std::vector<Report> reports_;
};

}  // namespace vrrpd::service
