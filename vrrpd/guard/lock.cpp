#include "vrrpd/guard/lock.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace vrrpd {
namespace {

struct Name {
    sockaddr_un address{};
    socklen_t length = 0;

    Name() {
        constexpr char name[] = "\0vrrpd";
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, name, sizeof name - 1);
        length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + sizeof name - 1);
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

Descriptor datagram_socket() {
    return Descriptor(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

}  // namespace

Descriptor take_lock() {
    const Name name;
    Descriptor lock = datagram_socket();
    if (bind(lock.get(), name.get(), name.length) == 0) return lock;
    const int error = errno;
    throw std::runtime_error(error == EADDRINUSE ? "another vrrpd runs in this network namespace"
                                                 : fmt::format("no lock: {}", std::strerror(error)));
}

bool is_locked() {
    const Name name;
    const Descriptor visitor = datagram_socket();
    return connect(visitor.get(), name.get(), name.length) == 0;
}

}  // namespace vrrpd
