// Where the operator speaks to the daemon: a unix stream socket that takes one line of JSON a request and gives
// one line back.
//
//     {"version":1,"command":"metrics"}                         optional: "arguments": ["NAME", ...]
//     {"version":1,"ok":true,"text":"..."}    or    {"version":1,"ok":false,"error":"..."}
//
// A long answer comes in pieces: lines with `"more":true`, whose texts belong together, and a last one without. So does
// one that has to be waited for, and one that goes on until the client hangs up.
//
// What a command means is the handler's; this is the line, who may use it, and what it may cost. A member that is
// not known is an error like a command that is not known: nothing is silently ignored.
//
// Promises: nothing here waits. A wake-up reads, makes a piece of an answer or sends for one client, so that
// adverts go in between however fast clients ask; a client is read again only when its answer has left. What a
// client can hold is bounded: its place (16 of them, further clients are told so), one request, one piece of an answer,
// ten seconds for each step. Who waits for a piece that is not there yet may wait for ever, and asks nothing meanwhile.
//
// The socket appears under its name complete, with its owner and mode, and only then can anybody connect. It
// replaces the socket of a predecessor that is gone, never one in use or another kind of file, and goes with the
// server, unless somebody else has replaced it. Access is checked twice, by the file's mode and by the peer's
// credentials: root, the daemon's own user and, if there is one, the group.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class ControlServer {
  public:
    static constexpr std::size_t most_clients = 16;
    static constexpr std::size_t longest_request = 4096;     ///< bytes, without the end of line
    static constexpr std::size_t longest_answer = 8u << 20;  ///< bytes, as JSON; a longer one is an error instead
    static constexpr Duration patience = std::chrono::seconds(10);  ///< for a whole request; for any byte to leave

    struct Options {
        std::string path;   ///< absolute; its folder is made (0755) if only that is missing
        std::string group;  ///< that may use it, too; empty: none
    };
    struct Request {
        std::string command;
        std::vector<std::string> arguments;
    };
    struct Answer {
        bool ok = false;
        std::string text;   ///< what was asked for, or in one sentence why not
        bool more = false;  ///< another piece follows
    };
    /// Makes the next piece of an answer, when the one before has left; nothing: not yet, see wake(). It goes with its
    /// client. Must not wait, and not destroy the server.
    using Source = std::function<std::optional<Answer>()>;
    using Response = std::variant<Answer, Source>;
    /// Must not wait, and not destroy the server.
    using Handler = std::function<Response(const Request&)>;

    /// Begins to listen. Looks the group up, which may wait: to be called before the protocol starts. Throws
    /// std::runtime_error with a sentence for the log.
    ControlServer(Loop& loop, const Options& options, Handler handler);
    ~ControlServer();
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;

    /// Sources that had nothing are asked again, from the loop. Costs nothing where none waits.
    void wake();

  private:
    class Listener;
    class Client;

    void on_guest();
    void close(const Client& client);

    Loop& loop_;
    Handler handler_;
    std::unique_ptr<Listener> listener_;
    std::list<std::unique_ptr<Client>> clients_;
    std::unique_ptr<Timer> pause_;  // after a guest that could not be accepted
    std::unique_ptr<Watch> watch_;  // last, so that it goes before the socket
};

}  // namespace vrrpd
