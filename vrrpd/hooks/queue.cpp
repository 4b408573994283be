#include "vrrpd/hooks/queue.hpp"

#include <algorithm>
#include <utility>

namespace vrrpd::hooks {
namespace {

// A state says all that was to be said before it; another Active is only news of the same kind.
bool overtakes(const RunHook& wish, const RunHook& older) {
    if (wish.run != 0 || older.run != 0) return false;
    return wish.hook == Hook::notify || wish.hook == older.hook;
}

}  // namespace

std::vector<RunHook> Queue::add(const RunHook& wish) {
    std::vector<RunHook> skipped;
    for (const RunHook& older : std::exchange(waiting_, {})) {
        if (overtakes(wish, older)) {
            skipped.push_back(older);
        } else {
            waiting_.push_back(older);
        }
    }
    waiting_.push_back(wish);
    return skipped;
}

std::optional<RunHook> Queue::drop(std::uint64_t run) {
    const auto found = std::ranges::find(waiting_, run, &RunHook::run);
    if (run == 0 || found == waiting_.end()) return std::nullopt;
    RunHook dropped = std::move(*found);
    waiting_.erase(found);
    return dropped;
}

std::optional<RunHook> Queue::begin() {
    if (running_ || waiting_.empty()) return std::nullopt;
    running_ = true;
    RunHook first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
}

}  // namespace vrrpd::hooks
