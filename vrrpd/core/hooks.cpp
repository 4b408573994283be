// Of an instance: which hooks it asks for, when, and what it waits for. Hooks are programs of the user's: they may
// fail, hang and lie, so each wait has a bound of its own, and no advert waits for any of them.
#include <algorithm>
#include <utility>

#include "vrrpd/core/instance.hpp"
#include "vrrpd/core/sync_group.hpp"

namespace vrrpd {
namespace {

// Another hook of the instance may have to end first, and whoever kills one needs a moment.
constexpr Duration hook_grace = std::chrono::seconds(1);
// The Active before us sends its last advert when its addresses are gone. In a split both have been Active for longer.
constexpr Duration last_words = std::chrono::milliseconds(100);

}  // namespace

const char* to_string(Hook hook) {
    static constexpr std::array<const char*, hook_count> names = {"before_master", "before_backup",    "notify_master",
                                                                  "notify_backup", "notify_fault",     "notify_stop",
                                                                  "notify",        "notify_new_active"};
    return names[static_cast<std::size_t>(hook)];
}

bool Hooks::any() const {
    return std::ranges::any_of(commands, [](const auto& command) { return !command.empty(); });
}

// ---- before a promotion

// One member's hook holds up the addresses of all (S05).
bool Instance::needs_preparation() const {
    return group_ == nullptr ? options_->hooks.has(Hook::before_master) : group_->needs_preparation();
}

bool Instance::is_prepared() const {
    return group_ == nullptr ? awaited_ == 0 : group_->is_prepared(state_);
}

// When the Active heard last counts as gone.
Instant Instance::silent_at() const {
    const Duration ceiling = options_->max_learned_interval;
    const Duration interval =
        ceiling > Duration::zero() ? std::min(last_active_->interval, ceiling) : last_active_->interval;
    return last_active_->when +
           active_down_interval(options_->version, priority(), interval, options_->down_timer_adverts);
}

// A worse Active is alive, so that a takeover is our wish and not a necessity.
bool Instance::preempts(Instant now) const {
    return !released_by_ && last_active_ && last_active_->when > listening_since_ &&
           last_active_->priority < priority() && now < silent_at();
}

Instance::Trigger Instance::takeover(Instant now) const {
    return needs_preparation() && preempts(now) ? Trigger::outbid : Trigger::down_timer;
}

// It goes on serving until before_master is done. Should it fall silent meanwhile, our adverts start at once.
void Instance::prepare(Moment moment) {
    postponed_ = obeying_ = false;
    if (preempts(moment.now)) deadline(Timer::protocol) = silent_at();
    const Text why = std::exchange(reason_, takeover_reason(moment.now));  // of the role that comes; the old one stays
    run_before_master(moment);
    reason_ = why;
}

// Still there. What we would let serve (a gate has closed meanwhile) is obeyed as if it were the better one.
void Instance::hold_on(Moment moment) {
    if (may_preempt(moment.now)) {
        deadline(Timer::protocol) = silent_at();
    } else {
        follow_up_ = Trigger::heard_higher;
    }
}

// A release counts if it comes from who serves.
void Instance::seize(Moment) {
    if (!last_active_ || last_active_->source != heard_->source) return;
    released_by_ = heard_->source;
    follow_up_ = Trigger::down_timer;
}

void Instance::give_way(Moment moment) {
    forget_hook(moment);
    follow(moment);
    tell_backing_off(
        Text::format("backed off: %s serves, with priority %d", heard_->source.to_string().c_str(), heard_->priority),
        moment);
}

void Instance::back_off(Moment moment) {
    const auto why = held_back();
    forget_hook(moment);
    listen(moment);
    tell_backing_off(Text::format("backed off: %s", why ? why->c_str() : ""), moment);
}

void Instance::furnish(Moment moment) {
    phase_ = Phase::addresses;
    want_addresses(moment);
    deadline(Timer::lookout) = moment.now + handover_time;
}

// Another member of the group was what this one waited for.
void Instance::go_on(Moment moment) {
    if (prepares() && is_prepared()) dispatch(Trigger::prepared, moment);
}

// ---- what is waited for

void Instance::await_hook(Hook hook, Duration timeout, Role to, Moment moment) {
    awaited_ = ++last_run_;
    moment.actions.emplace_back(RunHook{id_, hook, awaited_, published_, to, priority(),
                                        last_active_ ? std::optional(last_active_->source) : std::nullopt, reason_,
                                        timeout});
}

void Instance::run_before_master(Moment moment) {
    if (!options_->hooks.has(Hook::before_master)) return;
    began_ = true;
    await_hook(Hook::before_master, options_->hooks.timeout, Role::master, moment);
    deadline(Timer::hook) = moment.now + 2 * options_->hooks.timeout + hook_grace;
}

void Instance::run_before_backup(Moment moment) {
    if (!options_->hooks.has(Hook::before_backup)) return;
    await_hook(Hook::before_backup, std::min(options_->hooks.timeout, options_->stop_bound),
               running_ ? Role::backup : Role::init, moment);
    deadline(Timer::services) = moment.now + options_->stop_bound;
}

void Instance::forget_hook(Moment moment) {
    if (awaited_ == 0) return;
    moment.actions.emplace_back(DropHook{id_, std::exchange(awaited_, 0)});
    deadline(Timer::hook) = never;
    if (!services_up_) deadline(Timer::services) = never;
}

// A demotion does not ask whether before_backup went well.
void Instance::hook_ended(const HookEnded& end, Moment moment) {
    if (end.run == 0 || end.run != awaited_) return;
    awaited_ = 0;
    deadline(Timer::hook) = never;
    if (state_ == State::retiring) {
        if (!services_up_) deadline(Timer::services) = never;
        dispatch(Trigger::services_stopped, moment);
    } else if (!end.ok) {
        hold_fault(end.reason, moment);
    }
    reconsider(moment);
}

void Instance::hook_is_late(Moment moment) {
    forget_hook(moment);
    hold_fault("before_master: did not end in time", moment);
}

// ---- what is told

void Instance::run_hook(Hook hook, Role from, Role to, const Text& reason, Moment moment) {
    moment.actions.emplace_back(RunHook{id_, hook, 0, from, to, priority(),
                                        last_active_ ? std::optional(last_active_->source) : std::nullopt, reason,
                                        options_->hooks.timeout});
}

// A role is told when all that belongs to it is done: of MASTER when it serves, of the others when nothing of a MASTER
// is left, services included.
void Instance::tell_hooks(Moment moment) {
    if (!untold_) return;
    const bool serves = state_ == State::active && phase_ == Phase::serving;
    const bool rests = state_ != State::retiring && farewell_ == Farewell::none && !services_up_;
    if (published_ == Role::master ? !serves : !rests) return;
    untold_ = false;
    told_ = published_;
    ++tellings_;
    static constexpr Hook hooks[] = {Hook::notify_stop, Hook::notify_backup, Hook::notify_master, Hook::notify_fault};
    const bool heeded =
        options_->hooks.has(hooks[static_cast<std::size_t>(told_)]) || options_->hooks.has(Hook::notify);
    if (heeded) run_hook(Hook::notify, before_, told_, reason_, moment);
}

// Who began to prepare may have done something that BACKUP has to undo, although it never was anything else.
void Instance::tell_backing_off(const Text& reason, Moment moment) {
    if (!std::exchange(began_, false)) return;
    const Text why = std::exchange(reason_, reason);  // of the role, which is the same
    before_ = published_;
    untold_ = true;
    tell_hooks(moment);
    reason_ = why;
}

// Each of two holders has told the world that it is the one. What the loser's hooks undo now must not be the last word.
void Instance::tell_of_healed_split(Moment moment) {
    const bool serves = state_ == State::active && phase_ == Phase::serving;
    const Duration handover = std::min<Duration>(handover_time, down_interval() + last_words);
    if (!serves || moment.now - active_since_ < handover) return;
    const Instant before = std::exchange(losing_heard_, moment.now);
    if (before != Instant::min() && moment.now - before <= down_interval()) return;
    const Text why = std::exchange(reason_, Text::format("%s was MASTER, too", heard_->source.to_string().c_str()));
    before_ = published_;
    untold_ = true;
    tell_hooks(moment);
    reason_ = why;
}

// For hooks that follow the Active, as a database that copies from it does. While two are heard, the better one counts.
void Instance::look_for_new_active(Moment moment) {
    if (heard_->priority == 0) {
        if (followed_ && followed_->source == heard_->source) followed_->priority = 0;
        return;
    }
    // Not before hooks know that we are not MASTER ourselves: the next advert is soon enough.
    if (!running_ || untold_ || state_ == State::active || state_ == State::retiring) return;
    const bool same = followed_ && followed_->source == heard_->source;
    const bool counts =
        !followed_ || same || moment.now - followed_->when >= 2 * heard_->interval ||
        compare(heard_->priority, heard_->source, followed_->priority, followed_->source) >= Standing::equal_higher;
    if (!counts) return;
    followed_ = heard_;
    if (same || !options_->hooks.has(Hook::notify_new_active)) return;
    run_hook(Hook::notify_new_active, published_, published_,
             Text::format("%s is MASTER", heard_->source.to_string().c_str()), moment);
}

}  // namespace vrrpd
