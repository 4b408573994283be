// Real servers for the tests of checks: started on free ports of this host, stopped and reaped with the object, and
// asked through plain connections. And a fixture that probes them on the real event loop.
#pragma once

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "health/endpoint_socket.hpp"
#include "health/stream_probe.hpp"
#include "tests/unit/health_support.hpp"
#include "vrrpd/loop/sd_event_loop.hpp"

namespace vrrpd::health::test {

/// A process that is killed and reaped when it goes. What it prints is dropped.
class Process {
  public:
    explicit Process(std::vector<std::string> words) {
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
        const int error = posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        if (error != 0) throw std::runtime_error(words[0] + " is not installed");
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process() { end(); }
    void send(int number) const {
        kill(pid_, number);
        if (number == SIGSTOP) waitpid(pid_, nullptr, WUNTRACED);  // until all of its threads have stopped
    }
    void end() {
        if (pid_ < 0) return;
        send(SIGKILL);
        waitpid(std::exchange(pid_, -1), nullptr, 0);
    }

  private:
    pid_t pid_ = -1;
};

/// A folder that everybody may look into, for sockets and files of servers that run as somebody else.
class Folder {
  public:
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "vrrpd-check-XXXXXX").string();
        path_ = mkdtemp(pattern.data());
        chmod(path_.c_str(), 0777);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(*this / name) << text;
        return *this / name;
    }

  private:
    std::string path_;
};

inline Endpoint local(std::uint16_t port, const char* address = "127.0.0.1") {
    return {*IpAddress::parse(address), port};
}

inline std::uint16_t free_port() {
    return Listener(false).endpoint().port;
}

/// A blocking connection to a server, for what a client of it would do.
class Client {
  public:
    explicit Client(const Endpoint& endpoint) : socket_(std::move(start_connect(endpoint).socket)) {
        const timeval patience{10, 0};
        setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        fcntl(socket_.get(), F_SETFL, fcntl(socket_.get(), F_GETFL) & ~O_NONBLOCK);
    }
    void tell(std::string_view text) {
        pollfd state{socket_.get(), POLLOUT, 0};
        poll(&state, 1, 10000);
        ASSERT_EQ(send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    /// What it says up to the end of a line; empty: it has closed, or says nothing.
    std::string line() {
        std::string text;
        for (char byte = 0; byte != '\n';) {
            if (recv(socket_.get(), &byte, 1, 0) != 1) return "";
            text += byte;
        }
        return text;
    }
    std::string ask(std::string_view text) {
        tell(text);
        return line();
    }

  private:
    Descriptor socket_;
};

/// Probes on the real loop, one after the other.
class RealService : public ::testing::Test {
  protected:
    RealService() {
        options.name = "real";
        options.timeout = 300ms;
    }

    /// What one probe finds.
    Finding probe() {
        SdEventLoop loop;  // each runs once
        std::optional<Finding> found;
        StreamProbe probe(loop, options, past, [&](const Finding& finding) {
            found = finding;
            loop.quit(0);
        });
        loop.run();
        return *found;
    }
    /// Probes until one finds what is waited for: a server takes its time to start, to load, to see that its master
    /// is gone.
    Finding wait_until(const std::function<bool(const Finding&)>& is_it) {
        const auto end = std::chrono::steady_clock::now() + 20s;
        for (;;) {
            const Finding finding = probe();
            if (is_it(finding)) return finding;
            if (std::chrono::steady_clock::now() > end) {
                ADD_FAILURE() << "still " << to_string(finding);
                return finding;
            }
            pause(10ms);
        }
    }
    Finding wait_for(Class cls) {
        return wait_until([cls](const Finding& finding) { return finding.cls == cls; });
    }
    static void pause(Duration duration) {
        SdEventLoop loop;
        const auto timer = loop.timer([&] { loop.quit(0); }, Urgency::normal);
        timer->arm(loop.now() + duration);
        loop.run();
    }

    CheckOptions options;
    Past past;
    Folder folder;
};

}  // namespace vrrpd::health::test
