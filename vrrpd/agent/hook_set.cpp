#include "vrrpd/agent/hook_set.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "vrrpd/io/log.hpp"

namespace vrrpd {
namespace {

using log::Level;

std::vector<IpAddress> addresses_of(const InstanceOptions& instance) {
    std::vector<IpAddress> found;
    for_each_address(instance, [&](const VirtualAddress& address) { found.push_back(address.prefix.address); });
    return found;
}

hooks::Owner owner_of(const InstanceOptions& instance) {
    return {"INSTANCE", instance.name, addresses_of(instance)};
}

hooks::Owner owner_of(const SyncGroupOptions& group, const std::vector<InstanceOptions>& instances) {
    hooks::Owner owner{"GROUP", group.name, {}};
    for (const std::size_t member : group.members) {
        const auto addresses = addresses_of(instances[member]);
        owner.addresses.insert(owner.addresses.end(), addresses.begin(), addresses.end());
    }
    return owner;
}

}  // namespace

HookSet::HookSet(Loop& loop, ChildStarter& starter, const std::vector<InstanceOptions>& instances,
                 const std::vector<SyncGroupOptions>& groups, const Credentials& credentials, Callbacks callbacks)
    : loop_(loop),
      starter_(starter),
      instances_(instances),
      groups_(groups),
      credentials_(credentials),
      callbacks_(std::move(callbacks)),
      places_(instances.size()),
      end_(loop.timer([this] { kill_all(); })) {
    for (std::size_t i = 0; i < instances.size() + groups.size(); ++i) members_.push_back(std::make_unique<Member>());
    fit_all();
}

void HookSet::fit_all() {
    for (std::size_t i = 0; i < instances_.size(); ++i) fit(*members_[i], instances_[i].hooks, owner_of(instances_[i]));
    for (std::size_t i = 0; i < groups_.size(); ++i) {
        fit(*members_[instances_.size() + i], groups_[i].hooks, owner_of(groups_[i], instances_));
    }
}

void HookSet::fit(Member& member, const Hooks& hooks, hooks::Owner owner) {
    member.hooks = &hooks;
    if (member.runner != nullptr) return member.runner->change(std::move(owner), credentials_);
    if (!hooks.any()) return;
    hooks::Listener listener;
    listener.ended = [this, &member](const hooks::Outcome& outcome) { on_ended(member, outcome); };
    listener.skipped = [this, &member](const RunHook& wish) { on_skipped(member, wish); };
    listener.idle = [this] { callbacks_.idle(); };
    member.counters = std::make_unique<std::array<HookCounters, hook_count>>();
    member.runner = std::make_unique<hooks::Runner>(
        loop_, starter_, std::move(owner), [&member]() -> const Hooks& { return *member.hooks; }, credentials_,
        std::move(listener));
}

void HookSet::reconfigure(const Credentials& credentials) {
    credentials_ = credentials;
    auto before = std::exchange(members_, {});
    const auto first_group = before.begin() + static_cast<std::ptrdiff_t>(places_);
    std::move(first_group, before.end(), std::back_inserter(parting_));
    for (std::size_t i = 0; i < instances_.size(); ++i) {
        members_.push_back(i < places_ ? std::move(before[i]) : std::make_unique<Member>());
        const auto& runner = members_.back()->runner;
        // Another instance has come to a vacant place.
        if (runner != nullptr && runner->idle() && runner->owner().name != instances_[i].name) {
            members_.back() = std::make_unique<Member>();
        }
    }
    for (const SyncGroupOptions& group : groups_) members_.push_back(of_group(group.name));
    std::erase_if(parting_, [](const auto& member) { return member->runner == nullptr || member->runner->idle(); });
    for (const auto& member : parting_) {
        if (member->hooks != &member->last) member->last = *member->hooks;
        member->hooks = &member->last;
    }
    places_ = instances_.size();
    fit_all();
}

// Groups are known by their names.
std::unique_ptr<HookSet::Member> HookSet::of_group(const std::string& name) {
    const auto same = std::ranges::find_if(
        parting_, [&](const auto& member) { return member->runner && member->runner->owner().name == name; });
    if (same == parting_.end()) return std::make_unique<Member>();
    auto member = std::move(*same);
    parting_.erase(same);
    return member;
}

template <typename Use>
void HookSet::for_each_with_runner(Use use) const {
    for (const auto* list : {&members_, &parting_}) {
        for (const auto& member : *list) {
            if (member->runner != nullptr) use(*member);
        }
    }
}

bool HookSet::is_idle(InstanceId id) const {
    return members_[id]->runner == nullptr || members_[id]->runner->idle();
}

void HookSet::add(const RunHook& wish) {
    const Member& member = *members_[wish.instance];
    if (member.runner == nullptr) return;
    member.runner->add(wish);
    waiting_.push_back(wish.instance);
}

void HookSet::add(const RunGroupHook& wish) {
    const std::size_t index = instances_.size() + wish.group;
    if (members_[index]->runner == nullptr) return;
    RunHook hook;
    hook.from = wish.from;
    hook.to = wish.to;
    hook.reason = wish.reason;
    hook.timeout = groups_[wish.group].hooks.timeout;
    members_[index]->runner->add(hook);
    waiting_.push_back(index);
}

void HookSet::drop(const DropHook& wish) {
    if (members_[wish.instance]->runner != nullptr) members_[wish.instance]->runner->drop(wish.run);
}

void HookSet::begin() {
    for (const std::size_t index : std::exchange(waiting_, {})) {
        if (members_[index]->runner != nullptr) members_[index]->runner->begin();
    }
}

void HookSet::end_soon() {
    if (std::exchange(ending_, true) || all_ended()) return;
    Duration longest{};
    for_each_with_runner([&](const Member& member) { longest = std::max(longest, member.hooks->timeout); });
    end_->arm(loop_.now() + longest);
}

bool HookSet::all_ended() const {
    bool idle = true;
    for_each_with_runner([&](const Member& member) { idle = idle && member.runner->idle(); });
    return idle;
}

void HookSet::kill_all() {
    for_each_with_runner([](Member& member) {
        if (member.runner->idle()) return;
        log::write(Level::warning, fmt::format("hooks of {} killed: no time left", member.runner->owner().name));
        member.runner.reset();
    });
    callbacks_.idle();
}

void HookSet::on_ended(Member& member, const hooks::Outcome& outcome) {
    HookCounters& counters = counters_of(member, outcome.hook);
    ++(outcome.success() ? counters.succeeded : outcome.late ? counters.timed_out : counters.failed);
    counters.took += outcome.took;
    const char* const how = outcome.success() ? "succeeded" : outcome.late ? "timed_out" : "failed";
    const std::string why = outcome.success() ? "" : " reason=" + quoted(outcome.to_string());
    log::write(
        outcome.success() ? Level::info : Level::warning,
        fmt::format("Hook({} {}) {}{} state={} duration={:.3f}", member.runner->owner().name, to_string(outcome.hook),
                    how, why, hooks::state_word(outcome.wish.to), in_seconds(outcome.took)));
    if (callbacks_.said) callbacks_.said(member.runner->owner().name, outcome.hook, how);
    if (outcome.wish.run == 0) return;
    callbacks_.ended({outcome.wish.instance, outcome.wish.run, outcome.success(),
                      Text::format("%s: %s", to_string(outcome.hook), outcome.to_string().c_str())});
}

void HookSet::on_skipped(Member& member, const RunHook& wish) {
    for (const Hook hook : hooks::meant_by(wish, *member.hooks)) {
        ++counters_of(member, hook).skipped;
        log::write(Level::notice,
                   fmt::format("Hook({} {}) skipped state={}: overtaken before it began", member.runner->owner().name,
                               to_string(hook), hooks::state_word(wish.to)));
        if (callbacks_.said) callbacks_.said(member.runner->owner().name, hook, "skipped");
    }
}

}  // namespace vrrpd
