// The advert codec. Input: a VRRP message, as it stands behind the IP header. It is decoded as what it is, and with its
// checksum put right in both forms, between several pairs of hosts and against several expectations.
#include <algorithm>
#include <string>

#include "tests/fuzz/seal.hpp"
#include "vrrpd/core/advert.hpp"

namespace vrrpd::fuzz {
namespace {

// ---- the list

using Addresses = std::vector<VirtualAddress>;

Addresses list_of(const std::vector<IpAddress>& addresses) {
    Addresses list;
    for (const IpAddress& address : addresses) list.push_back({{address, address.bits()}, "", ""});
    return list;
}

std::vector<IpAddress> addresses_in(View bytes, std::size_t size) {
    std::vector<IpAddress> addresses;
    for (; bytes.size() >= size; bytes = bytes.subspan(size)) {
        addresses.push_back(*IpAddress::from_bytes(bytes.first(size)));
    }
    return addresses;
}

const std::vector<Addresses>& lists() {
    static const std::vector<Addresses> all = {
        {},
        list_of({ip("10.9.0.100")}),
        list_of({ip("10.9.0.100"), ip("10.9.0.101"), ip("10.9.0.102")}),
        list_of({ip("fe80::51")}),
        list_of({ip("fe80::51"), ip("2001:db8:9::100")}),
    };
    return all;
}

// None of our lists has an address twice: as many, and each of them there, is the same set.
bool same_set(View bytes, const Addresses& ours) {
    if (ours.empty()) return bytes.empty();
    const std::size_t size = ours.front().prefix.address.bytes().size();
    if (bytes.size() != size * ours.size()) return false;
    const auto theirs = addresses_in(bytes, size);
    return std::ranges::all_of(
        ours, [&](const VirtualAddress& own) { return std::ranges::find(theirs, own.prefix.address) != theirs.end(); });
}

void check_lists(View bytes) {
    for (const Addresses& ours : lists()) {
        require(same_addresses(bytes, ours) == same_set(bytes, ours), "same_addresses() compares sets");
    }
}

// ---- messages

struct Case {
    Expectation expected;
    IpAddress source, destination;
};

std::vector<Case> make_cases() {
    using std::chrono::seconds;
    std::vector<Case> cases;
    for (const auto& [source, destination] : {std::pair("10.9.0.1", "224.0.0.18"), std::pair("10.9.0.1", "10.9.0.2"),
                                              std::pair("fe80::ff:fe00:aa", "ff02::12")}) {
        cases.push_back({{Version::v3, seconds(1), {}}, ip(source), ip(destination)});
        cases.push_back({{Version::v2, seconds(1), {}}, ip(source), ip(destination)});
        cases.push_back({{Version::v2, seconds(1), "s3cret"}, ip(source), ip(destination)});
        cases.push_back({{Version::v2, seconds(255), "12345678"}, ip(source), ip(destination)});
    }
    return cases;
}

// What may differ in a message that means the same: reserved bits, the password field where none is expected, and
// the checksum, of which 0 has two forms.
Bytes without_freedoms(View message, const Expectation& expected) {
    Bytes bytes(message.begin(), message.end());
    if (expected.version == Version::v3) bytes[4] &= 0x0f;
    if (expected.version == Version::v2 && !expected.password) std::fill(bytes.end() - 8, bytes.end(), 0);
    bytes[6] = bytes[7] = 0;
    return bytes;
}

Bytes encode_again(const Advert& advert, const Case& each) {
    const Addresses addresses = list_of(addresses_in(advert.address_bytes, each.source.bytes().size()));
    Outgoing outgoing{each.expected.version,  advert.virtual_router_id,
                      advert.priority,        advert.interval,
                      each.expected.password, addresses,
                      advert.checksum_form,   each.source,
                      each.destination};
    Bytes bytes(max_message_size);
    bytes.resize(encode(outgoing, bytes));
    return bytes;
}

bool same_fields(const Advert& a, const Advert& b) {
    return a.virtual_router_id == b.virtual_router_id && a.priority == b.priority && a.interval == b.interval &&
           a.checksum_form == b.checksum_form && std::ranges::equal(a.address_bytes, b.address_bytes);
}

void check_accepted(const Packet& packet, const Advert& advert, const Case& each) {
    const bool pseudo_header = advert.checksum_form == ChecksumForm::pseudo_header;
    require(sum_of(packet, pseudo_header) == 0xffff, "what is accepted has a right checksum");
    require(advert.address_bytes.data() == packet.message.data() + 8, "the list begins behind the header");
    require(advert.interval > Duration::zero(), "no interval of 0 is accepted");
    check_lists(advert.address_bytes);

    const Bytes again = encode_again(advert, each);
    require(without_freedoms(again, each.expected) == without_freedoms(packet.message, each.expected),
            "what is accepted and encoded again is the same message");
    Packet back = packet;
    back.message = again;
    const auto decoded = decode(back, each.expected);
    const auto* fields = std::get_if<Advert>(&decoded);
    require(fields != nullptr && same_fields(*fields, advert), "what was encoded is accepted and means the same");
}

void check_message(const Case& each, View message) {
    Packet packet;
    packet.source = each.source;
    packet.destination = each.destination;
    packet.message = message;
    const auto header = read_header(message);
    if (std::holds_alternative<Header>(header)) require(message.size() >= 8, "a header has 8 bytes");
    const auto list = advertised_addresses(packet);
    if (list) check_lists(*list);
    const auto decoded = decode(packet, each.expected);
    const auto* advert = std::get_if<Advert>(&decoded);
    if (advert == nullptr) return require(to_string(std::get<Refusal>(decoded)) != nullptr, "a refusal has a name");
    require(std::holds_alternative<Header>(header), "what is accepted has a header");
    require(list && std::ranges::equal(*list, advert->address_bytes), "the list is the same whoever it is for");
    check_accepted(packet, *advert, each);
}

void check_everywhere(View message) {
    static const std::vector<Case> cases = make_cases();
    for (const Case& each : cases) {
        check_message(each, message);
        for (const bool pseudo_header : {false, true}) {
            Packet packet;
            packet.source = each.source;
            packet.destination = each.destination;
            packet.message = message;
            check_message(each, seal(packet, pseudo_header));
        }
    }
}

}  // namespace
}  // namespace vrrpd::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const vrrpd::fuzz::View input(data, size);
    vrrpd::fuzz::check_lists(input);
    vrrpd::fuzz::check_everywhere(input);
    return 0;
}
