// Prints docs/configuration.md from the table of keys, so that the reference cannot drift from what is read.
#include <iostream>

#include "vrrpd/config/schema.hpp"

namespace {

using vrrpd::config::Key;
using vrrpd::config::Section;

// A table cell may hold no bar.
std::string cell(const std::string& text) {
    std::string escaped;
    for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
    return escaped;
}

void print_section(Section section, const char* title, const char* about) {
    std::cout << "\n## " << title << "\n\n"
              << about << "\n\n| key | value | default | meaning |\n|---|---|---|---|\n";
    for (const Key& key : vrrpd::config::schema()) {
        if (key.section != section) continue;
        std::cout << "| `" << key.name << "`" << (key.required ? ", required" : "")
                  << (key.repeatable ? ", repeatable" : "") << " | " << cell(key.type) << " | "
                  << (key.standard.empty() ? "" : "`" + cell(key.standard) + "`") << " | " << cell(key.help)
                  << " |\n";
    }
}

}  // namespace

int main() {
    std::cout << "# Configuration: every key\n\n"
                 "One INI file, `/etc/vrrpd/vrrpd.ini`. Sections are `[kind]` or `[kind NAME]`, keys are "
                 "lower case. Lists:\n"
                 "repeat the key, or separate by commas. A value in double quotes keeps blanks, commas, `;` "
                 "and `#`, with\n"
                 "`\\\"` and `\\\\` inside. Durations are `500ms`, `2s`, `1min` or seconds; yes/no may also "
                 "be true/false or on/off.\n"
                 "Comments begin with `;` or `#` at the start of a line or after a blank. What is unknown, "
                 "out of range or\n"
                 "twice is an error with its line, and `vrrpd --check` shows all of them at once.\n\n"
                 "This page is printed by `docs/print_reference.cpp` from the table that the reader uses.\n";
    print_section(Section::global, "[global]", "Of the daemon.");
    print_section(
        Section::instance, "[vrrp_instance NAME]",
        "A virtual router. `[defaults]` takes the same keys, for all instances that do not set them.");
    print_section(Section::check, "[check NAME]",
                  "A health check. Instances and services refer to it by its name.");
    print_section(Section::service, "[service NAME]",
                  "What runs where the address is, under our supervision.");
}
