#include "ctl/doctor/lan.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include <fmt/format.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "vrrpd/core/advert.hpp"
#include "vrrpd/io/advert_observer.hpp"
#include "vrrpd/io/claim_observer.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/sd_event_loop.hpp"

namespace vrrpd::doctor {
namespace {

constexpr std::size_t most_heard = 256;

std::string text_of(const MacAddress& mac) {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

std::string list(const std::vector<IpAddress>& addresses) {
    constexpr std::size_t most = 4;
    std::string text;
    for (const IpAddress& each : addresses) {
        if (&each - addresses.data() == most) return text + ", ...";
        text += (text.empty() ? "" : ", ") + each.to_string();
    }
    return text;
}

template <typename T>
void add(std::vector<T>& all, T one) {
    const bool known = std::ranges::find(all, one) != all.end();
    if (!known && all.size() < most_heard) all.push_back(std::move(one));
}

/// What is to be heard on one link, in one family.
struct Segment {
    std::set<IpAddress> groups;
    std::set<IpAddress> addresses;
    bool adverts = false;
};
using Segments = std::map<std::pair<const Nic*, Family>, Segment>;

Segments segments_of(const config::Config& config, const Nics& nics) {
    Segments segments;
    for (const InstanceOptions& instance : config.instances) {
        if (const Nic* const nic = find(nics, instance.interface)) {
            Segment& segment = segments[{nic, instance.family}];
            segment.adverts = true;
            if (instance.unicast_peers.empty()) {
                segment.groups.insert(instance.group.value_or(vrrp_group(instance.family)));
            }
        }
        for (const auto* const addresses : {&instance.addresses, &instance.excluded_addresses}) {
            for (const VirtualAddress& each : *addresses) {
                const Nic* const nic = find(nics, each.device.empty() ? instance.interface : each.device);
                if (nic == nullptr) continue;
                segments[{nic, each.prefix.address.family()}].addresses.insert(each.prefix.address);
            }
        }
    }
    return segments;
}

class Listener {
  public:
    Listener(const config::Config& config, const Nics& nics)
        : nics_(nics), packets_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
        if (!packets_) throw std::system_error(errno, std::generic_category(), "cannot open a packet socket");
        for (auto& [key, segment] : segments_of(config, nics)) {
            const auto& [nic, family] = key;
            if (!nic->up) continue;
            if (segment.adverts) listen_for_adverts(*nic, family, segment);
            if (!segment.addresses.empty()) listen_for_claims(*nic, family, segment);
        }
    }

    Heard run(Duration time) {
        const auto end = loop_.timer([this] { loop_.quit(0); }, Urgency::normal);
        const auto again = loop_.timer([this] { probe(); }, Urgency::normal);
        end->arm(loop_.now() + time);
        again->arm(loop_.now() + time / 2);
        probe();
        loop_.run();
        return std::move(heard_);
    }

  private:
    void listen_for_adverts(const Nic& nic, Family family, const Segment& segment) {
        const Subscription all{{}, {segment.groups.begin(), segment.groups.end()}};
        adverts_.push_back(std::make_unique<AdvertObserver>(loop_, family, nic.index, all,
                                                            [this, &nic](std::span<const Packet> packets) {
                                                                for (const Packet& packet : packets) take(nic, packet);
                                                            }));
    }

    void listen_for_claims(const Nic& nic, Family family, const Segment& segment) {
        const ClaimSubscription ours{nic.mac, {segment.addresses.begin(), segment.addresses.end()}};
        claims_.push_back(std::make_unique<ClaimObserver>(loop_, family, nic.index, ours,
                                                          [this, &nic](std::span<const Claim> claims) {
                                                              for (const Claim& claim : claims)
                                                                  add(heard_.claims, HeardClaim{nic.name, claim});
                                                          }));
        for (const IpAddress& address : segment.addresses) {
            probes_.emplace_back(
                nic.index, family == Family::ipv4 ? arp_probe(nic.mac, address) : neighbour_probe(nic.mac, address));
        }
    }

    void take(const Nic& nic, const Packet& packet) {
        const auto header = read_header(packet.message);
        const auto addresses = advertised_addresses(packet);
        const bool is_own = std::ranges::any_of(nics_, [&](const Nic& each) { return each.has(packet.source); });
        if (is_own || !std::holds_alternative<Header>(header) || !addresses) return;
        const Header& known = std::get<Header>(header);
        HeardAdvert advert{nic.name, packet.source, known.virtual_router_id, known.version, {}};
        const std::size_t size = packet.source.bits() / 8;
        for (std::size_t at = 0; at + size <= addresses->size(); at += size) {
            if (const auto one = IpAddress::from_bytes(addresses->subspan(at, size))) advert.addresses.push_back(*one);
        }
        add(heard_.adverts, std::move(advert));
    }

    // One that is lost is sent again; what the kernel refuses (a link without Ethernet) tells nothing.
    void probe() {
        for (const auto& [index, frame] : probes_) {
            sockaddr_ll to{};
            to.sll_family = AF_PACKET;
            to.sll_ifindex = index;
            const auto view = frame.view();
            (void)sendto(packets_.get(), view.data(), view.size(), MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to),
                         sizeof to);
        }
    }

