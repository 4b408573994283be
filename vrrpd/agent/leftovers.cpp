#include "vrrpd/agent/leftovers.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <sys/utsname.h>

#include "netlink/promote_secondaries.hpp"
#include "vrrpd/io/log.hpp"

namespace vrrpd {
namespace {

netlink::Requests::Completion cleanup(std::string what) {
    return [what = std::move(what)](int error, const std::string& text) {
        if (error == 0) return;
        log::write(log::Level::warning, fmt::format("cannot remove {}, which a predecessor left: {}", what, text));
    };
}

// What was asked for may have left the link and the metric to the kernel.
bool is_same(const netlink::Route& asked, const netlink::Route& found) {
    netlink::Route named = asked;
    if (named.link == 0) named.link = found.link;
    if (named.metric == 0) named.metric = found.metric;
    return named == found;
}

std::set<netlink::OwnedAddress> unmarked(const std::optional<RecordReader>& predecessor) {
    std::set<netlink::OwnedAddress> ours;
    if (!predecessor || kernel_keeps_marks()) return ours;
    for (std::size_t i = 0; i < predecessor->size(); ++i) {
        const auto held = predecessor->held(i);
        if (held) ours.insert(held->addresses.begin(), held->addresses.end());
    }
    return ours;
}

}  // namespace

std::vector<netlink::Route> find_marked_routes() {
    try {
        return netlink::marked_routes();
    } catch (const std::system_error& error) {
        log::write(log::Level::warning, fmt::format("cannot remove routes that a predecessor left: {}", error.what()));
        return {};
    }
}

bool kernel_keeps_marks() {
    utsname kernel{};
    return uname(&kernel) != 0 || netlink::keeps_marks(kernel.release);
}

void remove_leftovers(netlink::Requests& requests, const netlink::Facts& facts,
                      const std::vector<netlink::Route>& routes, const Kept& kept,
                      const std::optional<RecordReader>& predecessor) {
    for (const netlink::Route& route : routes) {
        const auto keeps = [&](const netlink::Route& asked) { return is_same(asked, route); };
        if (std::ranges::any_of(kept.routes, keeps)) continue;
        requests.remove_route(route, cleanup("route " + route.destination.to_string()));
    }
    std::vector<netlink::DesiredAddress> removed;
    for (const netlink::Address& address : netlink::leftovers(facts, unmarked(predecessor))) {
        if (!kept.addresses.contains({address.link, address.prefix})) {
            removed.push_back({address.link, address.prefix, {}});
        }
    }
    save_others(facts, removed, {});
    for (const netlink::DesiredAddress& address : removed) {
        requests.remove_address(address.link, address.prefix, cleanup(address.prefix.to_string()));
    }
}

// An address of ours may have become the first of its subnet; the kernel would take the others along.
void save_others(const netlink::Facts& facts, std::span<const netlink::DesiredAddress> removed,
                 const std::set<netlink::OwnedAddress>& ours) {
    for (const netlink::Address& other : netlink::removal_hazards(facts, removed, ours)) {
        const netlink::Link* known = facts.link(other.link);
        if (known == nullptr || netlink::promote_secondaries(known->name)) continue;
        log::write(log::Level::warning,
                   fmt::format("{} on {} goes together with ours: set net.ipv4.conf.{}.promote_secondaries = 1",
                               other.prefix.to_string(), known->name, known->name));
    }
}

}  // namespace vrrpd
