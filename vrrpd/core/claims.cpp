// Of an instance: what it makes of others that claim its addresses, and of a LAN on which nobody else is heard. Neither
// changes a role: an election is decided by adverts, and a claim is easily forged (conformance H43).
#include <algorithm>
#include <utility>

#include "vrrpd/core/instance.hpp"

namespace vrrpd {
namespace {

// Two hosts that both mean to have an address must not answer each other without end.
constexpr Duration answer_period = std::chrono::seconds(1);
constexpr std::size_t most_answers = 64;  // of an instance within that: one announcement burst each

Text text_of(const MacAddress& mac) {
    return Text::format("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

}  // namespace

// Only the Active has something to say: to all others the claimant is who serves. (Who retires waits for him.) Some,
// as FRR does, announce a moment before the advert that makes them the Active; an answer would be the last word then.
void Instance::address_claimed(const AddressClaimed& claim, Moment moment) {
    const bool again = std::ranges::find(claimed_, claim.address, &AddressClaimed::address) != claimed_.end();
    if (state_ != State::active || prepares() || again || claimed_.size() == most_answers) return;
    claimed_.push_back(claim);
    if (deadline(Timer::claims) == never) deadline(Timer::claims) = moment.now + claim_patience;
}

void Instance::judge_claims(Moment moment) {
    for (const AddressClaimed& claim : std::exchange(claimed_, {})) judge_claim(claim, moment);
}

void Instance::judge_claim(const AddressClaimed& claim, Moment moment) {
    if (state_ != State::active) return;
    if (phase_ == Phase::serving) answer_claim(claim.address, moment);
    if (moment.now - active_since_ < handover_time) return;
    ++counters_.foreign_claims;
    const auto kind = Notice::Kind::claimed_by_other;
    signs_.see(kind, claim.address, text_of(claim.mac), moment.now);
    const auto repeated = claim_limiter_.admit(static_cast<std::uint8_t>(kind), claim.address, moment.now);
    if (!repeated) return;
    Notice said;
    said.instance = id_;
    said.kind = kind;
    said.source = claim.address;
    said.text = text_of(claim.mac);
    said.repeated = *repeated;
    moment.actions.emplace_back(said);
}

// Whoever believed the other learns at once where the address is: each address at most once a second.
void Instance::answer_claim(const IpAddress& address, Moment moment) {
    std::erase_if(answered_, [&](const Answered& one) { return moment.now - one.when >= answer_period; });
    const bool again = std::ranges::find(answered_, address, &Answered::address) != answered_.end();
    if (again || answered_.size() == most_answers) return;
    answered_.push_back({address, moment.now});
    moment.actions.emplace_back(Announce{id_, address});
}

// Once the Active before us has had its time to go, somebody who still answers for the addresses should not. And a host
// that serves for long and never heard anybody is either alone, or as good as alone: the peer may be serving, too.
void Instance::look_out(Moment moment) {
    if (state_ != State::active) return;
    if (!std::exchange(probed_, true)) moment.actions.emplace_back(Probe{id_});
    if (heard_) return;
    const Instant lonely_from = active_since_ + lonely_intervals * down_interval();
    if (moment.now < lonely_from) {
        deadline(Timer::lookout) = lonely_from;
        return;
    }
    lonely_ = true;
    const std::chrono::duration<double> served = moment.now - active_since_;
    notice(Notice::Kind::no_peer_heard, IpAddress(), moment, Text::format("%.3f", served.count()));
}

}  // namespace vrrpd
