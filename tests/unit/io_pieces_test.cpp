// Answers that come in pieces, over the control socket and over HTTP: what is made when, what has to be waited for, and
// what clients may cost that do not read, hang up or talk nonsense. On a loop whose clock the test turns.
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/support/fake_loop.hpp"
#include "vrrpd/io/control_server.hpp"
#include "vrrpd/io/metrics_server.hpp"

namespace vrrpd::io_pieces_test {
namespace {

using namespace std::chrono_literals;
using test::FakeLoop;
namespace fs = std::filesystem;
using Answer = ControlServer::Answer;

class Caller {
  public:
    Caller(FakeLoop& loop, const sockaddr* address, socklen_t size)
        : loop_(loop), socket_(socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (connect(socket_.get(), address, size) != 0) throw std::runtime_error("connect");
    }
    Caller& say(const std::string& text) {
        send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
        return *this;
    }
    /// Everything that comes until nobody has anything to do.
    std::string hear() {
        std::string heard;
        do {
            std::array<char, 65536> piece;
            ssize_t got = 0;
            while ((got = recv(socket_.get(), piece.data(), piece.size(), MSG_DONTWAIT)) > 0) {
                heard.append(piece.data(), static_cast<std::size_t>(got));
            }
            closed_ = got == 0 || errno == ECONNRESET;
        } while (loop_.poll_once(0ms) || (!closed_ && loop_.poll_once(5ms)));
        return heard;
    }
    bool closed() const { return closed_; }
    void hang_up() { socket_.reset(); }

  private:
    FakeLoop& loop_;
    Descriptor socket_;
    bool closed_ = false;
};

std::string line(const std::string& text, bool more) {
    return R"({"version":1,"ok":true,"text":")" + text + (more ? "\",\"more\":true}\n" : "\"}\n");
}

// pieces: a, b, c. wait: whatever is in `ready`, one at a time, and for ever.
class Pieces : public testing::Test {
  protected:
    Pieces() {
        char name[] = "/tmp/vrrpd-pieces-XXXXXX";
        if (mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
        folder = name;
        server = std::make_unique<ControlServer>(loop, ControlServer::Options{folder + "/control", ""},
                                                 [this](const auto& request) { return answer(request); });
    }
    ~Pieces() override {
        server.reset();
        fs::remove_all(folder);
    }
    ControlServer::Response answer(const ControlServer::Request& request) {
        if (request.command == "ping") return Answer{true, "pong"};
        if (request.command == "pieces") {
            return [this, next = 'a']() mutable -> std::optional<Answer> {
                ++made;
                return Answer{true, std::string(piece_size, next), next++ != 'c'};
            };
        }
        return [this]() -> std::optional<Answer> {
            ++asked;
            if (ready.empty()) return std::nullopt;
            const std::string text = ready.front();
            ready.erase(ready.begin());
            return Answer{true, text, true};
        };
    }
    Caller caller() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        (folder + "/control").copy(address.sun_path, sizeof address.sun_path - 1);
        return {loop, reinterpret_cast<const sockaddr*>(&address), sizeof address};
    }
    static std::string ask(const std::string& command) { return R"({"version":1,"command":")" + command + "\"}\n"; }

    FakeLoop loop;
    std::string folder;
    std::unique_ptr<ControlServer> server;
    std::size_t piece_size = 1;
    int made = 0, asked = 0;
    std::vector<std::string> ready;
};

TEST_F(Pieces, ComeAsLinesOfWhichTheLastSaysSo) {
    Caller client = caller();
    EXPECT_EQ(client.say(ask("pieces") + ask("ping")).hear(),
              line("a", true) + line("b", true) + line("c", false) + line("pong", false));
    EXPECT_FALSE(client.closed());
}

TEST_F(Pieces, TheNextIsMadeOnlyWhenTheOneBeforeHasLeft) {
    piece_size = 4u << 20;
    Caller client = caller();
    client.say(ask("pieces"));
    for (int i = 0; i < 20; ++i) loop.poll_once(0ms);
    EXPECT_EQ(made, 1) << "he reads nothing";
    EXPECT_EQ(client.hear().size(), 3 * piece_size + line("", true).size() * 2 + line("", false).size());
    EXPECT_EQ(made, 3);
}

TEST_F(Pieces, WhoReadsNothingOfOneIsClosed) {
    piece_size = 4u << 20;
    Caller client = caller();
    client.say(ask("pieces"));
    for (int i = 0; i < 20; ++i) loop.poll_once(0ms);
    loop.advance(ControlServer::patience);
    client.hear();
    EXPECT_TRUE(client.closed());
}

