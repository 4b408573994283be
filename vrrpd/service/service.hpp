// One `[service NAME]` at work: the supervisor's decisions carried out with processes, timers and connects.
//
// It knows nothing of instances. Whoever owns it says when the service is to serve and when it is to stop,
// adding up the wishes of several instances if need be, and runs the service's check, whose verdict it passes
// in. What the process prints goes to the daemon's standard error.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vrrpd/launcher/child.hpp"
#include "vrrpd/loop/loop.hpp"
#include "vrrpd/service/listen_probe.hpp"
#include "vrrpd/service/options.hpp"
#include "vrrpd/service/supervisor.hpp"

namespace vrrpd::service {

/// What a service tells its owner. All but `check_wanted` are called from the loop, never from within a call
/// to the service; they may call it, but not destroy it. What a newer wish has overtaken is not told any more.
struct Listener {
    std::function<void()> ready;                            ///< serves; again after each restart
    std::function<void()> stopped;                          ///< as wished
    std::function<void(const std::string& reason)> failed;  ///< waits for want_stop(fault)
    std::function<void(const std::string& reason)> restarted;
    /// True: judge the check from now on, starting from unknown. False: stop it. May come from within a call.
    std::function<void(bool)> check_wanted;
};

class Service {
  public:
    /// `check_in_standby`: run = always and a check that does not go to one of our VIPs. `loop` and `starter` (of
    /// commands or of units, as the options say) must outlive the service. Destroying it kills the process; a unit
    /// stays.
    Service(Loop& loop, ChildStarter& starter, ServiceOptions options, bool check_in_standby, Listener listener);
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    /// The daemon has come up: starts what is to run always.
    void begin();
    /// This host is MASTER: answers with `ready` or `failed`, also if it served already.
    void want_run();
    /// This host is not MASTER any more: answers with `stopped`.
    void want_stop(StopMode mode);
    /// The daemon goes: as want_stop, also for what is to run always.
    void shut_down(StopMode mode);

    /// The verdict of the check, while it is wanted. `text` is the reason that the owner will be given.
    void check_passed();
    void check_failed(const std::string& text);

    /// Other options for the same process (same_process()): for what comes from now on.
    void adjust(const ServiceOptions& options);

    bool ready() const { return supervisor_.ready(); }
    bool running() const { return supervisor_.running(); }
    /// When SIGKILL goes to what is being stopped; the past, if it went already or nothing is.
    Instant killed_by() const { return supervisor_.killed_by(); }
    const ServiceOptions& options() const { return options_; }

  private:
    void wish(Wish wish, StopMode mode);
    void tell_now(const Steps& steps);
    void tell_later(const Steps& steps);
    std::vector<Report> act(const Steps& steps);
    void carry_out(Action action);
    void tell(const std::vector<Report>& reports);
    void tell(const Report& report);
    void start();

    Loop& loop_;
    ChildStarter& starter_;
    ServiceOptions options_;
    Listener listener_;
    Supervisor supervisor_;
    std::unique_ptr<Timer> deadline_;
    std::unique_ptr<Timer> later_;
    std::vector<Report> untold_;  // reports that came about within a call of the owner
    unsigned wishes_ = 0;
    std::optional<ListenProbe> probe_;
    std::unique_ptr<Child> child_;
};

}  // namespace vrrpd::service
