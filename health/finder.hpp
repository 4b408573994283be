// Looks for a text in bytes that come in pieces, and keeps no more of them than the text is long.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace vrrpd::health {

class Finder {
  public:
    explicit Finder(std::string text) : text_(std::move(text)) {}

    /// Takes the next bytes. True once the text has come; an empty one is always there.
    bool feed(std::string_view bytes) {
        if (found()) return true;
        kept_ += bytes;
        found_ = kept_.find(text_) != std::string::npos;
        if (kept_.size() >= text_.size()) kept_.erase(0, kept_.size() - (text_.size() - 1));
        return found_;
    }

    bool found() const { return found_ || text_.empty(); }

  private:
    std::string text_;
    std::string kept_;  // the end of what came, which may be the text's beginning
    bool found_ = false;
};

}  // namespace vrrpd::health
