#include "netlink/socket.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>

#include <linux/netlink.h>
#include <netlink/errno.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

namespace vrrpd::netlink {
namespace {

// The kernel fills at most 32 KiB a read of a dump; a single notice of a link with many functions may be longer.
constexpr std::size_t buffer_size = 64 << 10;

[[noreturn]] void give_up(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void require(int result, const char* what) {
    if (result >= 0) return;
    throw std::system_error(errno != 0 ? errno : EIO, std::generic_category(),
                            std::string(what) + ": " + nl_geterror(result));
}

}  // namespace

void Socket::Free::operator()(nl_sock* socket) const {
    nl_socket_free(socket);
}

Socket::Socket(int receive_buffer)
    : socket_(nl_socket_alloc()), buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(buffer_size)) {
    if (!socket_) throw std::system_error(ENOMEM, std::generic_category(), "netlink socket");
    errno = 0;
    require(nl_connect(socket_.get(), NETLINK_ROUTE), "netlink socket");
    require(nl_socket_set_nonblocking(socket_.get()), "netlink socket");

    // Without CAP_NET_ADMIN the system's own limit has to do.
    if (setsockopt(descriptor(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer) != 0 &&
        setsockopt(descriptor(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer) != 0) {
        give_up("netlink receive buffer");
    }
    const int on = 1;
    if (setsockopt(descriptor(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on) != 0 ||
        setsockopt(descriptor(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on) != 0) {
        give_up("netlink acknowledgements");
    }
}

Socket::~Socket() = default;

void Socket::join(int group) {
    errno = 0;
    require(nl_socket_add_membership(socket_.get(), group), "netlink group");
}

int Socket::descriptor() const {
    return nl_socket_get_fd(socket_.get());
}

int Socket::send(std::span<const std::uint8_t> messages) {
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    const auto sent = sendto(descriptor(), messages.data(), messages.size(), MSG_DONTWAIT,
                             reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
    return sent < 0 ? errno : 0;
}

int Socket::receive(std::span<std::uint8_t>& datagram) {
    datagram = {};
    sockaddr_nl sender{};
    iovec place{buffer_.get(), buffer_size};
    msghdr header{};
    header.msg_name = &sender;
    header.msg_namelen = sizeof sender;
    header.msg_iov = &place;
    header.msg_iovlen = 1;
    const auto length = recvmsg(descriptor(), &header, MSG_DONTWAIT);
    if (length < 0) return errno == EINTR ? EAGAIN : errno;
    if ((header.msg_flags & MSG_TRUNC) != 0) return EMSGSIZE;
    if (sender.nl_pid != 0) return 0;
    datagram = {buffer_.get(), static_cast<std::size_t>(length)};
    return 0;
}

}  // namespace vrrpd::netlink
