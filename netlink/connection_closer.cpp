#include "netlink/connection_closer.hpp"

#include <algorithm>
#include <array>
#include <atomic>
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

#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/worker_thread.hpp"

namespace vrrpd::netlink {
namespace {

// Those that listen stay, those in TIME_WAIT have nobody to tell.
constexpr std::uint32_t connected = ~(1u << TCP_LISTEN | 1u << TCP_TIME_WAIT | 1u << TCP_CLOSE);
constexpr std::size_t dump_buffer_size = 32 << 10;  // the kernel fills what we have; see netlink(7)

struct Request {
    nlmsghdr header{};
    inet_diag_req_v2 body{};
};

[[noreturn]] void fail(int error) {
    throw std::system_error(error, std::generic_category(), "sock_diag");
}

void send(const Descriptor& socket, Request request, std::uint16_t type, std::uint16_t flags) {
    request.header = {sizeof request, type, static_cast<std::uint16_t>(NLM_F_REQUEST | flags), 0, 0};
    const sockaddr_nl kernel{AF_NETLINK, 0, 0, 0};
    const auto* const to = reinterpret_cast<const sockaddr*>(&kernel);
    if (sendto(socket.get(), &request, sizeof request, 0, to, sizeof kernel) < 0) fail(errno);
}

/// Destroys one socket; 0 or an errno value. The kernel has answered when send() returns.
int destroy_one(const Descriptor& socket, const Request& request) {
    struct {
        nlmsghdr header{};
        nlmsgerr body{};
    } answer;
    send(socket, request, SOCK_DESTROY, NLM_F_ACK);
    if (recv(socket.get(), &answer, sizeof answer, MSG_DONTWAIT) < 0) return errno;
    return answer.header.nlmsg_type == NLMSG_ERROR ? -answer.body.error : EBADMSG;
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

/// Both kinds of end begin with it: 0, or an errno value with a minus.
int code_of(const nlmsghdr& end) {
    int code = 0;
    if (end.nlmsg_len >= NLMSG_LENGTH(sizeof code)) std::memcpy(&code, NLMSG_DATA(&end), sizeof code);
    return code;
}

/// Calls `take` for each message of the answer; false: it is complete.
template <typename Take>
bool read_some(const Descriptor& socket, std::span<std::uint8_t> buffer, Take take) {
    sockaddr_nl from{};
    socklen_t length = sizeof from;
    const ssize_t size =
        recvfrom(socket.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (size < 0) fail(errno);
    if (from.nl_pid != 0) return true;  // not from the kernel
    int left = static_cast<int>(size);
    for (auto* each = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(each, left); each = NLMSG_NEXT(each, left)) {
        if (each->nlmsg_type == NLMSG_DONE || each->nlmsg_type == NLMSG_ERROR) {
            if (const int error = -code_of(*each); error > 0) fail(error);
            return false;
        }
        if (each->nlmsg_len >= NLMSG_LENGTH(sizeof(inet_diag_msg)))
            take(*static_cast<const inet_diag_msg*>(NLMSG_DATA(each)));
    }
    return true;
}

Descriptor open_socket() {
    Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    if (!socket) fail(errno);
    return socket;
}

Request request_for(std::uint8_t family) {
    Request request;
    request.body.sdiag_family = family;
    request.body.sdiag_protocol = IPPROTO_TCP;
    request.body.idiag_states = connected;
    return request;
}

/// Asks for the end of a connection that cannot be: a kernel that can would have answered that there is none. So does
/// one that knows nothing of TCP's connections, and then a dump fails.
void require_ability(const Descriptor& dump, const Descriptor& destroy, std::span<std::uint8_t> buffer) {
    Request request = request_for(AF_INET);
    request.body.id.idiag_cookie[0] = request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    const int error = destroy_one(destroy, request);
    if (error != ENOENT && error != 0) fail(error);
    request.body.idiag_states = 0;
    send(dump, request, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
    while (read_some(dump, buffer, [](const inet_diag_msg&) {})) continue;
}

}  // namespace

std::string why_not_closed(int error) {
    switch (error) {
        case EPERM:
            return "the capability NET_ADMIN is missing";
        case EOPNOTSUPP:
            return "this kernel was built without CONFIG_INET_DIAG_DESTROY";
        case EPROTONOSUPPORT:
        case ENOENT:
            return "this kernel has no tcp_diag";
        case ETIMEDOUT:
            return "not all within " + std::to_string(ConnectionCloser::patience / std::chrono::milliseconds(1)) +
                   " ms";
        default:
            return std::generic_category().message(error);
    }
}

std::size_t close_connections(std::span<const IpAddress> addresses) {
    const Descriptor dump = open_socket(), destroy = open_socket();
    std::vector<std::uint8_t> buffer(dump_buffer_size);
    require_ability(dump, destroy, buffer);
    std::vector<IpAddress> wanted(addresses.begin(), addresses.end());
    std::ranges::sort(wanted);
    std::size_t closed = 0;
    for (const std::uint8_t family : {AF_INET, AF_INET6}) {
        if (wanted.empty()) break;
        const Request request = request_for(family);
        send(dump, request, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
        const auto close_one = [&](const inet_diag_msg& message) {
            if (!std::ranges::binary_search(wanted, local_address(message))) return;
            Request end = request;
            end.body.id = message.id;
            const int error = destroy_one(destroy, end);
            if (error == EPERM) fail(error);
            closed += error == 0;  // one that has just ended by itself is no error
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
        std::atomic<int> error = 0;

        void work() noexcept {
            try {
                close_connections(addresses);
            } catch (const std::system_error& failure) {
                error = failure.code().value();
            }
            eventfd_write(done.get(), 1);
        }
    };
    std::shared_ptr<Shared> shared = std::make_shared<Shared>();
    std::vector<std::function<void()>> closed;
    std::unique_ptr<Timer> deadline;
    std::unique_ptr<Watch> watch;
};

ConnectionCloser::ConnectionCloser(Loop& loop, Failed failed)
    : loop_(loop), failed_(std::move(failed)), start_(loop.timer([this] { begin(); })) {}

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
    Batch& started = *batches_.emplace_back(std::move(batch));
    started.deadline = loop_.timer([this, &started] { end(started, ETIMEDOUT); });
    started.deadline->arm(loop_.now() + patience);
    try {
        started.watch = loop_.watch(started.shared->done.get(), readable,
                                    [this, &started](std::uint32_t) { end(started, started.shared->error); });
        pthread_detach(start_worker("vrrpd-closer", Scheduling::one_below, small_stack,
                                    [shared = started.shared] { shared->work(); }));
    } catch (const std::system_error& failure) {  // no descriptor, no memory
        end(started, failure.code().value());
    }
}

void ConnectionCloser::end(const Batch& batch, int error) {
    const auto found = std::ranges::find(batches_, &batch, [](const auto& each) { return each.get(); });
    const auto closed = std::exchange((*found)->closed, {});
    batches_.erase(found);
    if (error != 0) failed_(error);
    for (const auto& tell : closed) tell();
}

}  // namespace vrrpd::netlink
