#include "vrrpd/io/control_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <grp.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "vrrpd/core/result.hpp"
#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd {
namespace {

constexpr int protocol_version = 1;
constexpr Duration retry_accept = std::chrono::seconds(1);

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error("no control socket: " + what);
}
[[noreturn]] void fail_errno(const std::string& what) {
    fail(fmt::format("{}: {}", what, std::generic_category().message(errno)));
}

// ---- the words

std::string answer_line(const ControlServer::Answer& answer) {
    using nlohmann::ordered_json;
    ordered_json line{{"version", protocol_version}, {"ok", answer.ok}, {answer.ok ? "text" : "error", answer.text}};
    if (answer.more) line["more"] = true;
    std::string text = line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + '\n';
    if (text.size() <= ControlServer::longest_answer) return text;
    return answer_line(
        {false, fmt::format("the answer has {} bytes, more than {}", text.size(), ControlServer::longest_answer)});
}

Result<std::vector<std::string>> read_arguments(const nlohmann::json& list) {
    std::vector<std::string> arguments;
    if (!list.is_array()) return failure("\"arguments\" must be a list of strings");
    for (const auto& argument : list) {
        if (!argument.is_string()) return failure("\"arguments\" must be a list of strings");
        arguments.push_back(argument.get<std::string>());
    }
    return arguments;
}

Result<ControlServer::Request> read_request(std::string_view line) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object()) return failure("not a JSON object");
    // Before all else: another version may have other members.
    if (!json.contains("version") || json["version"] != protocol_version) {
        return failure(fmt::format("\"version\" must be {}", protocol_version));
    }
    if (!json.contains("command") || !json["command"].is_string()) return failure("\"command\" must be a string");
    ControlServer::Request request{json["command"].get<std::string>(), {}};
    for (const auto& [name, value] : json.items()) {
        if (name == "arguments") {
            auto arguments = read_arguments(value);
            if (!arguments) return failure(arguments.error());
            request.arguments = std::move(*arguments);
        } else if (name != "version" && name != "command") {
            return failure(fmt::format("unknown member \"{}\"", name));
        }
    }
    return request;
}

// ---- the name in the file system

sockaddr_un socket_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) fail(fmt::format("the path {} is too long", path));
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

Descriptor unix_socket() {
    Descriptor descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!descriptor) fail_errno("socket");
    return descriptor;
}

void require_replaceable(const std::string& path) {
    struct stat there {};
    if (lstat(path.c_str(), &there) != 0) {
        if (errno != ENOENT) fail_errno(path);
        return;
    }
    if (!S_ISSOCK(there.st_mode)) fail(fmt::format("{} is there and is no socket", path));
    const sockaddr_un address = socket_address(path);
    const Descriptor caller = unix_socket();
    const int result = connect(caller.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (result == 0 || errno != ECONNREFUSED) fail(fmt::format("{} is in use by another process", path));
}

gid_t find_group(const std::string& name) {
    std::vector<char> buffer(1024);
    group entry{};
    group* found = nullptr;
    int error = 0;
    while ((error = getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found)) == ERANGE) {
        buffer.resize(2 * buffer.size());
    }
    if (found == nullptr) fail(fmt::format("there is no group {}", name));
    return entry.gr_gid;
}

// A daemon that is not root may give its files to a group of its own only: for this call the group is one of this
// thread's.
bool give_to_group(const std::string& path, gid_t group) {
    const auto own = static_cast<gid_t>(setfsgid(group));
    const bool done = lchown(path.c_str(), static_cast<uid_t>(-1), group) == 0;
    const int error = errno;
    setfsgid(own);
    errno = error;
    return done;
}

void make_folder(const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) fail_errno(folder);
}

// ---- who is at the other end

bool is_in_group(int socket, gid_t group) {
    std::vector<gid_t> groups(64);
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
        if (errno != ERANGE) return false;
        groups.resize(size / sizeof(gid_t));
        if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;
    }
    groups.resize(size / sizeof(gid_t));
    return std::ranges::find(groups, group) != groups.end();
}

bool may_use(int socket, std::optional<gid_t> group) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    if (peer.uid == 0 || peer.uid == geteuid()) return true;
    return group && (peer.gid == *group || is_in_group(socket, *group));
}

}  // namespace

