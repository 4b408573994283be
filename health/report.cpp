#include "health/report.hpp"

#include <string_view>

namespace vrrpd::health {
namespace {

// Part of the evidence is what a server sent: it must not be able to end the quotes and add fields of its
// own.
std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char character : text) {
        if (character == '"' || character == '\\') result += '\\';
        result += character;
    }
    return result += '"';
}

}  // namespace

std::string log_line(const CheckOptions& options, const Report& report) {
    std::string line = options.kind == Kind::script ? "VRRP_Script(" : "Check(";
    line.append(options.name).append(")");
    if (report.verdict == Verdict::up) return line.append(" succeeded");
    line.append(report.finding.cls == Class::timed_out ? " timed_out" : " failed");
    line.append(" reason=").append(quoted(to_string(report.finding)));
    return line.append(" count=")
        .append(std::to_string(report.count))
        .append("/")
        .append(std::to_string(report.needed));
}

}  // namespace vrrpd::health
