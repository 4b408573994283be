// Children as the rest of the program sees them: a command that was started, can be signalled, and ends once.
//
// Checks, services and hooks start programs through this interface only. The real thing (`launcher.hpp`)
// starts them from a helper process, because a vfork from the real-time protocol thread suspends it for as
// long as the child needs to reach its exec: 12 to 20 ms were seen under load.
//
// Promises: starting never blocks; every started command reports exactly one end, also when it could not be
// executed; a child leads its own process group, and signals go to the whole group; nothing of the group
// outlives the leader's end, nor the `Child` object, nor the daemon.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

namespace vrrpd {

/// Who a command runs as. The default is the user that the daemon runs as.
struct Credentials {
    uid_t user = static_cast<uid_t>(-1);  ///< -1: do not change
    gid_t group = static_cast<gid_t>(-1);
    friend bool operator==(const Credentials&, const Credentials&) = default;
};

/// What to start. `argv[0]` is the program, an absolute path: nothing is looked up, and a relative one is
/// not_started with ENOENT.
struct Command {
    std::vector<std::string> argv;
    std::vector<std::string> environment = {};  ///< `NAME=value`, in addition to a fixed PATH
    Credentials credentials = {};
    bool keep_output = false;  ///< true: the daemon's stderr; false: /dev/null, or:
    /// Wants the last line that the command says: called at most once, from the loop, shortly before or after its
    /// end, with text that is printable and bounded; not at all if it says nothing. However much it says, neither
    /// it nor the daemon waits for the other: the launcher process reads.
    std::function<void(const std::string&)> on_last_line = {};
};

/// How a command ended.
struct ExitStatus {
    enum class Kind { exited, signalled, not_started };
    Kind kind = Kind::exited;
    int value = 0;  ///< exit code, signal number, or errno

    bool success() const { return kind == Kind::exited && value == 0; }
    /// "exit code 3", "killed by signal 9", "could not be started: No such file or directory".
    std::string to_string() const;
    friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

/// A running command. Destroying it kills its process group and suppresses the report of its end.
class Child {
  public:
    virtual ~Child() = default;
    /// Sends a signal to the whole process group; nothing once the end was reported.
    virtual void signal(int number) = 0;
};

/// Starts commands.
class ChildStarter {
  public:
    virtual ~ChildStarter() = default;
    /// `ended` is called once, from the loop, never from within this call. It may destroy the Child.
    [[nodiscard]] virtual std::unique_ptr<Child> start(const Command& command,
                                                       std::function<void(ExitStatus)> ended) = 0;
};

}  // namespace vrrpd
