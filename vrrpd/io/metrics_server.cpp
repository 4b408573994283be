#include "vrrpd/io/metrics_server.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace vrrpd {
namespace {

constexpr Duration retry_scrape = std::chrono::seconds(1);

std::string head(std::string_view status, std::string_view type) {
    return fmt::format("HTTP/1.1 {}\r\nContent-Type: {}\r\nConnection: close\r\n\r\n", status, type);
}

// The answer to a request line; nothing: the page is wanted.
std::optional<std::string> refuse(std::string_view line) {
    const auto refusal = [](std::string_view status) {
        return head(status, "text/plain") + std::string(status) + "\n";
    };
    const std::size_t first = line.find(' '), second = line.find(' ', first + 1);
    if (second == std::string_view::npos || !line.substr(second).starts_with(" HTTP/1.")) {
        return refusal("400 Bad Request");
    }
    if (line.substr(0, first) != "GET") return refusal("405 Method Not Allowed");
    const std::string_view target = line.substr(first + 1, second - first - 1);
    if (target.substr(0, target.find('?')) != "/metrics") return refusal("404 Not Found");
    return std::nullopt;
}

Descriptor listen_at(const IpAddress& address, std::uint16_t port) {
    sockaddr_storage name{};
    socklen_t size = sizeof(sockaddr_in);
    if (address.family() == Family::ipv4) {
        auto& ipv4 = reinterpret_cast<sockaddr_in&>(name);
        ipv4.sin_family = AF_INET;
        ipv4.sin_port = htons(port);
        std::ranges::copy(address.bytes(), reinterpret_cast<std::uint8_t*>(&ipv4.sin_addr));
    } else {
        auto& ipv6 = reinterpret_cast<sockaddr_in6&>(name);
        ipv6.sin6_family = AF_INET6;
        ipv6.sin6_port = htons(port);
        std::ranges::copy(address.bytes(), ipv6.sin6_addr.s6_addr);
        size = sizeof(sockaddr_in6);
    }
    Descriptor descriptor(socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int yes = 1;
    if (!descriptor || setsockopt(descriptor.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(descriptor.get(), reinterpret_cast<const sockaddr*>(&name), size) != 0 ||
        listen(descriptor.get(), static_cast<int>(MetricsServer::most_clients)) != 0) {
        throw std::runtime_error(fmt::format("nobody can ask for metrics at {} port {}: {}", address.to_string(), port,
                                             std::generic_category().message(errno)));
    }
    return descriptor;
}

}  // namespace

class MetricsServer::Client {
  public:
    Client(MetricsServer& server, Descriptor socket)
        : server_(server),
          socket_(std::move(socket)),
          deadline_(server.loop_.timer([this] { server_.close(*this); })),
          watch_(server.loop_.watch(socket_.get(), readable, [this](std::uint32_t) { on_ready(); })) {
        rearm();
    }

  private:
    void on_ready() {
        if (!(answering_ ? answer() : receive())) server_.close(*this);
    }

    // False: the client is done with.
    bool receive() {
        std::array<char, longest_request> buffer;
        const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size() - input_.size(), 0);
        if (got < 0) return errno == EAGAIN || errno == EINTR;
        if (got == 0) return false;
        input_.append(buffer.data(), static_cast<std::size_t>(got));
        const bool complete = input_.find("\r\n\r\n") != std::string::npos;
        if (!complete) return input_.size() < longest_request;
        begin();
        return true;
    }

    void begin() {
        answering_ = true;
        const auto refusal = refuse(std::string_view(input_).substr(0, input_.find("\r\n")));
        if (!refusal) source_ = server_.page_();
        output_ = refusal ? *refusal : head("200 OK", "text/plain; version=0.0.4; charset=utf-8");
        watch_->interest(writable);
    }

    bool answer() {
        if (output_.empty()) {
            auto piece = source_ ? source_() : std::nullopt;
            if (!piece) return false;
            output_ = std::move(*piece);
        }
        const ssize_t gone = send(socket_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
        if (gone < 0) return errno == EAGAIN || errno == EINTR;
        output_.erase(0, static_cast<std::size_t>(gone));
        rearm();
        return true;
    }

    void rearm() { deadline_->arm(server_.loop_.now() + patience); }

    MetricsServer& server_;
    Descriptor socket_;
    std::string input_, output_;
    Source source_;
    bool answering_ = false;
    std::unique_ptr<Timer> deadline_;
    std::unique_ptr<Watch> watch_;  // last, so that it goes before the socket
};

MetricsServer::MetricsServer(Loop& loop, const IpAddress& address, std::uint16_t port, Page page)
    : loop_(loop),
      page_(std::move(page)),
      socket_(listen_at(address, port)),
      pause_(loop.timer([this] { watch_->interest(readable); })),
      watch_(loop.watch(socket_.get(), readable, [this](std::uint32_t) { on_guest(); })) {}

MetricsServer::~MetricsServer() = default;

void MetricsServer::on_guest() {
    Descriptor guest(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!guest) {
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
        watch_->interest(0);  // no descriptor is left, say: the guest would be reported again and again
        return pause_->arm(loop_.now() + retry_scrape);
    }
    if (clients_.size() < most_clients) clients_.push_back(std::make_unique<Client>(*this, std::move(guest)));
}

void MetricsServer::close(const Client& client) {
    std::erase_if(clients_, [&](const auto& entry) { return entry.get() == &client; });
}

}  // namespace vrrpd
