// Received packets at a router with instances of all kinds, first while they listen, then while they are Active.
// Conformance B27: a packet that is refused touches no timer and no state.
//
// Input: a sequence of packets, each of them
//
//     byte 0: bits 0-3 source, 4-5 destination, 6-7 checksum put right (1: message only, 2: pseudo-header)
//     byte 1: bits 0-1 TTL, 2 options, 3 other interface, 4 the sender is one of ours, 5-7 time since the last one
//     byte 2: length of the message, which follows; less if the input ends there
#include <array>
#include <tuple>

#include "tests/fuzz/host.hpp"
#include "tests/fuzz/seal.hpp"

namespace vrrpd::fuzz {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

InstanceOptions instance(int virtual_router_id, const char* address) {
    InstanceOptions options;
    options.interface = "eth0";
    options.virtual_router_id = static_cast<std::uint8_t>(virtual_router_id);
    options.addresses = {{*Prefix::parse(address), "", ""}};
    options.family = options.addresses.front().prefix.address.family();
    return options;
}

std::vector<InstanceOptions> all_kinds() {
    InstanceOptions plain = instance(51, "10.9.0.100");
    InstanceOptions version_2 = instance(52, "10.9.0.101");
    version_2.version = Version::v2;
    version_2.password = "s3cret";
    InstanceOptions ipv6 = instance(53, "fe80::51");
    ipv6.addresses.push_back({*Prefix::parse("2001:db8:9::100"), "", ""});
    InstanceOptions unicast = instance(54, "10.9.0.102");
    unicast.unicast_peers = {{ip("10.9.0.2"), 255}, {ip("10.9.0.3"), 64}};
    InstanceOptions other_unicast = instance(54, "10.9.0.103");
    other_unicast.unicast_peers = {{ip("10.9.0.4"), 255}};
    InstanceOptions owner = instance(55, "10.9.0.104");
    owner.priority = owner_priority;
    InstanceOptions patient = instance(56, "10.9.0.105");
    patient.preempt = false;
    patient.max_learned_interval = seconds(2);
    return {plain,
            version_2,
            ipv6,
            unicast,
            other_unicast,
            owner,
            patient,
            instance(57, "10.9.0.106"),
            instance(58, "fe80::57")};
}

const std::vector<InstanceOptions> instances = all_kinds();
const std::vector<SyncGroupOptions> groups = {{"both", {7, 8}}};

// ---- the input

struct Received {
    Packet packet;
    Bytes message;
    Duration after{};
};

class Script {
  public:
    explicit Script(View input) : rest_(input) {}

    bool ended() const { return rest_.empty(); }

    Received next() {
        const unsigned ends = take(), manner = take();
        Received received;
        Packet& packet = received.packet;
        packet.source = sources[ends & 0x0f];
        packet.destination = destination(ends >> 4 & 3, packet.source.family());
        packet.ttl = std::array<std::uint8_t, 4>{255, 254, 64, 0}[manner & 3];
        packet.has_options = (manner & 4) != 0;
        packet.interface_index = (manner & 8) != 0 ? 3 : Host::interface_index;
        if ((manner & 16) != 0) packet.sender = (manner & 32) != 0 ? Sender::broadcast : Sender::ourselves;
        const unsigned pause = manner >> 5;
        received.after = milliseconds(100) * (pause * pause);
        const std::size_t announced = take();
        const std::size_t length = std::min(announced, rest_.size());
        packet.message = rest_.first(length);
        rest_ = rest_.subspan(length);
        const unsigned right = ends >> 6;
        received.message =
            right == 1 || right == 2 ? seal(packet, right == 2) : Bytes(packet.message.begin(), packet.message.end());
        packet.message = received.message;
        return received;
    }

  private:
    unsigned take() {
        if (rest_.empty()) return 0;
        const std::uint8_t first = rest_.front();
        rest_ = rest_.subspan(1);
        return first;
    }

    static IpAddress destination(unsigned which, Family family) {
        const bool ipv4 = family == Family::ipv4;
        if (which == 0) return vrrp_group(family);
        if (which == 1) return ip(ipv4 ? "10.9.0.1" : "fe80::1");
        if (which == 2) return ip(ipv4 ? "224.0.0.1" : "ff02::1");
        return ip(ipv4 ? "255.255.255.255" : "2001:db8::1");
    }

    static inline const std::array<IpAddress, 16> sources = {
        ip("10.9.0.2"),   ip("10.9.0.3"), ip("10.9.0.4"),        ip("10.9.0.1"),
        ip("10.9.0.100"), ip("0.0.0.0"),  ip("127.0.0.1"),       ip("224.0.0.18"),
        ip("10.9.0.104"), ip("fe80::2"),  ip("fe80::1"),         ip("fe80::51"),
        ip("::"),         ip("ff02::12"), ip("2001:db8:9::100"), ip("255.255.255.255"),
    };

    View rest_;
};

// ---- the property

using Untouched = std::tuple<Instance::State, Role, Duration, Instant, int>;

std::pair<Instant, std::vector<Untouched>> state_of(const Router& router) {
    std::vector<Untouched> states;
    for (InstanceId id = 0; id < router.size(); ++id) {
        const Instance& each = router.instance(id);
        states.emplace_back(each.state(), each.role(), each.active_interval(), each.next_deadline(), each.priority());
    }
    return {router.next_deadline(), std::move(states)};
}

std::uint64_t refusals(const Router& router) {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : router.unassigned()) sum += count;
    for (InstanceId id = 0; id < router.size(); ++id) {
        for (const std::uint64_t count : router.instance(id).counters().refused) sum += count;
    }
    return sum;
}

std::uint64_t acceptances(const Router& router) {
    std::uint64_t sum = 0;
    for (InstanceId id = 0; id < router.size(); ++id) sum += router.instance(id).counters().adverts_received;
    return sum;
}

// What no sender of VRRP on this link emits.
bool is_foreign(const Packet& packet) {
    return packet.has_options || packet.interface_index != Host::interface_index ||
           packet.sender != Sender::neighbour || packet.source == ip("10.9.0.1") || packet.source == ip("fe80::1") ||
           packet.source.is_multicast() || packet.source.is_unspecified() ||
           (packet.destination.is_multicast() && packet.ttl != 255);
}

void hear(Host& host, const Packet& packet) {
    const auto before = state_of(host.router());
    const std::uint64_t refused_before = refusals(host.router());
    const std::uint64_t accepted_before = acceptances(host.router());
    const Actions& actions = host.hear(packet);
    const std::uint64_t refused = refusals(host.router()) - refused_before;
    require(refused + acceptances(host.router()) - accepted_before == 1, "a packet is accepted or refused, once");
    require(refused == 1 || !is_foreign(packet), "what comes from elsewhere is refused");
    if (refused == 1) {
        const bool silent = std::ranges::all_of(actions, [](const Action& action) {  //
            return std::holds_alternative<Notice>(action);
        });
        require(silent, "a packet that is refused is at most noted");
        require(state_of(host.router()) == before, "a packet that is refused touches no timer and no state (B27)");
    }
    host.answer();
}

void play(Host& host, View input) {
    for (Script script(input); !script.ended();) {
        const Received received = script.next();
        host.pass(received.after, 1000);
        hear(host, received.packet);
    }
}

}  // namespace
}  // namespace vrrpd::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vrrpd::fuzz;
    Host listening(instances, groups);
    play(listening, {data, size});
    Host serving(instances, groups);
    serving.pass(seconds(5), 1000);
    require(serving.router().instance(0).state() == vrrpd::Instance::State::active, "alone it becomes Active");
    play(serving, {data, size});
    return 0;
}
