#include "health/small_file.hpp"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <unistd.h>

#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd::health {

SmallFile read_small_file(const std::string& path) {
    SmallFile file;
    // Not blocking: the path may lead to a pipe that nobody writes to.
    const Descriptor descriptor(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    char buffer[SmallFile::longest];
    if (!descriptor || fstat(descriptor.get(), &file.status) != 0) {
        file.error = errno;
    } else if (!S_ISREG(file.status.st_mode)) {
        file.error = EINVAL;
    } else if (const ssize_t got = read(descriptor.get(), buffer, sizeof buffer); got >= 0) {
        file.text.assign(buffer, static_cast<std::size_t>(got));
    } else {
        file.error = errno;
    }
    return file;
}

std::optional<int> parse_number(std::string_view text) {
    constexpr std::size_t most_digits = 7;
    text = trimmed(text);
    if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
    if (text.size() > most_digits + (text.starts_with('-') ? 1 : 0)) return std::nullopt;
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string quotation(std::string_view text) {
    constexpr std::size_t most = 40;
    std::string result = "'";
    for (const char character : text.substr(0, most)) result += character >= ' ' && character <= '~' ? character : '?';
    return result += text.size() > most ? "...'" : "'";
}

}  // namespace vrrpd::health
