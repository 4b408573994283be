#include "vrrpd/core/sync_group.hpp"

#include <algorithm>
#include <utility>

namespace vrrpd {
namespace {

const char* name_of(const Instance& member) {
    return member.options().name.c_str();
}

bool is_active(const Instance* member) {
    return member->state() == Instance::State::active;
}

bool is_preempting(const Instance* member) {
    return member->state() == Instance::State::preempting;
}

}  // namespace

SyncGroup::SyncGroup(std::size_t id, const std::string& name, std::vector<Instance*> members)
    : id_(id), name_(name), members_(std::move(members)) {
    for (Instance* member : members_) member->group_ = this;
}

std::optional<Text> SyncGroup::hindrance(const Instance& member) const {
    for (const Instance* other : members_) {
        if (other == &member || is_active(other)) continue;
        if (other->obeying_) return Text::format("%s hears an Active that serves", name_of(*other));
        const bool listens = other->state() == Instance::State::backup || other->state() == Instance::State::preempting;
        if (!listens) return Text::format("%s is not ready", name_of(*other));
        if (const auto own = other->own_hindrance()) {
            return Text::format("%s waits: %s", name_of(*other), own->c_str());
        }
    }
    return std::nullopt;
}

void SyncGroup::form(Moment moment) {
    const bool drained = std::ranges::any_of(members_, [](const Instance* member) { return member->drained_; });
    for (Instance* member : members_) member->drained_ = drained;
    const bool obeys = std::ranges::any_of(members_, [](const Instance* member) { return member->obeying_; });
    active_ = obeys && find(true) != nullptr;
    settle(moment);
}

void SyncGroup::succeed(const SyncGroup& before) {
    role_ = before.role_;
    told_ = before.told_;
    for (const Instance* member : members_) tellings_ += member->tellings_;
}

void SyncGroup::settle(Moment moment) {
    share_faults(moment);
    for (Instance* member : members_) member->reconsider(moment);  // one that was held back by another
    if (active_) {
        if (const Instance* fallen = find(false)) demote(*fallen, moment);
    } else if (const Instance* risen = find(true)) {
        promote(*risen, moment);
    } else if (std::ranges::any_of(members_, is_preempting)) {
        for (Instance* member : members_) member->dispatch(Instance::Trigger::outbid, moment);
    }
    tell_hooks(moment);
}

bool SyncGroup::needs_preparation() const {
    return std::ranges::any_of(members_,
                               [](const Instance* member) { return member->options().hooks.has(Hook::before_master); });
}

bool SyncGroup::is_prepared(Instance::State state) const {
    return std::ranges::all_of(
        members_, [&](const Instance* member) { return member->state() == state && member->awaited_ == 0; });
}

void SyncGroup::share_faults(Moment moment) {
    const auto at_fault = [](const Instance* member) { return member->running_ && member->own_fault() != nullptr; };
    const auto found = std::ranges::find_if(members_, at_fault);
    faulty_ = found == members_.end() ? nullptr : *found;
    if (faulty_ == nullptr) {
        if (role_ == Role::fault) role_ = Role::init;
        return;
    }
    fault_ = Text::format("%s: %s", name_of(*faulty_), faulty_->own_fault()->c_str());
    enter(Role::fault, moment);
}

const Text* SyncGroup::fault_of_another(const Instance& member) const {
    if (faulty_ == nullptr || faulty_ != &member) return faulty_ == nullptr ? nullptr : &fault_;
    // Its own may just have ended, and another be at fault for itself.
    for (const Instance* other : members_) {
        if (other != &member && other->running_ && other->own_fault() != nullptr) return other->own_fault();
    }
    return nullptr;
}

const Instance* SyncGroup::find(bool active) const {
    const auto found = std::ranges::find(members_, active, is_active);
    return found == members_.end() ? nullptr : *found;
}

void SyncGroup::promote(const Instance& first, Moment moment) {
    active_ = true;
    enter(Role::master, moment);
    reason_ = Text::format("sync group %s: %s is MASTER", name_.c_str(), name_of(first));
    for (Instance* member : members_) {
        member->dispatch(Instance::Trigger::group_promoted, moment);
    }
    for (Instance* member : members_) member->go_on(moment);
}

void SyncGroup::demote(const Instance& first, Moment moment) {
    active_ = false;
    if (role_ != Role::fault) enter(Role::backup, moment);
    reason_ = Text::format("sync group %s: %s is not MASTER", name_.c_str(), name_of(first));
    for (Instance* member : members_) {
        member->dispatch(Instance::Trigger::group_demoted, moment);
    }
}

// When the last member has told its own hooks; again when one of them does so again.
void SyncGroup::tell_hooks(Moment moment) {
    const Instance* const first = members_.front();
    unsigned tellings = 0;
    for (const Instance* member : members_) {
        if (member->told_ != first->told_ || member->untold_) return;
        tellings += member->tellings_;
    }
    if (std::exchange(tellings_, tellings) == tellings) return;
    moment.actions.emplace_back(RunGroupHook{id_, std::exchange(told_, first->told_), first->told_, first->reason_});
}

void SyncGroup::enter(Role role, Moment moment) {
    if (std::exchange(role_, role) != role) moment.actions.emplace_back(GroupChanged{id_, role});
}

}  // namespace vrrpd
