// What the checks http, tcp and send_expect find of a real haproxy and of other real servers.

#include <deque>

#include "tests/unit/real_service.hpp"

namespace vrrpd::health::health_http_rows_test {
namespace {

using namespace test;

class HealthHttpRows : public RealService {
  protected:
    HealthHttpRows() {
        options.kind = Kind::http;
        options.endpoint = local(free_port());
    }
    /// Answers by itself, without a server behind it, but for /behind, whose server is not there.
    std::unique_ptr<Process> haproxy(const std::string& more = "") {
        const std::string port = std::to_string(options.endpoint.port);
        const std::string file =
            folder.write("haproxy.cfg",
                         "global\n  maxconn 100\ndefaults\n  mode http\n  timeout client 60s\n  timeout server 60s\n  "
                         "timeout connect 1s\n  retries 0\n"
                         "frontend web\n  bind 127.0.0.1:" +
                             port + "\n  bind [::1]:" + port + "\n  bind unix@" + socket() + "\n" + more +
                             "  stats enable\n  stats uri /stats\n"
                             "  http-request return status 204 if { path /empty }\n"
                             "  http-request return status 301 hdr Location /page if { path /moved }\n"
                             "  http-request return status 503 if { path /ill }\n"
                             "  http-request return content-type text/plain string \"for example.org\" if { hdr(host) "
                             "example.org }\n"
                             "  http-request return content-type text/plain string \"all is well\" if { path /page }\n"
                             "  default_backend none\nbackend none\n  server gone 127.0.0.1:1\n");
        return std::make_unique<Process>(std::vector<std::string>{"/usr/sbin/haproxy", "-db", "-f", file});
    }
    std::string socket() const { return folder / "haproxy.sock"; }
    std::string asked(const std::string& path, const std::string& contains = "") {
        options.http.path = path;
        options.http.contains = contains;
        return to_string(probe());
    }
};

TEST_F(HealthHttpRows, RefusedUpHungAndUpAgain) {
    EXPECT_EQ(asked("/page"), "refused: connection refused");
    const auto server = haproxy();
    wait_for(Class::up);
    EXPECT_EQ(asked("/page", "is well"), "up: HTTP/1.1 200 OK");
    server->send(SIGSTOP);
    EXPECT_EQ(asked("/page"), "hung: connected, no reply in 300 ms");
    options.kind = Kind::tcp;
    EXPECT_EQ(to_string(probe()), "up: connected") << "a connect is no proof of health";
    options.kind = Kind::http;
    server->send(SIGCONT);
    EXPECT_EQ(asked("/page"), "up: HTTP/1.1 200 OK");
}

TEST_F(HealthHttpRows, StatusAndText) {
    const auto server = haproxy();
    options.http.path = "/page";
    wait_for(Class::up);
    EXPECT_EQ(asked("/page", "all is ill"), "failed: without the text: HTTP/1.1 200 OK");
    EXPECT_EQ(asked("/ill"), "failed: HTTP/1.1 503 Service Unavailable");
    EXPECT_EQ(asked("/behind"), "failed: HTTP/1.1 503 Service Unavailable");
    EXPECT_EQ(asked("/empty"), "up: HTTP/1.1 204 No Content");
    EXPECT_EQ(asked("/moved"), "up: HTTP/1.1 301 Moved Permanently");
    EXPECT_EQ(asked("/stats", "Statistics Report for HAProxy"), "up: HTTP/1.1 200 OK");
    EXPECT_EQ(asked("/stats", "</html>"), "up: HTTP/1.1 200 OK") << "the end of a page that comes in chunks";
    options.http.status = {{200, 299}};
    EXPECT_EQ(asked("/moved"), "failed: HTTP/1.1 301 Moved Permanently");
    options.http.status = {{503, 503}};
    EXPECT_EQ(asked("/ill"), "up: HTTP/1.1 503 Service Unavailable");
    EXPECT_EQ(asked("/page"), "failed: HTTP/1.1 200 OK");
    options.http = {};
    options.http.host = "example.org";
    EXPECT_EQ(asked("/page", "for example.org"), "up: HTTP/1.1 200 OK");
}

TEST_F(HealthHttpRows, OverIpv6AndAUnixSocket) {
    const auto server = haproxy();
    options.endpoint = local(options.endpoint.port, "::1");
    options.http.path = "/page";
    wait_for(Class::up);
    options.endpoint = {};
    options.endpoint.path = socket();
    EXPECT_EQ(asked("/page", "all is well"), "up: HTTP/1.1 200 OK");
    options.kind = Kind::tcp;
    EXPECT_EQ(to_string(probe()), "up: connected");
}

TEST_F(HealthHttpRows, AFullOneIsHung) {
    const auto server = haproxy("  maxconn 5\n  backlog 100\n");
    options.http.path = "/page";
    wait_for(Class::up);
    std::deque<Client> clients;
    for (int i = 0; i < 10; ++i) clients.emplace_back(options.endpoint);
    EXPECT_EQ(to_string(wait_for(Class::hung)), "hung: connected, no reply in 300 ms");
    clients.clear();
    wait_for(Class::up);
}

TEST_F(HealthHttpRows, ACacheOnThePortClosesAtTheSightOfAWebRequest) {
    const std::string port = std::to_string(options.endpoint.port);
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", port, "-U", "0"},
          std::vector<std::string>{"redis-server", "--bind", "127.0.0.1", "--port", port, "--save", ""}}) {
        const Process cache(words);
        EXPECT_EQ(wait_for(Class::failed), (Finding{Class::failed, "closed without a reply", true})) << words[0];
    }
}

