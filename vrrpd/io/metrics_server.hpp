// Where Prometheus asks: GET /metrics over TCP, and nothing else. Off unless `metrics_listen` is set; whoever reaches
// the port may ask, so it belongs on an address that only the monitoring reaches.
//
// Promises: nothing here waits. A wake-up reads, makes one piece of the page or sends, for one client. A client can
// hold its place (8 of them; who comes then is closed), 4 KiB of a request, one piece of the page, five seconds for
// each step. Every answer ends the connection: no keep-alive to hold a place with.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "vrrpd/core/ip.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class MetricsServer {
  public:
    static constexpr std::size_t most_clients = 8;
    static constexpr std::size_t longest_request = 4096;           ///< bytes, all lines and the empty one
    static constexpr Duration patience = std::chrono::seconds(5);  ///< for a whole request; for any byte to leave

    /// Makes the next piece of a page; nothing: that was all.
    using Source = std::function<std::optional<std::string>()>;
    /// A page begins. Neither may wait, nor destroy the server.
    using Page = std::function<Source()>;

    /// Begins to listen. Throws std::runtime_error with a sentence for the log.
    MetricsServer(Loop& loop, const IpAddress& address, std::uint16_t port, Page page);
    ~MetricsServer();
    MetricsServer(const MetricsServer&) = delete;
    MetricsServer& operator=(const MetricsServer&) = delete;

  private:
    class Client;

    void on_guest();
    void close(const Client& client);

    Loop& loop_;
    Page page_;
    Descriptor socket_;
    std::list<std::unique_ptr<Client>> clients_;
    std::unique_ptr<Timer> pause_;  // after a guest that could not be accepted
    std::unique_ptr<Watch> watch_;  // last, so that it goes before the socket
};

}  // namespace vrrpd
