#include "vrrpd/agent/drains.hpp"

#include <optional>
#include <string_view>
#include <utility>

#include "vrrpd/io/log.hpp"

namespace vrrpd {
namespace {

constexpr const char* file = "drained";
constexpr std::string_view heading = "vrrpd drained 1";
constexpr std::size_t longest_file = std::size_t{1} << 20;

// Nothing: it is not what we write.
std::optional<std::set<std::string>> read_names(std::string_view text) {
    std::set<std::string> names;
    if (text.empty()) return names;
    if (!text.starts_with(heading) || text.back() != '\n') return std::nullopt;
    for (text.remove_prefix(heading.size() + 1); !text.empty();) {
        const std::size_t end = text.find('\n');
        names.emplace(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    return names;
}

std::string text_of(const std::set<std::string>& names) {
    std::string text(heading);
    for (const std::string& name : names) text += "\n" + name;
    return text + '\n';
}

}  // namespace

Drains::Drains(StateStore& store) : store_(store) {
    if (!store_.problem().empty()) return;
    const auto text = store_.read(file, longest_file);
    const auto names = text ? read_names(*text) : std::nullopt;
    if (names) {
        names_ = wanted_ = *names;
        return;
    }
    log::write(log::Level::warning, "nobody is drained, for what is on record cannot be read: " +
                                        (text ? std::string(file) + " is not what vrrpd writes" : text.error()));
}

void Drains::set(const std::vector<std::string>& names, bool drained, StateStore::Done done) {
    for (const std::string& name : names) {
        if (drained) {
            wanted_.insert(name);
        } else {
            wanted_.erase(name);
        }
    }
    const auto written = [this, wanted = wanted_, done = std::move(done)](const std::string& error) {
        if (error.empty()) {
            names_ = wanted;
        } else {
            wanted_ = names_;
        }
        done(error);
    };
    store_.replace(file, text_of(wanted_), written);
}

}  // namespace vrrpd
