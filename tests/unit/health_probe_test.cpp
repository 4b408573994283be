#include <cerrno>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "health/endpoint_socket.hpp"
#include "health/method.hpp"
#include "health/script_probe.hpp"
#include "health/stream_probe.hpp"
#include "tests/unit/health_support.hpp"

namespace vrrpd::health::health_probe_test {
namespace {

using namespace test;

class HealthProbe : public ::testing::Test {
  protected:
    void start(Kind kind, const Endpoint& endpoint) {
        options.kind = kind;
        options.endpoint = endpoint;
        options.timeout = 500ms;
        probe = std::make_unique<StreamProbe>(loop, options, past, [this](const Finding& finding) {
            findings.push_back(finding);
            probe.reset();
        });
        EXPECT_TRUE(findings.empty()) << "called back from within its constructor";
    }
    void start_script() {
        options.kind = Kind::script;
        options.command = {"/bin/check", "me"};
        options.credentials = {7, 8};
        options.timeout = 500ms;
        probe = std::make_unique<ScriptProbe>(loop, scripts, 1, options, [this](const Finding& finding) {
            findings.push_back(finding);
            probe.reset();
        });
    }
    /// The one finding, after nothing more can come.
    Finding outcome() {
        settle(loop);
        loop.advance(10s);
        EXPECT_EQ(findings.size(), 1u);
        return findings.empty() ? Finding{} : findings.front();
    }

    vrrpd::test::FakeLoop loop;
    FakeStarter starter{loop};
    ScriptRunner scripts{starter};
    CheckOptions options;
    Past past;
    std::unique_ptr<Probe> probe;
    std::vector<Finding> findings;
};

TEST_F(HealthProbe, TcpIsUpOnceConnected) {
    const Listener listener;
    start(Kind::tcp, listener.endpoint());
    EXPECT_EQ(outcome(), (Finding{Class::up, "connected"}));
}

TEST_F(HealthProbe, NobodyListensHereIsRefusedAndHard) {
    const Listener bound_only(false);
    for (const Kind kind : {Kind::tcp, Kind::memcached}) {
        findings.clear();
        start(kind, bound_only.endpoint());
        EXPECT_EQ(outcome(), (Finding{Class::refused, "connection refused", true}));
    }
}

TEST_F(HealthProbe, AConnectThatFailsAtOnceIsReportedFromTheLoop) {
    start(Kind::tcp, {*IpAddress::parse("255.255.255.255"), 11211});
    EXPECT_EQ(outcome().cls, Class::unreachable);
}

TEST_F(HealthProbe, MemcachedIsUpAfterAWholeExchange) {
    Listener listener;
    start(Kind::memcached, listener.endpoint());
    settle(loop);
    const Descriptor guest = listener.accept();
    EXPECT_EQ(hear(guest), "version\r\n");
    say(guest, "VERSION 1.6");
    settle(loop);
    EXPECT_TRUE(findings.empty());
    say(guest, ".18\r\n");
    EXPECT_EQ(outcome(), (Finding{Class::up, "VERSION 1.6.18"}));
    EXPECT_EQ(hear(guest), "") << "the connection is closed after the probe";
}

TEST_F(HealthProbe, AcceptedAndSilentIsHungAtTheDeadlineExactly) {
    const Listener listener;
    start(Kind::memcached, listener.endpoint());
    settle(loop);
    loop.advance(500ms - 1ns);
    EXPECT_TRUE(findings.empty());
    loop.advance(1ns);
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0], (Finding{Class::hung, "connected, no reply in 500 ms"}));
}

TEST_F(HealthProbe, AFullQueueIsHung) {
    Listener listener;
    std::vector<Descriptor> guests;  // listen(16) holds 17
    for (int i = 0; i < 40; ++i) guests.push_back(std::move(start_connect(listener.endpoint()).socket));
    start(Kind::memcached, listener.endpoint());
    EXPECT_EQ(outcome(), (Finding{Class::hung, "no connection in 500 ms"}));
}

