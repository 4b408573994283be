#include "vrrpd/service/service.hpp"

#include <csignal>
#include <utility>

namespace vrrpd::service {

Service::Service(Loop& loop, ChildStarter& starter, ServiceOptions options, bool check_in_standby, Listener listener)
    : loop_(loop),
      starter_(starter),
      options_(std::move(options)),
      listener_(std::move(listener)),
      supervisor_(options_, check_in_standby) {
    deadline_ = loop_.timer([this] { tell_now(supervisor_.expire(loop_.now())); });
    later_ = loop_.timer([this] { tell(std::exchange(untold_, {})); });
    if (options_.listen) {
        probe_.emplace(loop_, *options_.listen, [this] { tell_now(supervisor_.accepted(loop_.now())); });
    }
}

void Service::begin() {
    if (options_.run != Run::always) return;
    wish(Wish::standby, StopMode::planned);
    untold_.clear();  // nobody asked
}

void Service::want_run() {
    wish(Wish::serve, StopMode::planned);
}

void Service::want_stop(StopMode mode) {
    wish(options_.run == Run::always ? Wish::standby : Wish::nothing, mode);
}

void Service::shut_down(StopMode mode) {
    wish(Wish::nothing, mode);
}

void Service::adjust(const ServiceOptions& options) {
    options_ = options;
    supervisor_.adjust(options);
}

void Service::check_passed() {
    supervisor_.check_passed();
    deadline_->arm(supervisor_.next_deadline());
}

void Service::check_failed(const std::string& text) {
    tell_later(supervisor_.check_failed(text));
}

void Service::wish(Wish wish, StopMode mode) {
    ++wishes_;
    untold_.clear();
    tell_later(supervisor_.want(wish, mode, loop_.now()));
}

void Service::tell_later(const Steps& steps) {
    for (auto& report : act(steps)) untold_.push_back(std::move(report));
    if (!untold_.empty()) later_->arm(loop_.now());
}

void Service::tell_now(const Steps& steps) {
    tell(act(steps));
}

std::vector<Report> Service::act(const Steps& steps) {
    deadline_->arm(supervisor_.next_deadline());
    std::vector<Report> reports;
    for (const auto& step : steps) {
        if (const auto* action = std::get_if<Action>(&step)) {
            carry_out(*action);
        } else {
            reports.push_back(std::get<Report>(step));
        }
    }
    return reports;
}

// A listener that is told something may wish something else: the rest is then out of date.
void Service::tell(const std::vector<Report>& reports) {
    const unsigned wishes = wishes_;
    for (const auto& report : reports) {
        if (wishes == wishes_) tell(report);
    }
}

void Service::carry_out(Action action) {
    switch (action) {
        case Action::start:
            return start();
        case Action::terminate:
            return child_->signal(SIGTERM);
        case Action::kill:
            return child_->signal(SIGKILL);
        case Action::probe_begin:
            return probe_->begin();
        case Action::probe_end:
            return probe_->end();
        case Action::check_begin:
            return listener_.check_wanted(true);
        case Action::check_end:
            return listener_.check_wanted(false);
    }
}

void Service::tell(const Report& report) {
    switch (report.kind) {
        case Report::Kind::ready:
            return listener_.ready();
        case Report::Kind::stopped:
            return listener_.stopped();
        case Report::Kind::failed:
            return listener_.failed(report.text);
        case Report::Kind::restarted:
            return listener_.restarted(report.text);
    }
}

void Service::start() {
    Command command{.argv = options_.command, .credentials = options_.credentials, .keep_output = true};
    if (!options_.unit.empty()) command.argv = {options_.unit};
    child_ =
        starter_.start(command, [this](ExitStatus status) { tell_now(supervisor_.child_ended(status, loop_.now())); });
}

}  // namespace vrrpd::service
