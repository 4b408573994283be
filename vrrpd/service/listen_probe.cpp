#include "vrrpd/service/listen_probe.hpp"

#include <cerrno>
#include <utility>

#include "health/endpoint_socket.hpp"

namespace vrrpd::service {

ListenProbe::ListenProbe(Loop& loop, health::Endpoint endpoint, std::function<void()> accepted)
    : loop_(loop), endpoint_(std::move(endpoint)), accepted_(std::move(accepted)) {
    next_ = loop_.timer([this] { attempt(); });
    limit_ = loop_.timer([this] { attempt_over(ETIMEDOUT); });
}

void ListenProbe::begin() {
    end();
    begun_ = loop_.now();
    next_->arm(begun_);
}

void ListenProbe::end() {
    next_->disarm();
    close_attempt();
}

void ListenProbe::attempt() {
    attempted_ = loop_.now();
    auto [socket, error] = health::start_connect(endpoint_);
    if (error != 0) return try_again();
    socket_ = std::move(socket);
    watch_ = loop_.watch(socket_.get(), writable,
                         [this](std::uint32_t) { attempt_over(health::pending_error(socket_.get())); });
    limit_->arm(attempted_ + attempt_limit);
}

void ListenProbe::attempt_over(int error) {
    const bool success = error == 0 && !health::connected_to_itself(socket_.get(), endpoint_);
    close_attempt();
    if (!success) return try_again();
    accepted_();
}

void ListenProbe::try_again() {
    const Instant now = loop_.now();
    next_->arm(std::max(now, attempted_ + (now - begun_ < quick_period ? quick_pause : pause)));
}

void ListenProbe::close_attempt() {
    limit_->disarm();
    watch_.reset();
    socket_.reset();
}

}  // namespace vrrpd::service
