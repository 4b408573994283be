#include "ctl/client.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

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

class Connection {
  public:
    Connection(const std::string& path, bool may_last) : path_(path), socket_(connect_to(path)) {
        if (may_last) return;
        setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    }

    void send_all(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t gone = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (gone < 0 && errno == EINTR) continue;
            if (gone < 0 && errno == EPIPE) return;  // whom the server turns away finds its answer waiting all the same
            if (gone < 0) fail_errno(path_);
            bytes.remove_prefix(static_cast<std::size_t>(gone));
        }
    }

    std::string receive_line() {
        std::array<char, 65536> buffer;
        std::size_t end = 0;
        while ((end = heard_.find('\n')) == std::string::npos) {
            if (heard_.size() > longest_line) fail(path_, "the answer is too long");
            const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0 && errno != ECONNRESET) fail_errno(path_);
            if (got <= 0) fail(path_, "the connection was closed");
            heard_.append(buffer.data(), static_cast<std::size_t>(got));
        }
        std::string line = heard_.substr(0, end);
        heard_.erase(0, end + 1);
        return line;
    }

  private:
    static Descriptor connect_to(const std::string& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path) fail(path, "the path is too long");
        std::memcpy(address.sun_path, path.data(), path.size());
        Descriptor descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (!descriptor ||
            connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            fail_errno(path);
        }
        return descriptor;
    }

    const std::string path_;
    Descriptor socket_;
    std::string heard_;
};

}  // namespace

Reply ask(const Request& request) {
    std::string text;
    Reply reply = follow(request, [&](const std::string& piece) { text += piece; });
    if (reply.ok) reply.text = std::move(text);
    return reply;
}

Reply follow(const Request& request, const std::function<void(const std::string&)>& piece) {
    using nlohmann::json;
    const json line{{"version", protocol_version}, {"command", request.command}, {"arguments", request.names}};
    Connection connection(request.socket, request.may_last);
    connection.send_all(line.dump(-1, ' ', false, json::error_handler_t::replace) + '\n');
    while (true) {
        const json reply = json::parse(connection.receive_line(), nullptr, false);
        if (!reply.is_object() || reply.value("version", 0) != protocol_version) {
            fail(request.socket, "another version of vrrpd");
        }
        if (!reply.value("ok", false)) return {false, reply.value("error", "")};
        piece(reply.value("text", ""));
        if (!reply.value("more", false)) return {true, {}};
    }
}

}  // namespace vrrpd::ctl
