#include "health/stream_probe.hpp"

#include <cerrno>
#include <poll.h>
#include <utility>

#include <sys/socket.h>

#include "health/endpoint_socket.hpp"

namespace vrrpd::health {

StreamProbe::StreamProbe(Loop& loop, const CheckOptions& options, Found found)
    : kind_(options.kind), endpoint_(options.endpoint), timeout_(options.timeout), found_(std::move(found)) {
    Attempt attempt = start_connect(endpoint_);
    if (attempt.error != 0) {
        const Finding finding = connect_failure(attempt.error, endpoint_);
        deadline_.emplace(loop, Duration::zero(), [this, finding] { finish(finding); });
        return;
    }
    socket_ = std::move(attempt.socket);
    watch_ = loop.watch(socket_.get(), writable, [this](std::uint32_t) {
        if (const auto finding = advance()) finish(*finding);
    });
    deadline_.emplace(loop, timeout_, [this] { expire(); });
}

void StreamProbe::expire() {
    // The answer may have come while this process did not run, or in this very round of the loop.
    if (const auto finding = advance()) return finish(*finding);
    finish(connected_ ? reply_.silent(timeout_) : no_connection());
}

std::optional<Finding> StreamProbe::advance() {
    if (!connected_) {
        const auto finding = finish_connect();
        if (finding || !connected_) return finding;
    }
    return exchange();
}

std::optional<Finding> StreamProbe::finish_connect() {
    pollfd state{socket_.get(), POLLOUT, 0};
    if (poll(&state, 1, 0) <= 0) return std::nullopt;
    if (const int error = pending_error(socket_.get())) return connect_failure(error, endpoint_);
    if (connected_to_itself(socket_.get())) return connect_failure(ECONNREFUSED, endpoint_);
    connected_ = true;
    if (kind_ == Kind::tcp) return Finding{Class::up, "connected"};
    return std::nullopt;
}

std::optional<Finding> StreamProbe::exchange() {
    while (!request_.empty()) {
        const ssize_t sent = send(socket_.get(), request_.data(), request_.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) return std::nullopt;
        // A full memcached says so and closes before it was asked: what it sent counts, not that the send failed.
        request_.remove_prefix(sent < 0 ? request_.size() : static_cast<std::size_t>(sent));
        if (request_.empty()) watch_->interest(readable);
    }
    char buffer[512];
    for (;;) {
        const ssize_t got = recv(socket_.get(), buffer, sizeof buffer, 0);
        if (got < 0 && errno == EAGAIN) return std::nullopt;
        if (got < 0) return connect_failure(errno, endpoint_);
        if (got == 0) return reply_.closed();
        if (const auto finding = reply_.feed({buffer, static_cast<std::size_t>(got)})) return finding;
    }
}

// On this host only a service that has stopped taking connections from a full queue makes a SYN go unanswered.
Finding StreamProbe::no_connection() const {
    const Class cls = is_own_address(endpoint_.address) ? Class::hung : Class::unreachable;
    return {cls, "no connection in " + in_milliseconds(timeout_)};
}

void StreamProbe::finish(const Finding& finding) {
    watch_.reset();
    deadline_.reset();
    socket_.reset();
    const Found found = std::move(found_);
    found(finding);
}

}  // namespace vrrpd::health
