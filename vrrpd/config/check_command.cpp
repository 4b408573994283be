#include "vrrpd/config/check_command.hpp"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "vrrpd/config/load.hpp"

namespace vrrpd::config {
namespace {

std::string counted(std::size_t number, std::string_view noun) {
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

int check_file(const std::string& path, std::ostream& out, std::ostream& err) {
    const Loaded loaded = load(path);
    for (const Problem& problem : loaded.problems) err << to_string(problem) << '\n';
    if (!loaded.valid()) return 2;
    const auto warnings = loaded.problems.size();
    const Config& config = loaded.config;
    out << fmt::format("{}: valid{}: {}, {}, {}\n", path, warnings == 0 ? "" : " with " + counted(warnings, "warning"),
                       counted(config.instances.size(), "instance"), counted(config.checks.size(), "check"),
                       counted(config.services.size(), "service"));
    return warnings == 0 ? 0 : 1;
}

}  // namespace

int check_files(std::span<const std::string> files, std::ostream& out, std::ostream& err) {
    int worst = 0;
    for (const std::string& path : files) worst = std::max(worst, check_file(path, out, err));
    return worst;
}

}  // namespace vrrpd::config
