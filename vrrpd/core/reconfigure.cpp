// Another configuration for routers that run: what an instance makes of other options, and the order of a reload.
#include <algorithm>
#include <utility>

#include "vrrpd/core/router.hpp"

namespace vrrpd {

// ---- one instance

// Who is MASTER stays it, and lets the peers know at once.
void Instance::reconfigure(const InstanceOptions& options, const KnownChecks& known, Moment moment) {
    const int priority_before = priority();
    const InstanceOptions& before = *std::exchange(options_, &options);
    learn(known);
    // What has no verdict yet takes nobody's role away.
    if (state_ == State::active && lacks_weight()) inherited_priority_ = std::min(priority_before, owner_priority - 1);
    if (all_checked() || options.priority == owner_priority) inherited_priority_.reset();
    if (!obeying_) active_interval_ = options.advert_interval;
    if (options.checksum != before.checksum) checksum_form_ = first_form(options.checksum);
    armed_priority_ = 0;  // so that the down timer is computed anew
    // On the way out adverts go on until the release, and the peers may wait for less than they did.
    if (state_ == State::retiring) {
        deadline(Timer::protocol) = std::min(deadline(Timer::protocol), moment.now + options.advert_interval);
    }
    if (state_ == State::active) {
        deadline(Timer::protocol) = moment.now + options.advert_interval;
        send(static_cast<std::uint8_t>(priority()), moment);
        const bool other_addresses = options.addresses != before.addresses || options.routes != before.routes ||
                                     options.excluded_addresses != before.excluded_addresses ||
                                     options.lease != before.lease;
        const bool other_services = phase_ > Phase::addresses && options.services != before.services;
        if (other_services) phase_ = Phase::services;
        if (other_addresses) want_addresses(moment);
        if (other_services) raise_services(moment);
        if (follow_up_) dispatch(*std::exchange(follow_up_, std::nullopt), moment);
    }
    reconsider(moment);
}

void Instance::learn(const KnownChecks& known) {
    const auto fact = [&](std::size_t check) {
        const auto found = known.find(check);
        return found == known.end() ? CheckChanged{} : found->second;
    };
    checks_.clear(), check_texts_.clear(), check_numbers_.clear(), gates_.clear();
    for (const Track& track : options_->checks) {
        const CheckChanged is = fact(track.index);
        checks_.push_back(is.state);
        check_texts_.push_back(is.reason);
        check_numbers_.push_back(is.number);
    }
    for (const std::size_t gate : options_->gates) {
        const CheckChanged is = fact(gate);
        gates_.push_back(is.cold ? CheckState::failing : is.state);
    }
}

bool Instance::lacks_weight() const {
    for (std::size_t i = 0; i < checks_.size(); ++i) {
        const Track& track = options_->checks[i];
        if (checks_[i] == CheckState::unknown && (track.weight || track.by_number)) return true;
    }
    return false;
}

void Instance::forgive(Moment moment) {
    held_until_ = Instant::min();
    deadline(Timer::fault_hold) = never;
    go_on(moment);  // what it waited for may be another group's
    reconsider(moment);
}

// ---- all of them

// First who stays, with what it gains: so an address that moves is wanted by its new holder before the old one lets
// it go. Groups look when all have their options.
void Router::on(const Reconfigured& event, Moment moment) {
    const std::vector<InstanceOptions>& options = *event.instances;
    for (const auto& instance : instances_) instance->wake(moment);
    std::vector<bool> is_changed(options.size(), false);
    for (const InstanceId id : event.changed) is_changed[id] = true;
    for (InstanceId id = 0; id < instances_.size(); ++id) {
        if (!is_changed[id]) instances_[id]->relocate(options[id]);
    }
    make_room(options.size());
    for (const PathChanged& path : event.added) {
        instances_[path.instance] = std::make_unique<Instance>(path.instance, options[path.instance]);
    }
    for (const InstanceId id : event.drained) instances_[id]->drain(true, moment);
    const std::vector<SyncGroup*> formed = regroup(*event.groups);
    for (const InstanceId id : event.changed) instances_[id]->reconfigure(options[id], known_, moment);
    index_options();
    for (const PathChanged& path : event.added) add(path, moment);
    for (const auto& instance : instances_) instance->forgive(moment);
    for (SyncGroup* group : formed) group->form(moment);
    for (const InstanceId id : event.removed) instances_[id]->stop(moment, "removed from the configuration");
    settle_groups(moment);
    for (const auto& instance : instances_) deadlines_.set(instance->id(), instance->next_deadline());
    std::erase_if(known_, [this](const auto& known) { return !trackers_.contains(known.first); });
}

void Router::on(const Vacated& event, Moment) {
    static const InstanceOptions vacant;
    for (const InstanceId id : event.instances) {
        leave_segment(id);
        instances_[id] = std::make_unique<Instance>(id, vacant);
        deadlines_.set(id, never);
    }
    index_options();
}

void Router::make_room(std::size_t size) {
    instances_.resize(std::max(size, instances_.size()));
    group_of_.resize(instances_.size(), nullptr);
    next_.resize(instances_.size(), none);
    deadlines_.grow(instances_.size());
}

void Router::add(const PathChanged& path, Moment moment) {
    Instance& instance = *instances_[path.instance];
    instance.learn(known_);
    instance.path_changed(path, moment);
    enter_segment(path.instance);
    instance.start(moment);
}

// A group whose members are the same goes on; the others are returned. All groups of before are in the old list until
// the end: members point at them.
std::vector<SyncGroup*> Router::regroup(const std::vector<SyncGroupOptions>& groups) {
    auto before = std::exchange(groups_, {});
    std::vector<SyncGroup*> formed;
    group_of_.assign(instances_.size(), nullptr);
    for (const auto& instance : instances_) instance->group_ = nullptr;
    for (const SyncGroupOptions& options : groups) {
        std::vector<Instance*> members;
        for (const InstanceId id : options.members) members.push_back(instances_[id].get());
        const auto same = std::ranges::find_if(before, [&](const auto& group) {
            return group && group->name() == options.name && group->members() == members;
        });
        if (same == before.end()) {
            groups_.push_back(std::make_unique<SyncGroup>(groups_.size(), options.name, std::move(members)));
            formed.push_back(groups_.back().get());
            const auto namesake =
                std::ranges::find_if(before, [&](const auto& group) { return group && group->name() == options.name; });
            if (namesake != before.end()) groups_.back()->succeed(**namesake);
        } else {
            groups_.push_back(std::move(*same));
            groups_.back()->renumber(groups_.size() - 1);
        }
        for (const InstanceId id : options.members) {
            instances_[id]->group_ = group_of_[id] = groups_.back().get();
        }
    }
    return formed;
}

}  // namespace vrrpd
