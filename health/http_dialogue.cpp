#include "health/http_dialogue.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

namespace vrrpd::health {
namespace {

constexpr std::string_view protocol = "HTTP/1.";
constexpr std::uint64_t longest_body = std::uint64_t{1} << 62;

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](unsigned char character) { return static_cast<char>(std::tolower(character)); });
    return result;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(first);
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// The whole of `text` as a number; nothing for what is none, or longer than any body.
std::optional<std::uint64_t> number(std::string_view text, int base) {
    std::uint64_t value = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || rest != text.data() + text.size() || value > longest_body) return std::nullopt;
    return value;
}

/// Of `HTTP/1.1 200 OK`; the words are not needed.
std::optional<int> status_of(std::string_view line) {
    constexpr std::size_t code = 9;
    constexpr std::size_t end = code + 3;
    if (line.size() < end || !line.starts_with(protocol) || line[code - 1] != ' ') return std::nullopt;
    if (line.size() > end && line[end] != ' ') return std::nullopt;
    const auto status = number(line.substr(code, 3), 10);
    if (!status || *status < 100) return std::nullopt;
    return static_cast<int>(*status);
}

/// Another answer follows. 101 is the last one: it says that something else than HTTP begins.
bool is_interim(int status) {
    return status < 200 && status != 101;
}

Finding broken(std::string_view what) {
    return {Class::wrong_protocol, std::string(what), true};
}

}  // namespace

HttpDialogue::HttpDialogue(const HttpOptions& options, const Endpoint& endpoint)
    : options_(options), finder_(options.contains) {
    const std::string host = !options_.host.empty()  ? options_.host
                             : endpoint.path.empty() ? endpoint.to_string()
                                                     : "localhost";
    ask(fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: vrrpd\r\nAccept: */*\r\nConnection: close\r\n\r\n",
                    options_.path, host));
}

std::optional<Finding> HttpDialogue::feed(std::string_view bytes) {
    bytes = bytes.substr(0, longest - taken_);
    taken_ += bytes.size();
    while (!bytes.empty()) {
        const bool in_body = part_ == Part::body || part_ == Part::body_to_end || part_ == Part::chunk;
        if (const auto finding = in_body ? take_body(bytes) : collect_line(bytes)) return finding;
    }
    if (taken_ < longest) return std::nullopt;
    if (part_ == Part::status || part_ == Part::header) return broken("no end of the headers within 64 KiB");
    return conclude(" in the first 64 KiB");
}

Finding HttpDialogue::closed() const {
    if (part_ == Part::body_to_end) return conclude("");
    if (part_ == Part::status && !line_.starts_with(protocol.substr(0, line_.size()))) return wrong_protocol(line_);
    return cut_off(taken_ > 0);
}

Finding HttpDialogue::silent(Duration timeout) const {
    if (part_ == Part::status && !line_.starts_with(protocol.substr(0, line_.size()))) return wrong_protocol(line_);
    return unanswered(taken_ > 0, timeout);
}

/// Takes bytes up to the end of a line, and looks at the line once that has come.
std::optional<Finding> HttpDialogue::collect_line(std::string_view& bytes) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    bytes.remove_prefix(std::min(bytes.size(), piece.size() + 1));
    line_ += piece.substr(0, longest_line - line_.size());
    if (part_ == Part::status && line_.size() == longest_line) return wrong_protocol(line_);
    if (end == std::string_view::npos) return std::nullopt;
    if (line_.ends_with('\r')) line_.pop_back();
    const std::string line = std::exchange(line_, {});
    return take_line(line);
}

std::optional<Finding> HttpDialogue::take_line(std::string_view line) {
    switch (part_) {
        case Part::status:
            return take_status(line);
        case Part::header:
            if (line.empty()) return end_of_head();
            take_header(line);
            return std::nullopt;
        case Part::chunk_size:
            return take_chunk_size(line);
        case Part::chunk_end:
            if (!line.empty()) return broken("a chunk that is longer than its size");
            part_ = Part::chunk_size;
            return std::nullopt;
        default:  // a trailer; an empty line ends the answer
            return line.empty() ? std::optional(conclude("")) : std::nullopt;
    }
}

std::optional<Finding> HttpDialogue::take_status(std::string_view line) {
    const auto status = status_of(line);
    if (!status) return wrong_protocol(line);
    status_ = *status;
    status_line_ = excerpt(line.substr(0, 60));
    part_ = Part::header;
    if (is_interim(status_) || options_.accepts(status_)) return std::nullopt;
    return Finding{Class::failed, status_line_};
}

void HttpDialogue::take_header(std::string_view line) {
    const std::size_t colon = std::min(line.find(':'), line.size());
    const std::string name = lower(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(std::min(colon + 1, line.size())));
    if (name == "transfer-encoding") chunked_ = lower(value).ends_with("chunked");
    if (name == "content-length") length_ = number(value, 10);
}

std::optional<Finding> HttpDialogue::end_of_head() {
    if (is_interim(status_)) {
        part_ = Part::status;
        chunked_ = false;
        length_.reset();
        return std::nullopt;
    }
    const bool bodiless = status_ == 101 || status_ == 204 || status_ == 304;
    if (bodiless || (!chunked_ && length_ == 0)) return conclude("");
    part_ = chunked_ ? Part::chunk_size : length_ ? Part::body : Part::body_to_end;
    left_ = length_.value_or(0);
    return std::nullopt;
}

std::optional<Finding> HttpDialogue::take_chunk_size(std::string_view line) {
    const auto size = number(trimmed(line.substr(0, line.find(';'))), 16);
    if (!size) return broken("a chunk without a size");
    left_ = *size;
    part_ = left_ == 0 ? Part::trailer : Part::chunk;
    return std::nullopt;
}

std::optional<Finding> HttpDialogue::take_body(std::string_view& bytes) {
    const bool to_end = part_ == Part::body_to_end;
    const auto size = to_end ? bytes.size() : static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    finder_.feed(bytes.substr(0, size));
    bytes.remove_prefix(size);
    if (to_end) return std::nullopt;
    left_ -= size;
    if (left_ > 0) return std::nullopt;
    if (part_ == Part::body) return conclude("");
    part_ = Part::chunk_end;
    return std::nullopt;
}

Finding HttpDialogue::conclude(std::string_view where) const {
    if (finder_.found()) return {Class::up, status_line_};
    return {Class::failed, std::string("without the text").append(where).append(": ").append(status_line_)};
}

}  // namespace vrrpd::health
