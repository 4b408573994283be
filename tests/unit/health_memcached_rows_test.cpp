// What the checks find of real memcacheds, and through a real nutcracker, in each way in which they can be ill.

#include <deque>

#include "tests/unit/real_service.hpp"

namespace vrrpd::health::health_memcached_rows_test {
namespace {

using namespace test;

class HealthMemcachedRows : public RealService {
  protected:
    HealthMemcachedRows() {
        options.kind = Kind::memcached;
        options.endpoint = local(free_port());
        options.memcached.key = "vrrpd_check_here";
    }
    std::unique_ptr<Process> memcached(std::vector<std::string> more = {}) {
        return memcached_at(options.endpoint.port, std::move(more));
    }
    static std::unique_ptr<Process> memcached_at(std::uint16_t port, std::vector<std::string> more = {}) {
        std::vector<std::string> words{"memcached",          "-u", "nobody", "-l", "127.0.0.1", "-p",
                                       std::to_string(port), "-U", "0",      "-t", "1"};
        words.insert(words.end(), more.begin(), more.end());
        return std::make_unique<Process>(words);
    }
    void ask(MemcachedProbe probe) { options.memcached.probe = probe; }
    Finding asked(MemcachedProbe which) {
        ask(which);
        return probe();
    }
    static constexpr std::array all{MemcachedProbe::version, MemcachedProbe::set_get, MemcachedProbe::stats};
};

TEST_F(HealthMemcachedRows, RefusedUpHungAndUpAgain) {
    EXPECT_EQ(to_string(probe()), "refused: connection refused");
    const auto server = memcached();
    wait_for(Class::up);
    EXPECT_EQ(asked(MemcachedProbe::version).evidence, "VERSION 1.6.18");
    EXPECT_EQ(asked(MemcachedProbe::set_get).evidence, "stored a value and found it again");
    EXPECT_TRUE(asked(MemcachedProbe::stats).evidence.starts_with("uptime "));
    server->send(SIGSTOP);
    for (const auto each : all) EXPECT_EQ(to_string(asked(each)), "hung: connected, no reply in 300 ms");
    server->send(SIGCONT);
    for (const auto each : all) EXPECT_EQ(asked(each).cls, Class::up);
}

TEST_F(HealthMemcachedRows, OverIpv6AndAUnixSocket) {
    const Process six(
        {"memcached", "-u", "nobody", "-l", "::1", "-p", std::to_string(options.endpoint.port), "-U", "0"});
    options.endpoint = local(options.endpoint.port, "::1");
    wait_for(Class::up);
    options.endpoint = {};
    options.endpoint.path = folder / "memcached.sock";
    EXPECT_EQ(probe(), (Finding{Class::refused, "no such socket", true}));
    Process unix({"memcached", "-u", "nobody", "-s", options.endpoint.path, "-a", "0777"});
    wait_for(Class::up);
    for (const auto each : all) EXPECT_EQ(asked(each).cls, Class::up);
    unix.send(SIGSTOP);
    EXPECT_EQ(asked(MemcachedProbe::version).cls, Class::hung);
    unix.end();
    EXPECT_EQ(probe(), (Finding{Class::refused, "connection refused", true})) << "the socket is still there";
}

TEST_F(HealthMemcachedRows, AtItsLimitOfConnectionsItIsSaturated) {
    const auto server = memcached({"-c", "20"});
    wait_for(Class::up);
    std::deque<Client> clients;
    for (const auto each : all) {
        ask(each);
        const Finding full = wait_until([&](const Finding& finding) {
            if (finding.success()) clients.emplace_back(options.endpoint);  // earlier probes may have made room
            return !finding.success();
        });
        EXPECT_EQ(to_string(full), "saturated: ERROR Too many open connections");
    }
    clients.clear();
    wait_for(Class::up);
}

TEST_F(HealthMemcachedRows, ConnectionsNearTheThresholdAreDegraded) {
    const auto server = memcached({"-c", "100"});
    wait_for(Class::up);
    options.memcached.max_connections_percent = 50;
    std::deque<Client> clients;
    for (int i = 0; i < 40; ++i) clients.emplace_back(options.endpoint);
    EXPECT_EQ(asked(MemcachedProbe::stats).cls, Class::up);
    for (int i = 0; i < 20; ++i) clients.emplace_back(options.endpoint);
    const Finding finding = wait_for(Class::degraded);
    EXPECT_TRUE(finding.evidence.ends_with(" of 100 connections")) << finding.evidence;
    EXPECT_EQ(asked(MemcachedProbe::version).cls, Class::up);
}

TEST_F(HealthMemcachedRows, WithoutMaxconnsFastAFullOneLooksHung) {
    const auto server = memcached({"-c", "20", "-o", "no_maxconns_fast"});
    wait_for(Class::up);
    std::deque<Client> clients;
    for (int i = 0; i < 40; ++i) clients.emplace_back(options.endpoint);
    wait_for(Class::hung);  // connected or not: it makes its queue of connections short
}

TEST_F(HealthMemcachedRows, OutOfMemoryIsSeenByStatsAndLaterByTheProbesOwnKey) {
    const auto server = memcached({"-M", "-m", "2"});
    wait_for(Class::up);
    Client client(options.endpoint);
    const std::string big(100 * 1000, 'x');
    std::string answer = "STORED\r\n";
    for (int i = 0; i < 100 && answer == "STORED\r\n"; ++i) {
        answer = client.ask("set big" + std::to_string(i) + " 0 0 100000\r\n" + big + "\r\n");
    }
    EXPECT_EQ(answer, "SERVER_ERROR out of memory storing object\r\n");
    EXPECT_EQ(asked(MemcachedProbe::version).cls, Class::up);
    EXPECT_EQ(asked(MemcachedProbe::set_get).cls, Class::up) << "a small value still has its place";
    EXPECT_EQ(asked(MemcachedProbe::stats).cls, Class::up) << "nobody knows when the refusals were";
    EXPECT_EQ(asked(MemcachedProbe::stats).cls, Class::up) << "none since";
    client.ask("set again 0 0 100000\r\n" + big + "\r\n");
    EXPECT_EQ(to_string(asked(MemcachedProbe::stats)), "degraded: out of memory, 1 stores refused");
    // A key that never expires and is as long as the probe's takes the places of its size.
    answer = "STORED\r\n";
    for (int i = 10000; i < 99999 && answer == "STORED\r\n"; ++i) {
        answer = client.ask("set vrrpd_fill_" + std::to_string(i) + " 0 0 2\r\nok\r\n");
    }
    options.memcached.key = "vrrpd_check_more";
    wait_for(Class::degraded);
    EXPECT_EQ(to_string(asked(MemcachedProbe::set_get)), "degraded: SERVER_ERROR out of memory storing object");
}

TEST_F(HealthMemcachedRows, AuthenticationIsItsOwnClass) {
    const std::string users = folder.write("users", "joe:secret\n");
    chmod(users.c_str(), 0644);
    const auto server = memcached({"-Y", users});
    EXPECT_EQ(to_string(wait_for(Class::auth)), "auth: CLIENT_ERROR unauthenticated");
    options.memcached.credentials = "joe wrong";
    for (const auto each : all) EXPECT_EQ(to_string(asked(each)), "auth: CLIENT_ERROR authentication failure");
    options.memcached.credentials = "joe secret";
    for (const auto each : all) EXPECT_EQ(asked(each).cls, Class::up);
}

TEST_F(HealthMemcachedRows, APasswordThatNobodyWantsIsNotLeftInTheCache) {
    const auto server = memcached();
    wait_for(Class::up);
    options.memcached.credentials = "joe secret";
    EXPECT_EQ(asked(MemcachedProbe::version).cls, Class::up);
    Client client(options.endpoint);
    EXPECT_EQ(client.ask("get vrrpd_check_here\r\n"), "END\r\n");
}

TEST_F(HealthMemcachedRows, ARestartMakesItCold) {
    options.memcached.cold_after_restart = 4s;
    ask(MemcachedProbe::stats);
    auto server = memcached();
    EXPECT_TRUE(wait_for(Class::up).cold);
    while (probe().cold) pause(50ms);
    server.reset();
    server = memcached();
    EXPECT_TRUE(wait_for(Class::up).cold);
}

TEST_F(HealthMemcachedRows, AnotherServiceOnThePortIsNamed) {
    const Process redis(
        {"redis-server", "--port", std::to_string(options.endpoint.port), "--bind", "127.0.0.1", "--save", ""});
    EXPECT_EQ(to_string(wait_for(Class::wrong_protocol)),
              "wrong protocol: -ERR unknown command 'version', with args beginning with: ");
}

/// Behind a nutcracker: two shards.
class HealthMemcachedShards : public HealthMemcachedRows {
  protected:
    void start(const std::string& more_of_the_pool) {
        const auto server = [](std::uint16_t port, const char* name) {
            return "   - 127.0.0.1:" + std::to_string(port) + ":1 " + name + "\n";
        };
        const std::string file =
            folder.write("proxy.yml", "pool:\n  listen: 127.0.0.1:" + std::to_string(options.endpoint.port) +
                                          "\n  hash: fnv1a_64\n  distribution: ketama\n" + more_of_the_pool +
                                          "  servers:\n" + server(ports[0], "one") + server(ports[1], "other"));
        proxy.reset();
        for (auto& shard : shards) shard.reset();
        const Endpoint through = options.endpoint;
        for (std::size_t i = 0; i < 2; ++i) {
            shards[i] = memcached_at(ports[i]);
            options.endpoint = local(ports[i]);
            wait_for(Class::up);  // else the proxy would eject it
        }
        options.endpoint = through;
        proxy = std::make_unique<Process>(std::vector<std::string>{"/usr/sbin/nutcracker", "-c", file, "-a",
                                                                   "127.0.0.1", "-s", std::to_string(free_port())});
        wait_for(Class::up);
    }
    Finding with_key(int number) {
        options.memcached.key = std::to_string(number) + "_vrrpd_check";  // its hash spreads early bytes only
        return asked(MemcachedProbe::set_get);
    }

