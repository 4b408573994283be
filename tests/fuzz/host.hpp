// A Router with an environment that does at once whatever is wished for: addresses settle, services run, adverts leave.
// Checks on the way that adverts of ours can be read by a peer with our options, and that time goes on.
#pragma once

#include <algorithm>
#include <utility>

#include "tests/fuzz/fuzz.hpp"
#include "vrrpd/core/router.hpp"

namespace vrrpd::fuzz {

class Host {
  public:
    static constexpr int interface_index = 2;

    /// Both must live as long as the host.
    Host(const std::vector<InstanceOptions>& options, const std::vector<SyncGroupOptions>& groups)
        : router_(options, groups) {
        for (InstanceId id = 0; id < options.size(); ++id) {
            const IpAddress source = ip(options[id].family == Family::ipv4 ? "10.9.0.1" : "fe80::1");
            handle(PathChanged{id, interface_index, true, options[id].source.value_or(source), ""});
            for (const Track& track : options[id].checks) handle(CheckChanged{track.index, CheckState::passing, "ok"});
        }
        handle(Startup{});
    }

    /// Without an answer: what was wished for is the caller's to look at, then answer() has to follow.
    const Actions& hear(const Packet& packet) {
        router_.handle(packet, now_, actions_);
        return actions_;
    }
    void handle(const Event& event) {
        router_.handle(event, now_, actions_);
        answer();
    }
    void answer() {
        for (int rounds = 0; !actions_.empty(); ++rounds) {
            require(rounds < 100, "actions and their answers come to an end");
            for (const Action& action : std::exchange(actions_, {})) {
                std::visit([this](const auto& what) { perform(what); }, action);
            }
        }
    }

    /// Does what is due in the next `duration`, but not more than `most` times something.
    void pass(Duration duration, int most) {
        const Instant end = now_ + duration;
        for (int done = 0; router_.next_deadline() <= end; ++done) {
            if (done == most) return;
            now_ = std::max(now_, router_.next_deadline());
            router_.expire(now_, actions_);
            answer();
            require(router_.next_deadline() > now_, "no deadline is left in the past");
        }
        now_ = end;
    }

    const Router& router() const { return router_; }

  private:
    void perform(const SetAddresses& set) {
        router_.handle(AddressesSettled{set.instance, set.wanted, false, ""}, now_, actions_);
    }
    void perform(const SetServices& set) {
        if (set.wish == ServiceWish::settle) return;  // nobody waits for those
        const auto state = set.wish == ServiceWish::run ? ServicesState::ready : ServicesState::stopped;
        router_.handle(ServicesChanged{set.instance, state, ""}, now_, actions_);
    }
    void perform(const SendAdvert& send) {
        const Instance& instance = router_.instance(send.instance);
        const InstanceOptions& options = instance.options();
        for (const UnicastPeer& peer : options.unicast_peers) read_back(instance, send.priority, peer.address);
        if (options.unicast_peers.empty()) read_back(instance, send.priority, instance.group_address());
    }
    template <typename Other>
    void perform(const Other&) {}

    void read_back(const Instance& instance, std::uint8_t priority, const IpAddress& destination) {
        buffer_.resize(max_message_size);
        Packet packet;
        packet.source = *instance.path().source;
        packet.destination = destination;
        packet.message = View(buffer_).first(instance.encode(priority, destination, buffer_));
        const InstanceOptions& options = instance.options();
        const auto decoded = decode(packet, {options.version, options.advert_interval, options.password});
        const auto* advert = std::get_if<Advert>(&decoded);
        require(advert != nullptr, "a peer with our options accepts what we send");
        require(advert->virtual_router_id == options.virtual_router_id && advert->priority == priority &&
                    advert->interval == options.advert_interval &&
                    same_addresses(advert->address_bytes, options.addresses),
                "a peer reads what we meant");
    }

    Router router_;
    Actions actions_;
    Bytes buffer_;
    Instant now_{std::chrono::hours(1)};
};

}  // namespace vrrpd::fuzz
