#include "vrrpd/config/load.hpp"

#include <algorithm>
#include <tuple>

#include "vrrpd/config/collect.hpp"
#include "vrrpd/config/resolve.hpp"
#include "vrrpd/config/rules.hpp"
#include "vrrpd/config/source.hpp"

namespace vrrpd::config {
namespace {

Loaded interpret(const Source& source, Problems problems) {
    Report report(problems);
    const Drafts drafts = collect(source.entries, problems);
    Loaded loaded;
    loaded.config = resolve(drafts, report);
    check_rules(drafts, loaded.config, report);
    if (loaded.config.instances.empty() && report.clean()) {
        problems.push_back(
            {source.files.front(), 0, {}, {}, "there is no instance, write [vrrp_instance NAME]", Severity::error});
    }
    const auto order = [&](const Problem& problem) {
        const auto file = std::ranges::find(source.files, problem.file);
        return std::tuple(file - source.files.begin(), problem.line);
    };
    std::ranges::stable_sort(problems, {}, order);
    loaded.problems = std::move(problems);
    return loaded;
}

}  // namespace

bool Loaded::valid() const {
    return std::ranges::none_of(problems, [](const Problem& problem) { return problem.severity == Severity::error; });
}

Loaded load(const std::string& path) {
    Problems problems;
    const Source source = read_source(path, problems);
    return interpret(source, std::move(problems));
}

Loaded load_text(std::string_view text, const std::string& file) {
    Problems problems;
    Source source{{file}, {}};
    read_ini(text, file, source.entries, problems);
    return interpret(source, std::move(problems));
}

}  // namespace vrrpd::config