TEST_F(Pieces, WhatIsNotThereYetIsWaitedForWithoutAsking) {
    Caller client = caller();
    EXPECT_EQ(client.say(ask("wait")).hear(), "");
    EXPECT_EQ(asked, 1);
    loop.advance(1h);
    EXPECT_EQ(client.say(ask("ping")).hear(), "") << "one answer after the other";
    EXPECT_FALSE(client.closed());
    EXPECT_EQ(asked, 1);
    ready = {"x", "y"};
    server->wake();
    EXPECT_EQ(client.hear(), line("x", true) + line("y", true));
    EXPECT_EQ(asked, 4);
}

TEST_F(Pieces, WhoHangsUpWhileHeWaitsLeavesHisPlace) {
    for (int i = 0; i < 40; ++i) {
        Caller client = caller();
        EXPECT_EQ(client.say(ask("wait")).hear(), "") << i;
        client.hang_up();
        while (loop.poll_once(0ms)) {
        }
    }
    EXPECT_EQ(caller().say(ask("ping")).hear(), line("pong", false));
}

// ---- over HTTP

class Http : public testing::Test {
  protected:
    Http() {
        for (port = 20'000 + static_cast<std::uint16_t>(getpid() % 20'000);; ++port) {
            try {
                server = std::make_unique<MetricsServer>(loop, *IpAddress::parse("127.0.0.1"), port, [] {
                    return [n = 0]() mutable -> std::optional<std::string> {
                        return ++n > 3 ? std::nullopt
                                       : std::optional(std::string(static_cast<std::size_t>(n), 'x') + "\n");
                    };
                });
                return;
            } catch (const std::runtime_error&) {
                if (port == 50'000) throw;
            }
        }
    }
    Caller caller() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return {loop, reinterpret_cast<const sockaddr*>(&address), sizeof address};
    }
    std::string status(const std::string& request) {
        const std::string answer = caller().say(request).hear();
        return answer.substr(0, answer.find("\r\n"));
    }

    FakeLoop loop;
    std::uint16_t port = 0;
    std::unique_ptr<MetricsServer> server;
};

TEST_F(Http, ThePageAndItsEnd) {
    Caller client = caller();
    EXPECT_EQ(client.say("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").hear(),
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
              "Connection: close\r\n\r\nx\nxx\nxxx\n");
    EXPECT_TRUE(client.closed());
}

TEST_F(Http, NothingElseIsThere) {
    EXPECT_EQ(status("GET /metrics?x=1 HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 OK");
    EXPECT_EQ(status("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 Not Found");
    EXPECT_EQ(status("GET /metrics/../etc HTTP/1.1\r\n\r\n"), "HTTP/1.1 404 Not Found");
    EXPECT_EQ(status("POST /metrics HTTP/1.1\r\n\r\n"), "HTTP/1.1 405 Method Not Allowed");
    for (const char* nonsense : {"\r\n\r\n", "GET\r\n\r\n", "GET /metrics\r\n\r\n", "GET /metrics SMTP\r\n\r\n"}) {
        EXPECT_EQ(status(nonsense), "HTTP/1.1 400 Bad Request") << nonsense;
    }
}

TEST_F(Http, AnEndlessRequestAndASlowOneAreClosed) {
    Caller endless = caller(), slow = caller();
    endless.say(std::string(5000, 'x')).hear();
    EXPECT_TRUE(endless.closed());
    slow.say("GET /metr").hear();
    EXPECT_FALSE(slow.closed());
    loop.advance(MetricsServer::patience);
    slow.hear();
    EXPECT_TRUE(slow.closed());
}

TEST_F(Http, WhoComesWhenAllPlacesAreTakenIsClosedAndHurtsNobody) {
    std::vector<std::unique_ptr<Caller>> held;
    for (std::size_t i = 0; i < MetricsServer::most_clients; ++i) {
        held.push_back(std::make_unique<Caller>(caller()));
        held.back()->hear();
    }
    Caller late = caller();
    late.hear();
    EXPECT_TRUE(late.closed());
    EXPECT_NE(held[0]->say("GET /metrics HTTP/1.1\r\n\r\n").hear().find("xxx\n"), std::string::npos);
}

}  // namespace
}  // namespace vrrpd::io_pieces_test
