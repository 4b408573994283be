// The readers of rtnetlink messages. Input: a datagram of the kernel's. Each message in it is read as everything that
// it could be, and what is read goes into the facts that later messages are read against.
#include <cstring>

#include <linux/rtnetlink.h>
#include <net/if.h>

#include "netlink/messages.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace vrrpd::netlink {
namespace {

using fuzz::require;

void check_link(nlmsghdr& message, Facts& facts) {
    const auto link = parse_link(message, facts);
    if (!link) return;
    require(link->index > 0, "a link has an index");
    require(!link->name.empty() && link->name.size() < IFNAMSIZ, "a link has a name that the kernel would take");
    facts.set_link(*link);
    require(facts.link(link->index) != nullptr, "a link that was told is known");
}

void check_address(nlmsghdr& message, Facts& facts) {
    const auto address = parse_address(message);
    if (!address) return;
    require(address->link != 0, "an address has a link");
    require(address->prefix.length <= address->prefix.address.bits(), "no prefix is longer than its address");
    require(address->peer.family() == address->prefix.address.family(), "both ends are of one family");
    facts.set_address(*address);
    require(!facts.holders(address->link, address->prefix.address).empty(), "an address that was told is known");
}

void check_ack(nlmsghdr& message) {
    const auto ack = parse_ack(message);
    if (!ack) return;
    require(ack->error >= 0, "an error is an errno value or 0");
    require(ack->text.size() < message.nlmsg_len, "a text is no longer than its message");
}

void check(std::span<std::uint8_t> datagram) {
    Facts facts;
    std::size_t seen = 0;
    for_each_message(datagram, [&](nlmsghdr& message) {
        const auto* begin = reinterpret_cast<const std::uint8_t*>(&message);
        require(begin >= datagram.data() && begin + message.nlmsg_len <= datagram.data() + datagram.size(),
                "a message lies within its datagram");
        seen += message.nlmsg_len;
        require(seen <= datagram.size(), "messages do not overlap");
        check_link(message, facts);
        check_address(message, facts);
        check_ack(message);
        if (const auto end = parse_dump_end(message)) require(*end >= 0, "a dump ends with an errno value or 0");
    });
    for (const Address& address : facts.addresses()) {
        facts.primary_address(address.link, address.prefix.address.family(), {});
        facts.remove_address(address);
    }
}

}  // namespace
}  // namespace vrrpd::netlink

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vrrpd::fuzz::Bytes datagram(data, data + size);  // aligned for a nlmsghdr, and writable
    vrrpd::netlink::check(datagram);
    return 0;
}