TEST_F(HealthHttpRows, OthersOnAPortOfAWebServer) {
    const auto server = haproxy();
    options.http.path = "/page";
    wait_for(Class::up);
    for (const Kind kind : {Kind::memcached, Kind::redis}) {
        options.kind = kind;
        EXPECT_EQ(to_string(probe()), "wrong protocol: HTTP/1.1 400 Bad request");
    }
}

TEST_F(HealthHttpRows, SendAndExpect) {
    const Process redis(
        {"redis-server", "--port", std::to_string(options.endpoint.port), "--bind", "127.0.0.1", "--save", ""});
    options.kind = Kind::send_expect;
    options.send_expect = {"PING\r\n", "+PONG\r\n"};
    wait_for(Class::up);
    options.send_expect.expect = "-LOADING";
    EXPECT_EQ(to_string(probe()), "failed: not the expected text in 300 ms: +PONG??");
    options.send_expect.send = "QUIT\r\n";
    EXPECT_EQ(to_string(probe()), "failed: not the expected text before the end: +OK??");
    options.send_expect.send = "";
    EXPECT_EQ(to_string(probe()), "hung: connected, no reply in 300 ms") << "it waits to be asked";
    redis.send(SIGSTOP);
    options.send_expect = {"PING\r\n", "+PONG\r\n"};
    EXPECT_EQ(to_string(probe()), "hung: connected, no reply in 300 ms");
}

TEST_F(HealthHttpRows, ABannerThatComesUnasked) {
    const std::uint16_t stats = free_port();
    const std::string file = folder.write("proxy.yml", "pool:\n  listen: 127.0.0.1:" + std::to_string(free_port()) +
                                                           "\n  servers:\n   - 127.0.0.1:1:1\n");
    const Process proxy({"/usr/sbin/nutcracker", "-c", file, "-a", "127.0.0.1", "-s", std::to_string(stats)});
    options.kind = Kind::send_expect;
    options.endpoint = local(stats);
    options.send_expect.expect = R"("service":"nutcracker")";
    wait_for(Class::up);
    options.kind = Kind::http;
    EXPECT_TRUE(to_string(probe()).starts_with(R"(wrong protocol: {"service":"nutcracker")")) << to_string(probe());
}

}  // namespace
}  // namespace vrrpd::health::health_http_rows_test
