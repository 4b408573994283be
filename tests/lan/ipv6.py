"""What the tests read off an IPv6 LAN: who answers neighbour solicitations, adverts and neighbour advertisements."""

import dataclasses
import select
import socket
import struct
import time

from tests.lan import wire

ETH_P_IPV6 = 0x86DD
ICMPV6 = 58
SOLICITATION, ADVERTISEMENT = 135, 136
SOURCE_LINK_LAYER, TARGET_LINK_LAYER = 1, 2
HEADER = 40


def packed(address):
    return socket.inet_pton(socket.AF_INET6, address)


def text(raw):
    return socket.inet_ntop(socket.AF_INET6, raw)


def raw_mac(mac):
    return bytes.fromhex(mac.replace(":", ""))


def link_local_of(mac):
    """The address that the kernel makes of a MAC."""
    raw = raw_mac(mac)
    return text(packed("fe80::")[:8] + bytes([raw[0] ^ 2]) + raw[1:3] + b"\xff\xfe" + raw[3:])


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def solicitation(own_mac, own_address, wanted):
    """A frame that asks the LAN who has `wanted`."""
    group = packed("ff02::1:ff00:0")[:13] + packed(wanted)[13:]
    source = packed(own_address)
    body = packed(wanted) + bytes([SOURCE_LINK_LAYER, 1]) + raw_mac(own_mac)
    message = struct.pack("!BBHI", SOLICITATION, 0, 0, 0) + body
    pseudo = source + group + struct.pack("!II", len(message), ICMPV6)
    message = message[:2] + struct.pack("!H", checksum(pseudo + message)) + message[4:]
    header = struct.pack("!IHBB", 6 << 28, len(message), ICMPV6, 255) + source + group
    return b"\x33\x33" + group[12:] + raw_mac(own_mac) + struct.pack("!H", ETH_P_IPV6) + header + message


@dataclasses.dataclass(frozen=True)
class NeighbourAdvertisement:
    time_ns: int
    source_mac: str
    source: str
    destination: str
    hop_limit: int
    router: bool
    solicited: bool
    override: bool
    target: str
    target_mac: str


def _advertisement(frame):
    packet = frame.payload
    if frame.kind != ETH_P_IPV6 or len(packet) < HEADER + 24 or packet[6] != ICMPV6 or packet[HEADER] != ADVERTISEMENT:
        return None
    message = packet[HEADER:HEADER + int.from_bytes(packet[4:6], "big")]
    option = message[24:32]
    target_mac = wire.mac_text(option[2:]) if option[:2] == bytes([TARGET_LINK_LAYER, 1]) else ""
    return NeighbourAdvertisement(frame.time_ns, frame.source_mac, text(packet[8:24]), text(packet[24:40]), packet[7],
                                  bool(message[4] & 0x80), bool(message[4] & 0x40), bool(message[4] & 0x20),
                                  text(message[8:24]), target_mac)


def advertisements_in(path, target=None):
    """The neighbour advertisements of a capture, of one address if given."""
    found = filter(None, map(_advertisement, wire.read_capture(path)))
    return [one for one in found if target in (None, one.target)]


def answers(packet_socket, own_mac, own_address, wanted, patience=0.2):
    """The advertisements that answer a solicitation for `wanted`, asked through an AF_PACKET socket bound to a link.
    Asks each second until somebody answers, five times at most, then listens for `patience` seconds more: a second
    holder may be slow."""
    found = []

    def listen(seconds, enough):
        end = time.monotonic() + seconds
        while not enough():
            if not select.select([packet_socket], [], [], max(0, end - time.monotonic()))[0]:
                return
            data = packet_socket.recv(2048)
            one = _advertisement(wire.Frame(time.time_ns(), wire.mac_text(data[6:12]), ETH_P_IPV6, data[14:]))
            if one and one.solicited and one.target == wanted and one.destination == own_address:
                found.append(one)

    for _ in range(5):
        packet_socket.send(solicitation(own_mac, own_address, wanted))
        listen(1, lambda: found)
        if found:
            break
    listen(patience, lambda: False)
    return found


def ask(host, wanted, patience=0.2):
    """The answers to a solicitation of a host, from the link-local address that its MAC gives it."""
    with host.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IPV6)) as link:
        link.bind(("eth0", ETH_P_IPV6))
        return answers(link, host.mac, link_local_of(host.mac), wanted, patience)


def who_answers(wanted, asking, patience=0.2):
    """The MACs that answer for an address."""
    return {one.target_mac or one.source_mac for one in ask(asking, wanted, patience)}


def adverts_in(path):
    """VRRP adverts over IPv6, in the order of the wire."""
    found = []
    for frame in wire.read_capture(path):
        packet = frame.payload
        if frame.kind != ETH_P_IPV6 or len(packet) < HEADER + 8 or packet[6] != wire.VRRP_PROTOCOL:
            continue
        vrrp = packet[HEADER:]
        if vrrp[0] & 0xF == 1:
            found.append(wire.Advert(frame.time_ns, text(packet[8:24]), vrrp[0] >> 4, vrrp[1], vrrp[2]))
    return found
