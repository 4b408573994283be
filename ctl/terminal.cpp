#include "ctl/terminal.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string_view>
#include <unistd.h>

#include <sys/ioctl.h>

#include "ctl/command.hpp"

namespace vrrpd::ctl {
namespace {

constexpr std::size_t usual_width = 80, usual_height = 24;

winsize size_of_terminal() {
    winsize size{};
    const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    if (!known || size.ws_col == 0) size.ws_col = usual_width;
    if (!known || size.ws_row == 0) size.ws_row = usual_height;
    return size;
}

bool wants_colour() {
    const char* const no_colour = std::getenv("NO_COLOR");
    const char* const terminal = std::getenv("TERM");
    return (no_colour == nullptr || *no_colour == '\0') && terminal != nullptr && std::string_view(terminal) != "dumb";
}

// Each line erases what is left of the one before it; what does not fit on the screen is counted.
std::string over_the_last(std::string_view text) {
    const std::size_t rows = size_of_terminal().ws_row;
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
    const std::size_t shown = lines < rows ? lines : rows - 2;
    std::string screen = "\033[H";
    for (std::size_t i = 0; i < shown; ++i) {
        const std::size_t end = text.find('\n');
        screen.append(text.substr(0, end)).append("\033[K\n");
        text.remove_prefix(end + 1);
    }
    if (shown < lines) screen += "... " + std::to_string(lines - shown) + " more lines: status shows them\033[K\n";
    return screen + "\033[J";
}

}  // namespace

bool is_terminal(const std::ostream& out) {
    return &out == &std::cout && isatty(STDOUT_FILENO) == 1;
}

Paper paper_for(const std::ostream& out) {
    if (!is_terminal(out)) return {};
    return {size_of_terminal().ws_col, wants_colour()};
}

int redraw(std::ostream& out, const std::function<int(std::string& text)>& draw) {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, nullptr);  // taken while we wait
    const bool in_place = is_terminal(out);
    if (in_place) out << "\033[?25l\033[2J";
    int code = exit_done;
    for (bool first = true; code == exit_done; first = false) {
        std::string text;
        code = draw(text);
        if (in_place) {
            out << over_the_last(text);
        } else {
            out << (first ? "" : "\n") << text;
        }
        out.flush();
        const timespec second{1, 0};
        if (!out || (code == exit_done && sigtimedwait(&ends, nullptr, &second) > 0)) break;
    }
    if (in_place) out << "\033[?25h" << std::flush;
    return code;
}

}  // namespace vrrpd::ctl
