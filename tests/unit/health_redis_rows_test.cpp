// What the redis check finds of real servers in each way in which they can be ill, and of replicas.

#include <deque>

#include "tests/unit/real_service.hpp"

namespace vrrpd::health::health_redis_rows_test {
namespace {

using namespace test;

class HealthRedisRows : public RealService {
  protected:
    HealthRedisRows() {
        options.kind = Kind::redis;
        options.endpoint = local(free_port());
    }
    std::unique_ptr<Process> redis(std::vector<std::string> more = {}) {
        return redis_at(options.endpoint.port, std::move(more));
    }
    /// Without persistence and without what may only be slow, unless `more` says otherwise.
    std::unique_ptr<Process> redis_at(std::uint16_t port, std::vector<std::string> more = {}) {
        std::vector<std::string> words{"redis-server",
                                       "--port",
                                       std::to_string(port),
                                       "--bind",
                                       "127.0.0.1",
                                       "--dir",
                                       folder / "",
                                       "--enable-debug-command",
                                       "yes",
                                       "--repl-diskless-sync-delay",
                                       "0",
                                       "--repl-ping-replica-period",
                                       "1"};
        if (std::ranges::find(more, "--save") == more.end()) more.insert(more.end(), {"--save", ""});
        words.insert(words.end(), more.begin(), more.end());
        return std::make_unique<Process>(words);
    }
    Finding asked(RedisRequire which) {
        options.redis.require = which;
        return probe();
    }
    static constexpr std::array all{RedisRequire::pong, RedisRequire::master, RedisRequire::replica_in_sync};
};

TEST_F(HealthRedisRows, RefusedUpHungAndUpAgain) {
    EXPECT_EQ(to_string(probe()), "refused: connection refused");
    const auto server = redis();
    EXPECT_EQ(to_string(wait_for(Class::up)), "up: PONG");
    EXPECT_EQ(to_string(asked(RedisRequire::master)), "up: a master");
    EXPECT_EQ(to_string(asked(RedisRequire::replica_in_sync)), "failed: a master, not a replica");
    server->send(SIGSTOP);
    for (const auto each : all) EXPECT_EQ(to_string(asked(each)), "hung: connected, no reply in 300 ms");
    server->send(SIGCONT);
    EXPECT_EQ(asked(RedisRequire::pong).cls, Class::up);
}

TEST_F(HealthRedisRows, OverIpv6AndAUnixSocket) {
    const std::string path = folder / "redis.sock";
    Process server({"redis-server", "--port", std::to_string(options.endpoint.port), "--bind", "::1", "--save", "",
                    "--unixsocket", path});
    options.endpoint = local(options.endpoint.port, "::1");
    wait_for(Class::up);
    options.endpoint = {};
    options.endpoint.path = path;
    for (const auto each : {RedisRequire::pong, RedisRequire::master}) EXPECT_EQ(asked(each).cls, Class::up);
    server.send(SIGSTOP);
    EXPECT_EQ(probe().cls, Class::hung);
    std::deque<Client> clients;  // until nobody takes them any more
    Finding finding = probe();
    for (int i = 0; i < 5000 && finding.evidence != "its queue of connections is full"; ++i) {
        clients.emplace_back(options.endpoint);
        if (i % 100 == 99) finding = probe();
    }
    EXPECT_EQ(finding, (Finding{Class::hung, "its queue of connections is full"}));
}

TEST_F(HealthRedisRows, PasswordsAndUsers) {
    const auto server = redis(
        {"--requirepass", "secret", "--user", "joe", "on", ">shoe", "+ping", "--user", "ann", "on", ">hat", "+get"});
    EXPECT_EQ(to_string(wait_for(Class::auth)), "auth: NOAUTH Authentication required.");
    const std::string wrong = "auth: WRONGPASS invalid username-password pair or user is disabled.";
    options.redis.password = "other";
    for (const auto each : all) EXPECT_EQ(to_string(asked(each)), wrong);
    options.redis.password = "secret";
    EXPECT_EQ(asked(RedisRequire::master).cls, Class::up);
    options.redis.user = "joe";
    EXPECT_EQ(to_string(asked(RedisRequire::pong)), wrong);
    options.redis.password = "shoe";
    EXPECT_EQ(probe().cls, Class::up);
    EXPECT_EQ(asked(RedisRequire::master).cls, Class::auth) << "joe may not say ROLE";
    options.redis.user = "ann";
    options.redis.password = "hat";
    EXPECT_TRUE(to_string(asked(RedisRequire::pong)).starts_with("auth: NOPERM ")) << to_string(probe());
}

TEST_F(HealthRedisRows, ASuperfluousPasswordIsNoError) {
    const auto server = redis();
    wait_for(Class::up);
    options.redis.password = "secret";
    EXPECT_EQ(asked(RedisRequire::pong).cls, Class::up);
    EXPECT_EQ(asked(RedisRequire::master).cls, Class::up);
}

TEST_F(HealthRedisRows, LoadingIsNeitherUpNorDead) {
    auto server = redis();
    wait_for(Class::up);
    Client client(options.endpoint);
    EXPECT_EQ(client.ask("DEBUG POPULATE 8000\r\n"), "+OK\r\n");
    EXPECT_EQ(client.ask("SAVE\r\n"), "+OK\r\n");
    server.reset();
    server = redis({"--key-load-delay", "100", "--loading-process-events-interval-bytes", "1024"});  // a second
    EXPECT_EQ(to_string(wait_for(Class::loading)), "loading: LOADING Redis is loading the dataset in memory");
    for (const auto each : all) EXPECT_EQ(asked(each).cls, Class::loading) << "ROLE and INFO would answer";
    options.redis.password = "superfluous";
    EXPECT_EQ(asked(RedisRequire::master).cls, Class::loading);
    wait_for(Class::up);
}

TEST_F(HealthRedisRows, AScriptThatRunsLongMakesItBusy) {
    const auto server = redis({"--busy-reply-threshold", "100"});
    wait_for(Class::up);
    Client client(options.endpoint);
    client.tell("EVAL \"while true do end\" 0\r\n");
    EXPECT_TRUE(wait_for(Class::busy).evidence.starts_with("BUSY Redis is busy running a script"));
    for (const auto each : all) EXPECT_EQ(asked(each).cls, Class::busy);
    EXPECT_EQ(Client(options.endpoint).ask("SCRIPT KILL\r\n"), "+OK\r\n");
    options.redis.require = RedisRequire::pong;
    wait_for(Class::up);
}

TEST_F(HealthRedisRows, AtItsLimitOfClientsItIsSaturated) {
    const auto server = redis({"--maxclients", "10"});
    wait_for(Class::up);
    std::deque<Client> clients;
    for (int i = 0; i < 10; ++i) EXPECT_EQ(clients.emplace_back(options.endpoint).ask("PING\r\n"), "+PONG\r\n");
    for (int i = 0; i < 20; ++i) EXPECT_EQ(to_string(probe()), "saturated: ERR max number of clients reached");
    clients.clear();
    wait_for(Class::up);
}

TEST_F(HealthRedisRows, ASnapshotThatFailedIsDegraded) {
    const auto server = redis({"--save", "3600 1"});
    wait_for(Class::up);
    Client client(options.endpoint);
    std::filesystem::remove_all(folder / "");
    EXPECT_EQ(client.ask("BGSAVE\r\n"), "+Background saving started\r\n");
    EXPECT_TRUE(wait_for(Class::degraded).evidence.starts_with("MISCONF "));
}

TEST_F(HealthRedisRows, ThatItsMemoryIsFullIsNotSeen) {
    const auto server = redis({"--maxmemory", "1mb", "--maxmemory-policy", "noeviction"});
    wait_for(Class::up);
    Client client(options.endpoint);
    client.ask("DEBUG POPULATE 20000\r\n");
    EXPECT_TRUE(client.ask("SET a b\r\n").starts_with("-OOM "));
    EXPECT_EQ(asked(RedisRequire::master).cls, Class::up);
}

TEST_F(HealthRedisRows, AnotherServiceOnThePortIsNamed) {
    const Process memcached(
        {"memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", std::to_string(options.endpoint.port), "-U", "0"});
    EXPECT_EQ(to_string(wait_for(Class::wrong_protocol)), "wrong protocol: ERROR");
}

class HealthRedisReplica : public HealthRedisRows {
  protected:
    HealthRedisReplica() { follow({}); }
    /// A master, and a replica that has its data: `options` ask the replica.
    void follow(std::vector<std::string> more) {
        replica.reset();
        if (!master) master = redis_at(master_port);
        more.insert(more.end(), {"--replicaof", "127.0.0.1 " + std::to_string(master_port)});
        replica = redis(std::move(more));
    }
    void wait_until_synced() {
        options.redis.require = RedisRequire::replica_in_sync;
        wait_for(Class::up);
    }

