#include "health/script_probe.hpp"

#include <utility>

namespace vrrpd::health {

Finding judge_exit(const ExitStatus& status) {
    if (status.success()) return {Class::up, status.to_string()};
    if (status.kind == ExitStatus::Kind::not_started && is_own_lack(status.value)) return not_asked(status.value);
    const bool not_found = status.kind == ExitStatus::Kind::exited && (status.value == 126 || status.value == 127);
    if (not_found || status.kind == ExitStatus::Kind::not_started) {
        return {Class::exec_failure, status.to_string(), true};
    }
    return {Class::failed, status.to_string()};
}

ScriptProbe::ScriptProbe(Loop& loop, ScriptRunner& scripts, ScriptRunner::Owner owner, const CheckOptions& options,
                         Found found)
    : loop_(loop),
      timeout_(options.timeout),
      patience_(2 * (options.interval + options.timeout)),
      found_(std::move(found)) {
    Command command;
    command.argv = options.command;
    command.credentials = options.credentials;
    if (scripts.said()) {
        command.on_last_line = [said = scripts.said(), name = options.name](const std::string& line) {
            said(name, line);
        };
    }
    run_ =
        scripts.run(owner, command, {[this] { started(); }, [this](ExitStatus status) { finish(judge_exit(status)); }});
    if (!started_) deadline_.emplace(loop_, timeout_, [this] { waited(); });
}

void ScriptProbe::started() {
    started_ = true;
    deadline_.emplace(loop_, timeout_, [this] {
        finish({Class::timed_out, "no exit in " + in_milliseconds(timeout_)});
    });
}

// One timeout has passed without a start.
void ScriptProbe::waited() {
    if (run_->waits_for_own()) return finish({Class::timed_out, "the script that was killed has not ended yet"});
    deadline_.emplace(loop_, patience_ - timeout_, [this] {
        finish({Class::stale, "not started for " + in_milliseconds(patience_) + ", too many other scripts run"});
    });
}

void ScriptProbe::finish(const Finding& finding) {
    run_.reset();
    deadline_.reset();
    const Found found = std::move(found_);
    found(finding);
}

}  // namespace vrrpd::health
