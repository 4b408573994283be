// What happens, for programs that follow it as it happens (`vrrpctl events`).
//
// All followers share one bounded list. An event costs its entry while somebody follows, and nothing while nobody does:
// lines are made only when a follower can take them, a few at a time. One that is so slow that the list has gone past
// it is told how much it missed, and cut off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "vrrpd/agent/history.hpp"
#include "vrrpd/io/control_server.hpp"

namespace vrrpd {

struct Happening {
    using Value = std::variant<std::string, int, bool>;
    WallTime when;
    const char* event = "";  ///< transition | check | service | hook | warning | operator
    std::vector<std::pair<const char*, Value>> fields;
};

class EventFeed {
  public:
    static constexpr std::size_t most = 2048;  ///< that a follower may be behind

    bool is_followed() const { return !follower_.expired(); }

    /// Nothing while nobody follows. ControlServer::wake() is due after it.
    void publish(Happening happening);

    /// Everything from now on, as lines of JSON; ends only if the follower is cut off.
    ControlServer::Source follow();

  private:
    std::optional<ControlServer::Answer> next(std::uint64_t& position) const;

    std::deque<Happening> happenings_;
    std::uint64_t first_ = 0;      // number of the oldest
    std::weak_ptr<int> follower_;  // lives as long as any
};

}  // namespace vrrpd
