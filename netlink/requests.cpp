#include "netlink/requests.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include <linux/netlink.h>

#include "netlink/messages.hpp"

namespace vrrpd::netlink {

Requests::Requests(Loop& loop, Duration timeout) : loop_(loop), timeout_(timeout) {
    watch_ = loop_.watch(channel_.descriptor(), readable, [this](std::uint32_t) {
        read_acks();
        send_portions();
    });
    timer_ = loop_.timer([this] { on_deadline(); });
}

bool Requests::is_done(Kind kind, int error) {
    if (kind == Kind::addition) return error == EEXIST;
    // A link that is gone took its addresses and routes along.
    return error == EADDRNOTAVAIL || error == ESRCH || error == ENODEV || error == ENXIO;
}

void Requests::queue(Kind kind, Tag tag, Builder build, Completion completed) {
    queue_.push_back({++sequence_, kind, tag, std::move(build), std::move(completed)});
    if (tag != no_tag) ++tagged_[tag];
}

void Requests::add_address(int link, const Prefix& prefix, const std::string& label, Completion completed, Tag tag,
                           Duration lifetime) {
    const auto build = [=](std::uint32_t sequence) {
        return addition_request(link, prefix, label, sequence, lifetime);
    };
    queue(Kind::addition, tag, build, std::move(completed));
}

void Requests::remove_address(int link, const Prefix& prefix, Completion completed) {
    const auto build = [=](std::uint32_t sequence) { return removal_request(link, prefix, sequence); };
    queue(Kind::removal, no_tag, build, std::move(completed));
}

void Requests::make_deaf(int link, const IpAddress& address, Completion completed) {
    const auto build = [=](std::uint32_t sequence) { return deafness_request(link, address, sequence); };
    queue(Kind::removal, no_tag, build, std::move(completed));
}

void Requests::add_route(const Route& route, Completion completed, Tag tag) {
    const auto build = [=](std::uint32_t sequence) { return addition_request(route, sequence); };
    queue(Kind::addition, tag, build, std::move(completed));
}

void Requests::remove_route(const Route& route, Completion completed) {
    const auto build = [=](std::uint32_t sequence) { return removal_request(route, sequence); };
    queue(Kind::removal, no_tag, build, std::move(completed));
}

void Requests::discard(Tag tag) {
    if (tagged_.erase(tag) == 0) return;  // thousands may be queued, for others
    std::size_t place = 0, released = 0;
    std::erase_if(queue_, [&](const Queued& one) {
        const bool gone = one.kind == Kind::addition && one.tag == tag;
        if (place++ < released_ && !gone) ++released;
        return gone;
    });
    released_ = released;
}

void Requests::flush() {
    released_ = queue_.size();
    send_portions();
}

// A portion is whole, unless it is the last one.
void Requests::send_portions() {
    while (released_ > 0 && max_in_flight - in_flight_.size() >= std::min(released_, portion_size)) send_portion();
    arm();
}

void Requests::send_portion() {
    portion_.clear();
    std::vector<Pending*> leaving;
    for (std::size_t left = std::min(released_, portion_size); left > 0; --left, --released_) {
        Queued next = std::move(queue_.front());
        queue_.pop_front();
        const auto tagged = tagged_.find(next.tag);
        if (tagged != tagged_.end() && --tagged->second == 0) tagged_.erase(tagged);
        Pending pending{next.kind, std::move(next.completed), loop_.now() + timeout_, ETIMEDOUT};
        auto& kept = in_flight_.emplace(next.sequence, std::move(pending)).first->second;
        const std::vector<std::uint8_t> message = next.build(next.sequence);
        if (message.empty()) {
            kept.deadline = loop_.now();
            kept.verdict = EINVAL;
            continue;
        }
        leaving.push_back(&kept);
        portion_.insert(portion_.end(), message.begin(), message.end());
    }
    if (portion_.empty() || channel_.send(portion_)) {
        sent_ += leaving.size();
        return;
    }
    // Completed from the timer, because the caller is not to be called back from inside its own call.
    for (Pending* pending : leaving) {
        pending->deadline = loop_.now();
        pending->verdict = ENOBUFS;
    }
}

void Requests::read_acks() {
    // An overrun loses ACKs at worst; their requests time out.
    for (std::size_t budget = max_in_flight; budget > 0; --budget) {
        Channel::Incoming incoming;
        if (!channel_.receive(incoming)) break;
        if (incoming.error != 0) {
            not_sent(incoming);
            continue;
        }
        for_each_message(incoming.datagram, [this](nlmsghdr& message) {
            if (const auto ack = parse_ack(message)) on_ack(ack->sequence, ack->error, ack->text);
        });
    }
}

void Requests::not_sent(Channel::Incoming& returned) {
    for_each_message(returned.datagram, [&](nlmsghdr& message) {
        --sent_;
        on_ack(message.nlmsg_seq, returned.error, {});
    });
}

void Requests::on_ack(std::uint32_t sequence, int error, const std::string& text) {
    if (const auto pending = in_flight_.extract(sequence)) complete(pending.mapped(), error, text);
}

void Requests::on_deadline() {
    // After a stall of this process the deadlines are over, yet the answers lie ready.
    read_acks();
    const Instant now = loop_.now();
    std::vector<Pending> over;
    std::erase_if(in_flight_, [&](auto& entry) {
        if (entry.second.deadline > now) return false;
        over.push_back(std::move(entry.second));
        return true;
    });
    for (const Pending& pending : over) complete(pending, pending.verdict, {});
    send_portions();
    if (idle_ && in_flight_.empty() && queue_.empty()) std::exchange(idle_, nullptr)();
}

void Requests::complete(const Pending& pending, int error, const std::string& text) {
    if (error == 0 || is_done(pending.kind, error)) return pending.completed(0, {});
    ++failed_;
    const std::string reason = std::strerror(error);
    pending.completed(error, text.empty() ? reason : text + " (" + reason + ")");
}

void Requests::on_idle(std::function<void()> idle) {
    idle_ = std::move(idle);
    arm();
}

void Requests::arm() {
    Instant first = never;
    if (idle_ && in_flight_.empty() && queue_.empty()) first = loop_.now();
    for (const auto& entry : in_flight_) first = std::min(first, entry.second.deadline);
    timer_->arm(first);
}

Requests::Counters Requests::counters() const {
    return {sent_, failed_, in_flight_.size(), queue_.size()};
}

}  // namespace vrrpd::netlink