    const Nics& nics_;
    SdEventLoop loop_;
    Descriptor packets_;
    Heard heard_;
    std::vector<std::pair<int, Frame>> probes_;
    std::vector<std::unique_ptr<AdvertObserver>> adverts_;
    std::vector<std::unique_ptr<ClaimObserver>> claims_;
};

/// One instance against what was heard.
class Judge {
  public:
    Judge(const InstanceOptions& instance, const Nics& nics, const Heard& heard, Findings& findings)
        : instance_(instance), heard_(heard), findings_(findings) {
        for (const VirtualAddress& each : instance.addresses) add_address(each.prefix.address, nics);
        for (const VirtualAddress& each : instance.excluded_addresses) add_address(each.prefix.address, nics);
    }

    void run() {
        bool peer = false;
        for (const HeardAdvert& advert : heard_.adverts) peer = judge(advert) || peer;
        if (!peer && held_.empty() && !instance_.interface.empty()) {
            problem(
                fmt::format("no advert for VRID {} on {}, and this host has none of its addresses: nobody is MASTER, "
                            "or adverts get lost (a firewall, a switch that snoops multicast without a querier, "
                            "another VLAN)",
                            instance_.virtual_router_id, instance_.interface));
        }
        for (const IpAddress& address : addresses_) judge_claims(address, peer);
    }

  private:
    void problem(const std::string& text) { findings_.push_back({true, instance_.name + ": " + text}); }

    void add_address(const IpAddress& address, const Nics& nics) {
        addresses_.insert(address);
        if (std::ranges::any_of(nics, [&](const Nic& nic) { return nic.has(address); })) held_.insert(address);
    }

    /// Whether it comes from a peer.
    bool judge(const HeardAdvert& advert) {
        const bool shares =
            std::ranges::any_of(advert.addresses, [&](const auto& a) { return addresses_.contains(a); });
        const bool same_link = instance_.interface.empty() || advert.link == instance_.interface;
        const bool same_id = advert.virtual_router_id == instance_.virtual_router_id &&
                             advert.source.family() == instance_.family && same_link;
        const std::string from = advert.source.to_string();
        if (shares && !same_id) {
            problem(fmt::format("{} advertises {} with VRID {}, here it is {}: both hosts may be MASTER", from,
                                list(advert.addresses), advert.virtual_router_id, instance_.virtual_router_id));
        } else if (same_id && !shares) {
            problem(fmt::format("{} uses VRID {} on {}, too, for {}: take another one", from, advert.virtual_router_id,
                                advert.link, list(advert.addresses)));
        } else if (same_id && advert.version != static_cast<int>(instance_.version)) {
            problem(fmt::format("{} speaks version {}, here it is {}: neither understands the other", from,
                                advert.version, static_cast<int>(instance_.version)));
        } else if (same_id && !held_.empty()) {
            problem(
                fmt::format("{} is MASTER, and this host has {} as well", from, list({held_.begin(), held_.end()})));
        }
        return same_id && shares;
    }

    void judge_claims(const IpAddress& address, bool peer) {
        std::vector<std::string> macs;
        for (const HeardClaim& heard : heard_.claims) {
            if (heard.claim.address == address) macs.push_back(text_of(heard.claim.mac));
        }
        if (macs.empty()) return;
        const std::string who = fmt::format("{}", fmt::join(macs, " and "));
        if (held_.contains(address)) {
            problem(fmt::format("{} also has {}, which this host holds", who, address.to_string()));
        } else if (macs.size() > 1) {
            problem(fmt::format("{} have {} at once", who, address.to_string()));
        } else if (!peer) {
            problem(fmt::format("{} has {} and sends no adverts for it", who, address.to_string()));
        }
    }

    const InstanceOptions& instance_;
    const Heard& heard_;
    Findings& findings_;
    std::set<IpAddress> addresses_, held_;
};

}  // namespace

Duration patience(const config::Config& config) {
    using std::chrono::seconds;
    Duration longest = seconds(2);
    for (const InstanceOptions& instance : config.instances) {
        longest = std::max(longest, (instance.down_timer_adverts + 1) * instance.advert_interval);
    }
    return std::min<Duration>(longest, seconds(15));
}

Heard listen(const config::Config& config, const Nics& nics, Duration time) {
    return Listener(config, nics).run(time);
}

Findings judge(const config::Config& config, const Nics& nics, const Heard& heard) {
    Findings findings;
    for (const InstanceOptions& instance : config.instances) Judge(instance, nics, heard, findings).run();
    for (const HeardAdvert& advert : heard.adverts) {
        const bool is_ours = std::ranges::any_of(config.instances, [&](const InstanceOptions& instance) {
            const auto shares = [&](const VirtualAddress& each) {
                return std::ranges::find(advert.addresses, each.prefix.address) != advert.addresses.end();
            };
            return instance.virtual_router_id == advert.virtual_router_id ||
                   std::ranges::any_of(instance.addresses, shares);
        });
        if (is_ours) continue;
        findings.push_back(
            {false, fmt::format("{}: {} uses VRID {} for {}: somebody else's, never take that one", advert.link,
                                advert.source.to_string(), advert.virtual_router_id, list(advert.addresses))});
    }
    return findings;
}

}  // namespace vrrpd::doctor
