// The weather of the simulator: what happens to packets, and what happens to hosts.
#include <algorithm>

#include "tests/sim/simulator.hpp"

namespace vrrpd::sim {

using namespace std::chrono_literals;

// ---- the wire

void Simulator::transmit(std::size_t from, InstanceId id, const IpAddress& source,
                         const std::vector<std::uint8_t>& message) {
    const Weather& weather = scenario_.weather;
    const std::size_t link = link_of(id);
    for (std::size_t to = 0; to < hosts_.size(); ++to) {
        const Way way{from, to, id};
        if (to == from || !connected(from, to, link) || is_lost(way)) continue;
        std::vector<std::uint8_t> copy = message;
        if (bad_luck(weather.corruption)) {
            copy[random_.below(copy.size())] ^= static_cast<std::uint8_t>(1u << random_.below(8));
            disturb();
        }
        const int copies = bad_luck(weather.duplication) ? 2 : 1;
        for (int i = 0; i < copies; ++i) {
            after(delay_on(way), [this, from, to, link, id, source, copy] {
                if (connected(from, to, link)) hosts_[to]->receive(id, source, copy);
            });
        }
    }
}

// To who is not where the sender thinks he is it is the claim of another holder.
void Simulator::announce(std::size_t from, InstanceId id) {
    const std::size_t link = link_of(id);
    for (std::size_t to = 0; to < hosts_.size(); ++to) {
        if (to == from || !connected(from, to, link)) continue;
        after(50us, [this, from, to, link, id] {
            if (connected(from, to, link)) hosts_[to]->receive_claim(id);
        });
    }
}

bool Simulator::is_lost(const Way& way) {
    bool& last = lost_last_[way];
    const bool spared = scenario_.weather.loss_is_tolerable && last;
    last = !spared && bad_luck(scenario_.weather.loss);
    if (last && !scenario_.weather.loss_is_tolerable) disturb();
    return last;
}

// How long an advert is on its way. A LAN keeps the order of what one host sends to another; in the storm it may not: a
// takeover is then put off by an advert that the release overtook.
Duration Simulator::delay_on(const Way& way) {
    Instant arrival = now_ + random_.between(10us, scenario_.latencies.wire);
    Instant& last = last_arrival_[way];
    if (!storm_) arrival = std::max(arrival, last + 1ns);
    last = std::max(arrival, last);
    return arrival - now_;
}

bool Simulator::connected(std::size_t from, std::size_t to, std::size_t link) const {
    const auto deaf = deaf_.find({from, to, link});
    return segment_[link][from] == segment_[link][to] && hosts_[from]->link_up(link) && hosts_[to]->link_up(link) &&
           (deaf == deaf_.end() || !deaf->second);
}

// ---- accidents

void Simulator::have_accidents() {
    if (scenario_.weather.loss_is_tolerable) return;
    const Duration around = scenario_.weather.between_accidents;
    after(random_.between(around / 4, 2 * around), [this] {
        if (!storm_) return;
        one_accident();
        have_accidents();
    });
}

void Simulator::one_accident() {
    const std::size_t link = random_.below(scenario_.links);
    switch (random_.below(5)) {
        case 0:
            disturb();
            return part(link, 1 + random_.below(hosts_.size()));
        case 1: {
            disturb();
            bool& deaf = deaf_[{random_.below(hosts_.size()), random_.below(hosts_.size()), link}];
            deaf = !deaf;
            return say(deaf ? "one way is lost" : "one way is back");
        }
        case 2:
            disturb();
            return part(link, 1);
        default:
            return accident_of(*hosts_[random_.below(hosts_.size())]);
    }
}

void Simulator::accident_of(Host& host) {
    const InstanceId id = random_.below(host.size());
    if (!uniform()) disturb();  // who has not heard the other's interval yet cannot know how long to wait
    switch (random_.below(13)) {
        case 0: {
            disturb();
            const std::size_t link = random_.below(scenario_.links);
            return host.set_link(link, !host.link_up(link));
        }
        case 1:
            if (!host.alive() || host.paused()) return;
            host.pause();
            return after(random_.between(0ns, 6 * scenario_.longest_interval), [this, &host] {
                if (!host.paused()) return;
                if (!uniform()) disturb();
                host.resume();
            });
        case 2:
            return host.alive() ? host.crash() : host.boot();
        case 3:
            return host.set_check(0, !host.check_passing(0));
        case 4:
            return host.set_check(1, !host.check_passing(1));
        case 5:
            return host.fail_service(id);
        case 6:
            if (host.alive()) host.drain(id, !host.drained(id));
            return;
        case 7:
            if (host.alive()) host.reload(id);
            return;
        case 8:
            if (host.alive() && !host.paused()) host.lose_addresses(id);
            return;
        case 9:
            disturb();
            return host.set_mute(!host.mute());
        case 10:
            if (!host.alive()) return;
            host.kill();
            return after(random_.between(0ns, 4 * scenario_.longest_interval), [&host] { host.boot(); });
        case 11:
            if (host.alive() && !host.paused()) host.restart();
            return;
        case 12:
            if (host.alive()) host.hand_over(id);
            return;
    }
}

void Simulator::part(std::size_t link, std::size_t groups) {
    std::string who;
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        segment_[link][i] = random_.below(groups);
        who += " " + hosts_[i]->name() + std::to_string(segment_[link][i]);
    }
    say("link " + std::to_string(link) + ":" + who);
}

// At least one host can serve in the end; what fails on the others may go on failing.
void Simulator::end_storm() {
    say("---- the storm is over");
    storm_ = false;
    disturb();
    deaf_.clear();
    for (auto& segment : segment_) std::ranges::fill(segment, 0);
    const std::size_t lucky = random_.below(hosts_.size());
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
        Host& host = *hosts_[i];
        if (!host.alive()) host.boot();
        if (host.paused()) host.resume();
        if (host.mute()) host.set_mute(false);
        for (std::size_t link = 0; link < scenario_.links; ++link) host.set_link(link, true);
        if (i == lucky || random_.chance(70)) host.set_check(0, true);
        for (InstanceId id = 0; id < host.size(); ++id) {
            if (host.drained(id) && (i == lucky || random_.chance(70))) host.drain(id, false);
        }
    }
}

// Adverts of the best priority there is, each with one wrong bit. They touch nothing (B27).
void Simulator::send_junk() {
    for (InstanceId id = 0; id < routers(); ++id) {
        const InstanceOptions& options = scenario_.hosts.front().instances[id];
        const IpAddress source = *IpAddress::parse(options.family == Family::ipv4 ? "10.9.0.250" : "fe80::250");
        Outgoing advert;
        advert.version = options.version;
        advert.virtual_router_id = options.virtual_router_id;
        advert.priority = 254;
        advert.interval = options.advert_interval;
        advert.password = options.password;
        advert.addresses = options.addresses;
        advert.source = source;
        advert.destination = vrrp_group(options.family);
        std::vector<std::uint8_t> message(max_message_size);
        message.resize(encode(advert, message));
        message[7] ^= 1;
        for (const auto& host : hosts_) host->receive(id, source, message);
    }
    after(random_.between(scenario_.shortest_interval / 3, scenario_.shortest_interval), [this] { send_junk(); });
}

// A loss that VRRP is made for: a first Active is found, and from then on nothing happens.
void Simulator::bear_loss() {
    run_until(now_ + settling_bound());
    roles_may_change_ = false;
    run_until(now_ + 200 * scenario_.longest_interval);
    roles_may_change_ = true;
}

}  // namespace vrrpd::sim
