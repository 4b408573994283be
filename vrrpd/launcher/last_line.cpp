#include "vrrpd/launcher/last_line.hpp"

#include <utility>

namespace vrrpd {

void LastLine::feed(std::string_view bytes) {
    for (const char character : bytes) {
        if (character == '\n') {
            if (!current_.empty()) last_ = std::exchange(current_, {});
        } else if (current_.size() < longest && character != '\r') {
            current_ += character >= ' ' && character <= '~' ? character : '?';
        }
    }
}

}  // namespace vrrpd
