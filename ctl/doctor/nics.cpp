#include "ctl/doctor/nics.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <ifaddrs.h>
#include <memory>
#include <span>
#include <system_error>

#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>

namespace vrrpd::doctor {
namespace {

std::span<const std::uint8_t> bytes_of(const sockaddr* address) {
    if (address->sa_family == AF_INET) {
        const auto& in = *reinterpret_cast<const sockaddr_in*>(address);
        return {reinterpret_cast<const std::uint8_t*>(&in.sin_addr), 4};
    }
    const auto& in = *reinterpret_cast<const sockaddr_in6*>(address);
    return {reinterpret_cast<const std::uint8_t*>(&in.sin6_addr), 16};
}

Nic& nic_of(Nics& nics, const ifaddrs& entry) {
    const auto found = std::ranges::find(nics, entry.ifa_name, &Nic::name);
    if (found != nics.end()) return *found;
    Nic nic;
    nic.name = entry.ifa_name;
    nic.index = static_cast<int>(if_nametoindex(entry.ifa_name));
    nic.up = (entry.ifa_flags & IFF_UP) != 0;
    nic.multicast = (entry.ifa_flags & IFF_MULTICAST) != 0;
    return nics.emplace_back(std::move(nic));
}

void take(Nic& nic, const ifaddrs& entry) {
    if (entry.ifa_addr == nullptr) return;
    const int family = entry.ifa_addr->sa_family;
    if (family == AF_PACKET) {
        const auto& link = *reinterpret_cast<const sockaddr_ll*>(entry.ifa_addr);
        if (link.sll_halen == nic.mac.size()) std::copy_n(link.sll_addr, nic.mac.size(), nic.mac.begin());
    } else if ((family == AF_INET || family == AF_INET6) && entry.ifa_netmask != nullptr) {
        const auto address = IpAddress::from_bytes(bytes_of(entry.ifa_addr));
        int length = 0;
        for (const std::uint8_t byte : bytes_of(entry.ifa_netmask)) length += std::popcount(byte);
        if (address) nic.addresses.push_back({*address, static_cast<std::uint8_t>(length)});
    }
}

}  // namespace

bool Nic::has(const IpAddress& address) const {
    return std::ranges::find(addresses, address, &Prefix::address) != addresses.end();
}

bool Nic::reaches(const IpAddress& address) const {
    return std::ranges::any_of(addresses, [&](const Prefix& own) {
        return own.address.family() == address.family() && own.length < address.bits() && own.contains(address);
    });
}

Nics read_nics() {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) throw std::system_error(errno, std::generic_category(), "the links cannot be read");
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owned(list, freeifaddrs);
    Nics nics;
    for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) take(nic_of(nics, *entry), *entry);
    return nics;
}

const Nic* find(const Nics& nics, std::string_view name) {
    const auto found = std::ranges::find(nics, name, &Nic::name);
    return found == nics.end() ? nullptr : &*found;
}

}  // namespace vrrpd::doctor
