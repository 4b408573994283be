#include "netlink/monitor.hpp"

#include <cerrno>
#include <poll.h>
#include <system_error>
#include <utility>

#include <linux/rtnetlink.h>

#include "netlink/messages.hpp"

namespace vrrpd::netlink {
namespace {

constexpr int notices_a_wake_up = 128;  // about a millisecond of work
constexpr Duration rest = std::chrono::milliseconds(1);
constexpr int reads_a_wake_up = 4;  // some hundred addresses each
constexpr Duration pause_before_reading_again = std::chrono::milliseconds(50);
constexpr Duration longest_reading = std::chrono::seconds(2);
constexpr Duration longest_start = std::chrono::seconds(5);

}  // namespace

Monitor::Monitor(Loop& loop, Listener changed, int receive_buffer)
    : loop_(loop), changed_(std::move(changed)), notices_(receive_buffer) {
    for (const int group : {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR}) notices_.join(group);
    rest_ = loop_.timer([this] {
        if (!is_reading()) notice_watch_->interest(readable);
    });
    notice_watch_ = loop_.watch(notices_.descriptor(), 0, [this](std::uint32_t) { on_notices(); });
    reading_watch_ = loop_.watch(readings_.descriptor(), readable, [this](std::uint32_t) {
        on_reading();
        tell();
    });
    patience_ = loop_.timer([this] { on_patience_end(); });
}

void Monitor::start() {
    const Instant limit = loop_.now() + longest_start;
    begin_reading();
    while (phase_ != Phase::following && phase_ != Phase::emptying) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - loop_.now());
        if (left.count() <= 0)
            throw std::system_error(ETIMEDOUT, std::generic_category(), "reading links and addresses");
        if (phase_ == Phase::pausing) begin_reading();
        pollfd descriptor{readings_.descriptor(), POLLIN, 0};
        if (poll(&descriptor, 1, static_cast<int>(left.count())) > 0) on_reading();
    }
    facts_.take_changed();
    facts_.take_removed();
}

void Monitor::begin_reading() {
    phase_ = Phase::reading_links;
    inconsistent_ = false;
    notice_watch_->interest(0);
    patience_->arm(loop_.now() + longest_reading);
    facts_.begin_resync();
    ask(RTM_GETLINK);
}

void Monitor::ask(std::uint16_t type) {
    const auto request = dump_request(type, ++sequence_);
    if (request.empty() || !readings_.send(request)) read_again_later();
}

void Monitor::read_again_later() {
    phase_ = Phase::pausing;
    ++sequence_;  // so that the rest of this reading is nobody's
    notice_watch_->interest(readable);
    patience_->arm(loop_.now() + pause_before_reading_again);
}

void Monitor::end_part() {
    if (phase_ == Phase::reading_links) {
        phase_ = Phase::reading_addresses;
        return ask(RTM_GETADDR);
    }
    if (inconsistent_) return read_again_later();
    facts_.end_resync();
    phase_ = Phase::following;
    patience_->disarm();
    notice_watch_->interest(readable);  // reports an overrun meanwhile as well
}

void Monitor::lost() {
    if (phase_ == Phase::emptying) return;
    phase_ = Phase::emptying;
    patience_->arm(loop_.now() + pause_before_reading_again);  // an empty socket would not wake us
    ++resyncs_;
}

void Monitor::on_notices() {
    for (int budget = notices_a_wake_up; budget > 0; --budget) {
        std::span<std::uint8_t> datagram;
        const int error = notices_.receive(datagram);
        if (error == EAGAIN) {
            phase_ == Phase::emptying ? begin_reading() : rest_if_busy();
            break;
        }
        if (error != 0) lost();
        if (phase_ != Phase::emptying) for_each_message(datagram, [this](nlmsghdr& message) { apply(message); });
    }
    tell();
}

// The kernel tells of a thousand addresses one by one, and each would wake us up.
void Monitor::rest_if_busy() {
    const Instant now = loop_.now();
    if (now - std::exchange(woken_, now) >= 2 * rest) return;
    notice_watch_->interest(0);
    rest_->arm(now + rest);
}

void Monitor::on_reading() {
    for (int budget = reads_a_wake_up; budget > 0; --budget) {
        Channel::Incoming incoming;
        if (!readings_.receive(incoming)) break;
        if (incoming.error != 0) {
            if (is_reading()) read_again_later();
            break;
        }
        for_each_message(incoming.datagram, [this](nlmsghdr& message) { on_reading_message(message); });
    }
}

void Monitor::on_reading_message(nlmsghdr& message) {
    if (!is_reading() || message.nlmsg_seq != sequence_) return;
    if ((message.nlmsg_flags & NLM_F_DUMP_INTR) != 0) inconsistent_ = true;
    if (const auto end = parse_dump_end(message)) {
        if (*end != 0) return read_again_later();
        return end_part();
    }
    if (message.nlmsg_type == NLMSG_ERROR) return read_again_later();
    apply(message);
}

void Monitor::on_patience_end() {
    switch (phase_) {
        case Phase::following:
            return;
        case Phase::emptying:
            return on_notices();
        case Phase::reading_links:
        case Phase::reading_addresses:
            return read_again_later();
        case Phase::pausing:
            return begin_reading();
    }
}

void Monitor::apply(nlmsghdr& message) {
    switch (message.nlmsg_type) {
        case RTM_NEWLINK:
            if (const auto link = parse_link(message, facts_)) facts_.set_link(*link);
            break;
        case RTM_DELLINK:
            if (const auto link = parse_link(message, facts_)) facts_.remove_link(link->index);
            break;
        case RTM_NEWADDR:
            if (const auto address = parse_address(message)) facts_.set_address(*address);
            break;
        case RTM_DELADDR:
            if (const auto address = parse_address(message)) facts_.remove_address(*address);
            break;
    }
}

void Monitor::tell() {
    if (facts_.take_changed()) changed_();
    const auto removed = facts_.take_removed();
    if (removed_ && !removed.empty()) removed_(removed);
}

}  // namespace vrrpd::netlink
