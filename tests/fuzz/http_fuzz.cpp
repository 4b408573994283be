// The dialogue with an HTTP server, or with whatever else listens there. Input: the bytes that it says.
#include "health/http_dialogue.hpp"
#include "tests/fuzz/dialogue.hpp"

namespace vrrpd::health {
namespace {

using fuzz::require;

bool check(std::string_view bytes, const HttpOptions& options) {
    const auto make = [&](Past&) { return std::make_unique<HttpDialogue>(options, Endpoint{}); };
    const auto outcome = fuzz::check_dialogue(make, bytes, HttpDialogue::longest);
    const bool success = outcome.finding ? outcome.finding->success() : outcome.closed.success();
    require(!success || bytes.starts_with("HTTP/1."), "no success without a status line");
    return success;
}

}  // namespace
}  // namespace vrrpd::health

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    vrrpd::health::HttpOptions options;
    const bool any = vrrpd::health::check(bytes, options);
    options.contains = "aab";
    const bool with_text = vrrpd::health::check(bytes, options);
    vrrpd::fuzz::require(any || !with_text, "a text that is wanted makes nothing better");
    return 0;
}
