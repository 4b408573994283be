#include "vrrpd/agent/hook_set.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "vrrpd/io/log.hpp"

namespace vrrpd {
namespace {

using log::Level;

std::vector<IpAddress> addresses_of(const InstanceOptions& instance) {
    std::vector<IpAddress> found;
    for (const VirtualAddress& each : instance.addresses) found.push_back(each.prefix.address);
    for (const VirtualAddress& each : instance.excluded_addresses) found.push_back(each.prefix.address);
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

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace

HookSet::HookSet(Loop& loop, ChildStarter& starter, const std::vector<InstanceOptions>& instances,
                 const std::vector<SyncGroupOptions>& groups, const Credentials& credentials, Callbacks callbacks)
    : loop_(loop),
      instances_(instances),
      groups_(groups),
      callbacks_(std::move(callbacks)),
      members_(instances.size() + groups.size()),
      end_(loop.timer([this] { kill_all(); })) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const bool is_instance = i < instances.size();
        const Hooks& hooks = is_instance ? instances[i].hooks : groups[i - instances.size()].hooks;
        members_[i].hooks = &hooks;
        if (!hooks.any()) continue;
        hooks::Listener listener;
        listener.ended = [this, i](const hooks::Outcome& outcome) { on_ended(i, outcome); };
        listener.skipped = [this, i](const RunHook& wish) { on_skipped(i, wish); };
        listener.idle = [this] { callbacks_.idle(); };
        members_[i].runner = std::make_unique<hooks::Runner>(
            loop, starter, is_instance ? owner_of(instances[i]) : owner_of(groups[i - instances.size()], instances),
            [&hooks]() -> const Hooks& { return hooks; }, credentials, std::move(listener));
    }
}

void HookSet::add(const RunHook& wish) {
    const Member& member = members_[wish.instance];
    if (member.runner == nullptr) return;
    member.runner->add(wish);
    waiting_.push_back(wish.instance);
}

void HookSet::add(const RunGroupHook& wish) {
    const std::size_t index = instances_.size() + wish.group;
    if (members_[index].runner == nullptr) return;
    RunHook hook;
    hook.from = wish.from;
    hook.to = wish.to;
    hook.reason = wish.reason;
    hook.timeout = groups_[wish.group].hooks.timeout;
    members_[index].runner->add(hook);
    waiting_.push_back(index);
}

void HookSet::drop(const DropHook& wish) {
    if (members_[wish.instance].runner != nullptr) members_[wish.instance].runner->drop(wish.run);
}

void HookSet::begin() {
    for (const std::size_t index : std::exchange(waiting_, {})) {
        if (members_[index].runner != nullptr) members_[index].runner->begin();
    }
}

void HookSet::end_soon() {
    if (std::exchange(ending_, true) || all_ended()) return;
    Duration longest{};
    for (const Member& member : members_) {
        if (member.runner != nullptr) longest = std::max(longest, member.hooks->timeout);
    }
    end_->arm(loop_.now() + longest);
}

bool HookSet::all_ended() const {
    return std::ranges::all_of(members_,
                               [](const Member& member) { return member.runner == nullptr || member.runner->idle(); });
}

void HookSet::kill_all() {
    for (Member& member : members_) {
        if (member.runner == nullptr || member.runner->idle()) continue;
        log::write(Level::warning, fmt::format("hooks of {} killed: no time left", member.runner->owner().name));
        member.runner.reset();
    }
    callbacks_.idle();
}

void HookSet::on_ended(std::size_t index, const hooks::Outcome& outcome) {
    Member& member = members_[index];
    HookCounters& counters = member.counters[static_cast<std::size_t>(outcome.hook)];
    ++(outcome.success() ? counters.succeeded : outcome.late ? counters.timed_out : counters.failed);
    counters.took += outcome.took;
    const char* const how = outcome.success() ? "succeeded" : outcome.late ? "timed_out" : "failed";
    const std::string why = outcome.success() ? "" : " reason=" + quoted(outcome.to_string());
    log::write(
        outcome.success() ? Level::info : Level::warning,
        fmt::format("Hook({} {}) {}{} state={} duration={:.3f}", member.runner->owner().name, to_string(outcome.hook),
                    how, why, hooks::state_word(outcome.wish.to), seconds(outcome.took)));
    if (callbacks_.said) callbacks_.said(member.runner->owner().name, outcome.hook, how);
    if (outcome.wish.run == 0) return;
    callbacks_.ended({outcome.wish.instance, outcome.wish.run, outcome.success(),
                      Text::format("%s: %s", to_string(outcome.hook), outcome.to_string().c_str())});
}

void HookSet::on_skipped(std::size_t index, const RunHook& wish) {
    Member& member = members_[index];
    for (const Hook hook : hooks::meant_by(wish, *member.hooks)) {
        ++member.counters[static_cast<std::size_t>(hook)].skipped;
        log::write(Level::notice,
                   fmt::format("Hook({} {}) skipped state={}: overtaken before it began", member.runner->owner().name,
                               to_string(hook), hooks::state_word(wish.to)));
        if (callbacks_.said) callbacks_.said(member.runner->owner().name, hook, "skipped");
    }
}

}  // namespace vrrpd
