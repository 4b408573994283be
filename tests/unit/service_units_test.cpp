// Units over a bus of our own, whose other end is the test: it answers as systemd would, or refuses as polkit would.
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>

#include "tests/support/fake_loop.hpp"
#include "vrrpd/service/units.hpp"

namespace vrrpd::service::service_units_test {
namespace {

using namespace std::chrono_literals;

constexpr const char* unit_path = "/org/freedesktop/systemd1/unit/web_2eservice";
constexpr const char* job_path = "/org/freedesktop/systemd1/job/7";

// One unit, and who asks about it. There is no broker between: it answers for the bus, too.
class FakeSystemd {
  public:
    FakeSystemd() : folder_(make_folder()) {
        const std::string path = folder_ + "/bus";
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener_, 4) != 0)
            throw std::runtime_error(std::strerror(errno));
        setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + path).c_str(), 1);
    }
    ~FakeSystemd() {
        hang_up();
        close(listener_);
        std::filesystem::remove_all(folder_);
    }
    FakeSystemd(const FakeSystemd&) = delete;
    FakeSystemd& operator=(const FakeSystemd&) = delete;

    std::string state = "inactive";
    std::vector<std::string> calls;                          // of the manager, in order
    std::function<const char*(const std::string&)> refusal;  // the error's name for a call, or none

    void process() {
        if (bus_ == nullptr) accept();
        while (bus_ != nullptr) {
            const int result = sd_bus_process(bus_, nullptr);
            if (result < 0) hang_up();
            if (result == 0) break;
        }
    }

    void become(const char* word) {
        state = word;
        sd_bus_message* signal = nullptr;
        sd_bus_message_new_signal(bus_, &signal, unit_path, "org.freedesktop.DBus.Properties", "PropertiesChanged");
        sd_bus_message_append(signal, "sa{sv}as", "org.freedesktop.systemd1.Unit", 1, "ActiveState", "s", word, 0);
        send(signal);
    }
    void end_job(const char* result) {
        sd_bus_message* signal = nullptr;
        sd_bus_message_new_signal(bus_, &signal, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                                  "JobRemoved");
        sd_bus_message_append(signal, "uoss", 7, job_path, "web.service", result);
        send(signal);
    }
    void hang_up() { bus_ = sd_bus_close_unref(bus_); }

  private:
    static std::string make_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "units-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error(std::strerror(errno));
        return name;
    }

    void accept() {
        const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (descriptor < 0) return;
        sd_id128_t id{};
        sd_id128_randomize(&id);
        sd_bus_new(&bus_);
        sd_bus_set_fd(bus_, descriptor, descriptor);
        sd_bus_set_server(bus_, 1, id);
        sd_bus_add_filter(
            bus_, nullptr,
            [](sd_bus_message* message, void* self, sd_bus_error*) {
                return static_cast<FakeSystemd*>(self)->answer(message);
            },
            this);
        sd_bus_start(bus_);
    }

    int answer(sd_bus_message* call) {
        const char* member = sd_bus_message_get_member(call);
        if (member == nullptr) return 0;
        const std::string name = member;
        const bool of_manager = sd_bus_message_is_method_call(call, "org.freedesktop.systemd1.Manager", nullptr) > 0;
        if (of_manager && name != "Subscribe") calls.push_back(name);
        const char* error = of_manager && refusal ? refusal(name) : nullptr;
        sd_bus_message* reply = nullptr;
        if (error != nullptr) {
            const sd_bus_error refused{error, "the reason", 0};
            sd_bus_message_new_method_error(call, &reply, &refused);
        } else {
            sd_bus_message_new_method_return(call, &reply);
            if (name == "Hello") sd_bus_message_append(reply, "s", ":1.1");
            if (name == "StartUnit" || name == "StopUnit") sd_bus_message_append(reply, "o", job_path);
            if (name == "Get") sd_bus_message_append(reply, "v", "s", state.c_str());
        }
        send(reply);
        return 1;
    }

    void send(sd_bus_message* message) {
        sd_bus_message_set_sender(message, "org.freedesktop.systemd1");
        sd_bus_send(bus_, message, nullptr);
        sd_bus_message_unref(message);
    }

    std::string folder_;
    int listener_ = -1;
    sd_bus* bus_ = nullptr;
};

class UnitsTest : public testing::Test {
  protected:
    void start() {
        child_ = units_.start({.argv = {"web.service"}}, [this](ExitStatus status) { end_ = status.to_string(); });
        settle();
    }
    void run() {
        start();
        systemd_.state = "active";
        systemd_.end_job("done");
        settle();
    }
    void signal(int number) {
        child_->signal(number);
        settle();
    }
    // Until neither side has anything to say any more.
    void settle() {
        do {
            systemd_.process();
            loop_.advance(0ms);
        } while (loop_.poll_once(20ms));
        systemd_.process();
        loop_.advance(0ms);
    }
    void refuse(std::string call, const char* error) {
        systemd_.refusal = [call, error](const std::string& name) { return name == call ? error : nullptr; };
    }