// The listening socket and its name. The name is that of our file only as long as nobody replaced it.
class ControlServer::Listener {
  public:
    explicit Listener(const Options& options) : path_(options.path), socket_(unix_socket()) {
        if (!options.group.empty()) group_ = find_group(options.group);
        make_folder(path_);
        require_replaceable(path_);
        publish();
    }
    ~Listener() {
        struct stat there {};
        if (lstat(path_.c_str(), &there) != 0 || there.st_dev != device_ || there.st_ino != inode_) return;
        unlink(path_.c_str());
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    int get() const { return socket_.get(); }
    const std::optional<gid_t>& group() const { return group_; }

  private:
    // Under another name first: what is seen under `path_` has its owner and mode, and answers.
    void publish() {
        struct Scratch {
            const std::string path;
            ~Scratch() { unlink(path.c_str()); }
        };
        const std::string fresh = path_ + ".new";
        const sockaddr_un address = socket_address(fresh);
        require_replaceable(fresh);
        unlink(fresh.c_str());
        if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fail_errno(fresh);
        const Scratch scratch{fresh};
        if (group_ && !give_to_group(fresh, *group_)) fail_errno(fresh);
        struct stat ours {};
        if (chmod(fresh.c_str(), group_ ? 0660 : 0600) != 0 || lstat(fresh.c_str(), &ours) != 0 ||
            listen(socket_.get(), most_clients) != 0 || rename(fresh.c_str(), path_.c_str()) != 0) {
            fail_errno(fresh);
        }
        device_ = ours.st_dev;
        inode_ = ours.st_ino;
    }

    const std::string path_;
    std::optional<gid_t> group_;
    Descriptor socket_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

class ControlServer::Client {
  public:
    Client(ControlServer& server, Descriptor socket)
        : server_(server),
          socket_(std::move(socket)),
          deadline_(server.loop_.timer([this] { server_.close(*this); })),
          watch_(server.loop_.watch(socket_.get(), readable, [this](std::uint32_t ready) { on_ready(ready); })) {
        rearm();
    }

    void wake() {
        if (!std::exchange(waiting_, false)) return;
        rearm();
        watch_->interest(writable);
    }

  private:
    // A client that hung up is seen in what recv or send say.
    void on_ready(std::uint32_t readiness) {
        if ((waiting_ && (readiness & hang_up)) || !step()) return server_.close(*this);
        const bool idle = output_.empty() && !source_ && !has_line();
        watch_->interest(waiting_ ? hang_up : idle ? readable : writable);
    }

    // False: the client is done with.
    bool step() {
        if (source_ && output_.empty()) return take_piece();
        if (output_.empty() && !has_line() && !receive()) return false;
        if (output_.empty() && has_line()) serve_line();
        if (input_.size() > longest_request && !has_line() && !last_) {
            say({false, fmt::format("a request has at most {} bytes", longest_request)});
            last_ = true;  // where the next request begins is not known
        }
        return (output_.empty() || send()) && !(last_ && output_.empty() && !source_);
    }

    bool take_piece() {
        const auto piece = source_();
        waiting_ = !piece;
        if (waiting_) {
            deadline_->disarm();
            return true;
        }
        if (!piece->more) source_ = nullptr;
        say(*piece);
        return send();
    }

    bool has_line() const { return input_.find('\n') != std::string::npos; }

    bool receive() {
        std::array<char, longest_request + 1> buffer;
        const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size() - input_.size(), 0);
        if (got < 0) return errno == EAGAIN || errno == EINTR;
        input_.append(buffer.data(), static_cast<std::size_t>(got));
        return got > 0;
    }

    void serve_line() {
        const std::size_t end = input_.find('\n');
        const auto request = read_request(std::string_view(input_).substr(0, end));
        input_.erase(0, end + 1);
        if (!request) return say({false, request.error()});
        Response response = server_.handler_(*request);
        if (const auto* answer = std::get_if<Answer>(&response)) return say(*answer);
        source_ = std::get<Source>(std::move(response));
        rearm();
    }

    void say(const Answer& answer) {
        output_ = answer_line(answer);
        sent_ = 0;
    }

    bool send() {
        const ssize_t gone = ::send(socket_.get(), output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
        if (gone < 0) return errno == EAGAIN || errno == EINTR;
        rearm();
        sent_ += static_cast<std::size_t>(gone);
        if (sent_ == output_.size()) std::string().swap(output_);  // an idle client holds no megabyte
        return true;
    }

    void rearm() { deadline_->arm(server_.loop_.now() + patience); }

    ControlServer& server_;
    Descriptor socket_;
    std::string input_, output_;
    std::size_t sent_ = 0;  // of output_
    bool last_ = false;     // nothing more is read after this answer
    Source source_;         // of the pieces that follow
    bool waiting_ = false;  // it had nothing yet
    std::unique_ptr<Timer> deadline_;
    std::unique_ptr<Watch> watch_;  // last, so that it goes before the socket
};

ControlServer::ControlServer(Loop& loop, const Options& options, Handler handler)
    : loop_(loop),
      handler_(std::move(handler)),
      listener_(std::make_unique<Listener>(options)),
      pause_(loop.timer([this] { watch_->interest(readable); })),
      watch_(loop.watch(listener_->get(), readable, [this](std::uint32_t) { on_guest(); })) {}

ControlServer::~ControlServer() = default;

void ControlServer::wake() {
    for (const auto& client : clients_) client->wake();
}

void ControlServer::on_guest() {
    Descriptor guest(accept4(listener_->get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!guest) {
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
        // No descriptor is left, say. The guest would be reported again and again.
        watch_->interest(0);
        return pause_->arm(loop_.now() + retry_accept);
    }
    const auto turn_away = [&](const std::string& why) {
        const std::string line = answer_line({false, why});
        static_cast<void>(send(guest.get(), line.data(), line.size(), MSG_NOSIGNAL));
    };
    if (!may_use(guest.get(), listener_->group())) return turn_away("not allowed");
    if (clients_.size() == most_clients) return turn_away(fmt::format("more than {} clients", most_clients));
    clients_.push_back(std::make_unique<Client>(*this, std::move(guest)));
}

void ControlServer::close(const Client& client) {
    std::erase_if(clients_, [&](const auto& entry) { return entry.get() == &client; });
}

}  // namespace vrrpd
