// Asks a redis, and reads what it, or whatever else listens there, says.
//
// All questions leave at once, as arrays of the protocol (a proxy may not take inline commands): AUTH if there is a
// password, PING, and then
//
// | `require`         | asks               | up when                                                              |
// |-------------------|--------------------|----------------------------------------------------------------------|
// | `pong`            |                    | `+PONG`                                                              |
// | `master`          | `ROLE`             | it is a master                                                       |
// | `replica_in_sync` | `INFO replication` | a replica, the link to its master is up, no sync is in progress, and |
// |                   |                    | what it has read and not yet applied is at most `max_lag` bytes      |
//
// PING comes first because a redis that loads its data refuses PING, and answers ROLE with "master".
//
// What a replica cannot know: how far its master has come since. It sees the bytes that reached it, so a lag of 0
// means "all that came is applied", and a master that is cut off and goes on writing is noticed by the link alone,
// after redis' own `repl-timeout`. How long the master has been silent stands in the evidence; it says something at
// least every `repl-ping-replica-period` (10 s). The replica's offsets are told apart since redis 7.0; before that,
// its lag counts as 0.
//
// | error                                                                | class     |
// |----------------------------------------------------------------------|-----------|
// | `LOADING`                                                            | loading   |
// | `BUSY`: a script has run for longer than `busy-reply-threshold`      | busy      |
// | `NOAUTH`, `WRONGPASS`, `NOPERM`, `DENIED`, `ERR invalid password`    | auth      |
// | `MASTERDOWN`: a replica that refuses to serve what may be old        | stale     |
// | `ERR max number of clients reached`                                  | saturated |
// | `MISCONF`, `OOM`, `READONLY`, `NOREPLICAS`: alive, writes are refused | degraded  |
// | any other                                                            | failed    |
//
// A password where none is configured (`ERR AUTH <password> called without ...`) is superfluous, no error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "health/line_dialogue.hpp"

namespace vrrpd::health {

class RedisDialogue final : public LineDialogue {
  public:
    /// `options` must outlive it.
    explicit RedisDialogue(const RedisOptions& options);

  private:
    using Step = std::optional<Finding> (RedisDialogue::*)(std::string_view);

    std::optional<Finding> take_line(std::string_view line) override;
    bool may_begin(std::string_view line) const override;

    std::optional<Finding> authenticated(std::string_view line);
    std::optional<Finding> pong(std::string_view line);
    std::optional<Finding> role_array(std::string_view line);
    std::optional<Finding> role_length(std::string_view line);
    std::optional<Finding> role(std::string_view line);
    std::optional<Finding> info_length(std::string_view line);
    std::optional<Finding> info(std::string_view line);
    Finding judge_replication() const;

    const RedisOptions& options_;
    Step step_;
    std::size_t info_end_ = 0;  // consumed() at the end of the answer to INFO
    std::string role_, link_, syncing_;
    std::optional<std::uint64_t> silent_for_, read_, applied_, down_for_;
};

}  // namespace vrrpd::health
