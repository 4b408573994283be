#include "vrrpd/service/supervisor.hpp"

#include <algorithm>
#include <utility>

namespace vrrpd::service {
namespace {

std::string milliseconds(Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) + " ms";
}

bool is_due(Instant deadline, Instant now) {
    return deadline != never && deadline <= now;
}

}  // namespace

Supervisor::Supervisor(ServiceOptions options, bool check_in_standby)
    : options_(std::move(options)), check_in_standby_(check_in_standby) {}

Steps Supervisor::want(Wish wish, StopMode mode, Instant now) {
    const bool afresh = wish_ != Wish::serve || failed_;
    wish_ = wish;
    settle_due_ = never;
    if (wish == Wish::serve) {
        serve(afresh, now);
    } else {
        leave(mode, now);
    }
    return take_steps();
}

void Supervisor::serve(bool afresh, Instant now) {
    failed_ = false;
    if (afresh) ends_in_a_row_ = 0;
    switch (process_) {
        case Process::stopping:  // started when it has ended; a unit need not end
            ready_due_ = (process_due_ == never ? now : process_due_) + options_.start_timeout;
            ready_due_since_ = "its stop";
            break;
        case Process::running:
            await_ready("it was asked for", now);
            break;
        case Process::none:
        case Process::waiting_to_restart:
            await_ready("its start", now);
            start(now);
            break;
    }
}

void Supervisor::leave(StopMode mode, Instant now) {
    const bool sick = std::exchange(failed_, false);
    const bool keep = wish_ == Wish::standby && !sick;
    probe(false);
    ready_ = false;
    ready_due_ = never;
    if (!(keep && check_in_standby_)) stop_judging();

    switch (process_) {
        case Process::running:
            if (!keep) return stop(mode, now);
            if (check_in_standby_) judge(end_of_start(), now);
            break;
        case Process::stopping:
            return stop(mode, now);
        case Process::waiting_to_restart:
            if (wish_ == Wish::standby) break;
            process_ = Process::none;
            process_due_ = never;
            break;
        case Process::none:
            if (wish_ != Wish::standby) break;
            process_ = Process::waiting_to_restart;
            process_due_ = now + restart_pause();
            break;
    }
    add(Report::Kind::stopped);
}

void Supervisor::start(Instant now) {
    add(Action::start);
    process_ = Process::running;
    process_due_ = never;
    started_ = now;
    if (wish_ != Wish::serve) {
        good_since_ = now;
        if (check_in_standby_) judge(end_of_start(), now);
    } else if (options_.listen) {
        probe(true);
    } else {
        become_ready(now);
    }
}

void Supervisor::stop(StopMode mode, Instant now) {
    if (mode == StopMode::settled && process_ == Process::running) {
        settle_due_ = now + settle_time;
        return;
    }
    const Duration bound =
        mode == StopMode::fault ? std::min(fault_stop_timeout, options_.stop_timeout) : options_.stop_timeout;
    if (process_ == Process::running) add(Action::terminate);
    process_ = Process::stopping;
    process_due_ = std::min(process_due_, now + bound);
}

void Supervisor::await_ready(const char* since, Instant now) {
    ready_ = false;
    stop_judging();
    if (process_ == Process::running && !options_.listen) return become_ready(now);
    ready_due_ = now + options_.start_timeout;
    ready_due_since_ = since;
    probe(process_ == Process::running);
}

void Supervisor::become_ready(Instant now) {
    probe(false);
    ready_ = true;
    ready_due_ = never;
    good_since_ = std::min(good_since_, now);
    judge(options_.listen ? now : end_of_start(), now);
    add(Report::Kind::ready);
}

Steps Supervisor::accepted(Instant now) {
    if (probing_) become_ready(now);
    return take_steps();
}

Steps Supervisor::child_ended(const ExitStatus& status, Instant now) {
    const bool told_to = process_ == Process::stopping;
    process_ = Process::none;
    process_due_ = never;
    settle_due_ = never;
    probe(false);
    stop_judging();
    if (wish_ == Wish::nothing) {
        good_since_ = never;
        add(Report::Kind::stopped);
    } else if (told_to && !failed_) {
        good_since_ = never;
        if (wish_ == Wish::serve) await_ready("its start", now);
        start(now);
        if (wish_ == Wish::standby) add(Report::Kind::stopped);
    } else if (!failed_) {
        ended_by_itself(status.to_string(), now);
    }
    return take_steps();
}

