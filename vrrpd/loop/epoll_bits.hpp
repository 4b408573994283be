// Readiness in the bits of epoll, which sd-event uses, too.
#pragma once

#include <cstdint>

#include <sys/epoll.h>

#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

inline std::uint32_t to_epoll(std::uint32_t readiness) {
    return (readiness & readable ? EPOLLIN : 0u) | (readiness & writable ? EPOLLOUT : 0u);
}

inline std::uint32_t from_epoll(std::uint32_t events) {
    return (events & EPOLLIN ? readable : 0u) | (events & EPOLLOUT ? writable : 0u) |
           (events & (EPOLLHUP | EPOLLERR) ? hang_up : 0u);
}

}  // namespace vrrpd