    const std::array<std::uint16_t, 2> ports{free_port(), free_port()};
    std::array<std::unique_ptr<Process>, 2> shards;
    std::unique_ptr<Process> proxy;
};

TEST_F(HealthMemcachedShards, DeadOnesAreSeenByWhoAsksForThem) {
    start("");
    for (int i = 0; i < 20; ++i) EXPECT_EQ(with_key(i).cls, Class::up);
    EXPECT_EQ(to_string(asked(MemcachedProbe::stats)), "failed: closed without a reply");
    shards[1].reset();
    const Finding one_dead = asked(MemcachedProbe::version);
    int failed = 0;
    for (int i = 0; i < 20; ++i) failed += with_key(i) == Finding{Class::failed, "SERVER_ERROR Connection refused"};
    EXPECT_GT(failed, 0);
    EXPECT_LT(failed, 20);
    shards[1] = memcached_at(ports[1]);
    shards[0].reset();
    ask(MemcachedProbe::version);
    const Finding other_dead = wait_for(one_dead.success() ? Class::failed : Class::up);
    EXPECT_NE(one_dead.success(), other_dead.success()) << "version always goes to the same shard";
    shards[1].reset();
    ask(MemcachedProbe::version);
    EXPECT_EQ(to_string(wait_for(Class::failed)), "failed: SERVER_ERROR Connection refused");
    proxy->send(SIGSTOP);
    EXPECT_EQ(to_string(wait_for(Class::hung)), "hung: connected, no reply in 300 ms");
    proxy->end();
    EXPECT_EQ(probe().cls, Class::refused);
}

TEST_F(HealthMemcachedShards, WithEjectionEitherDeadOneIsTolerated) {
    for (const std::size_t dead : {0u, 1u}) {
        start("  auto_eject_hosts: true\n  server_failure_limit: 1\n  server_retry_timeout: 30000\n");
        shards[dead].reset();
        probe();  // which may be the failure that the shard is ejected for
        EXPECT_EQ(probe().cls, Class::up);
    }
}

}  // namespace
}  // namespace vrrpd::health::health_memcached_rows_test
