#include "tests/sim/host.hpp"

#include <algorithm>
#include <utility>

#include "tests/sim/simulator.hpp"
#include "vrrpd/core/lease.hpp"

namespace vrrpd::sim {
namespace {

using namespace std::chrono_literals;

IpAddress address_of(Family family, std::size_t index) {
    const std::string number = std::to_string(index + 1);
    return *IpAddress::parse((family == Family::ipv4 ? "10.9.0." : "fe80::") + number);
}

}  // namespace

Host::Host(Simulator& world, std::size_t index, const HostOptions& options)
    : world_(world),
      index_(index),
      options_(options.instances),
      groups_(options.groups),
      links_(world.scenario().links, true),
      machines_(options_.size()) {}

template <typename Callback>
void Host::after(Duration delay, Callback callback) {
    world_.after(delay, [this, process = process_, callback] {
        if (process == process_) callback();
    });
}

template <typename Callback>
void Host::after_all(Duration delay, Callback callback) {
    world_.after(delay, [this, life = life_, callback] {
        if (life == life_) callback();
    });
}

bool Host::grouped(InstanceId id) const {
    return !groups_.empty() && std::ranges::find(groups_.front().members, id) != groups_.front().members.end();
}

bool Host::advertising(InstanceId id) const {
    if (!alive()) return false;
    const auto state = instance(id).state();
    return state == Instance::State::active || state == Instance::State::retiring;
}

int Host::expected_priority(InstanceId id) const {
    const InstanceOptions& options = instance(id).options();
    if (options.checks.empty()) return options.priority;
    const int weight = *options.checks[1].weight;
    const bool counts = weight > 0 ? check_passing(1) : !check_passing(1);
    return std::clamp(options.priority + (counts ? weight : 0), 1, 254);
}

// ---- what happens to it

void Host::boot() {
    if (alive()) return;
    world_.say(name() + " boots");
    ++process_;
    responsive_since_ = world_.now();
    configurations_.push_back(options_);
    router_ = std::make_unique<Router>(configurations_.back(), groups_);
    held_faults_ = 0;
    for (InstanceId id = 0; id < size(); ++id) {
        machines_[id].passive_since = world_.now();
        look_at_path(id);
    }
    for (std::size_t check = 0; check < check_count; ++check) look_at_check(check);
    after(world_.random().between(0ns, 2ms), [this] { begin(); });
}

// What is not adopted goes before anything else.
void Host::begin() {
    const std::vector<Legacy> legacies = find_legacies();
    responsive_since_ = world_.now();
    for (InstanceId id = 0; id < size(); ++id) {
        Machine& machine = machines_[id];
        machine.passive_since = world_.now();
        const bool adopted = std::ranges::find(legacies, id, &Legacy::instance) != legacies.end();
        if (adopted) world_.note_adoption(*this, id);
        if (adopted || !std::exchange(machine.recorded, false)) continue;
        change_addresses(id, false, false, world_.random().between(10us, world_.scenario().latencies.kernel));
    }
    tell({Startup{legacies}, {}});
}

bool Host::is_adoptable(InstanceId id) const {
    const Machine& machine = machines_[id];
    const InstanceOptions& options = options_[id];
    return machine.recorded && world_.now() - machine.last_advert < 2 * machine.interval &&
           machine.addresses == options.addresses.size() && options.priority != owner_priority &&
           links_[world_.link_of(id)];
}

std::vector<Legacy> Host::find_legacies() const {
    std::vector<Legacy> found;
    for (InstanceId id = 0; id < size(); ++id) {
        bool all = is_adoptable(id);
        for (InstanceId other = 0; other < size() && grouped(id); ++other) {
            all = all && (!grouped(other) || is_adoptable(other));
        }
        if (all) found.push_back({id, machines_[id].priority});
    }
    return found;
}

void Host::crash() {
    world_.say(name() + " crashes");
    end_process();
    ++life_;
    machines_.assign(size(), {});
}

void Host::kill() {
    world_.say(name() + " is killed");
    end_process();
}

void Host::end_process() {
    ++process_;
    router_.reset();
    configurations_.clear();
    paused_ = leaving_ = false;
    inbox_.clear();
    actions_.clear();
    unsent_.clear();
    armed_ = never;
    for (Machine& machine : machines_) {
        ++machine.service_job;
        machine.service_ready = machine.service_deaf = machine.drained = false;
        machine.hooks = {};
        machine.awaited_hook = 0;
        machine.told = Role::init;
    }
}

void Host::restart() {
    if (leaving_) return;
    world_.say(name() + " is restarted");
    std::vector<InstanceId> remaining;
    const auto serves = [this](InstanceId id) {
        return instance(id).state() == Instance::State::active && options_[id].advert_interval >= 1s;
    };
    for (InstanceId id = 0; id < size(); ++id) {
        bool all = serves(id);
        for (InstanceId other = 0; other < size() && grouped(id); ++other) {
            all = all && (!grouped(other) || serves(other));
        }
        if (all) remaining.push_back(id);
    }
    leaving_ = true;
    tell({Shutdown{remaining}, {}});
}

void Host::leave_when_done() {
    const bool settled =
        std::ranges::all_of(machines_, [this](const Machine& machine) { return machine.kernel_done <= world_.now(); });
    if (!leaving_ || paused_ || !settled || !router_->finished()) return;
    leaving_ = false;
    router_->handle(Parting{}, world_.now(), actions_);
    carry_out();
    world_.say(name() + " has left");
    end_process();
    after(world_.random().between(10ms, 3 * world_.scenario().shortest_interval), [this] { boot(); });
}

void Host::pause() {
    world_.say(name() + " is paused");
    paused_ = true;
    paused_since_ = world_.now();
}

void Host::resume() {
    world_.say(name() + " goes on");
    paused_ = false;
    responsive_since_ = world_.now();
    std::vector<bool> were_active;
    for (InstanceId id = 0; id < size(); ++id) were_active.push_back(advertising(id));
    while (!inbox_.empty()) {
        const Letter letter = std::move(inbox_.front());
        inbox_.pop_front();
        deliver(letter);
    }
    if (alive()) expire();
    if (alive()) check_stall(were_active);
}

// Whose peers may have taken over meanwhile does not just go on (D11).
void Host::check_stall(const std::vector<bool>& were_active) {
    for (InstanceId id = 0; id < size(); ++id) {
        const InstanceOptions& options = instance(id).options();
        const bool stalled = world_.now() - paused_since_ > options.down_timer_adverts * options.advert_interval;
        const bool goes_on = instance(id).state() == Instance::State::active;
        if (stalled && were_active[id] && goes_on) world_.violation(name(id) + " goes on after a stall");
    }
}

void Host::set_link(std::size_t link, bool up) {
    if (links_[link] == up) return;
    world_.say(name() + " link " + std::to_string(link) + (up ? " up" : " down"));
    links_[link] = up;
    after(world_.random().between(0ns, 2ms), [this, link] {
        for (InstanceId id = link; id < size(); id += links_.size()) look_at_path(id);
    });
}

void Host::look_at_path(InstanceId id) {
    const std::size_t link = world_.link_of(id);
    const bool up = links_[link];
    tell({PathChanged{id, static_cast<int>(link) + 2, up, address_of(options_[id].family, index_),
                      up ? "" : "the link is down"},
          {}});
}

void Host::set_check(std::size_t check, bool passing) {
    if (checks_[check] == passing) return;
    world_.say(name() + " check " + std::to_string(check) + (passing ? " passes" : " fails"));
    checks_[check] = passing;
    look_at_check(check);
}

void Host::look_at_check(std::size_t check) {
    after(world_.random().between(0ns, 10ms), [this, check] {
        const CheckState state = checks_[check] ? CheckState::passing : CheckState::failing;
        tell({CheckChanged{check, state, check == 0 ? "check 0" : "check 1"}, {}});
    });
}

void Host::set_mute(bool mute) {
    world_.say(name() + (mute ? " cannot send any more" : " can send again"));
    mute_ = mute;
}

void Host::drain(InstanceId id, bool drained) {
    world_.say(name(id) + (drained ? " is drained" : " is resumed"));
    for (InstanceId other = 0; other < size(); ++other) {
        if (other == id || (grouped(id) && grouped(other))) machines_[other].drained = drained;
    }
    tell({DrainChanged{id, drained}, {}});
}

void Host::hand_over(InstanceId id) {
    world_.say(name(id) + " hands over");
    tell({HandOver{id}, {}});
}

void Host::reload(InstanceId id) {
    std::vector<InstanceId> changed;
    for (InstanceId each = 0; each < size(); ++each) {
        if (each != id && !world_.random().chance(30)) continue;
        options_[each] = draw_reload(world_.scenario(), options_[each], grouped(each), world_.random());
        world_.say(name(each) + " is reloaded, priority " + std::to_string(options_[each].priority) + ", addresses " +
                   std::to_string(options_[each].addresses.size()));
        changed.push_back(each);
    }
    configurations_.push_back(options_);
    tell({Reconfigured{&configurations_.back(), &groups_, changed, {}, {}}, {}});
}

void Host::fail_service(InstanceId id) {
    Machine& machine = machines_[id];
    if (!machine.service_ready) return;
    world_.say(name(id) + " service fails");
    if (machine.service_wanted) ++machine.service_job;  // one that was to stop has stopped, and will be said to have
    machine.service_ready = false;
    ++held_faults_;
    tell({ServicesChanged{id, ServicesState::failed, "service exited"}, {}});
}

void Host::lose_addresses(InstanceId id) {
    if (!std::exchange(machines_[id].present, false)) return;
    world_.say(name(id) + " loses its addresses");
    ++held_faults_;  // it may be the fifth time
    tell({AddressesLost{id, "somebody removed it"}, {}});
}

void Host::shut_down() {
    world_.say(name() + " shuts down");
    tell({Shutdown{}, {}});
}

void Host::receive(InstanceId id, const IpAddress& source, const std::vector<std::uint8_t>& message) {
    const std::size_t link = world_.link_of(id);
    if (!alive() || !links_[link]) return;
    Packet packet;
    packet.interface_index = static_cast<int>(link) + 2;
    packet.source = source;
    packet.destination = vrrp_group(source.family());
    packet.ttl = 255;
    tell({packet, message});
}

void Host::receive_claim(InstanceId id) {
    if (!alive() || !links_[world_.link_of(id)]) return;
    tell({AddressClaimed{id, options_[id].addresses.front().prefix.address, {2, 0, 0, 0, 0, 1}}, {}});
}

// ---- the process

void Host::tell(Letter letter) {
    if (!alive()) return;
    if (paused_) return inbox_.push_back(std::move(letter));
    deliver(letter);
}

void Host::deliver(const Letter& letter) {
    Event event = letter.event;
    if (auto* packet = std::get_if<Packet>(&event)) packet->message = letter.bytes;
    router_->handle(event, world_.now(), actions_);
    carry_out();
    arm();
    leave_when_done();
}

void Host::expire() {
    router_->expire(world_.now(), actions_);
    if (router_->next_deadline() <= world_.now()) world_.violation(name() + ": a deadline in the past");
    carry_out();
    arm();
    leave_when_done();
}

void Host::arm() {
    const Instant deadline = router_->next_deadline();
    if (deadline == armed_ || deadline == never) {
        armed_ = deadline;
        return;
    }
    armed_ = deadline;
    const Duration wait = std::max(Duration::zero(), deadline - world_.now());
    after(wait + world_.random().between(0ns, world_.scenario().latencies.wake), [this, alarm = ++alarm_] {
        if (alarm != alarm_) return;
        armed_ = never;  // a paused process expires on resume
        if (!paused_) expire();
    });
}

void Host::carry_out() {
    while (!actions_.empty()) {
        for (const Action& action : std::exchange(actions_, {})) {
            std::visit([this](const auto& wish) { perform(wish); }, action);
        }
        for (const InstanceId id : std::exchange(unsent_, {})) {
            router_->handle(SendFailed{id, "cannot send"}, world_.now(), actions_);
        }
    }
    for (InstanceId id = 0; id < size(); ++id) {
        Instant& since = machines_[id].passive_since;
        since = advertising(id) ? never : std::min(since, world_.now());
    }
    check_groups();
}

// One step, one group: all of them are Active, or none is (S02, S03).
void Host::check_groups() {
    for (const SyncGroupOptions& group : groups_) {
        const auto active = std::ranges::count_if(
            group.members, [this](InstanceId id) { return instance(id).state() == Instance::State::active; });
        if (active != 0 && active != std::ssize(group.members)) world_.violation(name() + ": the group is torn");
        const auto has = [&](Instance::State state, Role role) {
            return std::ranges::any_of(group.members, [&](InstanceId id) {
                return instance(id).state() == state && instance(id).role() == role;
            });
        };
        if (has(Instance::State::initialize, Role::fault) && has(Instance::State::backup, Role::backup))
            world_.violation(name() + ": a fault is not shared");
    }
}

// ---- the rest of the machine

void Host::perform(const SendAdvert& action) {
    const InstanceId id = action.instance;
    unsent_.push_back(id);  // until it has left
    if (mute_ || !links_[world_.link_of(id)]) return;
    if (world_.bad_luck(world_.scenario().weather.send_failure)) {
        world_.say(name(id) + " cannot send");
        return world_.disturb();
    }
    unsent_.pop_back();
    if (action.priority == 0) world_.note_release(id);
    world_.say(name(id) + " sends priority " + std::to_string(action.priority));
    if (action.priority != 0 && machines_[id].recorded) {
        machines_[id].priority = action.priority;
        record(id);
    }
    const Instance& sender = instance(id);
    std::vector<std::uint8_t> message(max_message_size);
    message.resize(sender.encode(action.priority, sender.group_address(), message));
    world_.transmit(index_, id, *sender.path().source, message);
}

// Jobs are done in order; only the latest is answered.
void Host::perform(const SetAddresses& action) {
    const InstanceId id = action.instance;
    const bool wanted = action.wanted;
    Machine& machine = machines_[id];
    const Latencies& latencies = world_.scenario().latencies;
    const bool slow = world_.bad_luck(world_.scenario().weather.kernel_slow);
    const Duration delay = world_.random().between(10us, slow ? latencies.kernel_worst : latencies.kernel);
    const bool refused = wanted && world_.bad_luck(world_.scenario().weather.kernel_refusal);
    if (refused) ++held_faults_;
    if (wanted) {
        for (InstanceId other = 0; other < size(); ++other) {
            const bool concerned = other == id || (grouped(id) && grouped(other));
            if (concerned && awaits_hook(other)) world_.violation(name(id) + " has addresses before before_master");
        }
        machine.recorded = true;
        machine.priority = instance(id).priority();
        machine.addresses = instance(id).options().addresses.size();
        record(id);
    }
    change_addresses(id, wanted, refused, delay);
}

// The kernel does it, whatever becomes of the process that has asked for it.
void Host::change_addresses(InstanceId id, bool wanted, bool refused, Duration delay) {
    Machine& machine = machines_[id];
    machine.kernel_done = std::max(machine.kernel_done, world_.now() + delay);
    const auto done = [this, id, wanted, refused, process = process_, job = ++machine.kernel_job] {
        Machine& then = machines_[id];
        then.relieved = false;
        if (!refused && then.present != wanted) {
            world_.say(name(id) + (wanted ? " has the addresses" : " has the addresses no more"));
            then.present = wanted;
        }
        if (job != then.kernel_job || process != process_) return;
        if (!wanted) then.recorded = false;
        tell({AddressesSettled{id, wanted, refused, refused ? "refused" : ""}, {}});
    };
    after_all(machine.kernel_done - world_.now(), done);
}

// ---- the guard

Instant Host::removed_by_guard(InstanceId id) const {
    const Latencies& latencies = world_.scenario().latencies;
    const Machine& machine = machines_[id];
    return machine.last_advert + guard_patience(machine.interval) + latencies.wake + latencies.kernel;
}

// An advert has left, or addresses are about to come.
void Host::record(InstanceId id) {
    machines_[id].last_advert = world_.now();
    machines_[id].interval = instance(id).options().advert_interval;
    guard(id);
}

void Host::guard(InstanceId id) {
    Machine& machine = machines_[id];
    if (std::exchange(machine.guarded, true)) return;
    const Duration late = world_.random().between(0ns, world_.scenario().latencies.wake);
    const Instant due = machine.last_advert + guard_patience(machine.interval) + late;
    after_all(std::max(due - world_.now(), late), [this, id] { look_as_guard(id); });
}

void Host::look_as_guard(InstanceId id) {
    Machine& machine = machines_[id];
    machine.guarded = false;
    if (!machine.recorded) return;
    if (world_.now() < machine.last_advert + guard_patience(machine.interval)) return guard(id);
    const Duration delay = world_.random().between(10us, world_.scenario().latencies.kernel);
    after_all(delay, [this, id] {
        if (!std::exchange(machines_[id].present, false)) return;
        machines_[id].relieved = true;
        world_.note_guard(name(id) + " is relieved of its addresses by the guard");
        tell({AddressesLost{id, "nobody advertised it"}, {}});
    });
}

void Host::perform(const SetServices& action) {
    const auto [id, wish] = action;
    Machine& machine = machines_[id];
    const Weather& weather = world_.scenario().weather;
    const Duration settling = wish == ServiceWish::settle ? 1s : 0s;
    const Duration delay = settling + world_.random().between(1ms, world_.scenario().latencies.service);
    const bool run = wish == ServiceWish::run;
    machine.service_wanted = run;
    if (!run && world_.bad_luck(weather.service_deaf)) {
        ++machine.service_job;
        machine.service_ready = false;
        machine.service_deaf = true;
        return;
    }
    const bool fails = run && !machine.service_ready && world_.bad_luck(weather.service_failure);
    if (fails) ++held_faults_;
    after(delay, [this, id = id, run, fails, job = ++machine.service_job] {
        Machine& then = machines_[id];
        if (job != then.service_job) return;
        then.service_ready = run && !fails;
        const auto state = !run ? ServicesState::stopped : fails ? ServicesState::failed : ServicesState::ready;
        tell({ServicesChanged{id, state, fails ? "service does not start" : ""}, {}});
    });
}

// ---- hooks

bool Host::awaits_hook(InstanceId id) const {
    return machines_[id].awaited_hook != 0 && instance(id).state() == Instance::State::active;
}

void Host::perform(const RunHook& action) {
    Machine& machine = machines_[action.instance];
    if (action.run != 0 && machine.awaited_hook != 0) world_.violation(name(action.instance) + " awaits two hooks");
    if (action.run != 0) machine.awaited_hook = action.run;
    if (action.hook == Hook::notify) machine.told = action.to;
    machine.hooks.add(action);
    world_.note_hook();
    begin_hook(action.instance);
}

void Host::perform(const DropHook& action) {
    Machine& machine = machines_[action.instance];
    machine.awaited_hook = 0;
    machine.hooks.drop(action.run);
}

void Host::perform(const RunGroupHook& action) {
    for (const InstanceId id : groups_[action.group].members) {
        if (machines_[id].said != action.to) world_.violation(name(id) + " is not what the group was told to be");
    }
}

// One at a time; what hangs is killed at its deadline, and then the kernel may take its time.
void Host::begin_hook(InstanceId id) {
    const auto wish = machines_[id].hooks.begin();
    if (!wish) return;
    const bool hangs = world_.bad_luck(world_.scenario().weather.hook_hang);
    const bool fails = hangs || world_.bad_luck(world_.scenario().weather.hook_failure);
    const bool stuck = hangs && world_.bad_luck(20);
    const Duration duration = hangs ? wish->timeout : world_.random().between(1ms, world_.scenario().latencies.hook);
    const bool before_master = wish->hook == Hook::before_master;
    world_.say(name(id) + " runs " + to_string(wish->hook) + " for " + to_string(wish->to));
    after(duration, [this, id, wish = *wish, fails, before_master] {
        if (fails && before_master) ++held_faults_;
        if (machines_[id].awaited_hook == wish.run) machines_[id].awaited_hook = 0;
        if (wish.run != 0) tell({HookEnded{id, wish.run, !fails, fails ? "the hook failed" : ""}, {}});
    });
    after(duration + (stuck ? 10 * wish->timeout : 0s), [this, id] {
        machines_[id].hooks.ended();
        begin_hook(id);
    });
}

void Host::perform(const Announce& action) {
    // What somebody else, or the guard, has just removed may be announced once more; nothing else may.
    const Machine& machine = machines_[action.instance];
    if (!machine.present && !machine.relieved && instance(action.instance).counters().addresses_lost == 0) {
        world_.violation(name(action.instance) + " announces addresses that it does not have");
    }
    world_.announce(index_, action.instance);
}

void Host::perform(const Probe& action) {
    if (instance(action.instance).state() != Instance::State::active) {
        world_.violation(name(action.instance) + " asks for addresses that it does not have");
    }
}

void Host::perform(const RoleChanged& action) {
    if (action.reason.view().starts_with("before_master")) ++held_faults_;  // was late
    machines_[action.instance].said = action.to;
    world_.note_role(*this, action);
}

void Host::perform(const GroupChanged& action) {
    world_.note_group();
    world_.say(name() + " " + groups_[action.group].name + " is brought to " + to_string(action.to));
}

void Host::perform(const Notice& action) {
    world_.note_notice(*this, action);
}

}  // namespace vrrpd::sim
