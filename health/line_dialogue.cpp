#include "health/line_dialogue.hpp"

#include <algorithm>

namespace vrrpd::health {

std::optional<Finding> LineDialogue::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t end = std::min(bytes.find('\n'), bytes.size() - 1) + 1;
        const std::size_t room = std::min(longest_line - line_.size(), longest - consumed_ - line_.size());
        const std::string_view piece = bytes.substr(0, std::min(end, room));
        line_ += piece;
        bytes.remove_prefix(piece.size());
        if (!line_.ends_with('\n')) {
            if (line_.size() == longest_line) return wrong_protocol(line_);
            if (consumed_ + line_.size() == longest) break;
            continue;
        }
        consumed_ += line_.size();
        line_.erase(line_.size() - (line_.ends_with("\r\n") ? 2 : 1));
        if (const auto finding = take_line(line_)) return finding;
        line_.clear();
    }
    if (consumed_ + line_.size() < longest) return std::nullopt;
    return Finding{Class::wrong_protocol, "no end within 64 KiB", true};
}

Finding LineDialogue::closed() const {
    return may_begin(line_) ? cut_off(consumed_ + line_.size() > 0) : wrong_protocol(line_);
}

Finding LineDialogue::silent(Duration timeout) const {
    return may_begin(line_) ? unanswered(consumed_ + line_.size() > 0, timeout) : wrong_protocol(line_);
}

}  // namespace vrrpd::health
