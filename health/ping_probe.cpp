#include "health/ping_probe.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "health/endpoint_socket.hpp"

namespace vrrpd::health {
namespace {

constexpr std::size_t most_replies = 64;  // read in one go; a flood waits for the next

/// Each probe has numbers of its own, so that a late answer to an earlier one is not taken for its.
EchoId next_id() {
    static std::uint16_t sequence = 0;
    return {static_cast<std::uint16_t>(getpid()), sequence = static_cast<std::uint16_t>(sequence + 256)};
}

std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
        sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

void put16(std::span<std::uint8_t> bytes, std::size_t at, std::uint16_t value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}

std::uint16_t get16(std::span<const std::uint8_t> bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

/// A raw socket gets every ICMP message of the peer: only the replies may wake us.
void only_replies(int socket, Family family) {
    if (family == Family::ipv4) {
        icmp_filter filter{~(1u << ICMP_ECHOREPLY)};
        setsockopt(socket, SOL_RAW, ICMP_FILTER, &filter, sizeof filter);
    } else {
        icmp6_filter filter;
        ICMP6_FILTER_SETBLOCKALL(&filter);
        ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
        setsockopt(socket, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
    }
}

/// Errors of the way there come back on the socket.
void want_errors(int socket, Family family) {
    const int on = 1;
    if (family == Family::ipv4) {
        setsockopt(socket, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    } else {
        setsockopt(socket, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    }
}

/// As long as one is queued the socket is ready.
void drop_errors(int socket) {
    char buffer[1];
    for (std::size_t i = 0; i < most_replies && recv(socket, buffer, sizeof buffer, MSG_ERRQUEUE) >= 0; ++i) {
    }
}

Finding no_way(int error) {
    switch (error) {
        case ENETUNREACH:
        case EHOSTUNREACH:
        case ECONNREFUSED:  // how a host says that it takes no such packets
        case EADDRNOTAVAIL:
        case EHOSTDOWN:
        case ENETDOWN:
        case EACCES:
        case EPERM:
            return {Class::unreachable, std::generic_category().message(error)};
        default:
            return {Class::failed, std::generic_category().message(error)};
    }
}

}  // namespace

std::array<std::uint8_t, 16> echo_request(Family family, EchoId id, std::uint16_t sequence) {
    std::array<std::uint8_t, 16> message{family == Family::ipv4 ? std::uint8_t{ICMP_ECHO}
                                                                : std::uint8_t{ICMP6_ECHO_REQUEST}};
    put16(message, 4, id.identifier);
    put16(message, 6, sequence);
    std::memcpy(&message[8], "vrrpd", 5);
    // Over ICMPv6 it covers the addresses, which only the kernel knows for sure; it puts it in.
    if (family == Family::ipv4) put16(message, 2, internet_checksum(message));
    return message;
}

bool is_echo_reply(std::span<const std::uint8_t> message, Family family, EchoId id, int sent, bool any_identifier) {
    if (family == Family::ipv4 && !any_identifier) {  // a raw socket hands over the IP header too
        const std::size_t header = message.empty() ? 0 : static_cast<std::size_t>(message[0] & 15) * 4;
        if (header > message.size()) return false;
        message = message.subspan(header);
    }
    if (message.size() < 8) return false;
    const std::uint8_t reply = family == Family::ipv4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
    const auto number = static_cast<std::uint16_t>(get16(message, 6) - id.first_sequence);
    return message[0] == reply && message[1] == 0 && number < sent &&
           (any_identifier || get16(message, 4) == id.identifier);
}

PingProbe::PingProbe(Loop& loop, const CheckOptions& options, Found found)
    : loop_(loop),
      address_(options.endpoint.address),
      count_(options.count),
      timeout_(options.timeout),
      found_(std::move(found)),
      id_(next_id()),
      next_(loop.timer([this] { send_next(); })) {
    if (const int error = open()) {
        deadline_.emplace(loop_, Duration::zero(),
                          [this, error] { finish(is_own_lack(error) ? not_asked(error) : no_way(error)); });
        return;
    }
    watch_ = loop_.watch(socket_.get(), readable, [this](std::uint32_t) { ready(); });
    deadline_.emplace(loop_, timeout_, [this] { expire(); });
    send_next();
}

int PingProbe::open() {
    const bool ipv4 = address_.family() == Family::ipv4;
    const int protocol = ipv4 ? static_cast<int>(IPPROTO_ICMP) : static_cast<int>(IPPROTO_ICMPV6);
    for (const int type : {SOCK_DGRAM, SOCK_RAW}) {
        raw_ = type == SOCK_RAW;
        socket_ = Descriptor(socket(ipv4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
        if (socket_) break;
    }
    if (!socket_) return errno;
    if (raw_) only_replies(socket_.get(), address_.family());
    want_errors(socket_.get(), address_.family());
    // Connected: the kernel looks at the sender of a reply.
    return connect_socket(socket_.get(), {address_, 0});
}

void PingProbe::send_next() {
    const auto message = echo_request(address_.family(), id_, static_cast<std::uint16_t>(id_.first_sequence + sent_));
    ++sent_;
    if (send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) trouble_ = no_way(errno);
    if (sent_ < count_) next_->arm(loop_.now() + timeout_ / count_);
}

void PingProbe::ready() {
    if (const auto finding = read_replies()) finish(*finding);
}

void PingProbe::expire() {
    // The answer may have come while this process did not run.
    if (const auto finding = read_replies()) return finish(*finding);
    finish(trouble_.value_or(Finding{Class::timed_out, "no reply in " + in_milliseconds(timeout_)}));
}

std::optional<Finding> PingProbe::read_replies() {
    std::array<std::uint8_t, 256> buffer;
    for (std::size_t i = 0; i < most_replies; ++i) {
        const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (got < 0) {
            trouble_ = no_way(errno);
            drop_errors(socket_.get());
            if (sent_ == count_ && trouble_->cls == Class::unreachable) return trouble_;
            continue;
        }
        const std::span<const std::uint8_t> message(buffer.data(), static_cast<std::size_t>(got));
        if (is_echo_reply(message, address_.family(), id_, sent_, !raw_)) return Finding{Class::up, "replied"};
    }
    return std::nullopt;
}

void PingProbe::finish(const Finding& finding) {
    watch_.reset();
    deadline_.reset();
    next_->disarm();
    socket_.reset();
    const Found found = std::move(found_);
    found(finding);
}

}  // namespace vrrpd::health
