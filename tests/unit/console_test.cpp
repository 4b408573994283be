// What the operator is told, and what is done for them, when a reload changes who there is. Over the real socket.
#include "vrrpd/agent/console.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/support/core_driver.hpp"
#include "tests/support/fake_loop.hpp"
#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd::console_test {
namespace {

using test::CoreDriver;
using test::plain_options;

struct NoStarter final : ChildStarter {
    std::unique_ptr<Child> start(const Command&, std::function<void(ExitStatus)>) override { return nullptr; }
};

InstanceOptions options(const char* name, std::uint8_t virtual_router_id) {
    InstanceOptions options = plain_options();
    options.name = name;
    options.virtual_router_id = virtual_router_id;
    options.checks = {Track{0, std::nullopt, false}};
    options.services = {0};
    return options;
}

class Seat : public testing::Test {
  protected:
    Seat() {
        char name[] = "/tmp/vrrpd-console-XXXXXX";
        if (mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
        folder = name;
        config.global.control_socket = folder + "/control";
        config.global.state_directory = folder;
        config.instances = {options("old", 51)};
        config.checks.resize(1);
        config.checks[0].name = "check_a";
        config.services.resize(1);
        config.services[0].name = "service_a";
        host = std::make_unique<CoreDriver>(config.instances);
        host->start();
        hooks = std::make_unique<HookSet>(loop, starter, config.instances, config.groups, Credentials{},
                                          HookSet::Callbacks{});
        console = std::make_unique<Console>(loop, world());
    }
    ~Seat() override {
        console.reset();
        std::filesystem::remove_all(folder);
    }
    Console::World world() {
        return {config,
                host->router(),
                [this](std::vector<Event> events) {
                    for (const Event& event : events) host->handle(event);
                },
                [] { return ShellCounters(); },
                [](std::size_t) { return health::Verdict::down; },
                [](std::size_t) { return "stopped"; },
                [](const VirtualAddress&, const InstanceOptions&) { return false; },
                *hooks,
                {}};
    }

    Descriptor asked(const std::string& command) {
        Descriptor caller(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        config.global.control_socket.copy(address.sun_path, sizeof address.sun_path - 1);
        const std::string line = R"({"version":1,"command":")" + command + "\"}\n";
        if (connect(caller.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            write(caller.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
            throw std::runtime_error("cannot ask the console");
        }
        return caller;
    }
    std::string answer(const Descriptor& caller) {
        std::string text;
        std::array<char, 4096> piece;
        for (int turn = 0; turn < 100 && text.find("\"ok\"") == text.npos && loop.poll_once(); ++turn) {
            const ssize_t got = recv(caller.get(), piece.data(), piece.size(), MSG_DONTWAIT);
            if (got > 0) text.append(piece.data(), static_cast<std::size_t>(got));
        }
        return text;
    }
    bool status_has(const char* words) {
        const std::string text = answer(asked("status"));
        EXPECT_NE(text.find("in_state"), text.npos) << text;
        return text.find(words) != text.npos;
    }

    test::FakeLoop loop;
    NoStarter starter;
    std::string folder;
    config::Config config;
    std::unique_ptr<CoreDriver> host;
    std::unique_ptr<HookSet> hooks;
    std::unique_ptr<Console> console;
};

TEST_F(Seat, WhoComesToAVacantPlaceHasSaidNothingYet) {
    health::Report report;
    report.verdict = health::Verdict::down;
    report.finding = {health::Class::hung, "no reply of a"};
    console->check_reported(0, report);
    console->service_said("service_a", "failed", "exit code 7");
    EXPECT_TRUE(status_has("no reply of a"));
    EXPECT_TRUE(status_has("exit code 7"));
    console->reconfigured({}, {});
    EXPECT_TRUE(status_has("no reply of a"));
    EXPECT_TRUE(status_has("exit code 7"));

    config.checks[0].name = config.services[0].name = "";
    config::Changes gone;
    gone.removed = {0};
    console->reconfigured(gone, gone);
    console->service_said("service_a", "stopped", "exit code 8");  // it took its time
    config.checks[0].name = "check_b";
    config.services[0].name = "service_b";
    config::Changes come;
    come.added = {0};
    console->reconfigured(come, come);
    EXPECT_FALSE(status_has("no reply of a"));
    EXPECT_FALSE(status_has("exit code"));
}

TEST_F(Seat, WhoBeginsAnewHasSaidNothingYet) {
    console->check_reported(0, {});
    console->service_said("service_a", "failed", "exit code 7");
    EXPECT_TRUE(status_has("\\\"class"));
    config::Changes changes;
    changes.changed = {0};
    console->reconfigured(changes, changes);
    EXPECT_FALSE(status_has("exit code 7"));
    EXPECT_FALSE(status_has("\\\"class"));
}

TEST_F(Seat, ADrainIsOfWhomItWasAskedForWhoeverIsInThatPlaceWhenItIsOnDisk) {
    const Descriptor caller = asked("drain");
    ASSERT_TRUE(loop.poll_once());  // the guest
    ASSERT_TRUE(loop.poll_once());  // and the request
    Reconfigured removal;
    removal.removed = {0};
    host->reload(removal, config.instances);
    host->handle(Vacated{{0}});
    config.instances[0] = options("new", 52);
    Reconfigured addition;
    addition.added = {PathChanged{0, CoreDriver::interface_index, true, test::ip("10.9.0.1"), ""}};
    host->reload(addition, config.instances);
    const std::string text = answer(caller);
    EXPECT_NE(text.find("drained: old"), text.npos) << text;
    EXPECT_FALSE(host->router().instance(0).drained());
}

}  // namespace
}  // namespace vrrpd::console_test
