#include "vrrpd/config/arrange.hpp"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <optional>
#include <utility>

#include "vrrpd/config/schema.hpp"

namespace vrrpd::config {
namespace {

using Places = std::vector<std::size_t>;  // the new place, by the one in the file
constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

// ---- who is who

bool is_same_router(const InstanceOptions& a, const InstanceOptions& b) {
    return a.virtual_router_id == b.virtual_router_id && a.family == b.family && a.interface == b.interface;
}

bool share_a_peer(const InstanceOptions& a, const InstanceOptions& b) {
    return std::ranges::any_of(a.unicast_peers, [&](const UnicastPeer& peer) {
        return std::ranges::find(b.unicast_peers, peer.address, &UnicastPeer::address) != b.unicast_peers.end();
    });
}

// In three rounds, so that the doubtful get what the certain leave.
Places match(const std::vector<InstanceOptions>& running, const std::vector<InstanceOptions>& loaded) {
    std::multimap<std::pair<std::string, std::uint8_t>, std::size_t> free;
    for (std::size_t i = 0; i < running.size(); ++i) {
        if (!is_vacant(running[i])) free.emplace(std::pair(running[i].interface, running[i].virtual_router_id), i);
    }
    Places places(loaded.size(), nowhere);
    const auto round = [&](auto agree) {
        for (std::size_t i = 0; i < loaded.size(); ++i) {
            if (places[i] != nowhere) continue;
            auto [at, end] = free.equal_range({loaded[i].interface, loaded[i].virtual_router_id});
            while (at != end &&
                   !(is_same_router(running[at->second], loaded[i]) && agree(running[at->second], loaded[i]))) {
                ++at;
            }
            if (at == end) continue;
            places[i] = at->second;
            free.erase(at);
        }
    };
    round([](const auto& a, const auto& b) { return a.name == b.name; });
    round(share_a_peer);
    round([](const auto&, const auto&) { return true; });
    return places;
}

template <typename Thing, typename Name>
Places match(const std::vector<Thing>& running, const std::vector<Thing>& loaded, Name name) {
    std::map<std::string, std::size_t> known;
    for (std::size_t i = 0; i < running.size(); ++i) known.emplace(std::invoke(name, running[i]), i);
    Places places;
    for (const Thing& each : loaded) {
        const auto found = known.find(std::invoke(name, each));
        places.push_back(found == known.end() ? nowhere : found->second);
    }
    return places;
}

// Who is new takes what was vacant before this reload, then new places.
template <typename Thing, typename IsVacant>
void house(const std::vector<Thing>& running, Places& places, IsVacant is_vacant) {
    std::size_t next = 0;
    for (std::size_t& place : places) {
        if (place != nowhere) continue;
        while (next < running.size() && !is_vacant(running[next])) ++next;
        place = next++;
    }
}

// ---- the new list

template <typename Thing, typename IsVacant>
std::vector<Thing> settle(const std::vector<Thing>& running, std::vector<Thing> loaded, const Places& places,
                          IsVacant is_vacant, Changes& changes) {
    std::size_t size = running.size();
    for (const std::size_t place : places) size = std::max(size, place + 1);
    std::vector<Thing> arranged(size);
    std::vector<bool> taken(size, false);
    for (std::size_t i = 0; i < loaded.size(); ++i) {
        const std::size_t place = places[i];
        taken[place] = true;
        const bool is_new = place >= running.size() || is_vacant(running[place]);
        if (is_new) {
            changes.added.push_back(place);
        } else if (!(running[place] == loaded[i])) {
            changes.changed.push_back(place);
        }
        arranged[place] = std::move(loaded[i]);
    }
    for (std::size_t place = 0; place < running.size(); ++place) {
        if (!taken[place] && !is_vacant(running[place])) changes.removed.push_back(place);
    }
    std::ranges::sort(changes.added);
    std::ranges::sort(changes.changed);
    return arranged;
}

using Holder = std::pair<Prefix, std::size_t>;

// Of instances at these places.
std::vector<Holder> holders(const std::vector<InstanceOptions>& instances,
                            std::initializer_list<const std::vector<std::size_t>*> places) {
    std::vector<Holder> found;
    for (const auto* list : places) {
        for (const std::size_t place : *list) {
            for_each_address(instances[place],
                             [&](const VirtualAddress& address) { found.emplace_back(address.prefix, place); });
        }
    }
    std::ranges::sort(found);
    return found;
}

std::vector<Move> find_moves(const Config& running, const Config& arranged, const Changes& instances) {
    const auto had = holders(running.instances, {&instances.changed, &instances.removed});
    const auto have = holders(arranged.instances, {&instances.changed, &instances.added});
    std::vector<Move> moves;
    for (const auto& [address, from] : had) {
        if (std::ranges::binary_search(have, Holder(address, from))) continue;
        const auto to = std::ranges::lower_bound(have, Holder(address, 0));
        if (to == have.end() || to->first != address) continue;
        if (!std::ranges::binary_search(had, Holder(address, to->second))) moves.push_back({address, from, to->second});
    }
    return moves;
}

std::vector<std::string> keep_fixed(GlobalOptions& loaded, const GlobalOptions& running) {
    std::vector<std::string> different;
    for (const Key& key : schema()) {
        if (key.keep && key.keep(loaded, running)) different.push_back(key.name);
    }
    return different;
}

bool has_no_name(const std::string& name) {
    return name.empty();
}
template <typename Thing>
bool has_no_name(const Thing& thing) {
    return thing.name.empty();
}

}  // namespace

Arranged arrange(const Config& running, Config loaded) {
    const auto vacant = [](const auto& thing) { return has_no_name(thing); };
    Places instances = match(running.instances, loaded.instances);
    Places checks = match(running.checks, loaded.checks, &health::CheckOptions::name);
    Places services = match(running.services, loaded.services, &service::ServiceOptions::name);
    Places links = match(running.tracked_interfaces, loaded.tracked_interfaces, std::identity());
    house(running.instances, instances, is_vacant);
    house(running.checks, checks, vacant);
    house(running.services, services, vacant);
    house(running.tracked_interfaces, links, vacant);

    for (InstanceOptions& instance : loaded.instances) {
        for (Track& track : instance.checks) {
            std::size_t& index = track.index;
            index = index < first_tracked_interface ? checks[index]
                                                    : first_tracked_interface + links[index - first_tracked_interface];
        }
        for (std::size_t& gate : instance.gates) gate = checks[gate];
        for (std::size_t& service : instance.services) service = services[service];
    }
    for (SyncGroupOptions& group : loaded.groups) {
        for (std::size_t& member : group.members) member = instances[member];
    }

    Arranged result;
    Changes ignored;
    Config& config = result.config;
    config.instances = settle(running.instances, std::move(loaded.instances), instances, is_vacant, result.instances);
    config.checks = settle(running.checks, std::move(loaded.checks), checks, vacant, result.checks);
    config.services = settle(running.services, std::move(loaded.services), services, vacant, result.services);
    config.tracked_interfaces =
        settle(running.tracked_interfaces, std::move(loaded.tracked_interfaces), links, vacant, ignored);
    config.groups = std::move(loaded.groups);
    config.hook_credentials = loaded.hook_credentials;
    for (const std::size_t place : result.instances.removed) config.instances[place] = running.instances[place];
    result.moves = find_moves(running, config, result.instances);
    config.global = std::move(loaded.global);
    result.needs_restart = keep_fixed(config.global, running.global);
    return result;
}

}  // namespace vrrpd::config
