// All services of this host, and who needs them: adds up the wishes of the instances, and tells each instance
// about its services as one.
//
// A service that several instances name stays up while any of them needs it. An instance is ready when all
// its services are, fails when one of them does, and has stopped when none runs that nobody else needs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "health/report.hpp"
#include "vrrpd/core/events.hpp"
#include "vrrpd/core/options.hpp"
#include "vrrpd/launcher/child.hpp"
#include "vrrpd/loop/loop.hpp"
#include "vrrpd/service/service.hpp"
#include "vrrpd/service/units.hpp"

namespace vrrpd {

/// Of one service since the start.
struct ServiceCounters {
    std::uint64_t ready = 0, stopped = 0, restarted = 0, failed = 0;  ///< how often it was said to be
    Duration starting{};  ///< from when it was wanted, or ended by itself, until it was ready: all together
};

class ServiceSet {
  public:
    struct Callbacks {
        std::function<void(const ServicesChanged&)> changed;
        /// Judge the check of a service from now on, or do not any more.
        std::function<void(std::size_t service, bool wanted)> check_wanted;
        /// A process has ended: see all_ended().
        std::function<void()> ended;
        /// What a service did: "ready", "stopped", "restarted" or "failed". May be empty.
        std::function<void(const std::string& service, const char* what, const std::string& reason)> said{};
    };

    /// `standby_checks[i]`: the check of service i goes to an address that is always there.
    ServiceSet(Loop& loop, ChildStarter& starter, const std::vector<service::ServiceOptions>& options,
               const std::vector<InstanceOptions>& instances, const std::vector<bool>& standby_checks,
               Callbacks callbacks);

    /// Starts what is to run always, and ends the units that a predecessor has left running, but for those of the
    /// `adopted` instances.
    void begin(const std::vector<Legacy>& adopted);
    void set(InstanceId id, ServiceWish wish);
    void check_changed(std::size_t service, health::Verdict verdict, const std::string& text);

    /// Services and instances are others now. A service with the same options is left alone; one with others is
    /// stopped, and started again if somebody needs it; who was removed stops when nobody needs it any more.
    void reconfigure(const std::vector<service::ServiceOptions>& options, const std::vector<bool>& standby_checks);

    /// From now on a service that stops does not go to standby.
    void leave();
    /// Ends what is still running, after leave(); units that are in use go on, for a successor, and so do those that
    /// have not ended a second after their SIGKILL.
    void end_all();
    bool all_ended() const;

    /// "ready" | "running" | "stopped"
    const char* state(std::size_t service) const;
    const ServiceCounters& counters(std::size_t service) const { return members_[service].counters; }

  private:
    struct Member {
        std::unique_ptr<service::Service> service;  // none: the place is vacant
        bool standby_check = false;
        std::set<InstanceId> users;
        bool ready = false;
        bool stopped = true;
        bool left = false;   // running when we end
        bool going = false;  // for good: what follows it is `next`
        std::optional<service::ServiceOptions> next{};
        ServiceCounters counters{};
        std::optional<Instant> starting_since{};
    };

    void say(std::size_t service, const char* what, const std::string& reason = {});
    void make(std::size_t service, const service::ServiceOptions& options);
    void drop_users();
    void go(Member& member, std::optional<service::ServiceOptions> next);
    void replace_gone();
    void leave_units();

    void on_ready(std::size_t service);
    void on_stopped(std::size_t service);
    void on_restarted(std::size_t service, const std::string& reason);
    void on_failed(std::size_t service, const std::string& reason);
    void run(Member& member);
    void stop(Member& member, service::StopMode mode);
    void tell_if_ready(InstanceId id);
    void tell_if_stopped(InstanceId id);

    Loop& loop_;
    ChildStarter& starter_;
    const std::vector<InstanceOptions>& instances_;
    service::Units units_;
    Callbacks callbacks_;
    std::unique_ptr<Timer> replacement_;  // of those that are gone
    std::unique_ptr<Timer> patience_;     // with units that are to end
    std::vector<Member> members_;
    std::vector<bool> stopping_;  // by instance: has not been told yet that all its services have stopped
    bool leaving_ = false;
    bool ending_ = false;
};

}  // namespace vrrpd
