#include "netlink/plan.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
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

bool is_ours(const Address& address, const std::set<OwnedAddress>& also_ours) {
    return address.mark == our_mark || also_ours.contains({address.link, address.prefix});
}

}  // namespace

bool keeps_marks(std::string_view release) {
    int major = 0, minor = 0;
    const char* const end = release.data() + release.size();
    const auto dot = std::from_chars(release.data(), end, major);
    if (dot.ec != std::errc() || dot.ptr == end || *dot.ptr != '.') return true;
    if (std::from_chars(dot.ptr + 1, end, minor).ec != std::errc()) return true;
    return major > 5 || (major == 5 && minor >= 18);
}

std::vector<Conflict> conflicts(const Facts& actual, std::span<const DesiredAddress> desired,
                                const std::set<OwnedAddress>& also_ours) {
    std::vector<Conflict> result;
    for (const DesiredAddress& wanted : desired) {
        const auto holders = actual.holders(wanted.link, wanted.prefix.address);
        const auto stranger =
            std::ranges::find_if(holders, [&](const Address& holder) { return !is_ours(holder, also_ours); });
        if (stranger != holders.end()) result.push_back({wanted, *stranger});
    }
    return result;
}

std::vector<Address> leftovers(const Facts& actual, const std::set<OwnedAddress>& also_ours) {
    std::vector<Address> result = actual.addresses();
    std::erase_if(result, [&](const Address& address) { return !is_ours(address, also_ours); });
    std::stable_partition(result.begin(), result.end(), [](const Address& address) { return address.secondary; });
    return result;
}

std::vector<Address> removal_hazards(const Facts& actual, std::span<const DesiredAddress> removed,
                                     const std::set<OwnedAddress>& also_ours) {
    std::set<OwnedAddress> going;
    std::set<Subnet> beheaded;
    std::set<int> links;
    for (const DesiredAddress& one : removed) {
        going.insert({one.link, one.prefix});
        for (const Address& address : actual.holders(one.link, one.prefix.address)) {
            if (address.prefix != one.prefix || !is_ipv4(address) || address.secondary) continue;
            if (!is_ours(address, also_ours) || one.prefix.length == one.prefix.address.bits()) continue;
            beheaded.insert(subnet_of(address));
            links.insert(one.link);
        }
    }
    const auto is_hazard = [&](const Address& address) {
        if (!address.secondary || !is_ipv4(address) || !beheaded.contains(subnet_of(address))) return false;
        return !is_ours(address, also_ours) || !going.contains({address.link, address.prefix});
    };
    std::vector<Address> result;
    for (const int link : links) {
        std::ranges::copy(actual.addresses(link, is_hazard), std::back_inserter(result));
    }
    return result;
}

}  // namespace vrrpd::netlink
