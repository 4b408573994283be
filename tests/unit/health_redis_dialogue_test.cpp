#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "health/redis_dialogue.hpp"
#include "tests/unit/dialogue_support.hpp"

namespace vrrpd::health::health_redis_dialogue_test {
namespace {

using namespace test;

class HealthRedisDialogue : public ::testing::Test {
  protected:
    Make make() {
        return [this](Past&) { return std::make_unique<RedisDialogue>(options); };
    }
    /// An INFO reply that holds `lines`.
    static std::string info(const std::string& lines) {
        const std::string text = "# Replication\r\n" + lines;
        return "+PONG\r\n$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
    }

    RedisOptions options;
};

const std::string ping = "*1\r\n$4\r\nPING\r\n";
const std::string slave = "role:slave\r\nmaster_host:10.0.0.1\r\n";
const std::string synced = "master_sync_in_progress:0\r\n";
const std::string link_up = "master_link_status:up\r\nmaster_last_io_seconds_ago:3\r\n";

TEST_F(HealthRedisDialogue, PongIsUpAndErrorsHaveTheirClass) {
    EXPECT_EQ(converse(make(), "").asked, ping);
    const std::vector<std::pair<std::string, Finding>> cases{
        {"+PONG\r\n", {Class::up, "PONG"}},
        {"-LOADING Redis is loading the dataset in memory\r\n",
         {Class::loading, "LOADING Redis is loading the dataset in memory"}},
        {"-BUSY Redis is busy running a script.\r\n", {Class::busy, "BUSY Redis is busy running a script."}},
        {"-NOAUTH Authentication required.\r\n", {Class::auth, "NOAUTH Authentication required.", true}},
        {"-NOPERM this user has no permissions\r\n", {Class::auth, "NOPERM this user has no permissions", true}},
        {"-DENIED Redis is running in protected mode\r\n",
         {Class::auth, "DENIED Redis is running in protected mode", true}},
        {"-MASTERDOWN Link with MASTER is down\r\n", {Class::stale, "MASTERDOWN Link with MASTER is down"}},
        {"-ERR max number of clients reached\r\n", {Class::saturated, "ERR max number of clients reached"}},
        {"-MISCONF Redis is configured to save RDB snapshots\r\n",
         {Class::degraded, "MISCONF Redis is configured to save RDB snapshots"}},
        {"-READONLY You can't write\r\n", {Class::degraded, "READONLY You can't write"}},
        {"-ERR something else\r\n", {Class::failed, "ERR something else"}},
        {"-ERR unknown command 'PING'\r\n", {Class::wrong_protocol, "ERR unknown command 'PING'", true}},
        {"VERSION 1.6.18\r\n", {Class::wrong_protocol, "VERSION 1.6.18", true}},
        {"+OK\r\n", {Class::wrong_protocol, "+OK", true}},
        {"\r\n", {Class::wrong_protocol, "an empty line", true}},
    };
    for (const auto& [bytes, finding] : cases) expect_finding(make(), bytes, finding);
}

TEST_F(HealthRedisDialogue, AnEarlyEndAndSilenceAreToldApart) {
    expect_cut_off(make(), "", without_a_reply, no_reply);
    expect_cut_off(make(), "+PON", within_its_reply, no_whole_reply);
    const Finding other{Class::wrong_protocol, "ERROR", true};
    expect_cut_off(make(), "ERROR", other, other);
}

TEST_F(HealthRedisDialogue, LogsInAndAsksInOneGo) {
    options.password = "se cret";
    EXPECT_EQ(converse(make(), "").asked, "*2\r\n$4\r\nAUTH\r\n$7\r\nse cret\r\n" + ping);
    options.user = "joe";
    EXPECT_EQ(converse(make(), "").asked, "*3\r\n$4\r\nAUTH\r\n$3\r\njoe\r\n$7\r\nse cret\r\n" + ping);
    expect_finding(make(), "+OK\r\n+PONG\r\n", {Class::up, "PONG"});
    const std::string wrong = "WRONGPASS invalid username-password pair or user is disabled.";
    expect_finding(make(), "-" + wrong + "\r\n-NOAUTH Authentication required.\r\n", {Class::auth, wrong, true});
    expect_finding(make(), "-ERR invalid password\r\n-NOAUTH\r\n", {Class::auth, "ERR invalid password", true});
    expect_finding(make(), "+PONG\r\n", {Class::wrong_protocol, "+PONG", true});
    expect_cut_off(make(), "+OK\r\n", within_its_reply, no_whole_reply);
}

TEST_F(HealthRedisDialogue, ASuperfluousPasswordIsNoError) {
    options.password = "secret";
    expect_finding(make(),
                   "-ERR AUTH <password> called without any password configured for the default user. Are you sure "
                   "your configuration is correct?\r\n+PONG\r\n",
                   {Class::up, "PONG"});
    expect_finding(make(), "-ERR Client sent AUTH, but no password is set\r\n+PONG\r\n", {Class::up, "PONG"});
}

TEST_F(HealthRedisDialogue, MasterIsWhatRoleSays) {
    options.require = RedisRequire::master;
    EXPECT_EQ(converse(make(), "").asked, ping + "*1\r\n$4\r\nROLE\r\n");
    expect_finding(make(), "+PONG\r\n*3\r\n$6\r\nmaster\r\n:14\r\n*0\r\n", {Class::up, "a master"});
    expect_finding(make(), "+PONG\r\n*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:7000\r\n$9\r\nconnected\r\n:14\r\n",
                   {Class::failed, "a replica, not a master"});
    expect_finding(make(), "+PONG\r\n*2\r\n$8\r\nsentinel\r\n*0\r\n", {Class::failed, "no master: sentinel"});
    expect_finding(make(), "-LOADING Redis is loading\r\n*3\r\n$6\r\nmaster\r\n:14\r\n*0\r\n",
                   {Class::loading, "LOADING Redis is loading"});
    expect_finding(make(), "+PONG\r\n-NOPERM no\r\n", {Class::auth, "NOPERM no", true});
    expect_finding(make(), "+PONG\r\n+OK\r\n", {Class::wrong_protocol, "+OK", true});
    expect_finding(make(), "+PONG\r\n*3\r\n:6\r\n", {Class::wrong_protocol, ":6", true});
    expect_cut_off(make(), "+PONG\r\n*3\r\n$6\r\nmast", within_its_reply, no_whole_reply);
}

TEST_F(HealthRedisDialogue, AReplicaIsInSyncWithItsLinkUpAndAllApplied) {
    options.require = RedisRequire::replica_in_sync;
    EXPECT_EQ(converse(make(), "").asked, ping + "*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n");
    expect_finding(make(), info(slave + link_up + synced + "slave_read_repl_offset:90\r\nslave_repl_offset:90\r\n"),
                   {Class::up, "0 bytes behind the master, heard from it 3 s ago"});
    expect_finding(make(), info(slave + link_up + synced + "slave_repl_offset:90\r\n"),
                   {Class::up, "0 bytes behind the master, heard from it 3 s ago"});
    expect_finding(make(), info("role:master\r\nconnected_slaves:0\r\n"), {Class::failed, "a master, not a replica"});
    expect_finding(make(),
                   info(slave + "master_link_status:down\r\n" + synced + "master_link_down_since_seconds:9\r\n"),
                   {Class::stale, "the link to the master is down for 9 s"});
    expect_finding(make(), info(slave + "master_link_status:down\r\nmaster_sync_in_progress:1\r\n"),
                   {Class::stale, "a full copy from the master is in progress"});
    expect_finding(make(), info(slave + "master_link_status:up\r\n"),
                   {Class::stale, "a full copy from the master is in progress"});
    expect_finding(make(), info(""), {Class::failed, "INFO replication without a role"});
}

TEST_F(HealthRedisDialogue, ALagUpToTheLimitIsInSync) {
    options.require = RedisRequire::replica_in_sync;
    const std::string lag = slave + link_up + synced + "slave_read_repl_offset:100\r\nslave_repl_offset:90\r\n";
    const std::string text = "10 bytes behind the master, heard from it 3 s ago";
    options.max_lag = 9;
    expect_finding(make(), info(lag), {Class::stale, text});
    options.max_lag = 10;
    expect_finding(make(), info(lag), {Class::up, text});
}

TEST_F(HealthRedisDialogue, InfoEndsWhereItsLengthSays) {
    options.require = RedisRequire::replica_in_sync;
    const std::string whole = info(slave + link_up + synced);
    const std::string told = whole.substr(0, whole.size() - 2);  // the last line break says nothing new
    EXPECT_TRUE(converse(make(), told).finding);
    expect_cut_off(make(), told.substr(0, told.size() - 1), within_its_reply, no_whole_reply);
    expect_finding(make(), "+PONG\r\n$-1\r\n", {Class::wrong_protocol, "$-1", true});
    expect_finding(make(), "+PONG\r\n$99999999\r\n", {Class::wrong_protocol, "$99999999", true});
    expect_finding(make(), "+PONG\r\n+x\r\n", {Class::wrong_protocol, "+x", true});
}

}  // namespace
}  // namespace vrrpd::health::health_redis_dialogue_test
