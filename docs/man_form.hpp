// The reference as a manual page: the little markdown that print_reference writes, as man(7) macros. So the page cannot
// say anything else than docs/configuration.md, which cannot say anything else than the table of keys.
#pragma once

#include <string>
#include <string_view>

/// Headings `## ` and `### `, paragraphs, lists `- `, tables, blocks in ``` or indented by four blanks; `code` and
/// **bold** in them. The title of the page itself, `# `, is left out.
std::string man_form(std::string_view markdown);
