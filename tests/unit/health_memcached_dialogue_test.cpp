#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "health/memcached_dialogue.hpp"
#include "tests/unit/dialogue_support.hpp"

namespace vrrpd::health::health_memcached_dialogue_test {
namespace {

using namespace test;

class HealthMemcachedDialogue : public ::testing::Test {
  protected:
    Make make() {
        return [this](Past& past) { return std::make_unique<MemcachedDialogue>(options, past); };
    }
    void ask(MemcachedProbe probe) { options.probe = probe; }

    MemcachedOptions options;
};

const std::string full = "ERROR Too many open connections\r\n";

TEST_F(HealthMemcachedDialogue, VersionClassifiesTheFirstLine) {
    const std::vector<std::pair<std::string, Finding>> cases{
        {"VERSION 1.6.18\r\n", {Class::up, "VERSION 1.6.18"}},
        {"VERSION 1.6.18\n", {Class::up, "VERSION 1.6.18"}},
        {"VERSION 1.6.18\r\nVERSION 1.6.18\r\n", {Class::up, "VERSION 1.6.18"}},
        {full, {Class::saturated, "ERROR Too many open connections"}},
        {"CLIENT_ERROR unauthenticated\r\n", {Class::auth, "CLIENT_ERROR unauthenticated", true}},
        {"SERVER_ERROR Connection refused\r\n", {Class::failed, "SERVER_ERROR Connection refused"}},
        {"SERVER_ERROR out of memory\r\n", {Class::degraded, "SERVER_ERROR out of memory"}},
        {"-ERR unknown command 'version', with args beginning with: \r\n",
         {Class::wrong_protocol, "-ERR unknown command 'version', with args beginning with: ", true}},
        {"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", {Class::wrong_protocol, "HTTP/1.1 400 Bad Request", true}},
        {"ERROR\r\n", {Class::wrong_protocol, "ERROR", true}},
        {"VERSION\r\n", {Class::wrong_protocol, "VERSION", true}},
        {"version 1\r\n", {Class::wrong_protocol, "version 1", true}},
        {"\r\n", {Class::wrong_protocol, "an empty line", true}},
        {std::string("J\0\0\0\x0a", 5), {Class::wrong_protocol, "J???", true}},
        {std::string(2000, 'x'), {Class::wrong_protocol, std::string(80, 'x'), true}},
        {std::string("VERSION ") + std::string(2000, 'x'),
         {Class::wrong_protocol, std::string("VERSION ") + std::string(72, 'x'), true}},
    };
    EXPECT_EQ(converse(make(), "").asked, "version\r\n");
    for (const auto& [bytes, finding] : cases) expect_finding(make(), bytes, finding);
}

TEST_F(HealthMemcachedDialogue, NothingIsDecidedBeforeTheLineEnds) {
    expect_cut_off(make(), "VERSION 1.6.18\r", within_its_reply, no_whole_reply);
    expect_cut_off(make(), std::string(LineDialogue::longest_line - 1, 'E'),
                   {Class::wrong_protocol, std::string(80, 'E'), true},
                   {Class::wrong_protocol, std::string(80, 'E'), true});
}

TEST_F(HealthMemcachedDialogue, AnEarlyEndAndSilenceAreToldApart) {
    expect_cut_off(make(), "", without_a_reply, no_reply);
    expect_cut_off(make(), "VERS", within_its_reply, no_whole_reply);
    expect_cut_off(make(), "SERVER_ERR", within_its_reply, no_whole_reply);
    const Finding other{Class::wrong_protocol, R"({"service":"nutcracker")", true};
    expect_cut_off(make(), R"({"service":"nutcracker")", other, other);
}

TEST_F(HealthMemcachedDialogue, SetGetWantsItsOwnValueBack) {
    ask(MemcachedProbe::set_get);
    options.key = "vrrpd_check_cache-a";
    const std::string value = "VALUE vrrpd_check_cache-a 0 2\r\n";
    const Finding up{Class::up, "stored a value and found it again"};
    const Outcome outcome = converse(make(), "STORED\r\n");
    EXPECT_EQ(outcome.asked, "set vrrpd_check_cache-a 0 5 2\r\nok\r\nget vrrpd_check_cache-a\r\n");
    expect_finding(make(), "STORED\r\n" + value + "ok\r\nEND\r\n", up);
    expect_finding(make(), "STORED\r\nEND\r\n", {Class::failed, "stored a value and did not find it again"});
    expect_finding(make(), "STORED\r\n" + value + "no\r\nEND\r\n", {Class::failed, "stored a value and found another"});
    expect_finding(make(), "STORED\r\nVALUE another 0 2\r\n", {Class::wrong_protocol, "VALUE another 0 2", true});
    expect_finding(make(), "STORED\r\n" + value + "ok\r\nok\r\n", {Class::wrong_protocol, "ok", true});
    expect_finding(make(), "NOT_STORED\r\n", {Class::failed, "NOT_STORED"});
    expect_finding(make(), "VERSION 1\r\n", {Class::wrong_protocol, "VERSION 1", true});
    expect_finding(make(), "SERVER_ERROR out of memory storing object\r\n",
                   {Class::degraded, "SERVER_ERROR out of memory storing object"});
    expect_finding(make(), "STORED\r\nSERVER_ERROR Connection refused\r\n",
                   {Class::failed, "SERVER_ERROR Connection refused"});
    expect_finding(make(), full, {Class::saturated, "ERROR Too many open connections"});
    expect_cut_off(make(), "STORED\r\n", within_its_reply, no_whole_reply);
    expect_cut_off(make(), "STORED\r\n" + value + "o", within_its_reply, no_whole_reply);
}

TEST_F(HealthMemcachedDialogue, LogsInBeforeItAsks) {
    options.credentials = "joe secret";
    const std::string login = "set vrrpd 0 -1 10\r\njoe secret\r\n";
    EXPECT_EQ(converse(make(), "").asked, login) << "nothing else before the answer";
    EXPECT_EQ(converse(make(), "STORED\r\n").asked, login + "version\r\n");
    expect_finding(make(), "STORED\r\nVERSION 1.6.18\r\n", {Class::up, "VERSION 1.6.18"});
    expect_finding(make(), "CLIENT_ERROR authentication failure\r\n",
                   {Class::auth, "CLIENT_ERROR authentication failure", true});
    expect_finding(make(), "VERSION 1.6.18\r\n", {Class::wrong_protocol, "VERSION 1.6.18", true});
}

std::string stats(int uptime, int connections, int refused) {
    return "STAT pid 1\r\nSTAT uptime " + std::to_string(uptime) +
           "\r\nSTAT uptime_x 1\r\nSTAT max_connections 1024\r\n" + "STAT curr_connections " +
           std::to_string(connections) + "\r\nSTAT store_no_memory " + std::to_string(refused) + "\r\nEND\r\n";
}

TEST_F(HealthMemcachedDialogue, StatsAreUpWithoutThresholds) {
    ask(MemcachedProbe::stats);
    EXPECT_EQ(converse(make(), "").asked, "stats\r\n");
    expect_finding(make(), stats(7, 1024, 0), {Class::up, "uptime 7 s, 1024 of 1024 connections"});
    expect_finding(make(), "END\r\n", {Class::failed, "stats without uptime, curr_connections or max_connections"});
    expect_finding(make(), "STAT uptime 7x\r\nEND\r\n",
                   {Class::failed, "stats without uptime, curr_connections or max_connections"});
    expect_finding(make(), "VERSION 1\r\n", {Class::wrong_protocol, "VERSION 1", true});
    expect_cut_off(make(), "STAT uptime 7\r\n", within_its_reply, no_whole_reply);
}

TEST_F(HealthMemcachedDialogue, StatsAreDegradedFromTheThresholdOn) {
    ask(MemcachedProbe::stats);
    options.max_connections_percent = 90;  // of 1024: 921.6
    expect_finding(make(), stats(7, 920, 0), {Class::up, "uptime 7 s, 920 of 1024 connections"});
    expect_finding(make(), stats(7, 921, 0), {Class::degraded, "921 of 1024 connections"});
    options.max_connections_percent = 100;
    expect_finding(make(), stats(7, 1023, 0), {Class::up, "uptime 7 s, 1023 of 1024 connections"});
    expect_finding(make(), stats(7, 1024, 0), {Class::degraded, "1024 of 1024 connections"});
}

TEST_F(HealthMemcachedDialogue, StoresThatWereRefusedSinceTheLastProbeAreDegraded) {
    ask(MemcachedProbe::stats);
    const Finding up{Class::up, "uptime 7 s, 1 of 1024 connections"};
    expect_finding(make(), stats(7, 1, 500), up);
    const Past past = converse(make(), stats(7, 1, 500)).past;
    EXPECT_EQ(past, Past{500});
    expect_finding(make(), stats(7, 1, 500), up, past);
    expect_finding(make(), stats(7, 1, 503), {Class::degraded, "out of memory, 3 stores refused"}, past);
    expect_finding(make(), stats(7, 1, 2), up, past);  // it was restarted
    EXPECT_EQ(converse(make(), stats(7, 1, 503).substr(0, 60), past).past, past) << "no finding, nothing kept";
}

TEST_F(HealthMemcachedDialogue, ColdUntilItHasRunForLongEnough) {
    ask(MemcachedProbe::stats);
    options.cold_after_restart = 60s;
    const auto cold = [&](int uptime) { return converse(make(), stats(uptime, 1, 0)).finding->cold; };
    EXPECT_TRUE(cold(2));
    EXPECT_TRUE(cold(59));
    EXPECT_FALSE(cold(60));
    options.cold_after_restart = 1500ms;
    EXPECT_TRUE(cold(1));
    EXPECT_FALSE(cold(2));
    options.cold_after_restart = 0s;
    EXPECT_FALSE(cold(0));
}

TEST_F(HealthMemcachedDialogue, StatisticsWithoutEndAreNotReadForEver) {
    ask(MemcachedProbe::stats);
    std::string endless;
    while (endless.size() <= LineDialogue::longest) endless += "STAT a 1\r\n";
    const Outcome outcome = converse(make(), endless);
    ASSERT_TRUE(outcome.finding);
    EXPECT_EQ(*outcome.finding, (Finding{Class::wrong_protocol, "no end within 64 KiB", true}));
    EXPECT_FALSE(converse(make(), endless.substr(0, LineDialogue::longest - 1)).finding);
    EXPECT_TRUE(converse(make(), endless, [](std::string_view) { return 1; }) == outcome);
}

TEST_F(HealthMemcachedDialogue, EvidenceIsPrintableAndShortWhateverCameIn) {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    for (std::size_t start = 0; start < all.size(); ++start) {
        const auto finding = converse(make(), all.substr(start) + "\n").finding;
        ASSERT_TRUE(finding);
        EXPECT_LE(finding->evidence.size(), 80u);
        for (const char character : finding->evidence) ASSERT_TRUE(character >= ' ' && character <= '~');
    }
}

}  // namespace
}  // namespace vrrpd::health::health_memcached_dialogue_test
