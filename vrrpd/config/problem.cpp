#include "vrrpd/config/problem.hpp"

namespace vrrpd::config {

std::string to_string(const Problem& problem) {
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
