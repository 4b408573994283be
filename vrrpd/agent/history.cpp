#include "vrrpd/agent/history.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "vrrpd/agent/json.hpp"
#include "vrrpd/io/log.hpp"

namespace vrrpd {
namespace {

constexpr const char* file = "history";
constexpr Duration delay = std::chrono::milliseconds(20);  // many at once are written together
constexpr std::size_t records_at_once = 50;                // lines that are made in one step

}  // namespace

WallTime wall_clock() {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

History::History(Loop& loop, StateStore& store) : loop_(loop), store_(store), timer_(loop.timer([this] { write(); })) {
    const auto text = store_.read(file, longest_file);
    if (!text) {
        if (store_.problem().empty()) log::write(log::Level::warning, "the history is not read: " + text.error());
        return;
    }
    for (std::string_view rest = *text; !rest.empty();) {
        const std::size_t end = rest.find('\n');
        if (auto transition = read_transition(rest.substr(0, end))) transitions_.push_back(std::move(*transition));
        if (transitions_.size() > most) transitions_.pop_front();
        ++lines_;
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    // A torn last line must not swallow the next one.
    if (!text->empty() && text->back() != '\n') lines_ = 2 * most;
}

History::~History() {
    while (unwritten_ > 0) write();
}

void History::add(PastTransition transition) {
    transitions_.push_back(std::move(transition));
    if (transitions_.size() > most) transitions_.pop_front();
    unwritten_ = std::min(unwritten_ + 1, transitions_.size());
    if (unwritten_ == 1) timer_->arm(loop_.now() + delay);
}

void History::write() {
    const bool anew = lines_ + unwritten_ > 2 * most;
    const std::size_t first = anew ? 0 : transitions_.size() - unwritten_;
    const std::size_t count = anew ? transitions_.size() : std::min(unwritten_, records_at_once);
    std::string text;
    for (std::size_t i = first; i < first + count; ++i) text += transition_line(transitions_[i]);
    unwritten_ -= std::min(unwritten_, count);
    lines_ = anew ? count : lines_ + count;
    const auto done = [this](const std::string& error) {
        if (!error.empty() && !std::exchange(failed_, true)) {
            log::write(log::Level::warning, "the history is not kept: " + error);
        }
        if (error.empty()) failed_ = false;
    };
    if (store_.problem().empty()) (anew ? store_.replace(file, text, done) : store_.append(file, text, done));
    if (unwritten_ > 0) timer_->arm(loop_.now());
}

}  // namespace vrrpd
