#include "netlink/messages.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/addr.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/route/addr.h>

namespace vrrpd::netlink {
namespace {

constexpr std::uint32_t forever = 0xffffffff;        // INFINITY_LIFE_TIME
constexpr std::uint32_t default_metric_ipv6 = 1024;  // IP6_RT_PRIO_USER

struct Release {
    void operator()(nl_msg* message) const { nlmsg_free(message); }
    void operator()(nl_addr* address) const { nl_addr_put(address); }
    void operator()(rtnl_addr* address) const { rtnl_addr_put(address); }
};
using Message = std::unique_ptr<nl_msg, Release>;

nla_policy sized(std::uint16_t type, std::uint16_t least, std::uint16_t most = 0) {
    return {type, least, most};
}

const std::array<nla_policy, IFLA_MAX + 1>& link_policy() {
    static const auto policy = [] {
        std::array<nla_policy, IFLA_MAX + 1> result{};
        result[IFLA_IFNAME] = sized(NLA_STRING, 2, IFNAMSIZ);
        return result;
    }();
    return policy;
}

const std::array<nla_policy, IFA_MAX + 1>& address_policy() {
    static const auto policy = [] {
        std::array<nla_policy, IFA_MAX + 1> result{};
        result[IFA_ADDRESS] = sized(NLA_UNSPEC, 4, 16);
        result[IFA_LOCAL] = sized(NLA_UNSPEC, 4, 16);
        result[IFA_FLAGS] = sized(NLA_U32, 4);
        result[IFA_PROTO] = sized(NLA_U8, 1);
        return result;
    }();
    return policy;
}

const std::array<nla_policy, RTA_MAX + 1>& route_policy() {
    static const auto policy = [] {
        std::array<nla_policy, RTA_MAX + 1> result{};
        for (const int address : {RTA_DST, RTA_GATEWAY, RTA_PREFSRC}) {
            result[static_cast<std::size_t>(address)] = sized(NLA_UNSPEC, 4, 16);
        }
        for (const int number : {RTA_OIF, RTA_PRIORITY, RTA_TABLE}) {
            result[static_cast<std::size_t>(number)] = sized(NLA_U32, 4);
        }
        return result;
    }();
    return policy;
}

// libnl's parser only reads what its policy points to, but asks for it without const.
template <std::size_t size>
bool parse(nlmsghdr& message, std::size_t header, std::array<nlattr*, size>& attributes,
           const std::array<nla_policy, size>& policy) {
    return nlmsg_parse(&message, static_cast<int>(header), attributes.data(), static_cast<int>(size - 1),
                       const_cast<nla_policy*>(policy.data())) == 0;
}

// The kernel says errors as negative errno values; what is none of these is no error that anybody could name.
int errno_of(int said) {
    constexpr int highest = 4095;
    return said >= 0 ? 0 : said < -highest ? EPROTO : -said;
}

std::span<const std::uint8_t> payload(const nlattr* attribute) {
    return {static_cast<const std::uint8_t*>(nla_data(attribute)), static_cast<std::size_t>(nla_len(attribute))};
}

std::optional<IpAddress> read_address(const nlattr* attribute, Family family) {
    if (attribute == nullptr) return std::nullopt;
    const auto address = IpAddress::from_bytes(payload(attribute));
    if (!address || address->family() != family) return std::nullopt;
    return address;
}

std::uint32_t read_number(const nlattr* attribute, std::uint32_t otherwise) {
    return attribute == nullptr ? otherwise : nla_get_u32(attribute);
}

std::vector<std::uint8_t> bytes_of(nl_msg* message, std::uint32_t sequence) {
    nlmsghdr* header = nlmsg_hdr(message);
    header->nlmsg_seq = sequence;
    const auto* first = reinterpret_cast<const std::uint8_t*>(header);
    std::vector<std::uint8_t> bytes(first, first + header->nlmsg_len);
    bytes.resize(NLMSG_ALIGN(bytes.size()));  // so that messages can stand one behind the other
    return bytes;
}

std::vector<std::uint8_t> with_ack(nl_msg* message, std::uint32_t sequence) {
    nlmsg_hdr(message)->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
    return bytes_of(message, sequence);
}

std::uint8_t number_of(Family family) {
    return family == Family::ipv6 ? AF_INET6 : AF_INET;
}

std::unique_ptr<rtnl_addr, Release> libnl_address(int link, const Prefix& prefix) {
    const int family = number_of(prefix.address.family());
    const auto bytes = prefix.address.bytes();
    const std::unique_ptr<nl_addr, Release> local(nl_addr_build(family, bytes.data(), bytes.size()));
    std::unique_ptr<rtnl_addr, Release> result(rtnl_addr_alloc());
    if (!local || !result) return nullptr;
    nl_addr_set_prefixlen(local.get(), prefix.length);
    rtnl_addr_set_ifindex(result.get(), link);
    if (rtnl_addr_set_local(result.get(), local.get()) < 0) return nullptr;
    return result;
}

bool put(nl_msg* message, int type, const std::optional<IpAddress>& address) {
    if (!address) return true;
    const auto bytes = address->bytes();
    return nla_put(message, type, static_cast<int>(bytes.size()), bytes.data()) >= 0;
}

bool put(nl_msg* message, int type, std::uint32_t number) {
    return number == 0 || nla_put_u32(message, type, number) >= 0;
}

// What identifies a route. It says the metric that the kernel would choose for IPv6, because a removal without one
// takes the first route it comes to.
Message route_message(int type, int flags, rtmsg header, const Route& route) {
    const Family family = route.destination.address.family();
    const std::uint32_t metric = route.metric == 0 && family == Family::ipv6 ? default_metric_ipv6 : route.metric;
    header.rtm_family = number_of(family);
    header.rtm_dst_len = route.destination.length;
    header.rtm_table = route.table < 256 ? static_cast<std::uint8_t>(route.table) : std::uint8_t{RT_TABLE_UNSPEC};
    header.rtm_protocol = our_mark;
    Message message(nlmsg_alloc_simple(type, flags));
    const bool complete = message && nlmsg_append(message.get(), &header, sizeof header, NLMSG_ALIGNTO) >= 0 &&
                          put(message.get(), RTA_DST, route.destination.address) &&
                          put(message.get(), RTA_GATEWAY, route.gateway) &&
                          put(message.get(), RTA_OIF, static_cast<std::uint32_t>(route.link)) &&
                          put(message.get(), RTA_TABLE, route.table) && put(message.get(), RTA_PRIORITY, metric);
    return complete ? std::move(message) : nullptr;
}

}  // namespace

void for_each_message(std::span<std::uint8_t> datagram, const std::function<void(nlmsghdr&)>& handle) {
    int left = static_cast<int>(datagram.size());
    for (auto* message = reinterpret_cast<nlmsghdr*>(datagram.data()); nlmsg_ok(message, left);
         message = nlmsg_next(message, &left)) {
        handle(*message);
    }
}

std::optional<Link> parse_link(nlmsghdr& message, const Facts& known) {
    std::array<nlattr*, IFLA_MAX + 1> attributes{};
    if (!parse(message, sizeof(ifinfomsg), attributes, link_policy())) return std::nullopt;
    const auto* header = static_cast<const ifinfomsg*>(nlmsg_data(&message));
    if (header->ifi_family != AF_UNSPEC || header->ifi_index <= 0) return std::nullopt;

    const Link* before = known.link(header->ifi_index);
    Link link = before != nullptr ? *before : Link{};
    link.index = header->ifi_index;
    link.up = (header->ifi_flags & IFF_UP) != 0;
    link.running = (header->ifi_flags & IFF_RUNNING) != 0;
    if (attributes[IFLA_IFNAME] != nullptr) link.name = nla_get_string(attributes[IFLA_IFNAME]);
    if (attributes[IFLA_ADDRESS] != nullptr) {
        const auto mac = payload(attributes[IFLA_ADDRESS]);
        link.mac = {};
        if (mac.size() == link.mac.size()) std::ranges::copy(mac, link.mac.begin());
    }
    if (link.name.empty()) return std::nullopt;
    return link;
}

std::optional<Address> parse_address(nlmsghdr& message) {
    std::array<nlattr*, IFA_MAX + 1> attributes{};
    if (!parse(message, sizeof(ifaddrmsg), attributes, address_policy())) return std::nullopt;
    const auto* header = static_cast<const ifaddrmsg*>(nlmsg_data(&message));
    if (header->ifa_family != AF_INET && header->ifa_family != AF_INET6) return std::nullopt;
    const Family family = header->ifa_family == AF_INET ? Family::ipv4 : Family::ipv6;

    // With a far end IFA_LOCAL is our side; IPv6 leaves IFA_LOCAL out where there is none.
    const auto peer = read_address(attributes[IFA_ADDRESS], family);
    const auto local = read_address(attributes[IFA_LOCAL], family);
    if (!peer && !local) return std::nullopt;
    const IpAddress own = local ? *local : *peer;
    if (header->ifa_prefixlen > own.bits() || header->ifa_index == 0) return std::nullopt;

    const std::uint32_t flags =
        attributes[IFA_FLAGS] != nullptr ? nla_get_u32(attributes[IFA_FLAGS]) : header->ifa_flags;
    Address address;
    address.link = static_cast<int>(header->ifa_index);
    address.prefix = {own, header->ifa_prefixlen};
    address.peer = peer ? *peer : own;
    address.mark = attributes[IFA_PROTO] != nullptr ? nla_get_u8(attributes[IFA_PROTO]) : std::uint8_t{0};
    // IPv6 uses the same bit for temporary addresses.
    address.secondary = family == Family::ipv4 && (flags & IFA_F_SECONDARY) != 0;
    address.expires = (flags & IFA_F_PERMANENT) == 0;
    address.tentative = family == Family::ipv6 && (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0;
    return address;
}

std::optional<Route> parse_route(nlmsghdr& message) {
    std::array<nlattr*, RTA_MAX + 1> attributes{};
    if (message.nlmsg_type != RTM_NEWROUTE || !parse(message, sizeof(rtmsg), attributes, route_policy())) {
        return std::nullopt;
    }
    const auto* header = static_cast<const rtmsg*>(nlmsg_data(&message));
    if (header->rtm_protocol != our_mark || (header->rtm_family != AF_INET && header->rtm_family != AF_INET6)) {
        return std::nullopt;
    }
    const Family family = header->rtm_family == AF_INET ? Family::ipv4 : Family::ipv6;
    const IpAddress all = *IpAddress::parse(family == Family::ipv4 ? "0.0.0.0" : "::");
    const auto destination = attributes[RTA_DST] == nullptr ? all : read_address(attributes[RTA_DST], family);
    if (!destination || header->rtm_dst_len > all.bits()) return std::nullopt;
    Route route;
    route.link = static_cast<int>(read_number(attributes[RTA_OIF], 0));
    route.destination = {*destination, header->rtm_dst_len};
    route.gateway = read_address(attributes[RTA_GATEWAY], family);
    route.source = read_address(attributes[RTA_PREFSRC], family);
    route.table = read_number(attributes[RTA_TABLE], header->rtm_table);
    route.metric = read_number(attributes[RTA_PRIORITY], 0);
    return route;
}

std::optional<Ack> parse_ack(nlmsghdr& message) {
    if (message.nlmsg_type != NLMSG_ERROR || !nlmsg_valid_hdr(&message, sizeof(nlmsgerr))) return std::nullopt;
    const auto* said = static_cast<const nlmsgerr*>(nlmsg_data(&message));
    Ack ack{said->msg.nlmsg_seq, errno_of(said->error), {}};
    if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return ack;

    // Without NETLINK_CAP_ACK the whole request stands between the header and the attributes.
    std::size_t before = sizeof(nlmsgerr);
    if ((message.nlmsg_flags & NLM_F_CAPPED) == 0) {
        if (said->msg.nlmsg_len < sizeof(nlmsghdr)) return ack;
        before += NLMSG_ALIGN(said->msg.nlmsg_len) - sizeof(nlmsghdr);
    }
    if (before > static_cast<std::size_t>(nlmsg_datalen(&message))) return ack;
    std::array<nlattr*, NLMSGERR_ATTR_MAX + 1> attributes{};
    std::array<nla_policy, NLMSGERR_ATTR_MAX + 1> policy{};
    policy[NLMSGERR_ATTR_MSG] = sized(NLA_STRING, 1);
    if (parse(message, before, attributes, policy) && attributes[NLMSGERR_ATTR_MSG] != nullptr) {
        ack.text = nla_get_string(attributes[NLMSGERR_ATTR_MSG]);
    }
    return ack;
}

std::optional<int> parse_dump_end(nlmsghdr& message) {
    if (message.nlmsg_type != NLMSG_DONE) return std::nullopt;
    int result = 0;
    if (nlmsg_datalen(&message) >= static_cast<int>(sizeof result)) {
        std::memcpy(&result, nlmsg_data(&message), sizeof result);
    }
    return errno_of(result);
}

std::vector<std::uint8_t> dump_request(std::uint16_t type, std::uint32_t sequence) {
    const Message message(nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_DUMP));
    if (!message) return {};
    if (type == RTM_GETLINK) {
        ifinfomsg all{};
        if (nlmsg_append(message.get(), &all, sizeof all, NLMSG_ALIGNTO) < 0) return {};
    } else {
        ifaddrmsg all{};
        if (nlmsg_append(message.get(), &all, sizeof all, NLMSG_ALIGNTO) < 0) return {};
    }
    return bytes_of(message.get(), sequence);
}

std::vector<std::uint8_t> routes_request(Family family, std::uint32_t sequence) {
    rtmsg wanted{};
    wanted.rtm_family = number_of(family);
    wanted.rtm_protocol = our_mark;
    const Message message(nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP));
    if (!message || nlmsg_append(message.get(), &wanted, sizeof wanted, NLMSG_ALIGNTO) < 0) return {};
    return bytes_of(message.get(), sequence);
}

