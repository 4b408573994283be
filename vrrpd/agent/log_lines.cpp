#include "vrrpd/agent/log_lines.hpp"

#include <fmt/format.h>

namespace vrrpd {
namespace {

using log::Level;

// What to say of a refused advert beyond its reason: the two that have a likely remedy.
const char* hint(Refusal refusal) {
    switch (refusal) {
        case Refusal::auth_mismatch:
            return ": the peers' auth_type differ";
        case Refusal::auth_fail:
            return ": the peers' auth_pass differ";
        case Refusal::version:
            return ": the peers' versions differ";
        case Refusal::interval:
            return ": version 2 wants the same advert_int on all peers";
        case Refusal::own_source:
            return ": our own address: a loop, or the address twice on the LAN";
        case Refusal::length:
            return ": truncated, or with a trailer (keepalived HMAC trailer?)";
        default:
            return "";
    }
}

Level notice_level(Notice::Kind kind) {
    using enum Notice::Kind;
    switch (kind) {
        case lower_discarded:
        case first_is_global:
        case checksum_mirrored:
            return Level::info;
        case higher_heard:
        case equal_heard:
        case rebutted:
        case no_peer_heard:
        case deferred:
            return Level::notice;
        default:
            return Level::warning;
    }
}

// What happens here, whatever the peers say.
std::string own_notice_text(const Notice& notice) {
    using enum Notice::Kind;
    switch (notice.kind) {
        case flapping:
            return fmt::format(
                "MASTER again and again: {} times within a minute; compare the priorities of all hosts, or give "
                "advert_int more time",
                Instance::flapping_claims);
        case addresses_lost:
            return fmt::format("{}: somebody else removed it, putting it back", notice.text.view());
        case claimed_by_other:
            return fmt::format(
                "{} is also claimed by {}: find that host; it has the address by hand, or is a peer whose adverts do "
                "not get through",
                notice.source.to_string(), notice.text.view());
        case no_peer_heard:
            return fmt::format(
                "MASTER for {} s and no advert of a peer ever heard: if there is one, look for a firewall (protocol "
                "112), another VLAN or VRID",
                notice.text.view());
        case stalled:
            return std::string(notice.text.view());
        case send_failed:
            return fmt::format("cannot send: {}", notice.text.view());
        case deferred:
            return fmt::format("would be MASTER now, but waits: {}", notice.text.view());
        default:
            return {};
    }
}

std::string notice_text(const Notice& notice, const Instance& instance) {
    using enum Notice::Kind;
    const std::string source = notice.source.to_string();
    const auto& options = instance.options();
    switch (notice.kind) {
        case refused:
            return fmt::format("refused advert from {} reason={}{}", source, to_string(notice.refusal),
                               hint(notice.refusal));
        case lower_discarded:
            return fmt::format("received lower priority ({}) advert from {} - discarding", notice.their_priority,
                               source);
        case higher_heard:
            return fmt::format("Master received advert from {} with higher priority {}, ours {}", source,
                               notice.their_priority, notice.our_priority);
        case equal_heard:
            return fmt::format("Master received advert from {} with same priority {} but higher IP address than ours",
                               source, notice.their_priority);
        case rebutted:
            return fmt::format("Received advert from {} with lower priority {}, ours {}, forcing new election", source,
                               notice.their_priority, notice.our_priority);
        case twins:
            return fmt::format("{} and {} both advertise priority {}: give each host its own", notice.text.view(),
                               source, notice.their_priority);
        case interval_clamped:
            return fmt::format("{} advertises an interval of {} s, waiting for no more than {} s", source,
                               in_seconds(instance.last_heard()->interval), in_seconds(options.max_learned_interval));
        case foreign_router_id:
            return fmt::format(
                "{} advertises {}, ours is {}: the same virtual_router_id belongs on all hosts of the pair", source,
                notice.text.view(), options.virtual_router_id);
        case first_is_global:
            return fmt::format("{} advertises a first address that is not link-local", source);
        case off_subnet:
            return fmt::format("{} is in no subnet of {}: compare the addresses of the peers' interfaces", source,
                               options.interface);
        case list_differs:
            return fmt::format(
                "{} advertises other virtual addresses than ours for VRID {}: compare virtual_ipaddress and "
                "virtual_router_id of the peers",
                source, options.virtual_router_id);
        case interval_differs:
            return fmt::format("{} advertises an interval of {} s, ours is {} s: compare advert_int of the peers",
                               source, in_seconds(instance.last_heard()->interval),
                               in_seconds(options.advert_interval));
        case checksum_mirrored:
            return fmt::format("sending the checksum form that {} sends", source);
        case flapping:
        case addresses_lost:
        case claimed_by_other:
        case no_peer_heard:
        case stalled:
        case send_failed:
        case deferred:
            return own_notice_text(notice);
    }
    return {};
}

}  // namespace

LogLine log_line(const RoleChanged& change, const Instance& instance) {
    return {change.to == Role::fault ? Level::warning : Level::notice,
            fmt::format("({}) Entering {} STATE reason={} from={} priority={}", instance.options().name,
                        to_string(change.to), quoted(change.reason.view()), to_string(change.from), change.priority)};
}

std::string words(const Notice& notice, const Instance& instance) {
    return notice_text(notice, instance);
}

LogLine log_line(const Notice& notice, const Instance& instance) {
    LogLine line{notice_level(notice.kind),
                 fmt::format("({}) {}", instance.options().name, notice_text(notice, instance))};
    if (notice.repeated > 0) line.text += fmt::format(" repeated={}", notice.repeated);
    return line;
}

}  // namespace vrrpd
