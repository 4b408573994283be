// What the daemon asks of the system at start: scheduling, memory, the service manager.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <new>
#include <sched.h>
#include <set>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/support/fake_loop.hpp"
#include "vrrpd/io/notify.hpp"
#include "vrrpd/io/realtime.hpp"
#include "vrrpd/io/watchdog.hpp"
#include "vrrpd/loop/sd_event_loop.hpp"

namespace vrrpd::io_system_test {
namespace {

// Runs `body` in a child, whose scheduling and limits it may spoil.
int in_child(const std::function<int()>& body) {
    const pid_t child = fork();
    if (child == 0) _exit(body());
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(Realtime, IsGrantedOrRefusedInWords) {
    EXPECT_EQ(in_child([] {
                  const auto result = make_thread_realtime();
                  const int policy = sched_getscheduler(0);
                  if (!result) return policy == SCHED_OTHER && !result.error().empty() ? 0 : 1;
                  return policy == (SCHED_RR | SCHED_RESET_ON_FORK) ? 0 : 2;
              }),
              0);
}

TEST(Realtime, APolicyFromTheUnitIsKept) {
    EXPECT_EQ(in_child([] {
                  sched_param parameters{};
                  parameters.sched_priority = 3;
                  if (sched_setscheduler(0, SCHED_FIFO, &parameters) != 0) return 77;  // no real time here at all
                  if (!make_thread_realtime()) return 1;
                  sched_getparam(0, &parameters);
                  return sched_getscheduler(0) == SCHED_FIFO && parameters.sched_priority == 3 ? 0 : 2;
              }),
              0);
}

// The address sanitizer replaces mlockall by nothing.
#ifndef SANITIZED

TEST(LockMemory, LocksWhatWasTouched) {
    EXPECT_EQ(in_child([] {
                  if (!lock_memory()) return 1;
                  std::ifstream status("/proc/self/status");
                  for (std::string line; std::getline(status, line);) {
                      if (line.starts_with("VmLck:")) return line.find(" 0 kB") == std::string::npos ? 0 : 2;
                  }
                  return 3;
              }),
              0);
}

TEST(LockMemory, ARefusalIsASentence) {
    EXPECT_EQ(in_child([] {
                  const rlimit none{0, 0};
                  setrlimit(RLIMIT_MEMLOCK, &none);
                  if (setresuid(65534, 65534, 65534) != 0) return 1;
                  const auto result = lock_memory();
                  return !result && result.error().starts_with("cannot lock memory") ? 0 : 2;
              }),
              0);
}

#endif

// D09: whoever sets the wall clock moves neither. What clock a timer goes by is said by the kernel.
TEST(Loop, TimeAndTimersGoByAClockThatNobodySets_D09) {
    const auto boot_time = [] {
        timespec time{};
        clock_gettime(CLOCK_BOOTTIME, &time);
        return Instant(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
    };
    SdEventLoop loop;
    const Instant before = boot_time(), now = loop.now(), after = boot_time();
    EXPECT_LE(before, now);
    EXPECT_LE(now, after);

    const auto timer = loop.timer([] {}, Urgency::protocol);
    std::set<std::string> clocks;
    for (const auto& descriptor : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
        std::ifstream info(descriptor.path());
        for (std::string word; info >> word;) {
            if (word == "clockid:" && info >> word) clocks.insert(word);
        }
    }
    EXPECT_EQ(clocks, std::set{std::to_string(CLOCK_BOOTTIME)});
}

// Stands for the service manager while it lives.
class Manager {
  public:
    Manager() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        // An abstract address of the kernel's choice: five characters.
        if (bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)) != 0) throw std::bad_alloc();
        socklen_t size = sizeof address;
        getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
        const std::string name(address.sun_path + 1, size - sizeof(sa_family_t) - 1);
        setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    }
    ~Manager() {
        unsetenv("NOTIFY_SOCKET");
        close(socket_);
    }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;

    /// The oldest message that it was told; empty: none.
    std::string heard() const {
        std::array<char, 256> buffer;
        const ssize_t count = recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
    }

