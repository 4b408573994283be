// Holds the kernel's rtnl mutex, as a program does that changes thousands of addresses, for as long as a test wants:
// one for all network namespaces of the machine, so briefly.
//
// The kernel copies the answer to an ethtool request while it holds the mutex. The answer's place is memory whose
// first use is for us to serve (userfaultfd), so the copy waits, and the mutex with it. Whoever dies lets go.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <string>
#include <system_error>
#include <thread>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <linux/userfaultfd.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd::test {

class HeldRtnl {
  public:
    /// By a request about `link`, a veth. Returns when it is held. Throws std::system_error; EPERM or ENOSYS where
    /// the system has no userfaultfd for us.
    explicit HeldRtnl(const std::string& link)
        : faults_(checked(static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK)), "userfaultfd")),
          socket_(checked(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket")),
          page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))),
          pages_(mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
        if (pages_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
        serve_second_page();
        // The question ends where the first page does.
        auto* question = reinterpret_cast<ethtool_gstrings*>(second_page() - sizeof(ethtool_gstrings));
        question->cmd = ETHTOOL_GSTRINGS;
        question->string_set = ETH_SS_STATS;
        asking_ = std::thread([this, link, question] {
            ifreq request{};
            link.copy(request.ifr_name, sizeof request.ifr_name - 1);
            request.ifr_data = reinterpret_cast<char*>(question);
            ioctl(socket_.get(), SIOCETHTOOL, &request);
        });
        pollfd fault{faults_.get(), POLLIN, 0};
        if (poll(&fault, 1, 5000) != 1 || fault.revents != POLLIN) {
            release();
            throw std::system_error(ETIMEDOUT, std::generic_category(), "holding rtnl");
        }
    }
    ~HeldRtnl() {
        release();
        munmap(pages_, 2 * page_);
    }
    HeldRtnl(const HeldRtnl&) = delete;
    HeldRtnl& operator=(const HeldRtnl&) = delete;

    void release() {
        uffdio_zeropage zero{};
        zero.range = {reinterpret_cast<std::uintptr_t>(second_page()), page_};
        ioctl(faults_.get(), UFFDIO_ZEROPAGE, &zero);
        if (asking_.joinable()) asking_.join();
    }

  private:
    static int checked(int result, const char* what) {
        if (result < 0) throw std::system_error(errno, std::generic_category(), what);
        return result;
    }
    std::uint8_t* second_page() const { return static_cast<std::uint8_t*>(pages_) + page_; }
    void serve_second_page() {
        uffdio_api api{};
        api.api = UFFD_API;
        checked(ioctl(faults_.get(), UFFDIO_API, &api), "userfaultfd");
        uffdio_register region{};
        region.range = {reinterpret_cast<std::uintptr_t>(second_page()), page_};
        region.mode = UFFDIO_REGISTER_MODE_MISSING;
        checked(ioctl(faults_.get(), UFFDIO_REGISTER, &region), "userfaultfd");
    }

    const Descriptor faults_;
    const Descriptor socket_;
    const std::size_t page_;
    void* const pages_;
    std::thread asking_;
};

}  // namespace vrrpd::test
