#include "vrrpd/core/instance.hpp"

#include <algorithm>
#include <utility>

#include "vrrpd/core/lease.hpp"
#include "vrrpd/core/sync_group.hpp"

namespace vrrpd {
namespace {

constexpr Duration probe_patience = std::chrono::milliseconds(10);  // a failure is told at once
// Of addresses that somebody else removes (E36).
constexpr int most_losses = 5;
constexpr Duration loss_period = std::chrono::minutes(1);
constexpr Duration first_restoration_delay = std::chrono::milliseconds(100);

}  // namespace

ChecksumForm first_form(ChecksumMode mode) {
    return mode == ChecksumMode::rfc9568 ? ChecksumForm::message_only : ChecksumForm::pseudo_header;
}

const char* to_string(Role role) {
    static constexpr std::array<const char*, 4> names = {"INIT", "BACKUP", "MASTER", "FAULT"};
    return names[static_cast<std::size_t>(role)];
}

const char* to_string(Cause cause) {
    static constexpr std::array<const char*, cause_count> names = {
        "started",    "adopted", "owner",    "no_advert", "released",  "preempting", "outranked",
        "sync_group", "drained", "failover", "fault",     "recovered", "stalled",    "stopped"};
    return names[static_cast<std::size_t>(cause)];
}

Instance::Instance(InstanceId id, const InstanceOptions& options)
    : id_(id),
      options_(&options),
      checks_(options.checks.size(), CheckState::unknown),
      check_texts_(options.checks.size()),
      check_numbers_(options.checks.size()),
      gates_(options.gates.size(), CheckState::unknown),
      active_interval_(options.advert_interval),
      checksum_form_(first_form(options.checksum)) {
    deadlines_.fill(never);
    claims_.fill(Instant::min());
    path_.reason = Text::format("%s: not seen yet", options.interface.c_str());
}

// ---- facts

void Instance::start(Moment moment) {
    running_ = true;
    explain(Cause::started, "started");
    const bool adopted = inherited_priority_ && path_usable();
    if (!adopted || all_checked()) inherited_priority_.reset();
    if (adopted) {
        dispatch(Trigger::startup_adopted, moment);
    } else if (options_->startup_delay > Duration::zero()) {
        deadline(Timer::startup_delay) = moment.now + options_->startup_delay;
    }
    reconsider(moment);
}

void Instance::stop(Moment moment, const char* why) {
    if (remaining_ && state_ == State::active) return;
    running_ = remaining_ = false;
    explain(Cause::stopped, why);
    reconsider(moment);
    // Services that were left to settle are not left to that now.
    if (state_ == State::initialize && services_up_ && deadline(Timer::services) == never)
        stop_services(ServiceWish::stop, options_->stop_bound, moment);
    publish_role(moment);
}

void Instance::part(Moment moment) {
    if (state_ == State::active) send(static_cast<std::uint8_t>(priority()), moment);
}

void Instance::drain(bool drained, Moment moment) {
    drained_ = drained;
    aside_ = false;
    reconsider(moment);
}

void Instance::hand_over(Moment moment) {
    if (state_ != State::active) return;
    aside_ = true;
    explain(Cause::failover, "failover");
    dispatch(Trigger::drained, moment);
    reconsider(moment);
}

void Instance::path_changed(const PathChanged& path, Moment moment) {
    // An interface that was made anew has none of our addresses, even if we never saw it away.
    const bool replaced = path.interface_index != 0 && path.interface_index != path_.interface_index;
    if (path_usable() && replaced) {
        path_.up = false;
        path_.reason = Text::format("interface %s was replaced", options_->interface.c_str());
        reconsider(moment);
    }
    const bool source_moved = path_.source != path.source;
    const bool carrier_back = path.carrier && !path_.carrier;
    path_ = path;
    if (!path_usable()) {  // a fault of its own; whether adverts leave is seen when it is over
        cannot_send_ = probing_ = false;
        deadline(Timer::send_probe) = never;
    }
    reconsider(moment);
    // The peers compare the address that our packets come from (E29): let them see the new one at once.
    if (source_moved && state_ == State::active) send(static_cast<std::uint8_t>(priority()), moment);
    // Who stays Active without a link tells the switch that is there again.
    if (carrier_back && state_ == State::active && phase_ == Phase::serving) moment.actions.emplace_back(Announce{id_});
}

void Instance::check_changed(const CheckChanged& change, Moment moment) {
    for (std::size_t i = 0; i < checks_.size(); ++i) {
        if (options_->checks[i].index != change.check) continue;
        checks_[i] = change.state;
        check_texts_[i] = change.reason;
        check_numbers_[i] = change.number;
    }
    for (std::size_t i = 0; i < gates_.size(); ++i) {
        if (options_->gates[i] == change.check) gates_[i] = change.cold ? CheckState::failing : change.state;
    }
    if (all_checked()) inherited_priority_.reset();
    reconsider(moment);
}

void Instance::addresses_settled(const AddressesSettled& settled, Moment moment) {
    if (settled.present && state_ == State::active && phase_ == Phase::addresses) {
        if (settled.refused) {
            hold_fault(settled.reason, moment);
        } else {
            dispatch(Trigger::addresses_present, moment);
        }
    } else if (settled.present && state_ == State::active) {  // they had been removed by somebody else
        if (settled.refused) hold_fault(settled.reason, moment);
        const bool unsaid = phase_ == Phase::serving && !announced_as_they_come_;
        if (unsaid && !settled.refused) moment.actions.emplace_back(Announce{id_});
    } else if (!settled.present && farewell_ != Farewell::none) {
        dispatch(Trigger::addresses_gone, moment);
    }
    reconsider(moment);
}

void Instance::addresses_lost(const Text& what, Moment moment) {
    if (state_ != State::active || deadline(Timer::restoration) != never) return;
    if (moment.now - last_left_ >=
        shortest_stay(*options_)) {  // their lease, or the guard's patience, ran out: nobody's doing
        deadline(Timer::restoration) = moment.now;
        return;
    }
    ++counters_.addresses_lost;
    notice(Notice::Kind::addresses_lost, IpAddress(), moment, what);
    if (losses_ == 0 || moment.now - first_loss_ >= loss_period) {
        losses_ = 0;
        first_loss_ = moment.now;
    }
    if (++losses_ == most_losses) {
        losses_ = 0;
        hold_fault(Text::format("%s, the %dth time within a minute", what.c_str(), most_losses), moment);
        return reconsider(moment);
    }
    const Duration delay = losses_ == 1 ? Duration::zero() : first_restoration_delay * (1 << (losses_ - 2));
    deadline(Timer::restoration) = moment.now + delay;  // at most 400 ms: the fifth loss is a fault
}

void Instance::restore_addresses(Moment moment) {
    if (state_ == State::active) want_addresses(moment);
}

void Instance::services_changed(const ServicesChanged& change, Moment moment) {
    // One that runs always may fail while we are Backup: then we are none (the check says what would happen).
    const bool retired = state_ == State::initialize || state_ == State::retiring;
    if (change.state == ServicesState::failed && !retired) {
        hold_fault(change.reason, moment);
    } else if (state_ == State::active && change.state == ServicesState::ready && phase_ == Phase::services) {
        dispatch(Trigger::services_ready, moment);
    } else if (change.state == ServicesState::stopped && state_ != State::active) {
        services_up_ = false;
        if (state_ != State::retiring || awaited_ == 0) deadline(Timer::services) = never;
        dispatch(Trigger::services_stopped, moment);
    }
    reconsider(moment);
}

void Instance::send_failed(const SendFailed& failure, Moment moment) {
    ++counters_.sends_failed;
    notice(Notice::Kind::send_failed, IpAddress(), moment, failure.reason);
    if (failure.partly) return;
    if (std::exchange(probing_, false)) deadline(Timer::send_probe) = moment.now + down_interval();
    if (state_ != State::active && state_ != State::retiring) return;
    const Duration retry = std::min<Duration>(options_->advert_interval / 10, std::chrono::milliseconds(100));
    deadline(Timer::protocol) = moment.now + retry;
    if (!options_->track_primary) return;  // then what is wrong with the link is no fault, and no stall
    last_left_ = left_before_;
    if (cannot_send_ || moment.now - last_left_ < 2 * options_->advert_interval) return;
    cannot_send_ = true;
    deadline(Timer::send_probe) = moment.now + down_interval();
    reconsider(moment);
}

// Priority 0 harms nobody: an Active answers it, and goes on (E37).
void Instance::probe_sending(Moment moment) {
    if (!running_) return;
    // On the way out there are adverts anyway, and addresses: nobody may be told that they are free (E20).
    if (state_ != State::initialize || farewell_ != Farewell::none) {
        probing_ = false;
        deadline(Timer::send_probe) = moment.now + probe_patience;
        return;
    }
    if (std::exchange(probing_, false)) {
        cannot_send_ = false;  // nobody has complained
        return;
    }
    probing_ = true;
    deadline(Timer::send_probe) = moment.now + probe_patience;
    send(0, moment);
}

void Instance::heard(const IpAddress& source, const Advert& advert, Moment moment) {
    observe(source, advert, moment);
    if (advert.priority != 0) deadline(Timer::second_release) = never;  // somebody is there already (E20)
    static constexpr Trigger triggers[] = {Trigger::heard_zero, Trigger::heard_lower, Trigger::heard_equal_lower,
                                           Trigger::heard_equal_higher, Trigger::heard_higher};         // as Standing
    if (state_ != State::initialize) dispatch(triggers[static_cast<std::size_t>(standing())], moment);  // E03
    look_for_new_active(moment);
}

// What every valid advert tells, whatever the state.
void Instance::observe(const IpAddress& source, const Advert& advert, Moment moment) {
    ++counters_.adverts_received;
    if (advert.priority == 0) ++counters_.releases_received;
    ++counters_.checksum_forms[static_cast<std::size_t>(advert.checksum_form)];
    const bool twins = heard_ && heard_->source != source && heard_->priority == advert.priority &&
                       advert.priority != 0 && moment.now - heard_->when < options_->advert_interval * 2;
    if (twins) notice(Notice::Kind::twins, source, moment, heard_->source.to_string().c_str());
    const bool lists_ours = same_addresses(advert.address_bytes, options_->addresses);
    heard_ = Heard{source, lists_ours, advert.priority, advert.interval, moment.now};
    if (advert.priority != 0) last_active_ = heard_;
    if (!lists_ours) {
        ++counters_.lists_differed;
        notice(Notice::Kind::list_differs, source, moment);
    }
    if (options_->family == Family::ipv6 && !IpAddress::from_bytes(advert.address_bytes.first(16))->is_link_local()) {
        ++counters_.first_global;
        notice(Notice::Kind::first_is_global, source, moment);
    }
    if (advert.interval != options_->advert_interval) notice(Notice::Kind::interval_differs, source, moment);
    if (options_->version == Version::v3 && options_->family == Family::ipv4 &&
        options_->checksum == ChecksumMode::automatic && advert.checksum_form != checksum_form_) {
        checksum_form_ = advert.checksum_form;
        notice(Notice::Kind::checksum_mirrored, source, moment);
    }
}

void Instance::heard_off_subnet(const IpAddress& source, Moment moment) {
    ++counters_.off_subnet;
    notice(Notice::Kind::off_subnet, source, moment);
}

void Instance::heard_slip(const IpAddress& source, std::uint8_t virtual_router_id, const IpAddress& address,
                          Moment moment) {
    notice(Notice::Kind::foreign_router_id, source, moment,
           Text::format("%s under VRID %d", address.to_string().c_str(), virtual_router_id));
}

void Instance::refused(Refusal refusal, const IpAddress& source, Moment moment) {
    ++counters_.refused[static_cast<std::size_t>(refusal)];
    signs_.see(refusal, source, moment.now);
    const auto repeated = refusal_limiter_.admit(static_cast<std::uint8_t>(refusal), source, moment.now);
    if (!repeated) return;
    Notice said;
    said.instance = id_;
    said.kind = Notice::Kind::refused;
    said.refusal = refusal;
    said.source = source;
    said.repeated = *repeated;
    moment.actions.emplace_back(said);
}

// ---- time

void Instance::wake(Moment moment) {
    if (state_ != State::active && state_ != State::retiring) return;
    const Duration gap = moment.now - last_left_;
    if (gap < options_->down_timer_adverts * options_->advert_interval) {
        // No peer took the pause for our end, but the addresses may have expired (D11). Whatever comes first.
        const bool pending = deadline(Timer::restoration) != never;
        if (state_ == State::active && gap >= shortest_stay(*options_) && !pending)
            deadline(Timer::restoration) = moment.now;
        return;
    }
    explain(Cause::stalled, Text::format("stalled: no advert left for %.3f s", in_seconds(gap)));
    notice(Notice::Kind::stalled, IpAddress(), moment, reason_);
    dispatch(Trigger::stalled, moment);
    reconsider(moment);
}

bool Instance::expire(Moment moment) {
    bool fired = false;
    for (std::size_t i = 0; i < timer_count; ++i) {
        const auto timer = static_cast<Timer>(i);
        if (!is_due(timer, moment.now)) continue;
        fire(timer, moment);
        fired = true;
    }
    if (fired) reconsider(moment);
    return fired;
}

bool Instance::is_due(Timer timer, Instant now) const {
    const bool advertising = state_ == State::active || state_ == State::retiring;
    const Instant when = deadline(timer);
    if (when == never) return false;
    return when <= (timer == Timer::protocol && advertising ? now + slot() : now);
}

void Instance::fire(Timer timer, Moment moment) {
    const Instant due = std::exchange(deadline(timer), never);
    switch (timer) {
        case Timer::protocol:
            if (state_ == State::backup || state_ == State::preempting) return postpone_or_claim(moment);
            return advert_due(due, moment);
        case Timer::second_release:
            if (state_ != State::active && state_ != State::retiring) send(0, moment);
            return;
        case Timer::withdrawal:
            return dispatch(Trigger::addresses_gone, moment);
        case Timer::services:
            // As far as we are concerned: what waits for their end has waited long enough.
            services_up_ = false;
            if (state_ == State::retiring) forget_hook(moment);
            return dispatch(Trigger::services_stopped, moment);
        case Timer::announcement:
            return announce_again(moment);
        case Timer::send_probe:
            return probe_sending(moment);
        case Timer::restoration:
            return restore_addresses(moment);
        case Timer::claims:
            return judge_claims(moment);
        case Timer::hook:
            return hook_is_late(moment);
        case Timer::lookout:
            return look_out(moment);
        case Timer::startup_delay:
        case Timer::fault_hold:
            return;  // reconsider() sees that the time has passed
    }
}

void Instance::advert_due(Instant due, Moment moment) {
    const Duration gap = moment.now - last_left_;
    deadline(Timer::protocol) = due;
    dispatch(Trigger::advert_timer, moment);
    if (state_ != State::active || gap <= 2 * options_->advert_interval) return;
    // Switches have forgotten where the addresses are (D11).
    announce(moment);
}

Instant Instance::next_deadline() const {
    return *std::ranges::min_element(deadlines_);
}

Duration Instance::slot() const {
    return std::min<Duration>(std::chrono::milliseconds(1), options_->advert_interval / 10);
}
Duration Instance::skew() const {
    return skew_time(options_->version, priority(), active_interval_);
}
Duration Instance::down_interval() const {
    return active_down_interval(options_->version, priority(), active_interval_, options_->down_timer_adverts);
}

// ---- from facts to triggers

const Text* Instance::fault() const {
    const Text* const own = own_fault();
    return own == nullptr && group_ != nullptr ? group_->fault_of_another(*this) : own;
}

const Text* Instance::own_fault() const {
    if (!path_usable()) return &path_.reason;
    for (std::size_t i = 0; i < checks_.size(); ++i) {
        const CheckState state = checks_[i];
        if (options_->checks[i].weight || state == CheckState::unknown) continue;
        if (state == CheckState::unproven && state_ == State::active) continue;  // we were adopted
        if ((state != CheckState::passing) != options_->checks[i].reverse) return &check_texts_[i];
    }
    if (deadline(Timer::fault_hold) != never) return &hold_text_;
    static const Text cannot_send = "cannot send adverts";  // why has been said by a notice
    return cannot_send_ ? &cannot_send : nullptr;
}

void Instance::hold_fault(const Text& reason, Moment moment) {
    constexpr Duration longest = std::chrono::minutes(10);
    const bool repeats = held_until_ != Instant::min() && moment.now - held_until_ < longest;
    hold_length_ = repeats ? std::min(hold_length_ * 2, longest) : options_->fault_hold;
    held_until_ = moment.now + hold_length_;
    hold_text_ = reason;
    deadline(Timer::fault_hold) = held_until_;
}

std::optional<Instance::Trigger> Instance::overdue_trigger(Instant now) const {
    const bool taking_part = state_ != State::initialize;
    if (taking_part && !path_usable()) return Trigger::path_lost;
    const bool settled = taking_part && state_ != State::retiring;
    if (settled && !running_) return Trigger::shutdown;
    if (state_ == State::active && drained_) return Trigger::drained;
    if (settled && fault()) return Trigger::fault_raised;
    if (state_ == State::initialize && running_ && !fault() && farewell_ == Farewell::none) {
        const bool claims = options_->priority == owner_priority && !aside_ && !held_back();
        return claims ? Trigger::startup_owner : Trigger::startup;
    }
    if (state_ == State::backup && postponed_ && !held_back()) return takeover(now);
    if (state_ == State::preempting && held_back()) return Trigger::backed_off;
    if ((state_ == State::preempting || prepares()) && is_prepared()) return Trigger::prepared;
    return std::nullopt;
}

void Instance::reconsider(Moment moment) {
    while (const auto trigger = overdue_trigger(moment.now)) {
        if (*trigger == Trigger::drained) explain(Cause::drained, "drained");
        if (*trigger == Trigger::path_lost || *trigger == Trigger::fault_raised) explain(Cause::fault, *fault());
        dispatch(*trigger, moment);
    }
    // A priority that changed counts from the last advert, as if it had been there then (D07).
    if (state_ == State::backup && !released_by_ && !postponed_ && armed_priority_ != priority()) {
        armed_priority_ = priority();
        deadline(Timer::protocol) = listening_since_ + down_interval();
    }
    if (state_ == State::initialize && running_ && fault()) explain(Cause::fault, *fault());
    publish_role(moment);
}

std::optional<Text> Instance::held_back() const {
    const auto own = own_hindrance();
    return own || group_ == nullptr ? own : group_->hindrance(*this);
}

std::optional<Text> Instance::own_hindrance() const {
    if (!is_hindered()) return std::nullopt;
    if (drained_) return Text("drained");
    if (deadline(Timer::startup_delay) != never) return Text("startup_delay");
    return Text("a tracked check has no verdict yet");
}

bool Instance::is_hindered() const {
    return drained_ || deadline(Timer::startup_delay) != never ||
           std::ranges::find(checks_, CheckState::unknown) != checks_.end();
}

bool Instance::all_checked() const {
    return std::ranges::none_of(
        checks_, [](CheckState state) { return state == CheckState::unknown || state == CheckState::unproven; });
}

Instance::Stance Instance::stance() const {
    return {state_, running_, own_fault() != nullptr, obeying_, is_hindered(), postponed_, awaited_ != 0, tellings_};
}

// A takeover that something holds back happens when that ends, unless an Active was heard meanwhile (E19, E43).
void Instance::postpone_or_claim(Moment moment) {
    obeying_ = false;
    const auto why = held_back();
    if (!why) return dispatch(state_ == State::preempting ? Trigger::down_timer : takeover(moment.now), moment);
    if (aside_) return listen(moment);  // who hands over with us may still be on the way out: then nobody could take it
    postponed_ = true;
    notice(Notice::Kind::deferred, IpAddress(), moment, *why);
}

Role Instance::role() const {
    switch (state_) {
        case State::active:
            return Role::master;
        case State::backup:
        case State::preempting:
            return Role::backup;
        case State::retiring:  // once said, a fault is not taken back on the way out
            return published_ == Role::fault || (running_ && fault()) ? Role::fault : Role::master;
        case State::initialize:
            break;
    }
    if (!running_) return Role::init;
    return fault() ? Role::fault : Role::backup;  // neither: a stall, about to listen again
}

void Instance::explain(Cause cause, const Text& reason) {
    cause_ = cause;
    reason_ = reason;
}

void Instance::publish_role(Moment moment) {
    const Role now = role();
    if (now != published_) {
        if (published_ == Role::fault && cause_ == Cause::fault) {  // may be over before the addresses are gone
            explain(Cause::recovered, Text::format("recovered from: %s", reason_.c_str()));
        }
        moment.actions.emplace_back(RoleChanged{id_, published_, now, priority(), reason_, cause_});
        ++counters_.entered[static_cast<std::size_t>(now)];
        before_ = std::exchange(published_, now);
        untold_ = true;
        role_since_ = moment.now;
    }
    tell_hooks(moment);
}

bool Instance::finished() const {
    if (remaining_ && state_ == State::active) return phase_ == Phase::serving;
    const bool at_rest = state_ == State::initialize || (remaining_ && state_ == State::backup);
    return (!running_ || remaining_) && at_rest && farewell_ == Farewell::none &&
           deadline(Timer::second_release) == never && deadline(Timer::services) == never && !services_up_;
}

std::optional<Instant> Instance::last_sent() const {
    return counters_.adverts_sent == 0 ? std::nullopt : std::optional(last_left_);
}

Standing Instance::standing() const {
    return compare(heard_->priority, heard_->source, priority(), path_.source.value_or(IpAddress()));
}

int Instance::priority() const {
    if (inherited_priority_) return *inherited_priority_;
    return effective_priority(options_->priority, options_->checks, checks_, check_numbers_);
}

std::size_t Instance::encode(std::uint8_t priority, const IpAddress& destination, std::span<std::uint8_t> bytes) const {
    Outgoing advert;
    advert.version = options_->version;
    advert.virtual_router_id = options_->virtual_router_id;
    advert.priority = priority;
    advert.interval = options_->advert_interval;
    advert.password = options_->password;
    advert.addresses = options_->addresses;
    advert.checksum_form = checksum_form_;
    advert.source = path_.source.value_or(IpAddress());
    advert.destination = destination;
    return vrrpd::encode(advert, bytes);
}

void Instance::notice(Notice::Kind kind, const IpAddress& source, Moment moment, const Text& text) {
    signs_.see(kind, source, text, moment.now);
    NoticeLimiter& limiter = source.is_unspecified() ? own_limiter_ : limiter_;
    const auto repeated = limiter.admit(static_cast<std::uint8_t>(kind), source, moment.now);
    if (!repeated) return;
    Notice said;
    said.instance = id_;
    said.kind = kind;
    said.source = source;
    said.text = text;
    said.their_priority = heard_ ? heard_->priority : 0;
    said.our_priority = priority();
    said.repeated = *repeated;
    moment.actions.emplace_back(said);
}

}  // namespace vrrpd
