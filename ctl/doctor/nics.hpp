// The links of this host with their addresses, as the doctor needs them: read once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vrrpd/core/frames.hpp"
#include "vrrpd/core/ip.hpp"

namespace vrrpd::doctor {

struct Nic {
    std::string name;
    int index = 0;
    bool up = false;
    bool multicast = false;  ///< can send and get it
    MacAddress mac{};
    std::vector<Prefix> addresses;

    bool has(const IpAddress& address) const;
    /// One of its own subnets holds the address; a /32 is none.
    bool reaches(const IpAddress& address) const;
};

using Nics = std::vector<Nic>;

/// In the network namespace of the caller. Throws std::system_error.
Nics read_nics();

/// Null: there is none.
const Nic* find(const Nics& nics, std::string_view name);

}  // namespace vrrpd::doctor
