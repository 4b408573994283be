#include "health/idle_watch.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "health/endpoint_socket.hpp"

namespace vrrpd::health {
namespace {

constexpr std::size_t most_dropped = 64 * 1024;
constexpr Duration first_pause = std::chrono::seconds(1);
constexpr Duration longest_pause = std::chrono::minutes(1);

Duration pause_after(int losses) {
    if (losses < 2) return Duration::zero();
    return std::min(first_pause * (1 << std::min(losses - 2, 6)), longest_pause);
}

}  // namespace

IdleWatch::IdleWatch(Loop& loop, Endpoint endpoint, std::function<void()> ended)
    : loop_(loop), endpoint_(endpoint), ended_(std::move(ended)) {}

void IdleWatch::hold() {
    if (socket_ || loop_.now() < paused_until_) return;
    Attempt attempt = start_connect(endpoint_);
    if (attempt.error != 0) return;
    socket_ = std::move(attempt.socket);
    dropped_ = 0;
    since_ = loop_.now();
    // A refused connection becomes readable too, so the connect itself needs no watching.
    watch_ = loop_.watch(socket_.get(), readable, [this](std::uint32_t state) { ready((state & hang_up) != 0); });
}

void IdleWatch::release() {
    watch_.reset();
    socket_.reset();
    paused_until_ = {};
    losses_ = 0;
}

void IdleWatch::ready(bool hung_up) {
    char buffer[4096];
    const ssize_t got = recv(socket_.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN && !hung_up) return;
    if (got > 0) {
        dropped_ += static_cast<std::size_t>(got);
        if (dropped_ <= most_dropped) return;
    }
    lost();
}

void IdleWatch::lost() {
    watch_.reset();
    socket_.reset();
    const Instant now = loop_.now();
    losses_ = now - since_ >= longest_pause ? 1 : losses_ + 1;
    paused_until_ = now + pause_after(losses_);
    ended_();
}

}  // namespace vrrpd::health
