#include "vrrpd/io/notify.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd::notify {
namespace {

std::string microseconds(Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

// sd_notify() waits while the manager's queue is full. False: it is.
bool tell_without_waiting(std::string_view text) {
    const char* const name = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    const std::string_view path = name == nullptr ? "" : name;
    if (path.empty() || path.size() >= sizeof address.sun_path) return true;
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    if (path[0] == '@') address.sun_path[0] = '\0';
    const Descriptor descriptor(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    return sendto(descriptor.get(), text.data(), text.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
                  length) >= 0 ||
           errno != EAGAIN;
}

// That a reload has ended was not taken. A manager that never heard it would have us reloading until a timeout of its
// own.
bool ready_is_owed = false;

}  // namespace

void ready() {
    sd_notify(0, "READY=1");
}
void reloaded() {
    ready_is_owed = !tell_without_waiting("READY=1");
}
void reloading() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const std::int64_t time = std::int64_t{now.tv_sec} * 1000000 + now.tv_nsec / 1000;
    ready_is_owed = false;
    tell_without_waiting("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(time));
}
void status(const std::string& text) {
    tell_without_waiting("STATUS=" + text);
}
void stopping(Duration longest) {
    tell_without_waiting("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + microseconds(longest));
}
void watchdog_time(Duration longest) {
    tell_without_waiting("WATCHDOG_USEC=" + microseconds(longest));
}
void alive() {
    if (ready_is_owed) reloaded();
    tell_without_waiting("WATCHDOG=1");
}

}  // namespace vrrpd::notify