void Supervisor::ended_by_itself(const std::string& how, Instant now) {
    if (good_since_ != never && now - good_since_ >= good_service) ends_in_a_row_ = 0;
    good_since_ = never;
    ++ends_in_a_row_;
    // Only a service that served gets new time: ends before that do not put off the bound.
    if (ready_) await_ready("its end", now);
    if (options_.on_failure == OnFailure::fault && ends_in_a_row_ >= options_.restart_limit) {
        const std::string text = how + ", " + std::to_string(ends_in_a_row_) + " ends in a row";
        if (wish_ == Wish::serve) return fail(text);
        add(Report::Kind::failed, text);
    }
    restart(how, now);
}

void Supervisor::restart(const std::string& how, Instant now) {
    const Duration pause = restart_pause();
    if (pause == Duration::zero()) {
        add(Report::Kind::restarted, how + ", restarted at once");
        return start(now);
    }
    add(Report::Kind::restarted, how + ", restarted in " + milliseconds(pause));
    process_ = Process::waiting_to_restart;
    process_due_ = now + pause;
}

Duration Supervisor::restart_pause() const {
    if (ends_in_a_row_ <= 1) return Duration::zero();
    const Duration longest = std::max(longest_restart_delay, options_.restart_delay);
    Duration pause = options_.restart_delay;
    for (int end = 2; end < ends_in_a_row_ && pause < longest; ++end) pause *= 2;
    return std::min(pause, longest);
}

void Supervisor::check_passed() {
    judge_due_ = never;
    remembered_.clear();
}

Steps Supervisor::check_failed(const std::string& text) {
    if (judging_ && options_.on_failure == OnFailure::fault) {
        if (judge_due_ != never) {
            remembered_ = text;
        } else {
            fail(text);
        }
    }
    return take_steps();
}

Instant Supervisor::next_deadline() const {
    return std::min({process_due_, settle_due_, ready_due_, judge_due_});
}

Steps Supervisor::expire(Instant now) {
    if (is_due(ready_due_, now)) not_ready_in_time(now);
    if (is_due(judge_due_, now)) {
        judge_due_ = never;
        if (!remembered_.empty()) fail(std::exchange(remembered_, {}));
    }
    if (is_due(settle_due_, now)) {
        settle_due_ = never;
        stop(StopMode::planned, now);
    }
    if (is_due(process_due_, now)) {
        process_due_ = never;
        if (process_ == Process::stopping) {
            add(Action::kill);
        } else {
            start(now);
        }
    }
    return take_steps();
}

void Supervisor::not_ready_in_time(Instant now) {
    ready_due_ = never;
    if (options_.on_failure == OnFailure::fault) {
        const std::string what = options_.listen ? "not listening on " + options_.listen->to_string() : "not running";
        fail(what + " " + milliseconds(options_.start_timeout) + " after " + ready_due_since_);
    } else if (process_ == Process::running) {
        become_ready(now);
    } else {
        add(Report::Kind::ready);
    }
}

void Supervisor::fail(std::string text) {
    failed_ = true;
    ready_ = false;
    ready_due_ = never;
    probe(false);
    stop_judging();
    if (process_ == Process::waiting_to_restart) {
        process_ = Process::none;
        process_due_ = never;
    }
    add(Report::Kind::failed, std::move(text));
}

void Supervisor::probe(bool on) {
    if (std::exchange(probing_, on) != on) add(on ? Action::probe_begin : Action::probe_end);
}

void Supervisor::judge(Instant from, Instant now) {
    if (judging_) return;
    judging_ = true;
    judge_due_ = from > now ? from : never;
    add(Action::check_begin);
}

void Supervisor::stop_judging() {
    judge_due_ = never;
    remembered_.clear();
    if (std::exchange(judging_, false)) add(Action::check_end);
}

Steps Supervisor::take_steps() {
    for (auto& report : std::exchange(reports_, {})) steps_.emplace_back(std::move(report));
    return std::exchange(steps_, {});
}

}  // namespace vrrpd::service
