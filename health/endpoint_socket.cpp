#include "health/endpoint_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace vrrpd::health {
namespace {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;

    SocketAddress() = default;
    explicit SocketAddress(const Endpoint& endpoint);
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    friend bool operator==(const SocketAddress& a, const SocketAddress& b) {
        return a.length == b.length && std::memcmp(&a.storage, &b.storage, a.length) == 0;
    }
};

// The path fits: whoever makes an Endpoint sees to that.
SocketAddress::SocketAddress(const Endpoint& endpoint) {
    if (!endpoint.path.empty()) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        endpoint.path.copy(address.sun_path, sizeof address.sun_path - 1);
        length = sizeof address;
        std::memcpy(&storage, &address, length);
        return;
    }
    const auto bytes = endpoint.address.bytes();
    if (endpoint.address.family() == Family::ipv4) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(endpoint.port);
        std::memcpy(&address.sin_addr, bytes.data(), bytes.size());
        length = sizeof address;
        std::memcpy(&storage, &address, length);
    } else {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(endpoint.port);
        std::memcpy(&address.sin6_addr, bytes.data(), bytes.size());
        length = sizeof address;
        std::memcpy(&storage, &address, length);
    }
}

Descriptor open_socket(const Endpoint& endpoint, int type) {
    const int domain = !endpoint.path.empty()                      ? AF_UNIX
                       : endpoint.address.family() == Family::ipv4 ? AF_INET
                                                                   : AF_INET6;
    return Descriptor(socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

}  // namespace

Attempt start_connect(const Endpoint& endpoint) {
    Attempt attempt{open_socket(endpoint, SOCK_STREAM)};
    if (!attempt.socket) {
        attempt.error = errno;
        return attempt;
    }
    attempt.error = connect_socket(attempt.socket.get(), endpoint);
    return attempt;
}

int connect_socket(int socket, const Endpoint& endpoint) {
    SocketAddress address(endpoint);
    return connect(socket, address.get(), address.length) == 0 || errno == EINPROGRESS ? 0 : errno;
}

int pending_error(int socket) {
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

bool connected_to_itself(int socket, const Endpoint& peer) {
    SocketAddress local;
    return peer.path.empty() && getsockname(socket, local.get(), &local.length) == 0 && local == SocketAddress(peer);
}

bool is_own_address(const IpAddress& address) {
    if (address.is_loopback()) return true;
    // Any port will do: a datagram socket's connect only looks up the route. The kernel talks to its own
    // addresses from that same address, which holds under ip_nonlocal_bind too, where a trial bind would
    // always succeed.
    const Endpoint anywhere{address, 9};
    const Descriptor probe = open_socket(anywhere, SOCK_DGRAM);
    SocketAddress target(anywhere);
    SocketAddress source;
    if (!probe || connect(probe.get(), target.get(), target.length) != 0) return false;
    if (getsockname(probe.get(), source.get(), &source.length) != 0) return false;
    const auto* bytes = address.family() == Family::ipv4
                            ? static_cast<const void*>(&reinterpret_cast<sockaddr_in*>(source.get())->sin_addr)
                            : static_cast<const void*>(&reinterpret_cast<sockaddr_in6*>(source.get())->sin6_addr);
    return std::memcmp(bytes, address.bytes().data(), address.bytes().size()) == 0;
}

bool is_on_this_host(const Endpoint& endpoint) {
    return !endpoint.path.empty() || is_own_address(endpoint.address);
}

Finding connect_failure(int error, const Endpoint& endpoint) {
    switch (error) {
        case ECONNREFUSED:
            return {Class::refused, "connection refused", is_on_this_host(endpoint)};
        case ENOENT:
            return {Class::refused, "no such socket", true};
        case EAGAIN:  // only a unix socket says so at once
            return {Class::hung, "its queue of connections is full"};
        case ECONNRESET:
            return {Class::failed, "connection reset", true};
        case ENETUNREACH:
        case EHOSTUNREACH:
        case EADDRNOTAVAIL:
        case ETIMEDOUT:
        case EACCES:
        case EPERM:
            return {Class::unreachable, std::generic_category().message(error)};
        default:
            return {Class::failed, std::generic_category().message(error)};
    }
}

}  // namespace vrrpd::health