std::vector<std::uint8_t> addition_request(int link, const Prefix& prefix, const std::string& label,
                                           std::uint32_t sequence, Duration lifetime) {
    const auto address = libnl_address(link, prefix);
    if (!address) return {};
    const auto seconds = std::chrono::floor<std::chrono::duration<std::uint32_t>>(lifetime).count();
    const std::uint32_t valid = seconds == 0 ? forever : seconds;
    // A host address must not become the source of this host's own connections.
    const bool deprecated = prefix.address.family() == Family::ipv6 && prefix.length == 128;
    rtnl_addr_set_valid_lifetime(address.get(), valid);
    rtnl_addr_set_preferred_lifetime(address.get(), deprecated ? 0 : valid);
    if (prefix.address.family() == Family::ipv6) {
        // VRRP itself sees to it that nobody else has the address, and duplicate detection would cost a second.
        rtnl_addr_set_flags(address.get(), IFA_F_NODAD);
    } else if (!label.empty() && rtnl_addr_set_label(address.get(), label.c_str()) < 0) {
        return {};
    }
    nl_msg* built = nullptr;
    if (rtnl_addr_build_add_request(address.get(), NLM_F_CREATE | NLM_F_REPLACE, &built) < 0) return {};
    const Message message(built);
    // libnl 3.7 does not know the attribute that carries our mark.
    if (nla_put_u8(message.get(), IFA_PROTO, our_mark) < 0) return {};
    return with_ack(message.get(), sequence);
}

