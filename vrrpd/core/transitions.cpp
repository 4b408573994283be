// The state table of an instance and its steps. Each step says what is done on the way; dispatch() then
// enters the next state.
#include <algorithm>
#include <utility>

#include "vrrpd/core/instance.hpp"
#include "vrrpd/core/sync_group.hpp"

namespace vrrpd {
namespace {

// Bounds of the orders in docs/architecture.md. A peer may take over 8 ms after priority 0, so that is sent
// after the addresses are gone; a kernel that does not answer must not keep the peers waiting either.
constexpr Duration withdrawal_base = std::chrono::milliseconds(50);
constexpr Duration withdrawal_each = std::chrono::microseconds(100);
constexpr Duration second_release_after = std::chrono::milliseconds(2);
constexpr Duration fast_stop_bound = std::chrono::milliseconds(150);  // SIGKILL is sent after 100 ms
constexpr Duration answer_period = std::chrono::milliseconds(100);

}  // namespace

struct Instance::Transition {
    State in;
    Trigger on;
    void (Instance::*step)(Moment);
    State next;
};

struct Instance::Table {
    using enum State;
    using enum Trigger;
    // What is not listed is ignored: it changes nothing and is no error (E38).
    static constexpr Transition transitions[] = {
        {initialize, startup, &Instance::begin, backup},
        {initialize, startup_owner, &Instance::begin_as_owner, active},
        {initialize, startup_adopted, &Instance::adopt, active},
        {initialize, addresses_gone, &Instance::conclude, initialize},

        {backup, shutdown, &Instance::cease, initialize},
        {backup, fault_raised, &Instance::cease, initialize},
        {backup, path_lost, &Instance::cease, initialize},
        {backup, down_timer, &Instance::claim, active},
        {backup, outbid, &Instance::prepare, preempting},
        {backup, heard_zero, &Instance::hurry, backup},
        {backup, heard_lower, &Instance::weigh, backup},
        {backup, heard_equal_lower, &Instance::follow, backup},
        {backup, heard_equal_higher, &Instance::follow, backup},
        {backup, heard_higher, &Instance::follow, backup},
        {backup, addresses_gone, &Instance::conclude, backup},
        {backup, group_promoted, &Instance::rise, active},

        {preempting, shutdown, &Instance::cease, initialize},
        {preempting, fault_raised, &Instance::cease, initialize},
        {preempting, path_lost, &Instance::cease, initialize},
        {preempting, down_timer, &Instance::claim, active},
        {preempting, prepared, &Instance::claim, active},
        {preempting, backed_off, &Instance::back_off, backup},
        {preempting, heard_zero, &Instance::seize, preempting},
        {preempting, heard_lower, &Instance::hold_on, preempting},
        {preempting, heard_equal_lower, &Instance::give_way, backup},
        {preempting, heard_equal_higher, &Instance::give_way, backup},
        {preempting, heard_higher, &Instance::give_way, backup},
        {preempting, addresses_gone, &Instance::conclude, preempting},
        {preempting, group_promoted, &Instance::rise, active},

        {active, prepared, &Instance::furnish, active},
        {active, shutdown, &Instance::retire, retiring},
        {active, drained, &Instance::retire, retiring},
        {active, fault_raised, &Instance::retire_fast, retiring},
        {active, path_lost, &Instance::vanish, initialize},
        {active, stalled, &Instance::recoil, initialize},
        {active, advert_timer, &Instance::advertise, active},
        {active, heard_zero, &Instance::reassert, active},
        {active, heard_lower, &Instance::rebut, active},
        {active, heard_equal_lower, &Instance::rebut, active},
        {active, heard_equal_higher, &Instance::yield, backup},
        {active, heard_higher, &Instance::yield, backup},
        {active, addresses_present, &Instance::raise_services, active},
        {active, services_ready, &Instance::serve, active},
        {active, group_demoted, &Instance::recede, backup},

        {retiring, path_lost, &Instance::vanish, initialize},
        {retiring, stalled, &Instance::recoil, initialize},
        {retiring, advert_timer, &Instance::advertise, retiring},
        {retiring, heard_zero, &Instance::reassert, retiring},
        {retiring, heard_lower, &Instance::rebut, retiring},
        {retiring, heard_equal_lower, &Instance::rebut, retiring},
        {retiring, heard_equal_higher, &Instance::hasten, retiring},
        {retiring, heard_higher, &Instance::hasten, retiring},
        {retiring, services_stopped, &Instance::wind_up, retiring},
        {retiring, addresses_gone, &Instance::conclude, initialize},
    };

