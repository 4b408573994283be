#include "ctl/import/import_command.hpp"

#include <array>
#include <ostream>
#include <pwd.h>
#include <unistd.h>

#include "ctl/import/translate.hpp"
#include "vrrpd/config/load.hpp"

namespace vrrpd::keepalived {
namespace {

/// As keepalived takes it where -i says nothing.
ConfigId usual_id() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) return {};
    const ConfigId whole = name.data();
    return whole.substr(0, whole.find('.'));
}

void print(const Remark& remark, std::ostream& err) {
    err << remark.place.file;
    if (remark.place.line > 0) err << ':' << remark.place.line;
    err << ": " << remark.text << '\n';
}

}  // namespace

int import_file(const std::string& path, std::ostream& out, std::ostream& err) {
    const Tree tree = read_file(path, usual_id());
    for (const Remark& remark : tree.broken) print(remark, err);
    if (!tree.broken.empty()) return 2;
    const Translation translation = translate(tree, {getpwnam("keepalived_script") != nullptr});
    for (const Remark& remark : translation.lost) print(remark, err);
    out << translation.ini;
    const config::Loaded loaded = config::load_text(translation.ini, "the result");
    for (const config::Problem& problem : loaded.problems) {
        if (problem.severity == config::Severity::error) err << config::to_string(problem) << '\n';
    }
    if (!loaded.valid()) return 2;
    return translation.lost.empty() ? 0 : 1;
}

}  // namespace vrrpd::keepalived
