#include "health/script_probe.hpp"

#include <utility>

namespace vrrpd::health {

Finding judge_exit(const ExitStatus& status) {
    if (status.success()) return {Class::up, status.to_string()};
    const bool not_found = status.kind == ExitStatus::Kind::exited && (status.value == 126 || status.value == 127);
    if (not_found || status.kind == ExitStatus::Kind::not_started) {
        return {Class::exec_failure, status.to_string(), true};
    }
    return {Class::failed, status.to_string()};
}

ScriptProbe::ScriptProbe(Loop& loop, ChildStarter& starter, const CheckOptions& options, Found found)
    : found_(std::move(found)) {
    Command command;
    command.argv = options.command;
    command.credentials = options.credentials;
    child_ = starter.start(command, [this](ExitStatus status) { finish(judge_exit(status)); });
    deadline_.emplace(loop, options.timeout, [this, timeout = options.timeout] {
        finish({Class::timed_out, "no exit in " + in_milliseconds(timeout)});
    });
}

void ScriptProbe::finish(const Finding& finding) {
    child_.reset();
    deadline_.reset();
    const Found found = std::move(found_);
    found(finding);
}

}  // namespace vrrpd::health
