// The dialogue that waits for a text. Input: the bytes that the peer says.
#include "health/send_expect_dialogue.hpp"
#include "tests/fuzz/dialogue.hpp"

namespace vrrpd::health {
namespace {

void check(std::string_view bytes, const std::string& expect) {
    const SendExpectOptions options{"", expect};
    const auto make = [&](Past&) { return std::make_unique<SendExpectDialogue>(options); };
    const auto outcome = fuzz::check_dialogue(make, bytes, SendExpectDialogue::longest);
    const bool there = bytes.substr(0, SendExpectDialogue::longest).find(expect) != std::string_view::npos;
    const bool success = outcome.finding && outcome.finding->success();
    fuzz::require(success == there, "the text is found where it is");
}

}  // namespace
}  // namespace vrrpd::health

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const char* expect : {"a", "aab", "abab\n", "+PONG\r\n"}) vrrpd::health::check(bytes, expect);
    return 0;
}
