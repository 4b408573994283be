#include "health/send_expect_dialogue.hpp"

#include <algorithm>

namespace vrrpd::health {
namespace {

constexpr std::size_t longest_shown = 40;

}  // namespace

SendExpectDialogue::SendExpectDialogue(const SendExpectOptions& options) : finder_(options.expect) {
    ask(options.send);
}

std::optional<Finding> SendExpectDialogue::feed(std::string_view bytes) {
    bytes = bytes.substr(0, longest - taken_);
    taken_ += bytes.size();
    beginning_ += bytes.substr(0, longest_shown - beginning_.size());
    if (finder_.feed(bytes)) return Finding{Class::up, "the expected text came"};
    if (taken_ < longest) return std::nullopt;
    return without_it("in 64 KiB");
}

Finding SendExpectDialogue::closed() const {
    if (taken_ == 0) return cut_off(false);
    Finding finding = without_it("before the end");
    finding.hard = true;
    return finding;
}

Finding SendExpectDialogue::silent(Duration timeout) const {
    if (taken_ == 0) return unanswered(false, timeout);
    return without_it("in " + in_milliseconds(timeout));
}

Finding SendExpectDialogue::without_it(std::string_view until) const {
    return {Class::failed,
            std::string("not the expected text ").append(until).append(": ").append(excerpt(beginning_))};
}

}  // namespace vrrpd::health
