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

LogLine body(const Notice& notice, const Instance& instance) {
    const std::string source = notice.source.to_string();
    const auto& options = instance.options();
    switch (notice.kind) {
        case Notice::Kind::refused:
            return {Level::warning, fmt::format("refused advert from {} reason={}{}", source, to_string(notice.refusal),
                                                hint(notice.refusal))};
        case Notice::Kind::lower_discarded:
            return {Level::info, fmt::format("received lower priority ({}) advert from {} - discarding",
                                             notice.their_priority, source)};
        case Notice::Kind::higher_heard:
            return {Level::notice, fmt::format("Master received advert from {} with higher priority {}, ours {}",
                                               source, notice.their_priority, notice.our_priority)};
        case Notice::Kind::equal_heard:
            return {Level::notice, fmt::format("Master received advert from {} with same priority {} but higher IP "
                                               "address than ours",
                                               source, notice.their_priority)};
        case Notice::Kind::rebutted:
            return {Level::notice, fmt::format("Received advert from {} with lower priority {}, ours {}, forcing new "
                                               "election",
                                               source, notice.their_priority, notice.our_priority)};
        case Notice::Kind::twins:
            return {Level::warning, fmt::format("{} and {} both advertise priority {}: give each host its own",
                                                notice.text.view(), source, notice.their_priority)};
        case Notice::Kind::flapping:
            return {Level::warning, fmt::format("MASTER again and again: {} times within a minute; compare the "
                                                "priorities of all hosts, or give advert_int more time",
                                                Instance::flapping_claims)};
        case Notice::Kind::addresses_lost:
            return {Level::warning, fmt::format("{}: somebody else removed it, putting it back", notice.text.view())};
        case Notice::Kind::claimed_by_other:
            return {Level::warning, fmt::format("{} is also claimed by {}: find that host; it has the address by hand, "
                                                "or is a peer whose adverts do not get through",
                                                source, notice.text.view())};
        case Notice::Kind::no_peer_heard:
            return {Level::notice, fmt::format("MASTER for {} s and no advert of a peer ever heard: if there is one, "
                                               "look for a firewall (protocol 112), another VLAN or VRID",
                                               notice.text.view())};
        case Notice::Kind::interval_clamped:
            return {Level::warning,
                    fmt::format("{} advertises an interval of {} s, waiting for no more than {} s", source,
                                in_seconds(instance.last_heard()->interval), in_seconds(options.max_learned_interval))};
        case Notice::Kind::foreign_router_id:
            return {Level::warning, fmt::format("{} advertises {}, ours is {}: the same virtual_router_id belongs on "
                                                "all hosts of the pair",
                                                source, notice.text.view(), options.virtual_router_id)};
        case Notice::Kind::first_is_global:
            return {Level::info, fmt::format("{} advertises a first address that is not link-local", source)};
        case Notice::Kind::off_subnet:
            return {Level::warning,
                    fmt::format("{} is in no subnet of {}: compare the addresses of the peers' interfaces", source,
                                options.interface)};
        case Notice::Kind::list_differs:
            return {Level::warning, fmt::format("{} advertises other virtual addresses than ours for VRID {}: compare "
                                                "virtual_ipaddress and virtual_router_id of the peers",
                                                source, options.virtual_router_id)};
        case Notice::Kind::interval_differs:
            return {
                Level::warning,
                fmt::format("{} advertises an interval of {} s, ours is {} s: compare advert_int of the peers", source,
                            in_seconds(instance.last_heard()->interval), in_seconds(options.advert_interval))};
        case Notice::Kind::checksum_mirrored:
            return {Level::info, fmt::format("sending the checksum form that {} sends", source)};
        case Notice::Kind::stalled:
            return {Level::warning, std::string(notice.text.view())};
        case Notice::Kind::send_failed:
            return {Level::warning, fmt::format("cannot send: {}", notice.text.view())};
        case Notice::Kind::deferred:
            return {Level::notice, fmt::format("would be MASTER now, but waits: {}", notice.text.view())};
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
    return body(notice, instance).text;
}

LogLine log_line(const Notice& notice, const Instance& instance) {
    LogLine line = body(notice, instance);
    line.text = fmt::format("({}) {}", instance.options().name, line.text);
    if (notice.repeated > 0) line.text += fmt::format(" repeated={}", notice.repeated);
    return line;
}

}  // namespace vrrpd
