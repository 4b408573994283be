#include "tests/sim/host.hpp"

#include <algorithm>
#include <utility>

#include "tests/sim/simulator.hpp"

namespace vrrpd::sim {
namespace {

using namespace std::chrono_literals;

IpAddress address_of(Family family, std::size_t index) {
    const std::string number = std::to_string(index + 1);
    return *IpAddress::parse((family == Family::ipv4 ? "10.9.0." : "fe80::") + number);
}

}  // namespace

Host::Host(Simulator& world, std::size_t index, const InstanceOptions& options)
    : world_(world), index_(index), options_{options}, address_(address_of(options.family, index)) {}

template <typename Callback>
void Host::after(Duration delay, Callback callback) {
    world_.after(delay, [this, life = life_, callback] {
        if (life == life_) callback();
    });
}

// ---- what happens to it

void Host::boot() {
    if (alive()) return;
    world_.say(name() + " boots, priority " + std::to_string(options().priority));
    ++life_;
    router_ = std::make_unique<Router>(options_);
    passive_since_ = world_.now();
    held_faults_ = 0;
    look_at_path();
    for (std::size_t check = 0; check < check_count; ++check) look_at_check(check);
    after(world_.random().between(0ns, 2ms), [this] { tell({Startup{}, {}}); });
}

void Host::crash() {
    world_.say(name() + " crashes");
    ++life_;
    router_.reset();
    paused_ = present_ = service_ready_ = false;
    inbox_.clear();
    armed_ = never;
    kernel_done_ = {};
}

void Host::pause() {
    world_.say(name() + " is paused");
    paused_ = true;
}

void Host::resume() {
    world_.say(name() + " goes on");
    paused_ = false;
    while (!inbox_.empty()) {
        const Letter letter = std::move(inbox_.front());
        inbox_.pop_front();
        deliver(letter);
    }
    expire();
}

void Host::set_link(bool up) {
    if (link_up_ == up) return;
    world_.say(name() + (up ? " link up" : " link down"));
    link_up_ = up;
    after(world_.random().between(0ns, 2ms), [this] { look_at_path(); });
}

void Host::look_at_path() {
    tell({PathChanged{0, 2, link_up_, address_, link_up_ ? "" : "eth0 is down"}, {}});
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

void Host::fail_service() {
    if (!service_ready_) return;
    world_.say(name() + " service fails");
    ++service_job_;
    service_ready_ = false;
    ++held_faults_;
    tell({ServicesChanged{0, ServicesState::failed, "service exited"}, {}});
}

void Host::shut_down() {
    world_.say(name() + " shuts down");
    tell({Shutdown{}, {}});
}

void Host::receive(const IpAddress& source, const std::vector<std::uint8_t>& message) {
    if (!alive() || !link_up_) return;
    Packet packet;
    packet.interface_index = 2;
    packet.source = source;
    packet.destination = vrrp_group(source.family());
    packet.ttl = 255;
    tell({packet, message});
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
}

void Host::expire() {
    router_->expire(world_.now(), actions_);
    if (router_->next_deadline() <= world_.now()) world_.violation(name() + ": a deadline in the past");
    carry_out();
    arm();
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
        bool send_failed = false;
        for (const Action& action : std::exchange(actions_, {})) {
            if (const auto* advert = std::get_if<SendAdvert>(&action)) {
                send_failed = !send(advert->priority);
            } else if (const auto* addresses = std::get_if<SetAddresses>(&action)) {
                set_addresses(addresses->wanted);
            } else if (const auto* services = std::get_if<SetServices>(&action)) {
                set_services(services->wish);
            } else if (const auto* change = std::get_if<RoleChanged>(&action)) {
                world_.note_role(*this, *change);
            } else if (const auto* notice = std::get_if<Notice>(&action)) {
                world_.note_notice(*this, *notice);
            } else if (!present_) {
                world_.violation(name() + " announces addresses that it does not have");
            }
        }
        if (send_failed) router_->handle(SendFailed{0}, world_.now(), actions_);
    }
    const auto state = instance().state();
    const bool active = state == Instance::State::active || state == Instance::State::retiring;
    passive_since_ = active ? never : std::min(passive_since_, world_.now());
}

// ---- the rest of the machine

bool Host::send(std::uint8_t priority) {
    if (!link_up_) return false;
    if (world_.bad_luck(world_.scenario().weather.send_failure)) {
        world_.say(name() + " cannot send");
        world_.disturb();
        return false;
    }
    world_.say(name() + " sends priority " + std::to_string(priority));
    std::vector<std::uint8_t> message(max_message_size);
    message.resize(instance().encode(priority, instance().group_address(), message));
    world_.transmit(index_, address_, message);
    return true;
}

// Jobs are done in order; only the latest is answered.
void Host::set_addresses(bool wanted) {
    const Latencies& latencies = world_.scenario().latencies;
    const bool slow = world_.bad_luck(world_.scenario().weather.kernel_slow);
    const Duration delay = world_.random().between(10us, slow ? latencies.kernel_worst : latencies.kernel);
    const bool refused = wanted && world_.bad_luck(world_.scenario().weather.kernel_refusal);
    if (refused) ++held_faults_;
    kernel_done_ = std::max(kernel_done_, world_.now() + delay);
    after(kernel_done_ - world_.now(), [this, wanted, refused, job = ++kernel_job_] {
        if (!refused && present_ != wanted) {
            world_.say(name() + (wanted ? " has the addresses" : " has the addresses no more"));
            present_ = wanted;
        }
        if (job == kernel_job_) tell({AddressesSettled{0, wanted, refused, refused ? "refused" : ""}, {}});
    });
}

void Host::set_services(ServiceWish wish) {
    const Weather& weather = world_.scenario().weather;
    const Duration settling = wish == ServiceWish::settle ? 1s : 0s;
    const Duration delay = settling + world_.random().between(1ms, world_.scenario().latencies.service);
    const bool run = wish == ServiceWish::run;
    if (!run && world_.bad_luck(weather.service_deaf)) {
        ++service_job_;
        service_ready_ = false;
        return;
    }
    const bool fails = run && !service_ready_ && world_.bad_luck(weather.service_failure);
    if (fails) ++held_faults_;
    after(delay, [this, run, fails, job = ++service_job_] {
        if (job != service_job_) return;
        service_ready_ = run && !fails;
        const auto state = !run ? ServicesState::stopped : fails ? ServicesState::failed : ServicesState::ready;
        tell({ServicesChanged{0, state, fails ? "service does not start" : ""}, {}});
    });
}

}  // namespace vrrpd::sim