TEST_F(HealthProbe, AWrongProtocolIsNamed) {
    Listener listener;
    start(Kind::memcached, listener.endpoint());
    settle(loop);
    const Descriptor guest = listener.accept();
    say(guest, "-ERR unknown command 'version'\r\n");
    EXPECT_EQ(outcome(), (Finding{Class::wrong_protocol, "-ERR unknown command 'version'", true}));
}

TEST_F(HealthProbe, AnEndWithoutAReplyIsHard) {
    Listener listener;
    start(Kind::memcached, listener.endpoint());
    settle(loop);
    Descriptor guest = listener.accept();
    hear(guest);
    guest.reset();
    EXPECT_EQ(outcome(), (Finding{Class::failed, "closed without a reply", true}));
}

TEST_F(HealthProbe, AResetIsHard) {
    Listener listener;
    start(Kind::memcached, listener.endpoint());
    settle(loop);
    Descriptor guest = listener.accept();
    reset_on_close(guest);
    guest.reset();
    EXPECT_EQ(outcome(), (Finding{Class::failed, "connection reset", true}));
}

TEST_F(HealthProbe, AFullServerIsHeardThoughItClosesBeforeItWasAsked) {
    Listener listener;
    start(Kind::memcached, listener.endpoint());
    Descriptor guest = listener.accept();
    say(guest, "ERROR Too many open connections\r\n");
    guest.reset();
    EXPECT_EQ(outcome(), (Finding{Class::saturated, "ERROR Too many open connections"}));
}

TEST_F(HealthProbe, AnAnswerThatWaitedThroughAPauseCounts) {
    Listener listener;
    start(Kind::memcached, listener.endpoint());
    settle(loop);
    const Descriptor guest = listener.accept();
    say(guest, "VERSION 1.6.18\r\n");
    loop.sleep_through(500ms);
    loop.advance(0ns);  // the deadline is dispatched first
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].cls, Class::up);
}

TEST_F(HealthProbe, APauseBeforeTheQuestionWasSentFailsNobody) {
    Listener listener;
    start(Kind::memcached, listener.endpoint());
    loop.sleep_through(1h);
    loop.advance(0ns);
    EXPECT_TRUE(findings.empty());
    settle(loop);
    const Descriptor guest = listener.accept();
    EXPECT_EQ(hear(guest), "version\r\n");
    say(guest, "VERSION 1.6.18\r\n");
    EXPECT_EQ(outcome().cls, Class::up);
}

TEST_F(HealthProbe, APauseExtendsTheDeadlineOnceOnly) {
    const Listener listener;
    start(Kind::memcached, listener.endpoint());
    loop.sleep_through(1h);
    loop.advance(0ns);
    loop.sleep_through(1h);
    loop.advance(0ns);
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].cls, Class::hung);
}