std::vector<std::uint8_t> removal_request(int link, const Prefix& prefix, std::uint32_t sequence) {
    const auto address = libnl_address(link, prefix);
    nl_msg* built = nullptr;
    if (!address || rtnl_addr_build_delete_request(address.get(), 0, &built) < 0) return {};
    return with_ack(Message(built).get(), sequence);
}

// By the route that makes it local: whose absence the removal of the address does not mind.
std::vector<std::uint8_t> deafness_request(int link, const IpAddress& address, std::uint32_t sequence) {
    rtmsg header{};
    header.rtm_family = number_of(address.family());
    header.rtm_dst_len = address.family() == Family::ipv4 ? 32 : 128;
    header.rtm_table = RT_TABLE_LOCAL;
    header.rtm_type = RTN_LOCAL;
    header.rtm_scope = RT_SCOPE_NOWHERE;  // whatever it is
    const Message message(nlmsg_alloc_simple(RTM_DELROUTE, 0));
    const bool complete = message && nlmsg_append(message.get(), &header, sizeof header, NLMSG_ALIGNTO) >= 0 &&
                          put(message.get(), RTA_DST, address) &&
                          put(message.get(), RTA_OIF, static_cast<std::uint32_t>(link));
    return complete ? with_ack(message.get(), sequence) : std::vector<std::uint8_t>{};
}

std::vector<std::uint8_t> addition_request(const Route& route, std::uint32_t sequence) {
    rtmsg header{};
    header.rtm_type = RTN_UNICAST;
    header.rtm_scope = route.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    const Message message = route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, header, route);
    if (!message || !put(message.get(), RTA_PREFSRC, route.source)) return {};
    return with_ack(message.get(), sequence);
}

std::vector<std::uint8_t> removal_request(const Route& route, std::uint32_t sequence) {
    rtmsg header{};
    header.rtm_scope = RT_SCOPE_NOWHERE;  // whatever it is
    const Message message = route_message(RTM_DELROUTE, 0, header, route);
    return message ? with_ack(message.get(), sequence) : std::vector<std::uint8_t>{};
}

}  // namespace vrrpd::netlink
