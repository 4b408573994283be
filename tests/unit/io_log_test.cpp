// The log, each case in a process of its own: it is started once and never again. Needs root for the
// journal's and syslog's sockets, which are made in a mount namespace.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <iostream>
#include <poll.h>
#include <sched.h>
#include <string>
#include <syslog.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "vrrpd/io/log.hpp"

namespace vrrpd::log::io_log_test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Pipe {
    Pipe() {
        if (pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    }
    ~Pipe() {
        for (const int end : ends) close(end);
    }
    std::array<int, 2> ends{};
};

struct Outcome {
    int status = -1;
    std::string standard_error;
};

// Runs `body` in a child whose standard error is a pipe that is read while it runs, unless it is to get stuck.
Outcome in_child(const std::function<int()>& body, bool read_standard_error = true) {
    Pipe errors;
    const pid_t child = fork();
    if (child == 0) {
        dup2(errors.ends[1], STDERR_FILENO);
        close(errors.ends[1]);
        if (read_standard_error) close(errors.ends[0]);
        std::exit(body());
    }
    close(std::exchange(errors.ends[1], -1));
    Outcome outcome;
    std::array<char, 4096> buffer;
    for (ssize_t count = 1; read_standard_error && count > 0;) {
        count = read(errors.ends[0], buffer.data(), buffer.size());
        if (count > 0) outcome.standard_error.append(buffer.data(), static_cast<std::size_t>(count));
    }
    int status = 0;
    waitpid(child, &status, 0);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return outcome;
}

bool matches(const std::string& text, const std::string& pattern) {
    const testing::Matcher<const std::string&> matcher = testing::ContainsRegex(pattern);
    return matcher.Matches(text);
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t from = 0;
    for (std::size_t end; (end = text.find('\n', from)) != std::string::npos; from = end + 1) {
        lines.push_back(text.substr(from, end - from));
    }
    return lines;
}

TEST(Log, LinesOnStandardError) {
    const Outcome outcome = in_child([] {
        write(Level::warning, "before the start");
        write(Level::debug, "not wanted");
        start({Target::standard_error, Level::notice, LOG_DAEMON, "vrrpd"});
        write(Level::notice, "(VI_1) Entering MASTER STATE", {"VI_1", "MASTER"});
        write(Level::error, "line one\nline two\x1b[31m");
        write(Level::info, "not wanted");
        const bool flushed = stop();
        write(Level::error, "after the end");
        return flushed ? 0 : 1;
    });
    EXPECT_EQ(outcome.status, 0);
    const auto lines = lines_of(outcome.standard_error);
    ASSERT_EQ(lines.size(), 3u) << outcome.standard_error;
    const std::string time = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z ";
    EXPECT_TRUE(matches(lines[0], "^" + time + "warning before the start$")) << lines[0];
    EXPECT_TRUE(matches(lines[1], "^" + time + "notice \\(VI_1\\) Entering MASTER STATE$")) << lines[1];
    EXPECT_TRUE(matches(lines[2], "^" + time + "error line one line two \\[31m$")) << lines[2];
}

TEST(Log, EverythingQueuedIsWrittenInOrder) {
    constexpr int count = 2000;  // the queue holds a little more
    const Outcome outcome = in_child([] {
        start({Target::standard_error, Level::info, LOG_DAEMON, "vrrpd"});
        for (int i = 0; i < count; ++i) write(Level::info, "message " + std::to_string(i));
        return stop(60s) ? 0 : 1;
    });
    EXPECT_EQ(outcome.status, 0);
    const auto lines = lines_of(outcome.standard_error);
    ASSERT_EQ(lines.size(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
        const std::string ending = "info message " + std::to_string(i);
        ASSERT_TRUE(lines[static_cast<std::size_t>(i)].ends_with(ending)) << lines[static_cast<std::size_t>(i)];
    }
}

TEST(Log, AStuckTargetBlocksNeitherTheWriterNorTheShutdown) {
    const Outcome outcome = in_child(
        [] {
            start({Target::standard_error, Level::info, LOG_DAEMON, "vrrpd"});
            const auto begin = Clock::now();
            for (int i = 0; i < 100000; ++i) write(Level::info, "a message that nobody reads, of a usual length");
            const auto written = Clock::now();
            const bool flushed = stop(200ms);
            const auto stopped = Clock::now();
            if (flushed) return 1;
            std::cout << "written in " << (written - begin) / 1ms << " ms, stopped in " << (stopped - written) / 1ms
                      << " ms\n";
            if (written - begin > 10s) return 2;
            if (stopped - written < 200ms || stopped - written > 5s) return 3;
            return 0;
        },
        false);
    EXPECT_EQ(outcome.status, 0);
}

TEST(Log, LossesAreCountedInTheLog) {
    const Outcome outcome = in_child([] {
        Pipe stuck;
        const int standard_error = dup(STDERR_FILENO);
        dup2(stuck.ends[1], STDERR_FILENO);
        start({Target::standard_error, Level::info, LOG_DAEMON, "vrrpd"});
        for (int i = 0; i < 50000; ++i) write(Level::info, "message");
        // Reading what the pipe holds sets the log thread free; from the next line on it writes to the test.
        dup2(standard_error, STDERR_FILENO);
        std::array<char, 4096> buffer;
        fcntl(stuck.ends[0], F_SETFL, O_NONBLOCK);
        pollfd readable{stuck.ends[0], POLLIN, 0};
        while (poll(&readable, 1, 100) == 1) {
            if (read(stuck.ends[0], buffer.data(), buffer.size()) <= 0) break;
        }
        return stop(60s) ? 0 : 1;
    });
    EXPECT_EQ(outcome.status, 0);
    EXPECT_TRUE(matches(outcome.standard_error, "warning [0-9]+ log messages were lost: the log target is too slow"));
}

// Binds a datagram socket at `path`, over an empty file system at `mount_point`.
int listen_at(const std::string& mount_point, const std::string& directory, const std::string& path) {
    if (unshare(CLONE_NEWNS) != 0) return -1;
    // In a chroot the root need not be a mount, and then there is nothing to make private.
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 && errno != EINVAL) return -1;
    if (mount("tmpfs", mount_point.c_str(), "tmpfs", 0, nullptr) != 0) return -1;
    for (std::size_t slash = directory.find('/', 1); slash != std::string::npos;) {
        slash = directory.find('/', slash + 1);
        mkdir(directory.substr(0, slash).c_str(), 0755);
    }
    const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    if (bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
    return descriptor;
}

std::string receive(int descriptor) {
    std::array<char, 4096> buffer;
    const ssize_t count = recv(descriptor, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

TEST(Log, JournalGetsFields) {
    const Outcome outcome = in_child([] {
        const int journal = listen_at("/run", "/run/systemd/journal", "/run/systemd/journal/socket");
        if (journal < 0) return 10;
        start({Target::journal, Level::info, LOG_LOCAL3, "vrrpd"});
        write(Level::notice, "(VI_1) Entering MASTER STATE", {"VI_1", "MASTER"});
        write(Level::error, "without fields");
        if (!stop(10s)) return 11;
        std::cerr << receive(journal) << "\n----\n" << receive(journal);
        return 0;
    });
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.standard_error,
              "MESSAGE=(VI_1) Entering MASTER STATE\nPRIORITY=5\nSYSLOG_IDENTIFIER=vrrpd\nSYSLOG_FACILITY=19\n"
              "VRRP_INSTANCE=VI_1\nVRRP_STATE=MASTER\n"
              "\n----\n"
              "MESSAGE=without fields\nPRIORITY=3\nSYSLOG_IDENTIFIER=vrrpd\nSYSLOG_FACILITY=19\n");
}

TEST(Log, SyslogGetsPriorityAndFacility) {
    const Outcome outcome = in_child([] {
        const int log = listen_at("/dev", "/dev", "/dev/log");
        if (log < 0) return 10;
        start({Target::syslog, Level::info, LOG_LOCAL3, "vrrpd"});
        write(Level::warning, "100% of %s", {"VI_1", "FAULT"});
        if (!stop(10s)) return 11;
        std::cerr << receive(log);
        return 0;
    });
    EXPECT_EQ(outcome.status, 0);
    const std::string expected = "<" + std::to_string(LOG_LOCAL3 | LOG_WARNING) + ">";
    EXPECT_EQ(outcome.standard_error.substr(0, expected.size()), expected);
    EXPECT_TRUE(matches(outcome.standard_error, "vrrpd\\[[0-9]+\\]: 100% of %s")) << outcome.standard_error;
}

std::string identity(int descriptor) {
    struct stat file {};
    fstat(descriptor, &file);
    return std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
}

TEST(Log, AutomaticGoesWhereSomebodyLooks) {
    const auto resolved_with = [](const std::function<void()>& prepare) {
        return static_cast<Target>(in_child([&prepare] {
                                       unsetenv("JOURNAL_STREAM");
                                       prepare();
                                       return static_cast<int>(resolve(Target::automatic));
                                   }).status);
    };
    EXPECT_EQ(resolved_with([] {}), Target::standard_error);
    EXPECT_EQ(resolved_with([] { setenv("JOURNAL_STREAM", identity(STDERR_FILENO).c_str(), 1); }), Target::journal);
    EXPECT_EQ(resolved_with([] { setenv("JOURNAL_STREAM", "8:15", 1); }), Target::standard_error);
    EXPECT_EQ(resolved_with([] { close(STDERR_FILENO); }), Target::syslog);
    EXPECT_EQ(resolved_with([] { dup2(open("/dev/null", O_WRONLY), STDERR_FILENO); }), Target::syslog);
    EXPECT_EQ(resolve(Target::syslog), Target::syslog);
}

}  // namespace
}  // namespace vrrpd::log::io_log_test