  private:
    const int socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

TEST(Notify, TellsTheServiceManager) {
    {
        const Manager manager;
        notify::ready();
        notify::status("VI_1 MASTER");
        notify::stopping(std::chrono::milliseconds(2500));
        EXPECT_EQ(manager.heard(), "READY=1");
        EXPECT_EQ(manager.heard(), "STATUS=VI_1 MASTER");
        EXPECT_EQ(manager.heard(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=2500000");
        EXPECT_EQ(manager.heard(), "");
    }
    notify::status("nobody listens");
}

// A manager that does not read lets its queue become full, and blocking senders would wait for ever.
TEST(Notify, NeverWaitsForAManagerThatDoesNotRead) {
    const Manager manager;
    alarm(10);
    for (int i = 0; i < 10000; ++i) notify::alive();
    alarm(0);
    EXPECT_EQ(manager.heard(), "WATCHDOG=1");
}

TEST(Notify, NeitherAReloadNorAStopWaitsForAManagerThatIsFrozen) {
    const Manager manager;
    for (int i = 0; i < 10000; ++i) notify::alive();
    alarm(10);
    notify::reloading();
    notify::reloaded();
    notify::stopping(std::chrono::seconds(1));
    alarm(0);
    while (!manager.heard().empty()) {
    }
    notify::alive();
    EXPECT_EQ(manager.heard(), "READY=1") << "or it would have us reloading for ever";
    EXPECT_EQ(manager.heard(), "WATCHDOG=1");
    notify::alive();
    EXPECT_EQ(manager.heard(), "WATCHDOG=1");
    EXPECT_EQ(manager.heard(), "");
}

// What the environment says of WatchdogSec=, while it lives.
struct WatchdogSeconds {
    explicit WatchdogSeconds(const char* microseconds) { setenv("WATCHDOG_USEC", microseconds, 1); }
    ~WatchdogSeconds() { unsetenv("WATCHDOG_USEC"); }
};

TEST(Watchdog, IsFedSeveralTimesWithinTheUnitsTime) {
    const Manager manager;
    const WatchdogSeconds two("2000000");
    test::FakeLoop loop;
    const Watchdog watchdog(loop, std::chrono::seconds(1));
    EXPECT_EQ(manager.heard(), "WATCHDOG=1");
    EXPECT_EQ(manager.heard(), "");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(loop.next_deadline() - loop.now(), std::chrono::milliseconds(500));
        loop.advance(std::chrono::milliseconds(500));
        EXPECT_EQ(manager.heard(), "WATCHDOG=1");
        EXPECT_EQ(manager.heard(), "");
    }
}

TEST(Watchdog, AsksForLessTimeWhereAdvertsAreFaster) {
    const Manager manager;
    const WatchdogSeconds two("2000000");
    test::FakeLoop loop;
    const Watchdog watchdog(loop, std::chrono::milliseconds(300));
    EXPECT_EQ(manager.heard(), "WATCHDOG_USEC=600000");
    EXPECT_EQ(manager.heard(), "WATCHDOG=1");
    EXPECT_EQ(loop.next_deadline() - loop.now(), std::chrono::milliseconds(150));
}

TEST(Watchdog, FollowsTheAdvertsOfAReload) {
    const Manager manager;
    const WatchdogSeconds two("2000000");
    test::FakeLoop loop;
    Watchdog watchdog(loop, std::chrono::seconds(5));
    EXPECT_EQ(manager.heard(), "WATCHDOG=1");
    watchdog.adapt(std::chrono::milliseconds(300));
    EXPECT_EQ(manager.heard(), "WATCHDOG_USEC=600000");
    EXPECT_EQ(manager.heard(), "WATCHDOG=1");
    EXPECT_EQ(loop.next_deadline() - loop.now(), std::chrono::milliseconds(150));
    watchdog.adapt(Duration::max());  // nobody advertises any more
    EXPECT_EQ(manager.heard(), "WATCHDOG_USEC=2000000");
    EXPECT_EQ(manager.heard(), "WATCHDOG=1");
    EXPECT_EQ(loop.next_deadline() - loop.now(), std::chrono::milliseconds(500));
    EXPECT_EQ(manager.heard(), "");
}

TEST(Watchdog, IsNotFedWhereNobodyAskedForIt) {
    const Manager manager;
    test::FakeLoop loop;
    const Watchdog watchdog(loop, std::chrono::seconds(1));
    EXPECT_EQ(manager.heard(), "");
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST(Watchdog, PatienceIsTwoIntervalsWithinBounds) {
    using std::chrono::milliseconds;
    EXPECT_EQ(watchdog_patience(milliseconds(2000), milliseconds(3000)), milliseconds(2000));
    EXPECT_EQ(watchdog_patience(milliseconds(2000), milliseconds(1000)), milliseconds(2000));
    EXPECT_EQ(watchdog_patience(milliseconds(2000), milliseconds(400)), milliseconds(800));
    EXPECT_EQ(watchdog_patience(milliseconds(2000), milliseconds(10)), milliseconds(500));
    EXPECT_EQ(watchdog_patience(milliseconds(300), milliseconds(10)), milliseconds(300));
}

// Its turn comes after what was ready before: a loop that is stuck there does not feed it.
TEST(Watchdog, HasItsTurnAfterWhatIsUrgent) {
    const Manager manager;
    const WatchdogSeconds two("40000");
    SdEventLoop loop;
    const Watchdog watchdog(loop, std::chrono::seconds(1));
    EXPECT_EQ(manager.heard(), "WATCHDOG=1");
    int urgent = 0;
    std::unique_ptr<Timer> timer;
    timer = loop.timer(
        [&] {
            if (++urgent == 100) return loop.quit(0);
            usleep(1000);
            timer->arm(loop.now());
        },
        Urgency::protocol);
    timer->arm(loop.now());
    loop.run();
    EXPECT_EQ(manager.heard(), "") << "fed by a loop that gets to nothing else";
}

}  // namespace
}  // namespace vrrpd::io_system_test