    // Which line of the table, by state and trigger; an advert should not have to look for its own.
    using Lines = std::array<std::array<const Transition*, trigger_count>, state_count>;
    static constexpr Lines lines = [] {
        Lines lines{};
        for (const Transition& transition : transitions) {
            lines[static_cast<std::size_t>(transition.in)][static_cast<std::size_t>(transition.on)] = &transition;
        }
        return lines;
    }();
    static constexpr const Transition* find(State state, Trigger trigger) {
        return lines[static_cast<std::size_t>(state)][static_cast<std::size_t>(trigger)];
    }
};

void Instance::dispatch(Trigger trigger, Moment moment) {
    const Transition* transition = Table::find(state_, trigger);
    if (transition == nullptr) return;
    (this->*transition->step)(moment);
    state_ = transition->next;
    if (follow_up_) dispatch(*std::exchange(follow_up_, std::nullopt), moment);
    publish_role(moment);
}

// ---- listening

void Instance::begin(Moment moment) {
    active_interval_ = options_->advert_interval;
    preempting_since_.reset();
    followed_.reset();  // what could not follow while we were at fault may do so now
    listen(moment);
}

void Instance::begin_as_owner(Moment moment) {
    begin(moment);
    claim(moment);
    explain(Cause::owner, "owner of the addresses (priority 255)");
}

// The predecessor's addresses are there, its adverts have only just stopped.
void Instance::adopt(Moment moment) {
    begin(moment);
    take_on(moment, Phase::addresses);
    explain(Cause::adopted, "adopted");
}

// Counts the down timer anew from now.
void Instance::listen(Moment moment) {
    released_by_.reset();
    postponed_ = obeying_ = false;
    listening_since_ = moment.now;
    armed_priority_ = priority();
    deadline(Timer::protocol) = moment.now + down_interval();
}

void Instance::cease(Moment moment) {
    forget_hook(moment);
    deadline(Timer::protocol) = never;
    released_by_.reset();
    postponed_ = obeying_ = false;
}

// Priority 0: its sender hands over. Only ever earlier, or a flood of them would keep the addresses down (E09).
void Instance::hurry(Moment moment) {
    released_by_ = heard_->source;
    deadline(Timer::protocol) = std::min(deadline(Timer::protocol), moment.now + skew());
}

void Instance::follow(Moment moment) {
    preempting_since_.reset();
    obey(moment);
}

// Takes the sender as the Active: its interval is what our timer goes by (E10, D05).
void Instance::obey(Moment moment) {
    active_interval_ = heard_->interval;
    const Duration ceiling = options_->max_learned_interval;
    if (ceiling > Duration::zero() && active_interval_ > ceiling) {
        active_interval_ = ceiling;
        notice(Notice::Kind::interval_clamped, heard_->source, moment);
    }
    listen(moment);
    obeying_ = true;
}

// A lower priority is Active. Either the timer keeps running, and we take over at its end, or we let it serve.
void Instance::weigh(Moment moment) {
    if (!may_preempt(moment.now)) return obey(moment);
    notice(Notice::Kind::lower_discarded, heard_->source, moment);
}

bool Instance::may_preempt(Instant now) {
    if (aside_) return false;
    if (options_->priority == owner_priority) return true;
    if (!options_->preempt) return false;
    if (std::ranges::any_of(gates_, [](CheckState gate) { return gate != CheckState::passing; })) return false;
    if (!preempting_since_) preempting_since_ = now;
    return now - *preempting_since_ >= options_->preempt_delay;
}

// ---- promotion

void Instance::claim(Moment moment) {
    explain(takeover_cause(moment.now), takeover_reason(moment.now));
    count_claim(moment);
    take_on(moment, needs_preparation() ? Phase::preparation : Phase::addresses);
    followed_.reset();
    began_ = false;
    if (phase_ != Phase::preparation) return;
    if (state_ != State::preempting) run_before_master(moment);
    if (group_ == nullptr && is_prepared()) follow_up_ = Trigger::prepared;
}

void Instance::take_on(Moment moment, Phase first) {
    last_left_ = moment.now;  // if this one fails, a stall counts from here
    send(static_cast<std::uint8_t>(priority()), moment);
    phase_ = first;
    want_addresses(moment);
    farewell_ = Farewell::none;
    postponed_ = aside_ = false;
    other_active_heard_ = false;
    deadline(Timer::protocol) = moment.now + options_->advert_interval;
    for (const Timer stale : {Timer::second_release, Timer::withdrawal}) deadline(stale) = never;
    active_since_ = moment.now;
    probed_ = lonely_ = false;
    if (first != Phase::preparation) deadline(Timer::lookout) = moment.now + handover_time;
}

// Who has no services to wait for serves with each address at once.
void Instance::want_addresses(Moment moment) {
    if (phase_ == Phase::preparation) return;
    announced_as_they_come_ = phase_ == Phase::serving || options_->services.empty();
    moment.actions.emplace_back(SetAddresses{id_, true, announced_as_they_come_});
}

// An interval that is too short for the network, or two hosts that each think they are the better one.
void Instance::count_claim(Moment moment) {
    std::rotate(claims_.begin(), claims_.begin() + 1, claims_.end());
    claims_.back() = moment.now;
    const bool many = claims_.front() != Instant::min() && moment.now - claims_.front() < std::chrono::minutes(1);
    if (many) notice(Notice::Kind::flapping, IpAddress(), moment);
}

Cause Instance::takeover_cause(Instant now) const {
    if (released_by_) return Cause::released;
    return heard_ && preempts(now) ? Cause::preempting : Cause::no_advert;
}

Text Instance::takeover_reason(Instant now) const {
    if (released_by_) return Text::format("%s released the addresses", released_by_->to_string().c_str());
    if (!heard_) return Text::format("no advert heard for %.3f s", in_seconds(now - listening_since_));
    const std::string peer = heard_->source.to_string();
    if (preempts(now)) {
        return Text::format("preempting %s, which has priority %d", last_active_->source.to_string().c_str(),
                            last_active_->priority);
    }
    return Text::format("no advert from %s for %.3f s", peer.c_str(), in_seconds(now - heard_->when));
}

void Instance::raise_services(Moment moment) {
    phase_ = Phase::services;
    if (options_->services.empty()) {
        follow_up_ = Trigger::services_ready;
        return;
    }
    services_up_ = true;
    deadline(Timer::services) = never;
    moment.actions.emplace_back(SetServices{id_, ServiceWish::run});
}

void Instance::serve(Moment moment) {
    phase_ = Phase::serving;
    if (!announced_as_they_come_) moment.actions.emplace_back(Announce{id_});
    const Duration next = options_->announce_repeat_delay > Duration::zero() ? options_->announce_repeat_delay
                                                                             : options_->announce_refresh;
    deadline(Timer::announcement) = next > Duration::zero() ? moment.now + next : never;
}

// What is about to be put back is announced when it is there.
void Instance::announce(Moment moment) {
    const bool complete = deadline(Timer::restoration) == never;
    if (state_ == State::active && phase_ == Phase::serving && complete) moment.actions.emplace_back(Announce{id_});
}

void Instance::announce_again(Moment moment) {
    if (state_ != State::active || phase_ != Phase::serving) return;
    announce(moment);
    if (options_->announce_refresh > Duration::zero()) {
        deadline(Timer::announcement) = moment.now + options_->announce_refresh;
    }
}

// ---- advertising

// Absolute deadlines: what was late does not make the next one late (D10), and nothing is sent twice.
void Instance::advertise(Moment moment) {
    Instant& next = deadline(Timer::protocol);
    const Instant due = next == never ? moment.now : next;
    next = due + options_->advert_interval;
    if (next <= moment.now + slot()) next = moment.now + options_->advert_interval;
    send(static_cast<std::uint8_t>(priority()), due, moment);
}

void Instance::send(std::uint8_t priority, Moment moment) {
    send(priority, moment.now, moment);
}

void Instance::send(std::uint8_t priority, Instant due, Moment moment) {
    if (!path_usable()) return;
    left_before_ = std::exchange(last_left_, moment.now);
    ++counters_.adverts_sent;
    if (priority == 0) ++counters_.releases_sent;
    moment.actions.emplace_back(SendAdvert{id_, priority, due});
}

// Answers are limited, or a flood of packets would be amplified (E28).
bool Instance::may_answer(Instant now) {
    const Duration period = std::min(options_->advert_interval, answer_period);
    if (last_answer_ != Instant::min() && now - last_answer_ < period) return false;
    last_answer_ = now;
    return true;
}

void Instance::reassert(Moment moment) {
    if (!may_answer(moment.now)) return;
    deadline(Timer::protocol) = moment.now;
    advertise(moment);
}

// A losing Active is told at once who serves, and so are the switches that may have learned its port (E25, E34).
void Instance::rebut(Moment moment) {
    tell_of_healed_split(moment);
    if (!may_answer(moment.now)) return;
    send(static_cast<std::uint8_t>(priority()), moment);
    announce(moment);
    notice(Notice::Kind::rebutted, heard_->source, moment);
}

// ---- demotion

void Instance::yield(Moment moment) {
    const bool higher = heard_->priority > priority();
    explain(Cause::outranked,
            Text::format(higher ? "%s has priority %d, ours is %d" : "%s has our priority and the higher address",
                         heard_->source.to_string().c_str(), heard_->priority, priority()));
    notice(higher ? Notice::Kind::higher_heard : Notice::Kind::equal_heard, heard_->source, moment);
    follow(moment);
    withdraw(Farewell::last_advert, Connections::end, moment);
    let_services_settle(moment);
}

void Instance::retire(Moment moment) {
    forget_hook(moment);
    if (phase_ != Phase::preparation) run_before_backup(moment);
    if (services_up_) return stop_services(ServiceWish::stop, options_->stop_bound, moment);
    if (awaited_ == 0) follow_up_ = Trigger::services_stopped;
}

void Instance::retire_fast(Moment moment) {
    forget_hook(moment);
    if (services_up_) return stop_services(ServiceWish::stop_fast, fast_stop_bound, moment);
    follow_up_ = Trigger::services_stopped;
}

// Addresses that are back within a second find the services, and their connections, as they were.
void Instance::let_services_settle(Moment moment) {
    const bool stopping = deadline(Timer::services) != never;
    if (services_up_ && !stopping) moment.actions.emplace_back(SetServices{id_, ServiceWish::settle});
}

void Instance::stop_services(ServiceWish wish, Duration bound, Moment moment) {
    deadline(Timer::services) = moment.now + bound;
    moment.actions.emplace_back(SetServices{id_, wish});
}

void Instance::wind_up(Moment moment) {
    if (!services_up_ && awaited_ == 0) withdraw_to_release(moment);
}

void Instance::withdraw_to_release(Moment moment) {
    if (farewell_ == Farewell::none) withdraw(Farewell::release, Connections::end, moment);
}

// Another Active is there already: it must not wait for our services.
void Instance::hasten(Moment moment) {
    other_active_heard_ = true;
    withdraw_to_release(moment);
}

void Instance::withdraw(Farewell farewell, Connections connections, Moment moment) {
    forget_hook(moment);
    farewell_ = farewell;
    deadline(Timer::announcement) = deadline(Timer::restoration) = deadline(Timer::lookout) = never;
    const auto count = static_cast<long>(options_->addresses.size() + options_->excluded_addresses.size());
    deadline(Timer::withdrawal) = moment.now + withdrawal_base + count * withdrawal_each;
    const bool closes = options_->close_connections && connections == Connections::end;
    moment.actions.emplace_back(SetAddresses{id_, false, false, closes});
}

// The addresses are gone, or the kernel took too long: now the peers may know.
void Instance::conclude(Moment moment) {
    deadline(Timer::withdrawal) = never;
    const Farewell farewell = std::exchange(farewell_, Farewell::none);
    // Should our priority have risen since, the winner would step down for a host that serves no more.
    if (farewell == Farewell::last_advert && standing() >= Standing::equal_higher)
        send(static_cast<std::uint8_t>(priority()), moment);
    if (farewell != Farewell::release) return;
    send(0, moment);
    if (state_ == State::retiring) deadline(Timer::protocol) = never;
    if (!other_active_heard_) deadline(Timer::second_release) = moment.now + second_release_after;
}

// Connections that find the address again go on, so a link that is away for a moment must not end them.
void Instance::vanish(Moment moment) {
    deadline(Timer::protocol) = never;
    withdraw(Farewell::silence, Connections::stay, moment);
    let_services_settle(moment);
}

void Instance::recoil(Moment moment) {
    deadline(Timer::protocol) = never;
    other_active_heard_ = false;
    withdraw(Farewell::release, Connections::stay, moment);
    let_services_settle(moment);
}

// ---- together with the sync group

void Instance::rise(Moment moment) {
    claim(moment);
    explain(Cause::sync_group, group_->reason());
}

// Another member yielded: this one is handed over with it (S03).
void Instance::recede(Moment moment) {
    explain(Cause::sync_group, group_->reason());
    other_active_heard_ = false;
    preempting_since_.reset();
    active_interval_ = options_->advert_interval;
    listen(moment);
    withdraw(Farewell::release, Connections::end, moment);
    let_services_settle(moment);
}

}  // namespace vrrpd
