#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <functional>
#include <optional>
#include <poll.h>
#include <sched.h>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "netlink/plan.hpp"
#include "netlink/promote_secondaries.hpp"
#include "netlink/requests.hpp"
#include "netlink/route.hpp"
#include "tests/support/fake_loop.hpp"
#include "tests/support/held_rtnl.hpp"
#include "tests/unit/netlink_kernel.hpp"

namespace vrrpd::netlink::netlink_requests_test {
namespace {

class NetlinkRequests : public NetlinkKernel {};

TEST_F(NetlinkRequests, AnAddedAddressHasOurMarkAndLabelAndIsNotThePrimaryOne) {
    Monitor monitor(loop_, [] {});
    monitor.start();
    Requests requests(loop_);
    std::optional<Answer> added, again, removed, removed_again;
    run({{[&] {
              requests.add_address(a0_, prefix("10.0.0.9/24"), "a0:vip", into(added));
              requests.flush();
          },
          [&] { return added && known(monitor, "10.0.0.9/24"); }},
         {[&] {
              EXPECT_EQ(added->error, 0) << added->text;
              EXPECT_EQ(known(monitor, "10.0.0.9/24")->mark, our_mark);
              EXPECT_TRUE(known(monitor, "10.0.0.9/24")->secondary);
              EXPECT_EQ(known(monitor, "10.0.0.1/24")->mark, 0);
              EXPECT_EQ(monitor.facts().primary_address(a0_, Family::ipv4, {}), IpAddress::parse("10.0.0.1"));
              EXPECT_EQ(std::system("ip -o addr show dev a0 | grep -q 'scope global secondary .*a0:vip'"), 0);
              EXPECT_EQ(std::system("ip route get 10.0.0.77 | grep -q 'src 10.0.0.1 '"), 0);
              requests.add_address(a0_, prefix("10.0.0.9/24"), "a0:vip", into(again));
              requests.flush();
          },
          [&] { return again.has_value(); }},
         {[&] {
              EXPECT_EQ(again->error, 0) << again->text;
              requests.remove_address(a0_, prefix("10.0.0.9/24"), into(removed));
              requests.remove_address(a0_, prefix("10.0.0.9/24"), into(removed_again));
              requests.flush();
          },
          [&] { return removed && removed_again && !known(monitor, "10.0.0.9/24"); }}});
    EXPECT_EQ(removed->error, 0) << removed->text;
    EXPECT_EQ(removed_again->error, 0) << "what is not there is as good as removed";
    EXPECT_TRUE(known(monitor, "10.0.0.1/24"));
    EXPECT_EQ(requests.counters().sent, 4u);
    EXPECT_EQ(requests.counters().failed, 0u);
    EXPECT_EQ(requests.counters().in_flight, 0u);
}

// G06 G12
TEST_F(NetlinkRequests, AnIpv6AddressServesAtOnceAndIsNoSource) {
    Monitor monitor(loop_, [] {});
    monitor.start();
    Requests requests(loop_);
    int bound = -1;
    std::optional<Answer> wide;
    run({{[&] {
              requests.add_address(a0_, prefix("2001:db8::9/128"), "", [&](int error, const std::string& text) {
                  EXPECT_EQ(error, 0) << text;
                  const Descriptor server(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
                  sockaddr_in6 place{};
                  place.sin6_family = AF_INET6;
                  std::ranges::copy(prefix("2001:db8::9").address.bytes(), place.sin6_addr.s6_addr);
                  bound = bind(server.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place);
              });
              requests.add_address(a0_, prefix("2001:db8:1::9/64"), "", into(wide));
              requests.flush();
          },
          [&] { return wide && known(monitor, "2001:db8::9/128") && known(monitor, "2001:db8:1::9/64"); }}});
    EXPECT_EQ(bound, 0) << "a tentative address cannot be bound";
    EXPECT_EQ(wide->error, 0) << wide->text;
    EXPECT_EQ(known(monitor, "2001:db8::9/128")->mark, our_mark);
    EXPECT_EQ(std::system("ip addr show dev a0 | grep -q '2001:db8::9/128 .*deprecated'"), 0);
    EXPECT_FALSE(known(monitor, "2001:db8::9/128")->tentative);
    EXPECT_NE(std::system("ip addr show dev a0 | grep -q '2001:db8:1::9/64 .*deprecated'"), 0);
}

TEST_F(NetlinkRequests, RefusalsComeWithASentence) {
    Requests requests(loop_);
    std::optional<Answer> no_link, no_link_removed, label;
    run({{[&] {
              requests.add_address(9999, prefix("10.0.0.9/24"), "", into(no_link));
              requests.remove_address(9999, prefix("10.0.0.9/24"), into(no_link_removed));
              requests.add_address(a0_, prefix("10.0.0.9/24"), "sixteen-letters-", into(label));
              requests.flush();
              EXPECT_FALSE(no_link || label) << "a completion ran inside flush()";
          },
          [&] { return no_link && no_link_removed && label; }}});
    EXPECT_EQ(no_link->error, ENODEV);
    EXPECT_FALSE(no_link->text.empty());
    EXPECT_EQ(no_link_removed->error, 0);
    EXPECT_EQ(label->error, EINVAL);
    EXPECT_EQ(requests.counters().failed, 2u);
}

TEST_F(NetlinkRequests, AThousandAddressesGoInPortionsAndInOrder) {
    constexpr int count = 1000;
    Monitor monitor(loop_, [] {});
    monitor.start();
    Requests requests(loop_);
    std::vector<int> order;
    std::size_t most_in_flight = 0;
    int removed = 0;
    run({{[&] {
              for (int i = 0; i < count; ++i) {
                  requests.add_address(a0_, prefix(numbered(i)), "", [&, i](int error, const std::string& text) {
                      EXPECT_EQ(error, 0) << text;
                      order.push_back(i);
                      most_in_flight = std::max(most_in_flight, requests.counters().in_flight);
                  });
              }
              EXPECT_EQ(requests.counters().queued, std::size_t{count}) << "only flush() sends";
              EXPECT_EQ(requests.counters().sent, 0u);
              requests.flush();
              EXPECT_EQ(requests.counters().in_flight, Requests::max_in_flight);
          },
          [&] { return order.size() == count && monitor.facts().addresses(a0_).size() > count; }},
         {[&] {
              EXPECT_TRUE(std::ranges::is_sorted(order));
              for (const Address& ours : leftovers(monitor.facts())) {
                  requests.remove_address(ours.link, ours.prefix, [&](int error, const std::string& text) {
                      EXPECT_EQ(error, 0) << text;
                      ++removed;
                  });
              }
              requests.flush();
          },
          [&] { return removed == count && !known(monitor, numbered(count - 1)) && !known(monitor, numbered(0)); }}});
    EXPECT_LT(most_in_flight, Requests::max_in_flight);
    EXPECT_EQ(requests.counters().sent, 2u * count);
    EXPECT_TRUE(known(monitor, "10.0.0.1/24"));
}

TEST_F(NetlinkRequests, WhatACompletionQueuesWaitsForFlush) {
    Requests requests(loop_);
    std::optional<Answer> first, second, third;
    run({{[&] {
              requests.add_address(a0_, prefix("10.0.0.8/24"), "", [&](int error, const std::string& text) {
                  first = Answer{error, text};
                  requests.add_address(a0_, prefix("10.0.0.9/24"), "", into(second));
              });
              requests.flush();
          },
          [&] { return first.has_value(); }},
         {[&] {
              EXPECT_EQ(requests.counters().queued, 1u);
              EXPECT_EQ(requests.counters().sent, 1u);
              requests.remove_address(a0_, prefix("10.0.0.8/24"), [&](int error, const std::string& text) {
                  third = Answer{error, text};
                  EXPECT_TRUE(second) << "out of order";
              });
              requests.flush();
          },
          [&] { return second && third; }}});
    EXPECT_EQ(second->error, 0);
}

class NetlinkRoutes : public NetlinkKernel {
  protected:
    static Route route(int link, const std::string& destination, std::uint32_t table = main_table) {
        Route result;
        result.link = link;
        result.destination = prefix(destination);
        result.table = table;
        return result;
    }
    static Route via(Route route, const std::string& gateway) {
        route.gateway = prefix(gateway).address;
        return route;
    }
    // What `ip route show` says is there, as an extended regular expression.
    static bool kernel_has(const std::string& line) {
        return std::system(("ip -d route show table all proto 112 | grep -qE '" + line +
                            "' ||"
                            "ip -d -6 route show table all proto 112 | grep -qE '" +
                            line + "'")
                               .c_str()) == 0;
    }
    // Lets go what `queue` asks for; done when there are `count` answers.
    static Step ask(Requests& requests, std::vector<int>& errors, std::size_t count,
                    std::function<void(const Requests::Completion&)> queue) {
        return {[&requests, &errors, queue = std::move(queue)] {
                    queue([&errors](int error, const std::string& text) {
                        EXPECT_EQ(error == 0, text.empty());
                        errors.push_back(error);
                    });
                    requests.flush();
                },
                [&errors, count] { return errors.size() == count; }};
    }
    static Step look(std::function<void()> around) {
        return {std::move(around), [] { return true; }};
    }
};

TEST_F(NetlinkRoutes, GoOnAfterTheAddressThatTheyNeedAndOffBeforeIt) {
    Requests requests(loop_);
    Route near = via(route(a0_, "10.1.0.0/16", 100), "10.9.0.1");
    near.source = prefix("10.9.0.9").address;
    near.metric = 50;
    Route near_ipv6 = via(route(a0_, "2001:db8:1::/48"), "2001:db8::1");
    near_ipv6.source = prefix("2001:db8::9").address;
    const std::vector all{near, near_ipv6, route(a0_, "10.2.0.0/16"), via(route(0, "0.0.0.0/0", 1000), "10.0.0.2"),
                          via(route(a0_, "::/0", 1000), "fe80::1")};
    std::vector<int> added, removed;
    run({ask(requests, added, 7,
             [&](const auto& completed) {
                 requests.add_address(a0_, prefix("10.9.0.9/24"), "", completed);
                 requests.add_address(a0_, prefix("2001:db8::9/64"), "", completed);
                 for (const Route& one : all) requests.add_route(one, completed);
             }),
         look([&] {
             EXPECT_TRUE(kernel_has("10.1.0.0/16 via 10.9.0.1 dev a0 table 100 .*scope global src 10.9.0.9 metric 50"));
             EXPECT_TRUE(kernel_has("2001:db8:1::/48 via 2001:db8::1 dev a0 .*src 2001:db8::9 metric 1024"));
             EXPECT_TRUE(kernel_has("10.2.0.0/16 dev a0 .*scope link"));
             EXPECT_TRUE(kernel_has("default via 10.0.0.2 dev a0 table 1000"));
             EXPECT_TRUE(kernel_has("default via fe80::1 dev a0 table 1000"));
             EXPECT_EQ(marked_routes().size(), all.size());
         }),
         ask(requests, removed, 7, [&](const auto& completed) {
             for (const Route& one : all) requests.remove_route(one, completed);
             requests.remove_address(a0_, prefix("10.9.0.9/24"), completed);
             requests.remove_address(a0_, prefix("2001:db8::9/64"), completed);
         })});
    EXPECT_EQ(added, std::vector<int>(7, 0));
    EXPECT_EQ(removed, std::vector<int>(7, 0));
    EXPECT_FALSE(kernel_has(".")) << "a route of ours is left";
}

TEST_F(NetlinkRoutes, WhatIsSoAlreadyIsASuccess) {
    Requests requests(loop_);
    const Route wanted = route(a0_, "10.2.0.0/16");
    const Route elsewhere = via(wanted, "10.0.0.2");
    const int b0 = static_cast<int>(if_nametoindex("b0"));
    std::vector<int> first, second;
    run({ask(requests, first, 5,
             [&](const auto& completed) {
                 requests.add_route(elsewhere, completed);
                 requests.add_route(wanted, completed);  // takes its place
                 requests.add_route(wanted, completed);
                 requests.remove_route(elsewhere, completed);  // there no more
                 requests.add_route(route(b0, "10.3.0.0/16"), completed);
             }),
         look([&] {
             EXPECT_TRUE(kernel_has("10.2.0.0/16 dev a0")) << "another than the one to be removed";
             EXPECT_FALSE(kernel_has("10.2.0.0/16 via"));
             shell("ip link del b0");
         }),
         ask(requests, second, 3, [&](const auto& completed) {
             for (const Route& one : {wanted, wanted, route(b0, "10.3.0.0/16")}) requests.remove_route(one, completed);
         })});
    EXPECT_EQ(first, std::vector<int>(5, 0));
    EXPECT_EQ(second, std::vector<int>(3, 0));
    EXPECT_EQ(requests.counters().failed, 0u);
}

TEST_F(NetlinkRoutes, ARefusalComesWithASentence) {
    Requests requests(loop_);
    std::vector<int> refused;
    run({ask(requests, refused, 3, [&](const auto& completed) {
        requests.add_route(via(route(a0_, "10.2.0.0/16"), "172.16.0.1"), completed);  // nobody there
        requests.add_route(route(9999, "10.2.0.0/16"), completed);
        Route from = route(a0_, "10.2.0.0/16");
        from.source = prefix("10.9.0.9").address;  // not here
        requests.add_route(from, completed);
    })});
    EXPECT_EQ(refused, (std::vector{ENETUNREACH, ENODEV, EINVAL}));
}

TEST_F(NetlinkRoutes, ThoseOfOthersAreNeitherFoundNorRemoved) {
    Requests requests(loop_);
    shell("ip route add 10.2.0.0/16 dev a0 proto static && ip route add 10.3.0.0/16 dev a0 table 1000 proto 113");
    shell("ip -6 route add 2001:db8:2::/48 dev a0 proto static");
    EXPECT_TRUE(marked_routes().empty());
    const Route ours = via(route(a0_, "10.4.0.0/16", 1000), "10.0.0.2");
    Route ours_ipv6 = route(a0_, "2001:db8:4::/48", 100);
    ours_ipv6.metric = 1024;
    std::vector<int> answers;
    run({ask(requests, answers, 5, [&](const auto& completed) {
        requests.add_route(ours, completed);
        requests.add_route(ours_ipv6, completed);
        requests.remove_route(route(a0_, "10.2.0.0/16"), completed);
        requests.remove_route(route(a0_, "10.3.0.0/16", 1000), completed);
        requests.remove_route(route(a0_, "2001:db8:2::/48"), completed);
    })});
    EXPECT_EQ(answers, std::vector<int>(5, 0));
    EXPECT_EQ(marked_routes(), (std::vector{ours, ours_ipv6}));
    EXPECT_EQ(std::system("ip route show | grep -q '10.2.0.0/16 dev a0'"), 0);
    EXPECT_EQ(std::system("ip route show table 1000 | grep -q '10.3.0.0/16 dev a0'"), 0);
    EXPECT_EQ(std::system("ip -6 route show | grep -q '2001:db8:2::/48 dev a0'"), 0);
}

TEST_F(NetlinkRoutes, AThousandAreFoundAndNoTimeIsAnError) {
    shell(
        "for i in $(seq 1 1000); do echo route add 10.2.$((i / 250)).$((i % 250 + 1)) dev a0 proto 112 table 1000;"
        "done | ip -batch -");
    EXPECT_EQ(marked_routes().size(), 1000u) << "more than one datagram holds";
    EXPECT_THROW(marked_routes(0s), std::system_error);
}

class NetlinkSecondaries : public NetlinkKernel {
  protected:
    void SetUp() override {
        NetlinkKernel::SetUp();
        if (IsSkipped() || HasFatalFailure()) return;
        if (access("/proc/sys/net/ipv4/conf/a0/promote_secondaries", W_OK) != 0) {
            GTEST_SKIP() << "needs a /proc/sys that can be written";
        }
        set("all", '0');
        set("a0", '0');
    }
    static void set(const std::string& link, char value) {
        shell(std::string("echo ") + value + " > /proc/sys/net/ipv4/conf/" + link + "/promote_secondaries");
    }
    static bool is(const std::string& link, char value) {
        return std::system(
                   ("grep -q " + std::string(1, value) + " /proc/sys/net/ipv4/conf/" + link + "/promote_secondaries")
                       .c_str()) == 0;
    }
    static bool kernel_has(const std::string& text) {
        return std::system(("ip addr show dev a0 | grep -q 'inet " + text + " '").c_str()) == 0;
    }

    // Ours is the first of its subnet, a stranger's and another of ours come after it; then the first goes.
    void remove_the_first(const std::function<void()>& before_that) {
        Monitor monitor(loop_, [] {});
        monitor.start();
        Requests requests(loop_);
        std::optional<Answer> first, second, removed;
        run({{[&] {
                  requests.add_address(a0_, prefix("10.9.0.100/24"), "", into(first));
                  requests.flush();
              },
              [&] { return first.has_value(); }},
             {[&] {
                  shell("ip addr add 10.9.0.7/24 dev a0 && ip addr add 10.8.0.7/24 dev a0");
                  requests.add_address(a0_, prefix("10.9.0.101/24"), "", into(second));
                  requests.flush();
              },
              [&] { return second && known(monitor, "10.8.0.7/24") && known(monitor, "10.9.0.101/24"); }},
             {[&] {
                  const std::vector<DesiredAddress> going{{a0_, prefix("10.9.0.100/24"), {}}};
                  EXPECT_EQ(removal_hazards(monitor.facts(), going),
                            (std::vector{*known(monitor, "10.9.0.7/24"), *known(monitor, "10.9.0.101/24")}));
                  before_that();
                  requests.remove_address(a0_, prefix("10.9.0.100/24"), into(removed));
                  requests.flush();
              },
              [&] { return removed && !known(monitor, "10.9.0.100/24"); }}});
        EXPECT_EQ(first->error, 0) << first->text;
        EXPECT_EQ(second->error, 0) << second->text;
        EXPECT_EQ(removed->error, 0) << removed->text;
    }
};

TEST_F(NetlinkSecondaries, TheKernelTakesAlongTheStrangerThatWasNamed) {
    remove_the_first([] {});
    EXPECT_FALSE(kernel_has("10.9.0.7/24"));
    EXPECT_FALSE(kernel_has("10.9.0.101/24"));
    EXPECT_TRUE(kernel_has("10.8.0.7/24"));
}

// F13
TEST_F(NetlinkSecondaries, PromotedTheyStay) {
    remove_the_first([] { EXPECT_TRUE(promote_secondaries("a0")); });
    EXPECT_TRUE(is("a0", '1'));
    EXPECT_FALSE(kernel_has("10.9.0.100/24"));
    EXPECT_TRUE(kernel_has("10.9.0.7/24"));
    EXPECT_TRUE(kernel_has("10.9.0.101/24"));
    EXPECT_TRUE(kernel_has("10.8.0.7/24"));
}

TEST_F(NetlinkSecondaries, OnlyALinksOwnNameIsPromoted) {
    EXPECT_FALSE(promote_secondaries("no-such-link"));
    EXPECT_FALSE(promote_secondaries("../conf/a0"));
    EXPECT_TRUE(is("a0", '0'));
    shell("ip link add a0.5 type veth peer name b0.5");
    set("a0.5", '0');
    EXPECT_TRUE(promote_secondaries("a0.5"));
    EXPECT_TRUE(is("a0.5", '1'));
}

// In a child, which alone sees /proc/sys read-only, as a container does.
TEST_F(NetlinkSecondaries, AReadOnlySystemRefusesWhatIsNotSoYet) {
    const auto promoted_read_only = [] {
        // In a chroot the root need not be a mount, and then there is nothing to make private.
        if (unshare(CLONE_NEWNS) != 0 ||
            (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 && errno != EINVAL) ||
            mount("/proc/sys", "/proc/sys", nullptr, MS_BIND, nullptr) != 0 ||
            mount("none", "/proc/sys", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
            _exit(2);
        }
        _exit(promote_secondaries("a0") ? 1 : 0);
    };
    EXPECT_EXIT(promoted_read_only(), testing::ExitedWithCode(0), "");
    set("all", '1');
    EXPECT_EXIT(promoted_read_only(), testing::ExitedWithCode(1), "") << "on for all links";
    set("all", '0');
    set("a0", '1');
    EXPECT_EXIT(promoted_read_only(), testing::ExitedWithCode(1), "") << "on for this link";
}

TEST_F(NetlinkRequests, AnAckThatNeverComesIsATimeout) {
    test::FakeLoop loop;
    // The first descriptor is the socket's, the third counts what waits for us.
    Descriptor socket(open("/dev/null", O_RDONLY | O_CLOEXEC)), wake(open("/dev/null", O_RDONLY | O_CLOEXEC));
    pollfd answers{next_descriptor(), POLLIN, 0};
    socket.reset();
    wake.reset();
    Requests requests(loop, 2s);
    std::optional<Answer> lost, late;
    test::HeldRtnl held("a0");
    requests.add_address(a0_, prefix("10.0.0.9/24"), "", into(lost));
    requests.flush();
    loop.advance(1s);
    EXPECT_FALSE(lost);
    loop.advance(1s);
    ASSERT_TRUE(lost);
    EXPECT_EQ(lost->error, ETIMEDOUT);
    EXPECT_FALSE(lost->text.empty());
    held.release();
    ASSERT_TRUE(loop.poll_once());  // nobody's any more
    requests.remove_address(a0_, prefix("10.0.0.9/24"), into(late));
    requests.flush();
    ASSERT_EQ(poll(&answers, 1, 10000), 1);
    loop.sleep_through(30s);  // a stall: the deadline is over, but the answer is there
    loop.advance(0s);
    ASSERT_TRUE(late);
    EXPECT_EQ(late->error, 0) << late->text;
    EXPECT_EQ(requests.counters().in_flight, 0u);
    EXPECT_EQ(requests.counters().failed, 1u);
}

TEST_F(NetlinkRequests, WhatCouldNotBeSentIsAnswered) {
    const int descriptor = next_descriptor();
    Requests requests(loop_);
    const Descriptor another(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));  // knows no address of the kernel
    ASSERT_EQ(dup2(another.get(), descriptor), descriptor);
    std::vector<int> errors;
    run({{[&] {
              for (std::size_t i = 0; i <= Requests::max_in_flight; ++i) {
                  requests.add_address(a0_, prefix(numbered(static_cast<int>(i))), "",
                                       [&](int error, const std::string&) { errors.push_back(error); });
              }
              requests.flush();
              EXPECT_TRUE(errors.empty()) << "a completion ran inside flush()";
          },
          [&] { return errors.size() > Requests::max_in_flight; }}});
    EXPECT_EQ(errors, std::vector<int>(Requests::max_in_flight + 1, EINVAL));
    EXPECT_EQ(requests.counters().sent, 0u);
    EXPECT_EQ(requests.counters().failed, Requests::max_in_flight + 1);
}

TEST_F(NetlinkRequests, WhatIsNotWantedAnyMoreDoesNotLeave) {
    constexpr int each = Requests::max_in_flight;  // twice as many as may be under way
    Requests requests(loop_);
    std::optional<test::HeldRtnl> held(std::in_place, "a0");
    int ours = 0, others = 0;
    std::optional<Answer> removed;
    run({{[&] {
              for (int i = 0; i < each; ++i) {
                  const auto count = [](int& counter) {
                      return [&counter](int error, const std::string& text) {
                          EXPECT_EQ(error, 0) << text;
                          ++counter;
                      };
                  };
                  requests.add_address(a0_, prefix(numbered(2 * i)), "", count(ours), 7);
                  requests.add_address(a0_, prefix(numbered(2 * i + 1)), "", count(others), 8);
              }
              requests.flush();
              requests.discard(7);
              requests.remove_address(a0_, prefix(numbered(0)), into(removed));
              EXPECT_EQ(requests.counters().queued, each - Requests::max_in_flight / 2 + 1);
              requests.flush();
              held.reset();
          },
          [&] { return removed.has_value(); }}});
    EXPECT_EQ(ours, static_cast<int>(Requests::max_in_flight / 2)) << "those that had left";
    EXPECT_EQ(others, each);
    EXPECT_EQ(requests.counters().sent, each + Requests::max_in_flight / 2 + 1);
    EXPECT_EQ(requests.counters().queued, 0u);
}

TEST_F(NetlinkRequests, ADeafAddressStaysAndTakesNothing) {
    Requests requests(loop_);
    const Prefix address = prefix("10.2.0.1/24");
    std::optional<Answer> added, deaf, gone;
    run({{[&] {
              requests.add_address(a0_, address, "", into(added));
              requests.make_deaf(a0_, address.address, into(deaf));
              requests.flush();
          },
          [&] { return deaf.has_value(); }},
         {[&] {
              EXPECT_EQ(deaf->error, 0) << deaf->text;
              EXPECT_EQ(std::system("ip addr show dev a0 | grep -q 10.2.0.1/24"), 0);
              EXPECT_NE(std::system("ip route show table local | grep -q 'local 10.2.0.1 '"), 0);
              requests.remove_address(a0_, address, into(gone));
              requests.add_address(a0_, address, "", into(added));
              requests.flush();
              added.reset();
          },
          [&] { return added.has_value(); }}});
    EXPECT_EQ(gone->error, 0) << gone->text;
    EXPECT_EQ(std::system("ip route show table local | grep -q 'local 10.2.0.1 '"), 0) << "put on again it hears";
}

}  // namespace
}  // namespace vrrpd::netlink::netlink_requests_test
