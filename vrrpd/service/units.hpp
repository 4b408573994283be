// systemd's units as commands: started, signalled and ended over D-Bus, without waiting for any of it.
//
// A `Command` whose only word is the name of a unit. To the supervisor it is a process like any other; what differs is
// who keeps it: systemd. So a Child that is destroyed leaves its unit running, and so does a daemon that dies.
//
//     start()           StartUnit; a unit that runs already is taken as it is
//     signal(SIGTERM)   StopUnit, which ends the unit in its own way
//     signal(SIGKILL)   StopUnit, and SIGKILL to all of its processes
//     ended             the unit is inactive or failed, or could not be started
//
// A unit that systemd restarts by itself (`Restart=`) has not ended meanwhile. One that polkit or systemd refuses to
// stop has not ended either: it is said, and it runs on.
//
// The bus is opened with the first wish. While it is away (systemd was replaced, dbus was restarted) nothing is known:
// units count as they were, wishes wait, and a second later it is tried again.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "vrrpd/launcher/child.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::service {

class Units final : public ChildStarter {
  public:
    /// `problem` is told in one sentence what the bus or systemd refused. `loop` must outlive the units.
    Units(Loop& loop, std::function<void(const std::string&)> problem);
    ~Units() override;
    Units(const Units&) = delete;
    Units& operator=(const Units&) = delete;

    [[nodiscard]] std::unique_ptr<Child> start(const Command& command, std::function<void(ExitStatus)> ended) override;

    /// Ends a unit that a predecessor has left running.
    void stop(const std::string& unit);

  private:
    class Bus;
    class Handle;
    std::shared_ptr<Bus> bus_;
};

/// Why this process could not start any unit; empty: nothing is known that stands in the way. Looks at files, so only
/// before the protocol starts.
std::string obstacle_to_units();

}  // namespace vrrpd::service
