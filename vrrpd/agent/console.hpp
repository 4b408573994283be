// The operator's seat: what vrrpctl asks and orders, what Prometheus scrapes, and what of it has to last.
//
//     control socket, metrics_listen ──► Console ──► events for the core (drain, failover)
//     transitions, checks, services  ──►         ──► history and drains in the state directory, followers of events
//
// Every answer is made from a look at the router and its surroundings; long ones in pieces, of which none takes the
// protocol thread more than a millisecond or two with a thousand instances. Nothing here waits: the disk is another
// thread's, and an answer that depends on it, or on a peer that is to take over, is given when it is known.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "health/report.hpp"
#include "vrrpd/agent/drains.hpp"
#include "vrrpd/agent/event_feed.hpp"
#include "vrrpd/agent/history.hpp"
#include "vrrpd/agent/metrics.hpp"
#include "vrrpd/agent/status.hpp"
#include "vrrpd/config/arrange.hpp"
#include "vrrpd/config/config.hpp"
#include "vrrpd/core/router.hpp"
#include "vrrpd/io/control_server.hpp"
#include "vrrpd/io/metrics_server.hpp"
#include "vrrpd/io/state_store.hpp"

namespace vrrpd {

class Console {
  public:
    /// What it looks at, and how it acts.
    struct World {
        const config::Config& config;
        const Router& router;
        std::function<void(std::vector<Event>)> feed;  ///< as one round
        std::function<ShellCounters()> counters;
        std::function<health::Verdict(std::size_t check)> verdict;
        std::function<const char*(std::size_t service)> service_state;
        std::function<bool(const VirtualAddress&, const InstanceOptions&)> present;
        const HookSet& hooks;
        /// Reads the file again; `done` is told whether it is in force now, and what is wrong with it.
        std::function<void(std::function<void(bool applied, const std::vector<std::string>& problems)> done)> reload;
    };

    /// Opens the sockets and reads what was kept, which may wait: before the protocol starts. What fails is a warning
    /// in the log, and does without.
    Console(Loop& loop, World world);
    Console(const Console&) = delete;
    Console& operator=(const Console&) = delete;

    /// Who was drained when the daemon last ran: to be told before Startup.
    std::vector<Event> kept_drains() const;
    /// Which of these instances were: said in the log, "since before the `event`".
    std::vector<InstanceId> kept_drains(const std::vector<InstanceId>& among, const char* event) const;

    /// A reload, before anything of the new configuration speaks: what was said by those who are gone or begin anew
    /// is no news of whoever is in their places.
    void reconfigured(const config::Changes& checks, const config::Changes& services);

    // What happens.
    void role_changed(const RoleChanged& change);
    void noticed(const Notice& notice);
    void check_reported(std::size_t check, const health::Report& report);
    void hook_ended(const std::string& owner, Hook hook, const char* how);
    void service_said(const std::string& service, const char* what, const std::string& reason);
    /// Something is wrong with the daemon itself, for as long as it runs: to be seen in the status.
    void warn(std::string text) { warnings_.push_back(std::move(text)); }

  private:
    using Request = ControlServer::Request;
    using Answer = ControlServer::Answer;
    using Response = ControlServer::Response;
    struct Command;

    void open_sockets();
    Response answer(const Request& request);
    Response status(const Request& request);
    Response metrics(const Request& request);
    Response history(const Request& request);
    Response events(const Request& request);
    Response fail_over(const Request& request);
    Response drain(const Request& request);
    Response resume(const Request& request);
    Response reload(const Request& request);

    std::optional<InstanceId> find(const std::string& name) const;
    /// An instance with its sync group, or all.
    std::vector<InstanceId> chosen(const std::vector<std::string>& names) const;
    Response set_drained(const std::vector<std::string>& names, bool drained);
    void apply(const std::vector<std::string>& names, bool drained);
    std::optional<Answer> outcome_of_failover(const std::string& name);
    MetricsPages pages() const;
    void publish(const char* event, std::vector<std::pair<const char*, Happening::Value>> fields);
    Surroundings surroundings() const;

    Loop& loop_;
    World world_;
    std::vector<std::optional<Surroundings::Reported>> reports_;  // by check
    std::map<std::string, std::string> troubles_;                 // by service: the last
    std::vector<std::string> warnings_;
    StateStore store_;
    History history_;
    Drains drains_;
    EventFeed feed_;
    std::unique_ptr<Timer> look_;                    // whether somebody has taken over, while it is waited for
    std::unique_ptr<MetricsServer> metrics_server_;  // none: nobody may ask
    std::unique_ptr<ControlServer> control_;         // none: could not be opened; last: it uses the others
};

}  // namespace vrrpd
