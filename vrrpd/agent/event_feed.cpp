#include "vrrpd/agent/event_feed.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "vrrpd/agent/json.hpp"

namespace vrrpd {
namespace {

constexpr std::uint64_t lines_at_once = 64;  // lines that are made in one step

}  // namespace

void EventFeed::publish(Happening happening) {
    if (!is_followed()) {
        first_ += happenings_.size();
        std::deque<Happening>().swap(happenings_);
        return;
    }
    happenings_.push_back(std::move(happening));
    if (happenings_.size() <= most) return;
    happenings_.pop_front();
    ++first_;
}

ControlServer::Source EventFeed::follow() {
    auto token = follower_.lock();
    if (!token) follower_ = token = std::make_shared<int>();
    return [this, token, position = first_ + happenings_.size(), begun = false]() mutable {
        if (!std::exchange(begun, true)) {
            return std::optional(ControlServer::Answer{true, happening_line({wall_clock(), "following", {}}), true});
        }
        return next(position);
    };
}

std::optional<ControlServer::Answer> EventFeed::next(std::uint64_t& position) const {
    if (position < first_) {
        return ControlServer::Answer{false, fmt::format("too slow: {} events were lost", first_ - position)};
    }
    const std::uint64_t end = std::min(position + lines_at_once, first_ + happenings_.size());
    if (position == end) return std::nullopt;
    ControlServer::Answer answer{true, "", true};
    for (; position < end; ++position) answer.text += happening_line(happenings_[position - first_]);
    return answer;
}

}  // namespace vrrpd
