#include "ctl/doctor/program.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/wait.h>

#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd::doctor {
namespace {

constexpr std::size_t most_bytes = 16 << 20;
constexpr std::chrono::seconds patience(10);

/// The pid, or -errno.
pid_t start(const std::vector<std::string>& command, int output) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    std::array<char*, 2> environment{const_cast<char*>("LC_ALL=C"), nullptr};
    int error = ENOENT;
    pid_t pid = 0;
    for (const char* const folder : {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}) {
        error = posix_spawn(&pid, (folder + command.front()).c_str(), &actions, nullptr, arguments.data(),
                            environment.data());
        if (error != ENOENT) break;
    }
    posix_spawn_file_actions_destroy(&actions);
    return error == 0 ? pid : -error;
}

/// False: it takes too long, or is too long.
bool read_all(int descriptor, std::string& text) {
    const auto end = std::chrono::steady_clock::now() + patience;
    std::array<char, 65536> buffer;
    while (text.size() < most_bytes) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd ready{descriptor, POLLIN, 0};
        if (left.count() <= 0 || poll(&ready, 1, static_cast<int>(left.count())) == 0) return false;
        const ssize_t got = read(descriptor, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got == 0;
        text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return false;
}

}  // namespace

Result<std::string> output_of(const std::vector<std::string>& command) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return failure(std::strerror(errno));
    const Descriptor from(ends[0]);
    Descriptor into(ends[1]);
    const pid_t pid = start(command, into.get());
    if (pid < 0) return failure(fmt::format("{}: {}", command.front(), std::strerror(-pid)));
    into.reset();
    std::string text;
    const bool whole = read_all(from.get(), text);
    if (!whole) kill(pid, SIGKILL);
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!whole) return failure(command.front() + " takes too long, or says too much");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return failure(command.front() + " failed");
    return text;
}

}  // namespace vrrpd::doctor
