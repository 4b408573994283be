#include "vrrpd/loop/poller.hpp"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/epoll.h>

#include "vrrpd/loop/epoll_bits.hpp"

namespace vrrpd {
namespace {

void require(bool done, const char* what) {
    if (!done) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

class Poller::Entry final : public Watch {
  public:
    Entry(Poller& poller, int descriptor, std::uint32_t readiness, std::uint32_t slot)
        : poller_(poller), descriptor_(descriptor), readiness_(readiness), slot_(slot) {
        if (readiness_ != 0) change(EPOLL_CTL_ADD);
    }
    ~Entry() override {
        if (readiness_ != 0) change(EPOLL_CTL_DEL);
        ++poller_.slots_[slot_].generation;
        poller_.slots_[slot_].ready.reset();
        poller_.free_.push_back(slot_);
    }
    void interest(std::uint32_t readiness) override {
        const std::uint32_t before = std::exchange(readiness_, readiness);
        if (before == readiness) return;
        change(readiness == 0 ? EPOLL_CTL_DEL : before == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD);
    }

  private:
    // Only what is added can be refused, and a daemon that is deaf from then on must not go on.
    void change(int operation) {
        epoll_event event{};
        event.events = to_epoll(readiness_);
        event.data.u64 = std::uint64_t{poller_.slots_[slot_].generation} << 32 | slot_;
        const int result = epoll_ctl(poller_.epoll_.get(), operation, descriptor_, &event);
        require(result == 0 || operation != EPOLL_CTL_ADD, "watch");
    }

    Poller& poller_;
    const int descriptor_;
    std::uint32_t readiness_;
    const std::uint32_t slot_;
};

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    require(static_cast<bool>(epoll_), "epoll");
}

void Poller::dispatch() {
    std::array<epoll_event, batch> events;
    const int count = epoll_wait(epoll_.get(), events.data(), events.size(), 0);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const Slot& slot = slots_[event.data.u64 & 0xffffffff];
        if (slot.generation != event.data.u64 >> 32) continue;
        // It may destroy its own watch, and with it all but this reference.
        const auto ready = slot.ready;
        (*ready)(from_epoll(event.events));
    }
}

std::unique_ptr<Watch> Poller::watch(int descriptor, std::uint32_t readiness,
                                     std::function<void(std::uint32_t)> ready) {
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(slots_.size()));
        slots_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    auto entry = std::make_unique<Entry>(*this, descriptor, readiness, slot);
    free_.pop_back();
    slots_[slot].ready = std::make_shared<std::function<void(std::uint32_t)>>(std::move(ready));
    return entry;
}

}  // namespace vrrpd
