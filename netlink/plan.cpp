#include "netlink/plan.hpp"

#include <algorithm>
#include <tuple>

namespace vrrpd::netlink {
namespace {

// The kernel's notion of a subnet: same link, same prefix length, and the same network of the far end.
using Subnet = std::tuple<int, std::uint8_t, std::array<std::uint8_t, 4>>;

Subnet subnet_of(const Address& address) {
    std::array<std::uint8_t, 4> network{};
    std::ranges::copy(address.peer.bytes(), network.begin());
    for (std::size_t bit = address.prefix.length; bit < 32; ++bit) {
        network[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> (bit % 8)));
    }
    return {address.link, address.prefix.length, network};
}

bool is_ipv4(const Address& address) {
    return address.prefix.address.family() == Family::ipv4;
}

OwnedAddress name_of(const Address& address) {
    return {address.link, address.prefix};
}

bool is_ours(const Address& address, const std::set<OwnedAddress>& also_ours) {
    return address.mark == our_mark || also_ours.contains(name_of(address));
}

// Secondary addresses that vanish together with the removed ones, unless promote_secondaries is on.
std::vector<Address> taken_along(const std::vector<Address>& all, const std::set<OwnedAddress>& removed) {
    std::set<Subnet> beheaded;
    for (const Address& address : all) {
        if (is_ipv4(address) && !address.secondary && removed.contains(name_of(address))) {
            beheaded.insert(subnet_of(address));
        }
    }
    std::vector<Address> result;
    if (beheaded.empty()) return result;
    std::ranges::copy_if(all, std::back_inserter(result), [&](const Address& address) {
        return is_ipv4(address) && address.secondary && !removed.contains(name_of(address)) &&
               beheaded.contains(subnet_of(address));
    });
    return result;
}

}  // namespace

std::vector<Address> leftovers(const Facts& actual, std::span<const DesiredAddress> desired,
                               const std::set<OwnedAddress>& also_ours) {
    std::set<OwnedAddress> wanted;
    for (const DesiredAddress& one : desired) wanted.insert({one.link, one.prefix});

    std::vector<Address> result = actual.addresses();
    std::erase_if(result, [&](const Address& address) {
        return !is_ours(address, also_ours) || wanted.contains(name_of(address));
    });
    std::ranges::stable_partition(result, [](const Address& address) { return address.secondary; });
    return result;
}

Plan make_plan(const Facts& actual, std::span<const DesiredAddress> desired,
               const std::set<OwnedAddress>& also_ours) {
    Plan plan;
    std::set<OwnedAddress> removed;
    for (const Address& address : leftovers(actual, desired, also_ours)) {
        plan.operations.push_back({Operation::Kind::remove, address.link, address.prefix, {}});
        removed.insert(name_of(address));
    }
    std::set<OwnedAddress> lost;
    for (const Address& address : taken_along(actual.addresses(), removed)) lost.insert(name_of(address));

    std::set<OwnedAddress> seen;
    for (const DesiredAddress& one : desired) {
        const OwnedAddress name{one.link, one.prefix};
        if (!seen.insert(name).second) continue;
        const auto holders = actual.holders(one.link, one.prefix.address);
        const bool present = std::ranges::any_of(holders, [&](const Address& holder) {
            return holder.prefix == one.prefix && is_ours(holder, also_ours);
        });
        const bool held_by_others =
            std::ranges::any_of(holders, [&](const Address& holder) { return !is_ours(holder, also_ours); });
        if (!present && held_by_others) {
            plan.foreign.push_back(one);
        } else if (!present || lost.contains(name)) {
            plan.operations.push_back({Operation::Kind::add, one.link, one.prefix, one.label});
        }
    }
    return plan;
}

std::vector<Address> removal_hazards(const Facts& actual, std::span<const Operation> operations,
                                     const std::set<OwnedAddress>& also_ours) {
    std::set<OwnedAddress> removed;
    for (const Operation& operation : operations) {
        if (operation.kind == Operation::Kind::remove) removed.insert({operation.link, operation.prefix});
    }
    if (removed.empty()) return {};
    std::vector<Address> result = taken_along(actual.addresses(), removed);
    std::erase_if(result, [&](const Address& address) { return is_ours(address, also_ours); });
    return result;
}

}  // namespace vrrpd::netlink
