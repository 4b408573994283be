// Asks an HTTP/1.1 server for a page and reads the whole answer, at most 64 KiB of it: status line, headers, body.
//
// Up: the status is one of those wanted and, where a text is asked for, the body has it. A status that is not wanted
// is told as soon as its line is there. Bodies end as the answer says: after Content-Length bytes, with the last
// chunk, or with the connection; a text is found across chunks. What lies beyond 64 KiB, headers and the sizes of
// chunks counted, is not looked at. Interim answers (100, 103) are passed over. No redirect is followed, nothing is
// decompressed (none is offered to the server).
//
// Without a text the body is read all the same: a server that stops in the middle of a page is hung, and a
// connection that is closed on unread bytes would be an error at the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "health/dialogue.hpp"
#include "health/finder.hpp"

namespace vrrpd::health {

class HttpDialogue final : public Dialogue {
  public:
    static constexpr std::size_t longest = 64 * 1024;  ///< bytes of the answer looked at
    static constexpr std::size_t longest_line = 1024;  ///< of a line; the rest of a longer header does not count

    /// `options` must outlive it; `endpoint` names the host where they do not.
    HttpDialogue(const HttpOptions& options, const Endpoint& endpoint);

    std::optional<Finding> feed(std::string_view bytes) override;
    Finding closed() const override;
    Finding silent(Duration timeout) const override;

  private:
    enum class Part { status, header, body, body_to_end, chunk_size, chunk, chunk_end, trailer };

    std::optional<Finding> collect_line(std::string_view& bytes);
    std::optional<Finding> take_line(std::string_view line);
    std::optional<Finding> take_status(std::string_view line);
    void take_header(std::string_view line);
    std::optional<Finding> end_of_head();
    std::optional<Finding> take_chunk_size(std::string_view line);
    std::optional<Finding> take_body(std::string_view& bytes);
    Finding conclude(std::string_view where) const;

    const HttpOptions& options_;
    Part part_ = Part::status;
    std::size_t taken_ = 0;
    std::string line_;  // of which the end has not come yet
    std::string status_line_;
    int status_ = 0;
    bool chunked_ = false;
    std::optional<std::uint64_t> length_;
    std::uint64_t left_ = 0;  // bytes of the body or chunk
    Finder finder_;
};

}  // namespace vrrpd::health
