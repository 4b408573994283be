#include "vrrpd/config/check_command.hpp"

#include <algorithm>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "vrrpd/config/lint.hpp"
#include "vrrpd/config/load.hpp"
#include "vrrpd/config/parsers.hpp"
#include "vrrpd/core/lease.hpp"

namespace vrrpd::config {
namespace {

std::string counted(std::size_t number, std::string_view noun) {
    return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

/// How long two hosts may hold an address if this one's daemon hangs or dies.
std::string bounds_of(const InstanceOptions& options) {
    const auto in_seconds = [](Duration time) {
        return fmt::format("{} s", std::chrono::duration<double>(time).count());
    };
    const HolderBounds bounds = holder_bounds(options);
    return fmt::format(
        "adverts every {}, {}: two holders for at most {}; without the guard {}", to_text(options.advert_interval),
        bounds.without_guard ? "lease " + to_text(options.lease) : "no lease", in_seconds(bounds.with_guard),
        bounds.without_guard ? "for at most " + in_seconds(*bounds.without_guard) : "until somebody acts");
}

/// One line for all instances that have the same bounds.
void print_bounds(const Config& config, std::ostream& out) {
    std::map<std::string, std::vector<std::string>> instances;
    for (const InstanceOptions& options : config.instances) instances[bounds_of(options)].push_back(options.name);
    for (const auto& [bounds, names] : instances) {
        const std::string more = names.size() == 1 ? "" : fmt::format(" and {} more", names.size() - 1);
        out << fmt::format("{}{}: {}\n", names.front(), more, bounds);
    }
}

/// What runs when, and as whom.
void print_hooks(const std::string& title, const Hooks& hooks, const Credentials& credentials, std::ostream& out) {
    if (!hooks.any()) return;
    out << fmt::format("{}: hooks of at most {}, as user {}\n", title, to_text(hooks.timeout), credentials.user);
    for (std::size_t i = 0; i < hook_count; ++i) {
        const auto hook = static_cast<Hook>(i);
        if (hooks.has(hook)) out << fmt::format("  {}: {}\n", to_string(hook), fmt::join(hooks[hook], " "));
    }
}

/// Puts a valid one into `compared`.
int check_file(const std::string& path, std::vector<HostConfig>& compared, std::ostream& out, std::ostream& err) {
    Loaded loaded = load(path);
    for (const Problem& problem : loaded.problems) err << to_string(problem) << '\n';
    if (!loaded.valid()) return 2;
    const auto warnings = loaded.problems.size();
    const Config& config = loaded.config;
    out << fmt::format("{}: valid{}: {}, {}, {}\n", path, warnings == 0 ? "" : " with " + counted(warnings, "warning"),
                       counted(config.instances.size(), "instance"), counted(config.checks.size(), "check"),
                       counted(config.services.size(), "service"));
    print_bounds(config, out);
    for (const auto& instance : config.instances)
        print_hooks(instance.name, instance.hooks, config.hook_credentials, out);
    for (const auto& group : config.groups) print_hooks(group.name, group.hooks, config.hook_credentials, out);
    compared.push_back({path, std::move(loaded.config)});
    return warnings == 0 ? 0 : 1;
}

}  // namespace

int check_files(std::span<const std::string> files, std::ostream& out, std::ostream& err) {
    int worst = 0;
    std::vector<HostConfig> hosts;
    for (const std::string& path : files) worst = std::max(worst, check_file(path, hosts, out, err));
    for (const Problem& problem : lint(hosts)) {
        err << to_string(problem) << '\n';
        worst = std::max(worst, problem.severity == Severity::error ? 2 : 1);
    }
    return worst;
}

}  // namespace vrrpd::config
