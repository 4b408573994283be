// The word that says why a role changed, and since when an advert was due: what is counted by.
#include <gtest/gtest.h>

#include "tests/support/core_driver.hpp"

namespace vrrpd::instance_causes_test {
namespace {

using namespace std::chrono_literals;
using test::CoreDriver;

/// Of the changes of a role since the last call.
std::string causes(CoreDriver& host) {
    std::string words;
    for (const Action& action : host.take_actions()) {
        if (const auto* change = std::get_if<RoleChanged>(&action))
            words += (words.empty() ? "" : ", ") + std::string(to_string(change->cause));
    }
    return words;
}

std::vector<Duration> lateness_of_adverts(CoreDriver& host) {
    std::vector<Duration> late;
    for (const Action& action : host.take_actions()) {
        if (const auto* send = std::get_if<SendAdvert>(&action)) late.push_back(host.now() - send->due);
    }
    return late;
}

TEST(Causes, of_promotions) {
    CoreDriver alone, second, better;
    alone.start();
    EXPECT_EQ(causes(alone), "started");
    alone.time_to_active();
    EXPECT_EQ(causes(alone), "no_advert");
    second.start();
    second.hear(200);
    second.hear(0);
    second.time_to_active();
    EXPECT_EQ(causes(second), "started, released");
    better.start();
    while (better.state() != Instance::State::active) {
        better.hear(90);
        better.pass(50ms);
    }
    EXPECT_EQ(causes(better), "started, preempting");
}

TEST(Causes, of_demotions) {
    const auto cause_of = [](auto event) {
        CoreDriver host;
        host.become_active();
        host.take_actions();
        event(host);
        host.addresses(false);
        host.pass(10ms);
        return causes(host);
    };
    EXPECT_EQ(cause_of([](CoreDriver& host) { host.hear(200); }), "outranked");
    EXPECT_EQ(cause_of([](CoreDriver& host) { host.handle(DrainChanged{0, true}); }), "drained");
    EXPECT_EQ(cause_of([](CoreDriver& host) { host.handle(HandOver{0}); }), "failover");
    EXPECT_EQ(cause_of([](CoreDriver& host) { host.shutdown(); }), "stopped");
    EXPECT_EQ(cause_of([](CoreDriver& host) {
                  host.freeze(1s);
                  host.expire();
              }),
              "stalled");
    EXPECT_EQ(cause_of([](CoreDriver& host) {
                  host.handle(PathChanged{0, CoreDriver::interface_index, false, std::nullopt, "eth0 is down"});
                  host.path_up();
              }),
              "fault, recovered");
}

TEST(Causes, each_has_a_word_of_its_own) {
    std::set<std::string> words;
    for (std::size_t i = 0; i < cause_count; ++i) words.insert(to_string(static_cast<Cause>(i)));
    EXPECT_EQ(words.size(), cause_count);
}

TEST(Lateness, counts_from_the_time_of_the_timer) {
    CoreDriver host;
    host.become_active();
    for (const Duration late : {0ms, 7ms, 150ms}) {
        host.take_actions();
        host.freeze(host.until_deadline() + late);
        host.expire();
        EXPECT_EQ(lateness_of_adverts(host), std::vector<Duration>{late});
    }
    host.pass(10ms);
    host.take_actions();
    host.hear(0);
    EXPECT_EQ(lateness_of_adverts(host), std::vector<Duration>{0ms});
}

}  // namespace
}  // namespace vrrpd::instance_causes_test
