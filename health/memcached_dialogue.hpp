// Asks a memcached, and reads what it, or whatever else listens there, says.
//
// | probe     | says                                   | up when                                             |
// |-----------|----------------------------------------|-----------------------------------------------------|
// | `version` | `version`                              | `VERSION ...`                                       |
// | `set_get` | `set` of a key of its own, then `get`  | `STORED`, then the same value                       |
// | `stats`   | `stats`                                | the connections are below `max_connections_percent`,|
// |           |                                        | and no store was refused since the last probe       |
//
// With credentials it first says `set KEY 0 -1 N` and `USER PASSWORD`, memcached's way of ASCII authentication, and
// waits for `STORED`. Where no authentication is on, that is an ordinary set: the -1 lets it expire at once, so that
// no password lies in a cache for everybody to read.
//
// | line at any time                                                   | class          |
// |--------------------------------------------------------------------|----------------|
// | `ERROR Too many open connections`                                  | saturated      |
// | `CLIENT_ERROR unauthenticated`, `... authentication failure`       | auth           |
// | `SERVER_ERROR out of memory ...`                                   | degraded       |
// | `SERVER_ERROR ...`                                                 | failed         |
// | what is not memcached's, or 1 KiB with no line                     | wrong protocol |
//
// A full memcached sends its line before it was asked and closes. One that runs with `-M` and is full refuses big
// values and still stores a small one: `set_get` is green then, and only the growth of `store_no_memory` in `stats`
// shows it. Through nutcracker `version` is forwarded to a backend, so it proves the proxy and one backend;
// `set_get` goes to the shard of its key; `stats` is closed without a byte. The get follows the answer to the set,
// because a proxy may send the two on different ways.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "health/line_dialogue.hpp"

namespace vrrpd::health {

class MemcachedDialogue final : public LineDialogue {
  public:
    /// Both must outlive it.
    MemcachedDialogue(const MemcachedOptions& options, Past& past);

  private:
    using Step = std::optional<Finding> (MemcachedDialogue::*)(std::string_view);

    std::optional<Finding> take_line(std::string_view line) override;
    bool may_begin(std::string_view line) const override;

    void begin();
    std::optional<Finding> authenticated(std::string_view line);
    std::optional<Finding> version(std::string_view line);
    std::optional<Finding> stored(std::string_view line);
    std::optional<Finding> found(std::string_view line);
    std::optional<Finding> value(std::string_view line);
    std::optional<Finding> end(std::string_view line);
    std::optional<Finding> statistic(std::string_view line);
    Finding judge_statistics();

    const MemcachedOptions& options_;
    Past& past_;
    Step step_ = nullptr;
    std::optional<std::uint64_t> uptime_, connections_, max_connections_, refused_stores_;
};

}  // namespace vrrpd::health
