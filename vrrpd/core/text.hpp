// Texts for people: short ones, and quoting.
#pragma once

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

/// Up to 199 characters; what is longer ends in "...". There are some in each instance, most of them empty: so it takes
/// what a string takes, and none is to be made for each advert.
class Text {
  public:
    Text() = default;
    Text(std::string_view text) : text_(text.substr(0, longest)) {  // NOLINT: meant to convert
        if (text.size() > longest) text_.replace(longest - 3, 3, "...");
    }
    Text(const char* text) : Text(std::string_view(text)) {}  // NOLINT

    /// printf into a Text.
    [[gnu::format(printf, 1, 2)]] static Text format(const char* pattern, ...) {
        std::array<char, longest + 2> bytes{};  // one more than a Text holds, so that it is cut where all text is
        std::va_list arguments;
        va_start(arguments, pattern);
        std::vsnprintf(bytes.data(), bytes.size(), pattern, arguments);
        va_end(arguments);
        return Text(bytes.data());
    }

    std::string_view view() const { return text_; }
    const char* c_str() const { return text_.c_str(); }
    bool empty() const { return text_.empty(); }
    friend bool operator==(const Text&, const Text&) = default;

  private:
    static constexpr std::size_t longest = 199;
    std::string text_;
};

}  // namespace vrrpd
