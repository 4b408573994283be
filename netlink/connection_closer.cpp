#include "netlink/connection_closer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "netlink/worker_thread.hpp"
#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd::netlink {
namespace {

// Those that listen stay, those in TIME_WAIT have nobody to tell.
constexpr std::uint32_t connected = ~(1u << TCP_LISTEN | 1u << TCP_TIME_WAIT | 1u << TCP_CLOSE);
constexpr std::size_t buffer_size = 32 << 10;  // the kernel fills what we have; see netlink(7)

struct Request {
    nlmsghdr header{};
    inet_diag_req_v2 body{};
};

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void send(const Descriptor& socket, Request request, std::uint16_t type, std::uint16_t flags) {
    request.header = {sizeof request, type, static_cast<std::uint16_t>(NLM_F_REQUEST | flags), 0, 0};
    const sockaddr_nl kernel{AF_NETLINK, 0, 0, 0};
    const auto* const to = reinterpret_cast<const sockaddr*>(&kernel);
    if (sendto(socket.get(), &request, sizeof request, 0, to, sizeof kernel) < 0) fail("sock_diag");
}

/// The local address of a connection; IPv4 also where a socket of IPv6 has it (::ffff:192.0.2.1).
IpAddress local_address(const inet_diag_msg& message) {
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), message.id.idiag_src, bytes.size());
    static constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const std::span<const std::uint8_t> all(bytes);
    if (message.idiag_family == AF_INET) return *IpAddress::from_bytes(all.first(4));
    if (std::ranges::equal(all.first(12), mapped)) return *IpAddress::from_bytes(all.subspan(12));
    return *IpAddress::from_bytes(all);
}

/// Calls `take` for each message of the answer; false: it is complete.
template <typename Take>
bool read_some(const Descriptor& socket, std::span<std::uint8_t> buffer, Take take) {
    sockaddr_nl from{};
    socklen_t length = sizeof from;
    const ssize_t size =
        recvfrom(socket.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (size < 0) fail("sock_diag");
    if (from.nl_pid != 0) return true;  // not from the kernel
    int left = static_cast<int>(size);
    for (auto* each = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(each, left); each = NLMSG_NEXT(each, left)) {
        if (each->nlmsg_type == NLMSG_DONE || each->nlmsg_type == NLMSG_ERROR) return false;
        if (each->nlmsg_len >= NLMSG_LENGTH(sizeof(inet_diag_msg)))
            take(*static_cast<const inet_diag_msg*>(NLMSG_DATA(each)));
    }
    return true;
}

Descriptor open_socket() {
    Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (!socket) fail("sock_diag");
    return socket;
}

}  // namespace

std::size_t close_connections(std::span<const IpAddress> addresses) {
    const Descriptor dump = open_socket(), destroy = open_socket();
    std::vector<IpAddress> wanted(addresses.begin(), addresses.end());
    std::ranges::sort(wanted);
    std::vector<std::uint8_t> buffer(buffer_size);
    std::size_t closed = 0;
    for (const std::uint8_t family : {AF_INET, AF_INET6}) {
        Request request;
        request.body.sdiag_family = family;
        request.body.sdiag_protocol = IPPROTO_TCP;
        request.body.idiag_states = connected;
        send(dump, request, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
        const auto close_one = [&](const inet_diag_msg& message) {
            if (!std::ranges::binary_search(wanted, local_address(message))) return;
            Request end = request;
            end.body.id = message.id;
            send(destroy, end, SOCK_DESTROY, 0);  // one that has just ended by itself is no error
            ++closed;
        };
        while (read_some(dump, buffer, close_one)) continue;
    }
    return closed;
}

/// What one thread does; it goes on to exist for the longer of the thread and its owner.
struct ConnectionCloser::Batch {
    struct Shared {
        std::vector<IpAddress> addresses;
        Descriptor done{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    };
    std::shared_ptr<Shared> shared = std::make_shared<Shared>();
    std::vector<std::function<void()>> closed;
    std::unique_ptr<Timer> deadline;
    std::unique_ptr<Watch> watch;
};

ConnectionCloser::ConnectionCloser(Loop& loop) : loop_(loop), start_(loop.timer([this] { begin(); })) {}

ConnectionCloser::~ConnectionCloser() = default;

void ConnectionCloser::close(std::vector<IpAddress> addresses, std::function<void()> closed) {
    addresses_.insert(addresses_.end(), addresses.begin(), addresses.end());
    closed_.push_back(std::move(closed));
    start_->arm(loop_.now());
}

void ConnectionCloser::begin() {
    auto batch = std::make_unique<Batch>();
    batch->shared->addresses = std::exchange(addresses_, {});
    batch->closed = std::exchange(closed_, {});
    const Batch& started = *batch;
    batch->deadline = loop_.timer([this, &started] { end(started); });
    batch->deadline->arm(loop_.now() + patience);
    batch->watch = loop_.watch(batch->shared->done.get(), readable, [this, &started](std::uint32_t) { end(started); });
    const auto work = [shared = batch->shared] {
        try {
            close_connections(shared->addresses);
        } catch (const std::system_error&) {  // they go without a word, as they do with close_connections = no
        }
        eventfd_write(shared->done.get(), 1);
    };
    batches_.push_back(std::move(batch));
    try {
        pthread_detach(start_worker("vrrpd-closer", work));
    } catch (const std::system_error&) {
        eventfd_write(started.shared->done.get(), 1);
    }
}

void ConnectionCloser::end(const Batch& batch) {
    const auto found = std::ranges::find(batches_, &batch, [](const auto& each) { return each.get(); });
    const auto closed = std::exchange((*found)->closed, {});
    batches_.erase(found);
    for (const auto& tell : closed) tell();
}

}  // namespace vrrpd::netlink
