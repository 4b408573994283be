// What is wrong with a configuration, as a value: where, in which key, and a sentence for the person who wrote it.
//
// Reading never stops at the first problem; every room of this folder appends to one list, and all are shown
// in one run.
#pragma once

#include <string>
#include <vector>

namespace vrrpd::config {

enum class Severity { error, warning };

/// A place in a configuration file; lines count from 1.
struct Place {
    std::string file;
    int line = 0;
};

struct Problem {
    std::string file;
    int line = 0;         ///< 0: the file as a whole
    std::string section;  ///< as in the file, without brackets: `vrrp_instance VI_1`; may be empty
    std::string key;      ///< may be empty
    std::string text;     ///< what is wrong, what is allowed
    Severity severity = Severity::error;
};

using Problems = std::vector<Problem>;

/// `FILE:LINE: [section] key: what is wrong, what is allowed`. What is not known is left out; a warning's
/// sentence begins with `warning: `.
inline std::string to_string(const Problem& problem) {
    std::string text = problem.file;
    if (problem.line > 0) text += ":" + std::to_string(problem.line);
    text += ": ";
    if (!problem.section.empty()) text += "[" + problem.section + "]";
    if (!problem.section.empty() && !problem.key.empty()) text += " ";
    text += problem.key;
    if (!problem.section.empty() || !problem.key.empty()) text += ": ";
    if (problem.severity == Severity::warning) text += "warning: ";
    return text + problem.text;
}

}  // namespace vrrpd::config
