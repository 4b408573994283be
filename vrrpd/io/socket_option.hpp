// setsockopt for the options a socket cannot do without, and for the buffer sizes it would like.
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

#include <sys/socket.h>

namespace vrrpd {

/// Throws std::system_error with `name` in it if the kernel refuses.
template <typename Value>
void set_option(int socket, int level, int option, const Value& value, const char* name) {
    if (setsockopt(socket, level, option, &value, sizeof value) != 0) {
        throw std::system_error(errno, std::generic_category(), std::string("cannot set ") + name);
    }
}

/// Room for a burst: beyond the system's limit if we may, else up to it.
inline void set_receive_buffer(int socket, int bytes) {
    if (setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) == 0) return;
    set_option(socket, SOL_SOCKET, SO_RCVBUF, bytes, "SO_RCVBUF");
}
inline void set_send_buffer(int socket, int bytes) {
    if (setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) == 0) return;
    set_option(socket, SOL_SOCKET, SO_SNDBUF, bytes, "SO_SNDBUF");
}

}  // namespace vrrpd
