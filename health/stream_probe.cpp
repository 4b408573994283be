#include "health/stream_probe.hpp"

#include <cerrno>
#include <poll.h>
#include <utility>

#include <sys/socket.h>

#include "health/endpoint_socket.hpp"

namespace vrrpd::health {

StreamProbe::StreamProbe(Loop& loop, const CheckOptions& options, Past& past, Found found)
    : options_(options), found_(std::move(found)), dialogue_(make_dialogue(options, past)) {
    Attempt attempt = start_connect(options_.endpoint);
    if (attempt.error != 0) {
        const Finding finding =
            is_own_lack(attempt.error) ? not_asked(attempt.error) : connect_failure(attempt.error, options_.endpoint);
        deadline_.emplace(loop, Duration::zero(), [this, finding] { finish(finding); });
        return;
    }
    socket_ = std::move(attempt.socket);
    watch_ = loop.watch(socket_.get(), writable, [this](std::uint32_t ready) {
        if (const auto finding = advance(ready)) finish(*finding);
    });
    deadline_.emplace(loop, options_.timeout, [this] { expire(); });
}

void StreamProbe::expire() {
    // The answer may have come while this process did not run, or in this very round of the loop.
    if (const auto finding = advance(connected_ ? readable : state_of_connect())) return finish(*finding);
    finish(connected_ ? dialogue_->silent(options_.timeout) : no_connection());
}

std::optional<Finding> StreamProbe::advance(std::uint32_t ready) {
    if (ready == 0) return std::nullopt;
    if (!connected_) {
        const auto finding = finish_connect(ready);
        if (finding || !connected_) return finding;
    }
    return exchange();
}

std::uint32_t StreamProbe::state_of_connect() const {
    pollfd state{socket_.get(), POLLOUT, 0};
    return poll(&state, 1, 0) > 0 ? writable | hang_up : 0u;
}

// A connect that failed hangs up, and only then there is an error to ask for.
std::optional<Finding> StreamProbe::finish_connect(std::uint32_t ready) {
    const int error = (ready & hang_up) != 0 ? pending_error(socket_.get()) : 0;
    if (error != 0) return connect_failure(error, options_.endpoint);
    if (connected_to_itself(socket_.get(), options_.endpoint)) return connect_failure(ECONNREFUSED, options_.endpoint);
    connected_ = true;
    if (!dialogue_) return Finding{Class::up, "connected"};
    return std::nullopt;
}

// Reads to the end of what is there: the dialogue bounds how much that can be.
std::optional<Finding> StreamProbe::exchange() {
    char buffer[4096];
    for (;;) {
        send_request();
        const ssize_t got = recv(socket_.get(), buffer, sizeof buffer, 0);
        if (got < 0 && errno == EAGAIN) {
            watch_->interest(request_.empty() ? readable : readable | writable);
            return std::nullopt;
        }
        if (got < 0) return connect_failure(errno, options_.endpoint);
        if (got == 0) return dialogue_->closed();
        if (const auto finding = dialogue_->feed({buffer, static_cast<std::size_t>(got)})) return finding;
    }
}

void StreamProbe::send_request() {
    request_ += dialogue_->take_request();
    while (!request_.empty()) {
        const ssize_t sent = send(socket_.get(), request_.data(), request_.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) break;
        // A full memcached says so and closes before it was asked: what it sent counts, not that the send failed.
        request_.erase(0, sent < 0 ? request_.size() : static_cast<std::size_t>(sent));
    }
}

// On this host only a service that has stopped taking connections from a full queue makes a SYN go unanswered.
Finding StreamProbe::no_connection() const {
    const Class cls = is_on_this_host(options_.endpoint) ? Class::hung : Class::unreachable;
    return {cls, "no connection in " + in_milliseconds(options_.timeout)};
}

void StreamProbe::finish(const Finding& finding) {
    watch_.reset();
    deadline_.reset();
    socket_.reset();
    const Found found = std::move(found_);
    found(finding);
}

}  // namespace vrrpd::health