    const std::uint16_t master_port = free_port();
    std::unique_ptr<Process> master, replica;
};

TEST_F(HealthRedisReplica, TheRoleIsWhatItIs) {
    wait_until_synced();
    EXPECT_EQ(to_string(asked(RedisRequire::master)), "failed: a replica, not a master");
    EXPECT_EQ(asked(RedisRequire::pong).cls, Class::up);
    EXPECT_EQ(Client(options.endpoint).ask("REPLICAOF NO ONE\r\n"), "+OK\r\n");
    EXPECT_EQ(asked(RedisRequire::master).cls, Class::up);
    EXPECT_EQ(asked(RedisRequire::replica_in_sync).cls, Class::failed);
}

TEST_F(HealthRedisReplica, InSyncUntilTheMasterIsGone) {
    wait_until_synced();
    EXPECT_TRUE(probe().evidence.starts_with("0 bytes behind the master, heard from it ")) << to_string(probe());
    master.reset();
    EXPECT_TRUE(wait_for(Class::stale).evidence.starts_with("the link to the master is down"));
    EXPECT_EQ(asked(RedisRequire::pong).cls, Class::up) << "it still serves what it has";
    master = redis_at(master_port);
    wait_until_synced();
}

TEST_F(HealthRedisReplica, AMasterThatStandsStillIsNotNoticedByItsReplica) {
    wait_until_synced();
    master->send(SIGSTOP);
    pause(1500ms);
    EXPECT_EQ(probe().cls, Class::up) << "the limit that the header states";
    EXPECT_FALSE(probe().evidence.ends_with("heard from it 0 s ago")) << to_string(probe());
}

TEST_F(HealthRedisReplica, WithoutAMasterOneThatServesNothingOldIsStale) {
    follow({"--replica-serve-stale-data", "no"});
    wait_until_synced();
    master.reset();
    options.redis.require = RedisRequire::pong;
    EXPECT_TRUE(wait_for(Class::stale).evidence.starts_with("MASTERDOWN Link with MASTER is down"));
}

TEST_F(HealthRedisReplica, AFullCopyInProgressIsStale) {
    wait_until_synced();
    Client to_master(local(master_port));
    EXPECT_EQ(to_master.ask("DEBUG POPULATE 8000\r\n"), "+OK\r\n");
    EXPECT_EQ(to_master.ask("CONFIG SET rdb-key-save-delay 100\r\n"), "+OK\r\n");  // a second for the copy
    EXPECT_EQ(Client(options.endpoint).ask("REPLICAOF NO ONE\r\n"), "+OK\r\n");
    EXPECT_EQ(Client(options.endpoint).ask("SET own data\r\n"), "+OK\r\n");
    EXPECT_EQ(Client(options.endpoint).ask("REPLICAOF 127.0.0.1 " + std::to_string(master_port) + "\r\n"), "+OK\r\n");
    const Finding copying{Class::stale, "a full copy from the master is in progress"};
    wait_until([&](const Finding& finding) { return finding == copying; });
    wait_for(Class::up);
}

}  // namespace
}  // namespace vrrpd::health::health_redis_rows_test
