// The importer of keepalived.conf. Input: the text of a file. It must be read and translated in bounded time; what
// comes out is INI whose every line our own reader understands, and what is said of it is one line each.
#include <algorithm>
#include <string>

#include "ctl/import/translate.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "vrrpd/config/ini_reader.hpp"

namespace vrrpd::keepalived {
namespace {

using fuzz::require;

void check_remarks(const std::vector<Remark>& remarks) {
    for (const Remark& remark : remarks) {
        require(!remark.text.empty(), "a remark says something");
        require(remark.place.line >= 0, "a remark has a line");
    }
}

void check(std::string_view text) {
    const Tree tree = read_text(text, "t", "main");
    check_remarks(tree.broken);
    check_remarks(tree.skipped);
    require(tree.broken.size() <= 1, "what is broken is said once");
    if (!tree.broken.empty()) return;
    const Translation translation = translate(tree, {});
    check_remarks(translation.lost);
    require(translation.ini == translate(tree, {}).ini, "the same text means the same");
    std::vector<config::Entry> entries;
    config::Problems problems;
    config::read_ini(translation.ini, "t", entries, problems);
    require(problems.empty(), "what is written can be read");
}

}  // namespace
}  // namespace vrrpd::keepalived

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vrrpd::keepalived::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
