// Texts for people: a short one with its storage inside, which the core writes without allocating, and quoting.
#pragma once

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <string>
#include <string_view>

namespace vrrpd {

/// `text` in double quotes for a log line. What a server sent may be in it, and must not be able to end the
/// quotes and add fields of its own.
inline std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char character : text) {
        if (character == '"' || character == '\\') result += '\\';
        result += character;
    }
    return result += '"';
}

/// Up to 199 characters; what is longer ends in "...".
class Text {
  public:
    Text() = default;
    Text(std::string_view text) { assign(text); }             // NOLINT: meant to convert
    Text(const char* text) : Text(std::string_view(text)) {}  // NOLINT

    /// printf into a Text.
    [[gnu::format(printf, 1, 2)]] static Text format(const char* pattern, ...) {
        Text text;
        std::va_list arguments;
        va_start(arguments, pattern);
        const int wanted = std::vsnprintf(text.bytes_.data(), text.bytes_.size(), pattern, arguments);
        va_end(arguments);
        text.finish(wanted < 0 ? 0 : static_cast<std::size_t>(wanted));
        return text;
    }

    std::string_view view() const { return {bytes_.data(), size_}; }
    const char* c_str() const { return bytes_.data(); }
    bool empty() const { return size_ == 0; }
    friend bool operator==(const Text& a, const Text& b) { return a.view() == b.view(); }

  private:
    void assign(std::string_view text) {
        std::copy_n(text.begin(), std::min(text.size(), bytes_.size() - 1), bytes_.begin());
        finish(text.size());
    }
    void finish(std::size_t wanted) {
        size_ = std::min(wanted, bytes_.size() - 1);
        if (wanted > size_) std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(size_) - 3, 3, '.');
        bytes_[size_] = '\0';
    }

    std::array<char, 200> bytes_{};
    std::size_t size_ = 0;
};

}  // namespace vrrpd
