// What the tests of the health room share: a listener that the test answers by hand, and a starter of
// children that only exist on paper.
#pragma once

#include <csignal>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "health/options.hpp"
#include "tests/support/fake_loop.hpp"
#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd::health::test {

using namespace std::chrono_literals;

/// A TCP socket bound to a free port of 127.0.0.1.
class Listener {
  public:
    explicit Listener(bool listening = true) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        if (bind(socket_.get(), generic, length) != 0 || getsockname(socket_.get(), generic, &length) != 0 ||
            (listening && ::listen(socket_.get(), 16) != 0)) {
            throw std::runtime_error("no listener");
        }
        endpoint_ = {*IpAddress::parse("127.0.0.1"), ntohs(address.sin_port)};
    }

    const Endpoint& endpoint() const { return endpoint_; }
    Descriptor accept() { return Descriptor(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
    void close() { socket_.reset(); }
    /// The socket itself; the listener is none any more.
    Descriptor release() { return std::move(socket_); }

    /// Whether a connection waits to be accepted.
    bool has_guest() const {
        pollfd state{socket_.get(), POLLIN, 0};
        return poll(&state, 1, 0) == 1;
    }

  private:
    Descriptor socket_;
    Endpoint endpoint_;
};

inline void say(const Descriptor& socket, std::string_view text) {
    ASSERT_EQ(send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

/// What the peer sent so far; empty once it has closed.
inline std::string hear(const Descriptor& socket) {
    char buffer[64];
    const ssize_t got = recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0) return "nothing";
    return {buffer, static_cast<std::size_t>(got)};
}

/// Makes close() send a reset instead of an end of stream.
inline void reset_on_close(const Descriptor& socket) {
    const linger now{1, 0};
    setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/// Dispatches what the kernel has ready, until nothing more comes.
inline void settle(vrrpd::test::FakeLoop& loop) {
    while (loop.poll_once(20ms)) {
    }
}

/// Starts nothing. The test ends each child itself, or says beforehand how and when it will end.
class FakeStarter final : public ChildStarter {
  public:
    struct Started {
        Command command;
        Instant at;
        std::function<void(ExitStatus)> ended;
        bool alive = true;
        std::vector<int> signals{};
    };

    explicit FakeStarter(vrrpd::test::FakeLoop& loop) : loop_(loop) {}

    std::unique_ptr<Child> start(const Command& command, std::function<void(ExitStatus)> ended) override {
        if (decide) decide();
        auto started = std::make_shared<Started>(Started{command, loop_.now(), std::move(ended)});
        children.push_back(started);
        auto child = std::make_unique<FakeChild>(started);
        child->killed = [this, started, child = child.get()] {
            if (stuck || !started->alive) return;
            child->timer = loop_.timer([this, started] { end(*started, {ExitStatus::Kind::signalled, SIGKILL}); });
            child->timer->arm(loop_.now());
        };
        if (outcome) {
            child->timer = loop_.timer([this, started, status = *outcome] { end(*started, status); });
            child->timer->arm(loop_.now() + takes);
        }
        return child;
    }

    void end(Started& child, ExitStatus status) {
        child.alive = false;
        const auto ended = child.ended;  // it destroys the child
        ended(status);
    }

    std::size_t running() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(children, [](const auto& child) { return child->alive; }));
    }

    std::vector<std::shared_ptr<Started>> children;
    std::optional<ExitStatus> outcome;  ///< how the next children end; none: not by themselves
    Duration takes{};                   ///< and after how long
    bool stuck = false;                 ///< a SIGKILL ends nobody
    std::function<void()> decide;       ///< asked before each start, to set the two above

  private:
    struct FakeChild final : Child {
        explicit FakeChild(std::shared_ptr<Started> child) : started(std::move(child)) {}
        ~FakeChild() override { started->alive = false; }
        void signal(int number) override {
            started->signals.push_back(number);
            if (number == SIGKILL && killed) killed();
        }
        std::function<void()> killed;
        std::shared_ptr<Started> started;
        std::unique_ptr<Timer> timer;
    };

    vrrpd::test::FakeLoop& loop_;
};

inline constexpr ExitStatus good_exit{ExitStatus::Kind::exited, 0};
inline ExitStatus exit_code(int code) {
    return {ExitStatus::Kind::exited, code};
}

}  // namespace vrrpd::health::test
