#include "vrrpd/config/path_rules.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

namespace vrrpd::config {
namespace {

std::string_view name_of(Family family) {
    return family == Family::ipv4 ? "IPv4" : "IPv6";
}

std::string other_family(const IpAddress& address, Family family) {
    return fmt::format("{} is {}, but the instance is {}; allowed is one family", address.to_string(),
                       name_of(address.family()), name_of(family));
}

/// Keys of unicast in a multicast instance, and the reverse.
void check_mode(const Draft& draft, const InstanceDraft& instance, Report& report) {
    if (draft.has("unicast_peer")) {
        if (instance.multicast_source || draft.is_doubtful("mcast_src_ip")) {
            report.error(draft, "mcast_src_ip", "is there beside unicast_peer, allowed with peers is unicast_src_ip");
        }
        if (instance.group || draft.is_doubtful("mcast_dst_ip")) {
            report.error(draft, "mcast_dst_ip", "is there beside unicast_peer, allowed is one of the two");
        }
        return;
    }
    if (draft.has("unicast_src_ip")) {
        report.error(draft, "unicast_src_ip",
                     "is there without a unicast_peer, which does not mean multicast; write unicast_peer, or "
                     "mcast_src_ip instead");
    }
    if (draft.given.contains("unicast_ttl") && instance.unicast_ttl != 255) {
        report.warning(draft, "unicast_ttl", "changes nothing without unicast_peer");
    }
}

bool needs_interface(const IpAddress& address) {
    return address.family() == Family::ipv6 && address.is_link_local();
}

/// Without an interface the source address tells which one is meant.
void check_interface(const Draft& draft, const InstanceOptions& options, Report& report) {
    if (draft.has("interface")) return;
    if (!draft.has("unicast_peer")) return report.error(draft, "interface", "missing, write interface = interface");
    if (!draft.has("unicast_src_ip")) {
        report.error(draft, "unicast_src_ip", "missing without an interface, write unicast_src_ip = ADDR");
    }
    std::vector<IpAddress> addresses;
    if (options.source) addresses.push_back(*options.source);
    for (const UnicastPeer& peer : options.unicast_peers) addresses.push_back(peer.address);
    const auto local = std::ranges::find_if(addresses, needs_interface);
    if (local == addresses.end()) return;
    report.error(draft, "interface",
                 fmt::format("missing for the link-local {}, write interface = interface", local->to_string()));
}

/// `unicast_src_ip` or `mcast_src_ip`.
void check_source(const Draft& draft, const InstanceDraft& instance, const InstanceOptions& options, Report& report) {
    if (!options.source) return;
    const bool unicast = draft.has("unicast_peer");
    const std::string_view key = unicast ? "unicast_src_ip" : "mcast_src_ip";
    const IpAddress& source = *options.source;
    if (source.family() != options.family) {
        report.error(draft, key, other_family(source, options.family));
    } else if (instance.address_places.contains(source) && options.priority != owner_priority) {
        report.error(draft, key,
                     fmt::format("{} is a virtual address, which only the MASTER has; allowed is one that stays on "
                                 "this host",
                                 source.to_string()));
    } else if (!unicast && source.family() == Family::ipv6 && !source.is_link_local()) {
        report.error(draft, key,
                     fmt::format("{} is not link-local, which adverts to an IPv6 group must come from (RFC 9568 "
                                 "5.1.2.1)",
                                 source.to_string()));
    }
}

/// Empty: adverts can go to this peer and come from it.
std::string wrong_with(const IpAddress& peer, const InstanceDraft& instance, const InstanceOptions& options) {
    if (peer.family() != options.family) return other_family(peer, options.family);
    if (peer == instance.unicast_source) {
        return fmt::format("{} is our own unicast_src_ip, allowed are other hosts", peer.to_string());
    }
    if (instance.address_places.contains(peer)) {
        return fmt::format("{} is a virtual address, allowed is one that stays on the other host", peer.to_string());
    }
    return {};
}

void check_peers(const Draft& draft, const InstanceDraft& instance, const InstanceOptions& options, Report& report) {
    for (const UnicastPeer& peer : options.unicast_peers) {
        std::string wrong = wrong_with(peer.address, instance, options);
        if (wrong.empty()) continue;
        report.error_at(draft, instance.peer_places.at(peer.address), "unicast_peer", std::move(wrong));
    }
}

/// What a route cannot know without the instance's interface.
void check_routes(const Draft& draft, const InstanceDraft& instance, Report& report) {
    if (draft.has("interface") || !draft.has("unicast_peer")) return;
    for (std::size_t i = 0; i < instance.routes.size(); ++i) {
        const VirtualRoute& route = instance.routes[i];
        const bool local = route.gateway && needs_interface(*route.gateway);
        if (!route.device.empty() || (route.gateway && !local)) continue;
        report.error_at(draft, instance.route_places[i], "virtual_routes",
                        fmt::format("{} needs dev IF{}, as the instance has no interface",
                                    route.destination.to_string(), local ? "" : " or via ADDR"));
    }
}

/// An address that both send to.
std::optional<IpAddress> common_peer(const InstanceOptions& a, const InstanceOptions& b) {
    for (const UnicastPeer& peer : a.unicast_peers) {
        if (std::ranges::find(b.unicast_peers, peer.address, &UnicastPeer::address) == b.unicast_peers.end()) continue;
        return peer.address;
    }
    return std::nullopt;
}

/// Why adverts of the two could not be told apart, the earlier one being [`title`]; empty: they can.
std::string confusion(const InstanceOptions& later, const InstanceOptions& earlier, const std::string& title) {
    if (later.virtual_router_id != earlier.virtual_router_id || later.family != earlier.family) return {};
    const bool both_unicast = !later.unicast_peers.empty() && !earlier.unicast_peers.empty();
    // Without an interface it may be any.
    const bool one_is_open = later.interface.empty() || earlier.interface.empty();
    if (later.interface != earlier.interface && !(both_unicast && one_is_open)) return {};
    if (!both_unicast) {
        return fmt::format("{} on {} belongs to [{}], allowed is one that is unique per interface and family",
                           later.virtual_router_id, later.interface, title);
    }
    const auto peer = common_peer(later, earlier);
    if (!peer) return {};
    return fmt::format("{} with the peer {} belongs to [{}], allowed is one that is unique, or other peers",
                       later.virtual_router_id, peer->to_string(), title);
}

/// Whether there is enough of an instance to compare it with others.
bool is_comparable(const Draft& draft, const InstanceOptions& options) {
    const bool somewhere = !options.interface.empty() || (!draft.has("interface") && !options.unicast_peers.empty());
    return options.virtual_router_id != 0 && somewhere && !draft.is_doubtful("unicast_peer");
}

}  // namespace

void check_path(const Draft& draft, const InstanceOptions& options, Report& report) {
    const auto& instance = std::get<InstanceDraft>(draft.body);
    check_mode(draft, instance, report);
    check_interface(draft, options, report);
    check_source(draft, instance, options, report);
    check_peers(draft, instance, options, report);
    check_routes(draft, instance, report);
    if (options.group && options.group->family() != options.family && !draft.has("unicast_peer")) {
        report.error(draft, "mcast_dst_ip", other_family(*options.group, options.family));
    }
}

void check_router_ids(const Drafts& drafts, const Config& config, Report& report) {
    std::vector<std::size_t> earlier;
    for (std::size_t i = 0; i < config.instances.size(); ++i) {
        const InstanceOptions& instance = config.instances[i];
        if (!is_comparable(drafts.instances[i], instance)) continue;
        for (const std::size_t other : earlier) {
            std::string wrong = confusion(instance, config.instances[other], drafts.instances[other].title);
            if (wrong.empty()) continue;
            report.error(drafts.instances[i], "virtual_router_id", std::move(wrong));
            break;
        }
        earlier.push_back(i);
    }
}

}  // namespace vrrpd::config
