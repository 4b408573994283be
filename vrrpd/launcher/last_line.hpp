// The last line that a program says, out of any number of bytes that come in any pieces. Keeps 200 of them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vrrpd {

class LastLine {
  public:
    static constexpr std::size_t longest = 200;  ///< bytes; the rest of a line is left out

    void feed(std::string_view bytes);

    /// The last line that is not empty, complete or not, with `?` for what a log should not hold.
    const std::string& text() const { return current_.empty() ? last_ : current_; }

  private:
    std::string last_;
    std::string current_;
};

}  // namespace vrrpd
