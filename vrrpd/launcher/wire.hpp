// What the daemon and its launcher process say to each other over their SOCK_SEQPACKET pair: one message a
// request, one message a reply, with the descriptors that belong to the reply.
//
// Both ends are the same program on the same machine, so numbers travel as they lie in memory. Still every
// message is read with bounds, so that a bug on one side cannot make the other run what was never asked for.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "vrrpd/core/result.hpp"
#include "vrrpd/launcher/child.hpp"
#include "vrrpd/launcher/last_line.hpp"
#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd::wire {

/// The longest request in bytes, arguments and environment together.
inline constexpr std::size_t max_request = 64 * 1024;

/// A command to start, as the launcher process sees it. The strings point into the message that it was read from.
enum class Output : std::uint32_t { discarded, kept, last_line };

struct Request {
    std::uint64_t id = 0;
    Credentials credentials;
    Output output = Output::discarded;
    std::vector<char*> argv;         ///< at least one, ends with a null pointer as execve wants it
    std::vector<char*> environment;  ///< as given, without the end
};

/// The message for `command`, or an errno: EINVAL without a program or with a zero byte inside a string,
/// E2BIG beyond max_request.
tl::expected<std::vector<char>, int> encode(std::uint64_t id, const Command& command);

/// Reads a request; nothing if the message is not exactly one.
std::optional<Request> decode(std::span<char> message);

/// Hands the runtime record to the launcher process, without waiting. False with errno set when it failed.
bool send_record(int socket, int record);

/// Waits for the next message: its size, 0 when the other end is closed, or -1 with errno set. What send_record()
/// sent comes with a size of record_size, and as `record` unless this process has no descriptor left for it.
inline constexpr ssize_t record_size = 1;
ssize_t receive_request(int socket, std::span<char> buffer, Descriptor& record);

/// Instead of a request's number: the guard of the record could not be made.
inline constexpr std::uint64_t no_guard = 0;

/// What became of a request; and, where it was asked for, a second one at the child's end with its last line.
struct Reply {
    std::uint64_t id = 0;
    pid_t pid = 0;           ///< 0: there is no child
    int error = 0;           ///< errno why there is none, or none that is of use
    bool ended = false;      ///< the second one
    std::uint32_t size = 0;  ///< of the last line
    std::array<char, LastLine::longest> last_line{};

    std::string_view text() const { return {last_line.data(), std::min<std::size_t>(size, last_line.size())}; }
};

/// What comes with the reply of a success.
struct ChildDescriptors {
    Descriptor process;     ///< pidfd
    Descriptor exec_error;  ///< read end: an errno if the program could not be executed, else just the end
};

/// Sends without SIGPIPE and without waiting; `descriptors` is either empty or {pidfd, read end}. False with errno set
/// when it failed, EAGAIN while the daemon has not taken what was sent before.
bool send_reply(int socket, const Reply& reply, std::span<const int> descriptors);

enum class Received { reply, nothing_yet, closed };

/// Takes the next reply without waiting. Descriptors that do not come in full, because this process ran out
/// of them, are left out.
Received receive_reply(int socket, Reply& reply, ChildDescriptors& descriptors);

}  // namespace vrrpd::wire