    test::FakeLoop loop_;
    FakeSystemd systemd_;
    std::vector<std::string> problems_;
    std::string end_;
    Units units_{loop_, [this](const std::string& problem) { problems_.push_back(problem); }};
    std::unique_ptr<Child> child_;
};

using Words = std::vector<std::string>;
constexpr const char* not_loaded = "org.freedesktop.systemd1.NoSuchUnit";
constexpr const char* denied = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired";

TEST_F(UnitsTest, RunsUntilItIsInactive) {
    run();
    EXPECT_EQ(end_, "");
    systemd_.become("activating");  // systemd restarts it by itself
    systemd_.become("active");
    settle();
    EXPECT_EQ(end_, "");
    systemd_.become("failed");
    settle();
    EXPECT_EQ(end_, "exit code 1");
    EXPECT_EQ(problems_, Words{});
}

TEST_F(UnitsTest, AStartThatIsRefusedIsSaid) {
    refuse("StartUnit", denied);
    start();
    EXPECT_EQ(problems_, Words{"web.service cannot be started: the reason"});
    EXPECT_NE(end_.find("could not be started"), std::string::npos) << end_;
}

TEST_F(UnitsTest, AStartThatFailsIsSaid) {
    start();
    systemd_.state = "failed";
    systemd_.end_job("failed");
    settle();
    EXPECT_EQ(problems_, Words{"web.service was not started: failed"});
    EXPECT_NE(end_.find("could not be started"), std::string::npos) << end_;
}

TEST_F(UnitsTest, HasStoppedWhenItIsInactive) {
    run();
    signal(SIGTERM);
    EXPECT_EQ(end_, "");
    systemd_.become("deactivating");
    settle();
    EXPECT_EQ(end_, "");
    signal(SIGKILL);
    systemd_.become("inactive");
    settle();
    EXPECT_EQ(end_, "exit code 0");
    EXPECT_EQ(systemd_.calls, (Words{"StartUnit", "StopUnit", "StopUnit", "KillUnit"}));
    EXPECT_EQ(problems_, Words{});
}

TEST_F(UnitsTest, OneThatIsNotLoadedHasStopped) {
    run();
    refuse("StopUnit", not_loaded);
    signal(SIGTERM);
    EXPECT_EQ(end_, "exit code 0");
    EXPECT_EQ(problems_, Words{});
}

// By polkit, by systemd that is being replaced, by a unit that refuses manual stops: all the same.
TEST_F(UnitsTest, OneThatMayNotBeStoppedRunsOn) {
    for (const char* error :
         {denied, "org.freedesktop.systemd1.OnlyByDependency", "org.freedesktop.DBus.Error.NoReply"}) {
        run();
        refuse("StopUnit", error);
        signal(SIGTERM);
        signal(SIGKILL);
        EXPECT_EQ(end_, "") << error;
        EXPECT_EQ(std::exchange(problems_, {}),
                  Words{"web.service cannot be stopped, and counts as running: the reason"});
        systemd_.become("inactive");
        settle();
        EXPECT_EQ(std::exchange(end_, {}), "exit code 0");
        systemd_.refusal = {};
    }
}

TEST_F(UnitsTest, OneThatMayNotBeKilledIsSaid) {
    run();
    refuse("KillUnit", denied);
    signal(SIGKILL);
    EXPECT_EQ(end_, "");
    EXPECT_EQ(problems_, Words{"web.service cannot be killed, and counts as running: the reason"});
}

// The answer to an earlier wish says nothing of a later one.
TEST_F(UnitsTest, ALeftoverThatIsNotLoadedDoesNotEndWhatWasStartedMeanwhile) {
    refuse("StopUnit", not_loaded);
    units_.stop("web.service");
    run();
    EXPECT_EQ(end_, "");
}

TEST_F(UnitsTest, AStopIsWishedAgainWhenTheBusIsBack) {
    run();
    child_->signal(SIGTERM);
    systemd_.hang_up();
    settle();
    EXPECT_EQ(problems_, Words{"no connection to systemd: Connection reset by peer"});
    systemd_.calls.clear();
    loop_.advance(1s);
    settle();
    EXPECT_EQ(systemd_.calls, Words{"StopUnit"});
    systemd_.become("inactive");
    settle();
    EXPECT_EQ(end_, "exit code 0");
}

TEST_F(UnitsTest, AStartIsWishedAgainWhenTheBusIsBack) {
    run();
    systemd_.become("failed");
    settle();
    child_ = units_.start({.argv = {"web.service"}}, [this](ExitStatus status) { end_ = status.to_string(); });
    end_.clear();
    systemd_.hang_up();
    settle();
    systemd_.calls.clear();
    loop_.advance(1s);
    settle();
    EXPECT_EQ(systemd_.calls, Words{"StartUnit"});
    EXPECT_EQ(end_, "");
}

TEST_F(UnitsTest, AUnitOutlivesItsChild) {
    run();
    child_.reset();
    settle();
    EXPECT_EQ(systemd_.calls, Words{"StartUnit"});
}

}  // namespace
}  // namespace vrrpd::service::service_units_test
