#include "health/report.hpp"

#include "vrrpd/core/text.hpp"

namespace vrrpd::health {
std::string log_line(const CheckOptions& options, const Report& report) {
    const bool script = options.kind == Kind::script;
    std::string line = script ? "VRRP_Script(" : "Check(";
    line.append(options.name).append(")");
    if (report.finding.cls == Class::not_asked) {
        return line.append(" not asked reason=").append(quoted(report.finding.evidence));
    }
    if (report.count == 0 && options.kind == Kind::file) {
        return line.append(" number=").append(std::to_string(report.finding.number));
    }
    if (report.is_cold()) {
        const char* what = report.count > 0 ? " succeeded cold reason=" : " cold reason=";
        return line.append(what).append(quoted(report.finding.evidence));
    }
    if (report.verdict == Verdict::up) return line.append(report.count > 0 ? " succeeded" : " warm");
    line.append(script && report.finding.cls == Class::timed_out ? " timed_out" : " failed");
    line.append(" reason=").append(quoted(to_string(report.finding)));
    if (report.count == 0) return line;
    return line.append(" count=")
        .append(std::to_string(report.count))
        .append("/")
        .append(std::to_string(report.needed));
}

}  // namespace vrrpd::health