TEST_F(HealthProbe, DestroyingItEndsItInSilence) {
    Listener listener;
    start(Kind::memcached, listener.endpoint());
    settle(loop);
    probe.reset();
    loop.advance(10s);
    EXPECT_FALSE(loop.poll_once(0ms));
    EXPECT_TRUE(findings.empty());
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(HealthProbe, AScriptIsJudgedByItsExit) {
    using Exit = ExitStatus::Kind;
    const std::vector<std::pair<ExitStatus, Finding>> cases{
        {good_exit, {Class::up, good_exit.to_string()}},
        {exit_code(3), {Class::failed, exit_code(3).to_string()}},
        {{Exit::signalled, 9}, {Class::failed, ExitStatus{Exit::signalled, 9}.to_string()}},
        {exit_code(126), {Class::exec_failure, exit_code(126).to_string(), true}},
        {exit_code(127), {Class::exec_failure, exit_code(127).to_string(), true}},
        {{Exit::not_started, ENOENT}, {Class::exec_failure, ExitStatus{Exit::not_started, ENOENT}.to_string(), true}},
    };
    for (const auto& [status, finding] : cases) {
        findings.clear();
        start_script();
        starter.end(*starter.children.back(), status);
        EXPECT_EQ(outcome(), finding);
    }
    EXPECT_EQ(starter.children[0]->command.argv, (std::vector<std::string>{"/bin/check", "me"}));
    EXPECT_EQ(starter.children[0]->command.credentials, (Credentials{7, 8}));
}

TEST_F(HealthProbe, AScriptThatDoesNotEndIsKilledAtTheDeadline) {
    start_script();
    loop.advance(500ms - 1ns);
    EXPECT_EQ(starter.running(), 1u);
    loop.advance(1ns);
    EXPECT_EQ(starter.running(), 0u);
    EXPECT_EQ(outcome(), (Finding{Class::timed_out, "no exit in 500 ms"}));
}

TEST(HealthEndpointSocket, KnowsWhatIsOnThisHost) {
    EXPECT_TRUE(is_own_address(*IpAddress::parse("127.0.0.1")));
    EXPECT_TRUE(is_own_address(*IpAddress::parse("127.9.9.9")));
    EXPECT_TRUE(is_own_address(*IpAddress::parse("::1")));
    EXPECT_FALSE(is_own_address(*IpAddress::parse("203.0.113.77")));  // TEST-NET-3: nobody's
    EXPECT_FALSE(is_own_address(*IpAddress::parse("2001:db8::1")));
}

// No descriptor is left: that says nothing of any service, and would fail all checks of the host together.
TEST_F(HealthProbe, WhatThisHostLacksIsNoFindingOnAService) {
    const Listener listener;
    options.endpoint = listener.endpoint();
    options.path = "/proc/self/status";
    options.process_name = "init";
    options.timeout = 500ms;
    for (const Kind kind : {Kind::tcp, Kind::memcached, Kind::ping, Kind::file, Kind::process}) {
        options.kind = kind;
        const auto method = make_method(loop, scripts, options, [] {});
        rlimit before{};
        getrlimit(RLIMIT_NOFILE, &before);
        const rlimit none{0, before.rlim_max};
        setrlimit(RLIMIT_NOFILE, &none);
        findings.clear();
        probe = method->probe([this](const Finding& finding) { findings.push_back(finding); });
        loop.advance(0ms);
        setrlimit(RLIMIT_NOFILE, &before);
        EXPECT_EQ(findings, (std::vector<Finding>{{Class::not_asked, "Too many open files"}}))
            << static_cast<int>(kind);
        probe.reset();
    }
    for (const int lack : {EMFILE, ENFILE, ENOMEM, ENOBUFS}) {
        EXPECT_EQ(judge_exit({ExitStatus::Kind::not_started, lack}).cls, Class::not_asked);
        EXPECT_EQ(judge_exit({ExitStatus::Kind::exited, lack}).cls, Class::failed) << "its own exit code";
    }
}

TEST(HealthEndpointSocket, SeesThatItMetItself) {
    Listener self(false);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(self.endpoint().port);
    Listener listener;
    const Attempt ordinary = start_connect(listener.endpoint());
    EXPECT_FALSE(connected_to_itself(ordinary.socket.get(), listener.endpoint()));
    const Descriptor socket = self.release();
    connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    pollfd state{socket.get(), POLLOUT, 0};
    ASSERT_EQ(poll(&state, 1, 2000), 1);
    ASSERT_EQ(pending_error(socket.get()), 0);
    EXPECT_TRUE(connected_to_itself(socket.get(), self.endpoint()));
}

TEST(HealthEndpointSocket, ErrorsHaveTheirClass) {
    const Endpoint here{*IpAddress::parse("127.0.0.1"), 1};
    const Endpoint elsewhere{*IpAddress::parse("192.0.2.1"), 1};
    EXPECT_TRUE(connect_failure(ECONNREFUSED, here).hard);
    EXPECT_FALSE(connect_failure(ECONNREFUSED, elsewhere).hard);
    for (const int error : {ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, ETIMEDOUT}) {
        EXPECT_EQ(connect_failure(error, here).cls, Class::unreachable);
        EXPECT_FALSE(connect_failure(error, here).hard);
    }
    EXPECT_EQ(connect_failure(EMFILE, here), (Finding{Class::failed, "Too many open files"}));
}

}  // namespace
}  // namespace vrrpd::health::health_probe_test
