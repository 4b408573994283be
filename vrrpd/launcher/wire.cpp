#include "vrrpd/launcher/wire.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace vrrpd::wire {
namespace {

struct Header {
    std::uint64_t id;
    uid_t user;
    gid_t group;
    std::uint32_t arguments;
    std::uint32_t variables;
    Output output;
};

constexpr std::size_t most_descriptors = 2;
constexpr char record_mark = 'R';

bool send(int socket, std::span<char> bytes, std::span<const int> descriptors) {
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(most_descriptors * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        cmsghdr* rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
    }
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

// Of descriptors that were cut off on the way none is handed on.
ssize_t receive(int socket, std::span<char> bytes, int flags, std::array<Descriptor, most_descriptors>& descriptors) {
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(most_descriptors * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    const cmsghdr* rights = size < 0 ? nullptr : CMSG_FIRSTHDR(&message);
    if (rights == nullptr || rights->cmsg_type != SCM_RIGHTS) return size;
    int numbers[most_descriptors] = {-1, -1};
    std::memcpy(numbers, CMSG_DATA(rights), std::min(rights->cmsg_len - CMSG_LEN(0), sizeof numbers));
    for (std::size_t i = 0; i < most_descriptors; ++i) descriptors[i] = Descriptor(numbers[i]);
    if ((message.msg_flags & MSG_CTRUNC) != 0) descriptors = {};
    return size;
}

// Appends each string with its zero. False: one of them holds a zero itself and would come out as two.
bool append(std::vector<char>& message, const std::vector<std::string>& strings) {
    for (const auto& text : strings) {
        if (text.find('\0') != std::string::npos) return false;
        message.insert(message.end(), text.c_str(), text.c_str() + text.size() + 1);
    }
    return true;
}

std::size_t length(const std::vector<std::string>& strings) {
    std::size_t sum = 0;
    for (const auto& text : strings) sum += text.size() + 1;
    return sum;
}

// Takes `count` zero-terminated strings off the front of `rest`.
bool take(std::span<char>& rest, std::uint32_t count, std::vector<char*>& strings) {
    for (std::uint32_t i = 0; i < count; ++i) {
        const void* end = rest.empty() ? nullptr : std::memchr(rest.data(), '\0', rest.size());
        if (end == nullptr) return false;
        strings.push_back(rest.data());
        rest = rest.subspan(static_cast<std::size_t>(static_cast<const char*>(end) - rest.data()) + 1);
    }
    return true;
}

}  // namespace

tl::expected<std::vector<char>, int> encode(std::uint64_t id, const Command& command) {
    if (command.argv.empty() || command.argv.front().empty()) return tl::make_unexpected(EINVAL);
    if (sizeof(Header) + length(command.argv) + length(command.environment) > max_request) {
        return tl::make_unexpected(E2BIG);
    }
    const Header header{.id = id,
                        .user = command.credentials.user,
                        .group = command.credentials.group,
                        .arguments = static_cast<std::uint32_t>(command.argv.size()),
                        .variables = static_cast<std::uint32_t>(command.environment.size()),
                        .output = command.on_last_line  ? Output::last_line
                                  : command.keep_output ? Output::kept
                                                        : Output::discarded};
    std::vector<char> message(sizeof header);
    std::memcpy(message.data(), &header, sizeof header);
    if (!append(message, command.argv) || !append(message, command.environment)) {
        return tl::make_unexpected(EINVAL);
    }
    return message;
}

std::optional<Request> decode(std::span<char> message) {
    Header header;
    if (message.size() < sizeof header) return std::nullopt;
    std::memcpy(&header, message.data(), sizeof header);
    Request request{.id = header.id,
                    .credentials = {.user = header.user, .group = header.group},
                    .output = header.output,
                    .argv = {},
                    .environment = {}};
    std::span<char> rest = message.subspan(sizeof header);
    if (header.arguments == 0 || !take(rest, header.arguments, request.argv) ||
        !take(rest, header.variables, request.environment) || !rest.empty()) {
        return std::nullopt;
    }
    request.argv.push_back(nullptr);
    return request;
}

bool send_reply(int socket, const Reply& reply, std::span<const int> descriptors) {
    Reply copy = reply;
    return send(socket, {reinterpret_cast<char*>(&copy), sizeof copy}, descriptors);
}

Received receive_reply(int socket, Reply& reply, ChildDescriptors& descriptors) {
    std::array<Descriptor, most_descriptors> received;
    const ssize_t size = receive(socket, {reinterpret_cast<char*>(&reply), sizeof reply}, MSG_DONTWAIT, received);
    if (size < 0) return errno == EAGAIN || errno == EINTR ? Received::nothing_yet : Received::closed;
    if (size != static_cast<ssize_t>(sizeof reply)) return Received::closed;
    if (received[1]) descriptors = {std::move(received[0]), std::move(received[1])};
    return Received::reply;
}

bool send_record(int socket, int record) {
    char mark = record_mark;
    return send(socket, {&mark, 1}, {&record, 1});
}

ssize_t receive_request(int socket, std::span<char> buffer, Descriptor& record) {
    std::array<Descriptor, most_descriptors> received;
    const ssize_t size = receive(socket, buffer, 0, received);
    if (size == record_size && buffer.front() == record_mark) record = std::move(received[0]);
    return size;
}

}  // namespace vrrpd::wire
