// Instances that are MASTER together or not at all (conformance S01-S07).
//
//   a member is at fault                   all are: those on live links release their addresses
//   a member becomes Active                all do, in the same step; none may unless all can
//   a member prepares for that             all do; before_master of all members comes before any address (S05)
//   a member yields to a better Active     the others release theirs, addresses first
//
// Each member keeps its own timers and its own priority. That no order of events lets two groups throw each
// other out for ever rests on one rule: while any member hears an Active that it obeys, no member claims.
//
// The group owns no fact: it compares its members when one of them has changed, and brings them in line.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "vrrpd/core/instance.hpp"

namespace vrrpd {

class SyncGroup {
  public:
    /// The members must live as long as the group.
    SyncGroup(std::size_t id, const std::string& name, std::vector<Instance*> members);

    /// What keeps the others from being Active with `member`; nothing: they can.
    std::optional<Text> hindrance(const Instance& member) const;

    /// A reload has put members together: who of them serves goes on with the others, unless one of these obeys an
    /// Active elsewhere. Who was drained is so with all.
    void form(Moment moment);

    /// Brings the members in line, after one of them was told something or did something.
    void settle(Moment moment);

    /// The fault that `member` shares although it is not its own; null: none.
    const Text* fault_of_another(const Instance& member) const;
    /// Some member has a hook that comes before the addresses of all.
    bool needs_preparation() const;
    /// All members are in that state, and wait for no hook.
    bool is_prepared(Instance::State state) const;
    /// Of the step that the members are being taken along to.
    const Text& reason() const { return reason_; }

    const std::string& name() const { return name_; }
    const std::vector<Instance*>& members() const { return members_; }
    void renumber(std::size_t id) { id_ = id; }
    /// The same group with other members: what was told is not told again.
    void succeed(const SyncGroup& before);

  private:
    void share_faults(Moment moment);
    void promote(const Instance& first, Moment moment);
    void demote(const Instance& first, Moment moment);
    const Instance* find(bool active) const;
    void enter(Role role, Moment moment);
    void tell_hooks(Moment moment);

    std::size_t id_;
    const std::string name_;
    const std::vector<Instance*> members_;
    Role role_ = Role::init;  ///< as last said
    bool active_ = false;     ///< all were brought to be Active
    const Instance* faulty_ = nullptr;
    Text fault_;  ///< its own, with its name
    Text reason_;
    Role told_ = Role::init;  ///< as hooks were told
    unsigned tellings_ = 0;   ///< of all members
};

}  // namespace vrrpd
