// All hooks of this host: a queue for each instance and each sync group that has any. Says in the log how each went,
// counts it, and tells the core of those that it waits for.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vrrpd/core/events.hpp"
#include "vrrpd/core/options.hpp"
#include "vrrpd/hooks/runner.hpp"
#include "vrrpd/launcher/child.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

/// Of one hook since the start.
struct HookCounters {
    std::uint64_t succeeded = 0, failed = 0, timed_out = 0, skipped = 0;
    Duration took{};  ///< all runs together
};

class HookSet {
  public:
    /// `ended`: of a hook that the core waits for. `idle`: nothing of one owner runs or waits any more.
    struct Callbacks {
        std::function<void(const HookEnded&)> ended;
        std::function<void()> idle;
        /// How one went: "succeeded", "failed", "timed_out" or "skipped". May be empty.
        std::function<void(const std::string& owner, Hook hook, const char* how)> said{};
    };

    /// `instances` and `groups` must live as long as the set, and may become others: see reconfigure().
    HookSet(Loop& loop, ChildStarter& starter, const std::vector<InstanceOptions>& instances,
            const std::vector<SyncGroupOptions>& groups, const Credentials& credentials, Callbacks callbacks);

    /// Instances and groups are others now, and their elements as they were before still live, for the length of this
    /// call. What runs or waits goes on, also of a group that is gone.
    void reconfigure(const Credentials& credentials);
    /// Nothing of an instance runs or waits.
    bool is_idle(InstanceId id) const;

    void add(const RunHook& wish);
    void add(const RunGroupHook& wish);
    void drop(const DropHook& wish);
    /// Begins what was added and may run. To be called when what else was wished for has left.
    void begin();

    /// The daemon leaves: what is told may take hook_timeout altogether from the first call on, and is then killed.
    void end_soon();
    bool all_ended() const;

    /// For each hook that is configured: `use(owner, hook, counters)`.
    template <typename Use>
    void for_each_counter(Use use) const {
        for (const auto& member : members_) {
            if (member->runner == nullptr) continue;
            for (std::size_t i = 0; i < hook_count; ++i) {
                const auto hook = static_cast<Hook>(i);
                if (member->hooks->has(hook)) use(member->runner->owner(), hook, (*member->counters)[i]);
            }
        }
    }

  private:
    struct Member {
        const Hooks* hooks = nullptr;
        Hooks last{};                                                    // of a group that is gone
        std::unique_ptr<hooks::Runner> runner;                           // none: no hooks
        std::unique_ptr<std::array<HookCounters, hook_count>> counters;  // if it has a runner: most have none
    };

    template <typename Use>
    void for_each_with_runner(Use use) const;
    static HookCounters& counters_of(const Member& member, Hook hook) {
        return (*member.counters)[static_cast<std::size_t>(hook)];
    }
    void fit(Member& member, const Hooks& hooks, hooks::Owner owner);
    void fit_all();
    std::unique_ptr<Member> of_group(const std::string& name);
    void on_ended(Member& member, const hooks::Outcome& outcome);
    void on_skipped(Member& member, const RunHook& wish);
    void kill_all();

    Loop& loop_;
    ChildStarter& starter_;
    const std::vector<InstanceOptions>& instances_;
    const std::vector<SyncGroupOptions>& groups_;
    Credentials credentials_;
    Callbacks callbacks_;
    std::vector<std::unique_ptr<Member>> members_;  // instances, then groups
    std::vector<std::unique_ptr<Member>> parting_;  // groups that are gone, with something that may still run
    std::size_t places_;                            // how many instances these are
    std::vector<std::size_t> waiting_;              // members with something to begin
    std::unique_ptr<Timer> end_;
    bool ending_ = false;
};

}  // namespace vrrpd
