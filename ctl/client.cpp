#include "ctl/client.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <system_error>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd::ctl {
namespace {

constexpr int protocol_version = 1;
constexpr timeval patience{15, 0};  // more than the server has
constexpr std::size_t longest_line = 16u << 20;

[[noreturn]] void fail(const std::string& socket, const std::string& what) {
    throw NotReachable("no vrrpd answers at " + socket + ": " + what);
}
[[noreturn]] void fail_errno(const std::string& socket) {
    fail(socket, errno == EAGAIN ? "it takes too long" : std::generic_category().message(errno));
}

Descriptor connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) fail(path, "the path is too long");
    std::memcpy(address.sun_path, path.data(), path.size());
    Descriptor descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!descriptor || setsockopt(descriptor.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        setsockopt(descriptor.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fail_errno(path);
    }
    return descriptor;
}

void send_all(const Descriptor& descriptor, const std::string& path, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t gone = send(descriptor.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (gone < 0 && errno == EINTR) continue;
        // Whom the server turns away finds its answer waiting all the same.
        if (gone < 0 && errno == EPIPE) return;
        if (gone < 0) fail_errno(path);
        bytes.remove_prefix(static_cast<std::size_t>(gone));
    }
}

std::string receive_line(const Descriptor& descriptor, const std::string& path) {
    std::string line;
    std::array<char, 65536> buffer;
    while (line.size() < longest_line) {
        const ssize_t got = recv(descriptor.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail_errno(path);
        if (got == 0) fail(path, "the connection was closed");
        line.append(buffer.data(), static_cast<std::size_t>(got));
        if (line.back() == '\n') return line;
    }
    fail(path, "the answer is too long");
}

Reply read_reply(const std::string& line, const std::string& path) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || json.value("version", 0) != protocol_version) fail(path, "another version of vrrpd");
    const bool ok = json.value("ok", false);
    return {ok, json.value(ok ? "text" : "error", "")};
}

}  // namespace

Reply ask(const std::string& socket, const std::string& command, const std::vector<std::string>& names) {
    const nlohmann::json request{{"version", protocol_version}, {"command", command}, {"arguments", names}};
    const Descriptor descriptor = connect_to(socket);
    send_all(descriptor, socket, request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
    return read_reply(receive_line(descriptor, socket), socket);
}

}  // namespace vrrpd::ctl
