#include <string>

#include <gtest/gtest.h>

#include "health/http_dialogue.hpp"
#include "tests/unit/dialogue_support.hpp"

namespace vrrpd::health::health_http_dialogue_test {
namespace {

using namespace test;

class HealthHttpDialogue : public ::testing::Test {
  protected:
    Make make() {
        return [this](Past&) { return std::make_unique<HttpDialogue>(options, endpoint); };
    }

    HttpOptions options;
    Endpoint endpoint{*IpAddress::parse("127.0.0.1"), 8080};
};

const std::string ok = "HTTP/1.1 200 OK\r\n";
const Finding up{Class::up, "HTTP/1.1 200 OK"};
const Finding without{Class::failed, "without the text: HTTP/1.1 200 OK"};

std::string with_length(const std::string& body) {
    return ok + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST_F(HealthHttpDialogue, AsksForThePath) {
    const std::string rest = "\r\nUser-Agent: vrrpd\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(converse(make(), "").asked, "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080" + rest);
    options.path = "/health?a=b";
    options.host = "www.example.org";
    EXPECT_EQ(converse(make(), "").asked, "GET /health?a=b HTTP/1.1\r\nHost: www.example.org" + rest);
    options.host = "";
    endpoint.path = "/run/x.sock";
    EXPECT_EQ(converse(make(), "").asked, "GET /health?a=b HTTP/1.1\r\nHost: localhost" + rest);
}

TEST_F(HealthHttpDialogue, TheStatusDecides) {
    expect_finding(make(), with_length("hello"), up);
    expect_finding(make(), "HTTP/1.0 399 Odd\r\nContent-Length: 0\r\n\r\n", {Class::up, "HTTP/1.0 399 Odd"});
    expect_finding(make(), "HTTP/1.1 204\r\n\r\n", {Class::up, "HTTP/1.1 204"});
    expect_finding(make(), "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
                   {Class::up, "HTTP/1.1 304 Not Modified"});
    expect_finding(make(), "HTTP/1.1 503 Service Unavailable\r\n", {Class::failed, "HTTP/1.1 503 Service Unavailable"});
    options.status = {{200, 200}, {301, 302}};
    expect_finding(make(), "HTTP/1.1 301 Moved\nContent-Length: 0\n\n", {Class::up, "HTTP/1.1 301 Moved"});
    expect_finding(make(), "HTTP/1.1 201 Created\r\n", {Class::failed, "HTTP/1.1 201 Created"});
}

TEST_F(HealthHttpDialogue, InterimAnswersArePassedOver) {
    expect_finding(make(),
                   "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n" + ok +
                       "Content-Length: 0\r\n\r\n",
                   up);
    expect_cut_off(make(), "HTTP/1.1 100 Continue\r\n\r\n", within_its_reply, no_whole_reply);
    expect_cut_off(make(),
                   "HTTP/1.1 103 x\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n" + ok + "\r\nbody", up,
                   no_whole_reply);
}

TEST_F(HealthHttpDialogue, WhatIsNoHttpIsNamed) {
    const auto wrong = [](const std::string& text) { return Finding{Class::wrong_protocol, text, true}; };
    expect_finding(make(), "-ERR unknown command 'GET'\r\n", wrong("-ERR unknown command 'GET'"));
    for (const std::string line : {"HTTP/1.", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 20", "HTTP/1.1 2000 x",
                                   "HTTP/1.1 2x0 x", "HTTP/1.1 099 x", "HTTP/2 200", "HTTP/1.11200 OK", "ERROR"}) {
        expect_finding(make(), line + "\r\n", wrong(line));
    }
    expect_finding(make(), std::string(HttpDialogue::longest_line, 'H'), wrong(std::string(80, 'H')));
    expect_cut_off(make(), "HTTQ", wrong("HTTQ"), wrong("HTTQ"));
    expect_cut_off(make(), "HTT", within_its_reply, no_whole_reply);
    expect_cut_off(make(), "", without_a_reply, no_reply);
}

TEST_F(HealthHttpDialogue, TheTextIsFoundInABodyOfKnownLength) {
    options.contains = "ready";
    expect_finding(make(), with_length("<p>ready</p>"), up);
    expect_finding(make(), with_length("rready"), up);
    expect_finding(make(), with_length("read") + "y", without);
    expect_finding(make(), ok + "X: ready\r\nContent-Length: 1\r\n\r\nx", without);
    expect_finding(make(), "HTTP/1.1 204 ready\r\n\r\n", {Class::failed, "without the text: HTTP/1.1 204 ready"});
    expect_cut_off(make(), with_length("ready!").substr(0, with_length("ready!").size() - 1), within_its_reply,
                   no_whole_reply);
}

TEST_F(HealthHttpDialogue, TheTextIsFoundAcrossChunks) {
    options.contains = "ready";
    const std::string head = ok + "transfer-ENCODING:  gzip, Chunked \r\nContent-Length: 3\r\n\r\n";
    expect_finding(make(), head + "3\r\nrea\r\n2 ;x=y\r\ndy\r\n0\r\nTrailer: x\r\n\r\n", up);
    expect_finding(make(), head + "A\r\nready00000\r\n0\r\n\r\n", up);
    expect_finding(make(), head + "3\r\nrea\r\n2\r\ndx\r\n0\r\n\r\n", without);
    expect_finding(make(), head + "3\r\nready\r\n",
                   {Class::wrong_protocol, "a chunk that is longer than its size", true});
    expect_finding(make(), head + "ready\r\n", {Class::wrong_protocol, "a chunk without a size", true});
    expect_finding(make(), head + "fffffffffffffffff\r\n", {Class::wrong_protocol, "a chunk without a size", true});
    expect_cut_off(make(), head + "5\r\nready\r\n0\r\n", within_its_reply, no_whole_reply);
}

TEST_F(HealthHttpDialogue, ABodyWithoutLengthEndsWithTheConnection) {
    options.contains = "ready";
    expect_cut_off(make(), ok + "\r\nrea", without, no_whole_reply);
    expect_cut_off(make(), ok + "\r\nready", up, no_whole_reply);
    expect_cut_off(make(), ok + "Content-Length: -3\r\n\r\nready", up, no_whole_reply);
    expect_cut_off(make(), ok, within_its_reply, no_whole_reply);
}

TEST_F(HealthHttpDialogue, LooksAt64KiBAndNoMore) {
    options.contains = "ready";
    const std::string head = ok + "\r\n";
    const std::string body(HttpDialogue::longest - head.size(), 'x');
    const auto of = [&](const std::string& bytes) { return converse(make(), bytes); };
    EXPECT_EQ(of(head + body + "ready").finding,
              (Finding{Class::failed, "without the text in the first 64 KiB: HTTP/1.1 200 OK"}));
    EXPECT_EQ(of(head + body.substr(5) + "ready").finding, up);
    EXPECT_EQ(of(head + body.substr(4) + "ready").finding,
              (Finding{Class::failed, "without the text in the first 64 KiB: HTTP/1.1 200 OK"}));
    EXPECT_FALSE(of(head + body.substr(1)).finding);
    const std::string headers = ok + std::string(HttpDialogue::longest, 'x');
    EXPECT_EQ(of(headers).finding, (Finding{Class::wrong_protocol, "no end of the headers within 64 KiB", true}));
}

TEST_F(HealthHttpDialogue, ALongHeaderIsPassedOver) {
    expect_finding(make(), ok + "Cookie: " + std::string(1500, 'c') + "\r\nContent-Length: 0\r\n\r\n", up);
}

}  // namespace
}  // namespace vrrpd::health::health_http_dialogue_test
