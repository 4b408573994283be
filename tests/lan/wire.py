"""What the tests read off the kernel and the wire: addresses by netlink, who answers ARP, adverts in captures."""

import dataclasses
import select
import socket
import struct
import time

RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR, NLMSG_DONE, NLMSG_ERROR = 20, 21, 22, 3, 2
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
RTMGRP_IPV4_IFADDR = 0x10
IFA_ADDRESS, IFA_LOCAL = 1, 2
ETH_P_ARP, ETH_P_IP = 0x0806, 0x0800
VRRP_PROTOCOL = 112


def _attributes(data):
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:
            return
        yield kind, data[4:length]
        data = data[(length + 3) & ~3:]


def addresses_of(netlink):
    """The IPv4 addresses of the namespace that the NETLINK_ROUTE socket belongs to."""
    request = struct.pack("=IHHII", 24, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, 1, 0)
    netlink.send(request + struct.pack("=BBBBI", socket.AF_INET, 0, 0, 0, 0))
    found = set()
    while True:
        data = netlink.recv(65536)
        while len(data) >= 16:
            length, kind = struct.unpack_from("=IH", data)
            if kind in (NLMSG_DONE, NLMSG_ERROR):
                return found
            if kind == RTM_NEWADDR:
                values = dict(_attributes(data[24:length]))
                found.add(socket.inet_ntoa(values.get(IFA_LOCAL, values.get(IFA_ADDRESS))))
            data = data[(length + 3) & ~3:]


def address_notices(data):
    """Of a datagram of RTMGRP_IPV4_IFADDR: (RTM_NEWADDR or RTM_DELADDR, the address as four bytes)."""
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        if kind in (RTM_NEWADDR, RTM_DELADDR):
            values = dict(_attributes(data[24:length]))
            yield kind, values.get(IFA_LOCAL, values.get(IFA_ADDRESS))
        data = data[(length + 3) & ~3:]


def mac_text(raw):
    return ":".join(f"{byte:02x}" for byte in raw)


def who_answers(packet_socket, own_mac, own_address, wanted, patience=0.2):
    """The MACs that answer an ARP request for `wanted`, asked through an AF_PACKET socket bound to a link.
    Asks each second until somebody answers, five times at most; then listens for another `patience` seconds, since a
    second holder may be slow."""
    own_raw = bytes.fromhex(own_mac.replace(":", ""))
    ethernet = b"\xff" * 6 + own_raw + struct.pack("!H", ETH_P_ARP)
    question = struct.pack("!HHBBH", 1, ETH_P_IP, 6, 4, 1) + own_raw + socket.inet_aton(own_address)
    holders = set()

    def listen(seconds, enough):
        """Reads what has come by then, also what came while we were not running."""
        end = time.monotonic() + seconds
        while not enough():
            if not select.select([packet_socket], [], [], max(0, end - time.monotonic()))[0]:
                return
            frame = packet_socket.recv(2048)
            if len(frame) >= 42 and frame[20:22] == b"\0\2" and frame[28:32] == socket.inet_aton(wanted):
                holders.add(mac_text(frame[22:28]))

    for _ in range(5):
        packet_socket.send(ethernet + question + b"\0" * 6 + socket.inet_aton(wanted))
        listen(1, lambda: holders)
        if holders:
            break
    listen(patience, lambda: False)
    return holders


@dataclasses.dataclass(frozen=True)
class Frame:
    time_ns: int
    source_mac: str
    kind: int
    payload: bytes


def read_capture(path):
    """Frames of a classic pcap file of Ethernet; a record that is still being written is left out."""
    with open(path, "rb") as file:
        data = file.read()
    if len(data) < 24:
        return []
    magic = struct.unpack_from("=I", data)[0]
    scale = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}.get(magic)
    if scale is None:
        raise ValueError(f"{path}: not a pcap file of this machine")
    frames, at = [], 24
    while at + 16 <= len(data):
        seconds, fraction, captured = struct.unpack_from("=III", data, at)
        at += 16
        frame = data[at:at + captured]
        at += captured
        if len(frame) == captured and captured >= 14:
            kind = struct.unpack_from("!H", frame, 12)[0]
            frames.append(Frame(seconds * 10**9 + fraction * scale, mac_text(frame[6:12]), kind, frame[14:]))
    return frames


@dataclasses.dataclass(frozen=True)
class Advert:
    time_ns: int
    source: str
    version: int
    virtual_router_id: int
    priority: int


def adverts_in(path):
    """VRRP adverts over IPv4, in the order of the wire."""
    adverts = []
    for frame in read_capture(path):
        packet = frame.payload
        if frame.kind != ETH_P_IP or len(packet) < 28 or packet[9] != VRRP_PROTOCOL:
            continue
        vrrp = packet[(packet[0] & 0xF) * 4:]
        if len(vrrp) >= 8 and vrrp[0] & 0xF == 1:
            adverts.append(Advert(frame.time_ns, socket.inet_ntoa(packet[12:16]), vrrp[0] >> 4, vrrp[1], vrrp[2]))
    return adverts


def announcements_in(path, address):
    """Times and senders of gratuitous ARP for an address: (time_ns, mac)."""
    raw = socket.inet_aton(address)
    return [(frame.time_ns, frame.source_mac) for frame in read_capture(path)
            if frame.kind == ETH_P_ARP and frame.payload[14:18] == raw and frame.payload[24:28] == raw]
