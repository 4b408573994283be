// What the LAN says in a few advert intervals: who sends adverts, and who answers for our addresses.
//
// Listens as the daemon does, beside it if it runs; sends nothing but probes that change nobody's neighbour entries.
// What is heard is data (Heard), and what to make of it a pure function.
#pragma once

#include <string>
#include <vector>

#include "ctl/doctor/finding.hpp"
#include "ctl/doctor/nics.hpp"
#include "vrrpd/config/config.hpp"

namespace vrrpd::doctor {

/// Adverts of one sender that say the same.
struct HeardAdvert {
    std::string link;
    IpAddress source;
    int virtual_router_id = 0;
    int version = 0;
    std::vector<IpAddress> addresses;
    friend bool operator==(const HeardAdvert&, const HeardAdvert&) = default;
};

/// Another MAC on the link that has an address of ours.
struct HeardClaim {
    std::string link;
    Claim claim;
    friend bool operator==(const HeardClaim&, const HeardClaim&) = default;
};

struct Heard {
    std::vector<HeardAdvert> adverts;  ///< each once; not our own; at most 256
    std::vector<HeardClaim> claims;    ///< each once; at most 256
};

/// How long to listen: the time after which a peer that was not heard counts as down, 2 to 15 s.
Duration patience(const config::Config& config);

/// Throws std::system_error when the kernel refuses raw sockets.
Heard listen(const config::Config& config, const Nics& nics, Duration time);

Findings judge(const config::Config& config, const Nics& nics, const Heard& heard);

}  // namespace vrrpd::doctor
