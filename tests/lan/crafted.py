"""VRRP packets made by hand, right or wrong in one place, and the ear that hears what a daemon makes of them.

    good = Advert(virtual_router_id=51, addresses=("192.168.30.16",), source="192.168.30.200")
    link = Link(lan.hosts["attacker"])
    link.send(good.frame(), good.but(priority=0).frame(), good.frame(ttl=254))

Nothing of the product's code is used: what a checksum is, is said here once more. IP and Ethernet come from scapy.
"""

import contextlib
import dataclasses
import ipaddress
import logging
import os
import select
import socket
import struct
import time

logging.getLogger("scapy").setLevel(logging.ERROR)  # as it is imported it remarks on hosts without IPv6 routes
from scapy.layers.inet import IP, fragment
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

from tests.lan import wire
from tests.lan.watched import NotSeen

ETH_P_IPV6 = 0x86DD
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
BROADCAST = "ff:ff:ff:ff:ff:ff"
SENDER_MAC = "02:00:00:00:0b:ad"
GROUP = {4: "224.0.0.18", 6: "ff02::12"}
GROUP_MAC = {4: "01:00:5e:00:00:12", 6: "33:33:00:00:00:12"}


def internet_checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packed(address):
    return ipaddress.ip_address(address).packed


@dataclasses.dataclass(frozen=True)
class Advert:
    """A valid advert unless told otherwise; `but` makes it differ in a field or two."""

    virtual_router_id: int
    addresses: tuple
    source: str
    destination: str | None = None  # the group
    version: int = 3
    kind: int = 1
    priority: int = 250
    count: int | None = None  # as many as there are addresses
    interval: int = 20  # as on the wire: centiseconds, in version 2 seconds
    reserve: int = 0
    auth_type: int = 0
    auth_data: bytes = bytes(8)
    trailer: bytes = b""  # after everything, inside the checksum
    pseudo_header: int | None = None  # the protocol number in it; 0 for a sum over the message alone
    wrong_bits: int = 0  # turned over in the checksum

    def but(self, **changes):
        return dataclasses.replace(self, **changes)

    @property
    def family(self):
        return ipaddress.ip_address(self.source).version

    @property
    def target(self):
        return self.destination or GROUP[self.family]

    def message(self):
        """The bytes behind the IP header."""
        count = len(self.addresses) if self.count is None else self.count
        head = bytes([self.version << 4 | self.kind, self.virtual_router_id, self.priority, count])
        if self.version == 2:
            head += bytes([self.auth_type, self.interval])
        else:
            head += struct.pack("!H", self.reserve << 12 | self.interval)
        tail = b"".join(map(packed, self.addresses))
        tail += (self.auth_data if self.version == 2 else b"") + self.trailer
        protocol = self.pseudo_header if self.pseudo_header is not None else (112 if self.version == 3 else 0)
        before = b""
        if protocol:
            before = packed(self.source) + packed(self.target) + struct.pack("!II", len(head + tail) + 2, protocol)
        total = internet_checksum(before + head + b"\0\0" + tail) ^ self.wrong_bits
        return head + struct.pack("!H", total) + tail

    def packet(self, message=None, extensions=None, **fields):
        """The IP packet, with fields of the header as scapy calls them. `extensions`: IPv6 headers before ours."""
        payload = Raw(self.message() if message is None else message)
        ends = {"src": self.source, "dst": self.target}
        if self.family == 4:
            return IP(**ends | {"ttl": 255, "proto": 112, "tos": 0xC0} | fields) / payload
        head = IPv6(**ends | {"hlim": 255, "tc": 0xC0} | fields)
        if extensions is None:
            head.nh = 112
            return head / payload
        return head / extensions / payload

    def framed(self, packet, to=None):
        return bytes(Ether(src=SENDER_MAC, dst=to or GROUP_MAC[self.family]) / packet)

    def frame(self, to=None, **fields):
        """The Ethernet frame; `to` is the MAC it goes to, the rest as in `packet`."""
        return self.framed(self.packet(**fields), to)

    def fragments(self, size=8):
        """The frames of the packet cut into IPv4 fragments of `size` bytes."""
        whole = self.packet(id=self.virtual_router_id)  # or those of two instances would make a whole together
        return [self.framed(piece) for piece in fragment(whole, fragsize=size)]


def forged_announcement(address):
    """A gratuitous ARP of somebody who has not got the address."""
    return bytes(Ether(src=SENDER_MAC, dst=BROADCAST) /
                 ARP(op=1, hwsrc=SENDER_MAC, psrc=address, hwdst=BROADCAST, pdst=address))


@contextlib.contextmanager
def punctual():
    """What runs within does not wait for the busy rest of the machine, where the system allows that."""
    usual = os.sched_getscheduler(0), os.sched_getparam(0)
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(5))
    try:
        yield
    finally:
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, *usual)


class Link:
    """Sends frames out of a host's interface as they are, through one socket."""

    def __init__(self, host, interface="eth0"):
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.bind((interface, 0))

    def send(self, *frames):
        """CLOCK_REALTIME nanoseconds before the first and after the last: they left in between."""
        before = time.time_ns()
        for frame in frames:
            self._socket.send(frame)
        return before, time.time_ns()

    def close(self):
        self._socket.close()


@dataclasses.dataclass(frozen=True)
class Heard:
    """An advert, or an announcement (then `virtual_router_id` is None), with the kernel's time of arrival."""

    time_ns: int
    mac: str
    source: str
    virtual_router_id: int | None = None
    priority: int | None = None


class Ear:
    """Keeps what comes in at a host's interface, not what goes out of it. The socket's buffer is the memory between
    two looks, so that nothing has to run meanwhile."""

    def __init__(self, host, kinds=(wire.ETH_P_IP, ETH_P_IPV6), interface="eth0"):
        self.heard = []
        self._sockets = {}
        for kind in kinds:
            opened = host.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
            opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            opened.bind((interface, kind))
            self._sockets[opened] = kind

    def close(self):
        for opened in self._sockets:
            opened.close()

    def _take(self, opened):
        while True:
            try:
                frame, control, _, _ = opened.recvmsg(2048, 256, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            seconds, nanoseconds = struct.unpack("=qq", control[0][2])
            heard = read_frame(frame, self._sockets[opened], seconds * 10**9 + nanoseconds)
            if heard:
                self.heard.append(heard)

    def listen(self):
        """All that has been heard so far, in order of time."""
        for opened in self._sockets:
            self._take(opened)
        self.heard.sort(key=lambda each: each.time_ns)
        return self.heard

    def until(self, condition, timeout, what):
        """What `condition` makes of all that was heard, once it is true."""
        end = time.monotonic() + timeout
        while True:
            if found := condition(self.listen()):
                return found
            left = end - time.monotonic()
            if left <= 0:
                raise NotSeen(f"{what}: not heard within {timeout} s")
            select.select(list(self._sockets), [], [], left)

    def for_seconds(self, seconds):
        """All that was heard, once `seconds` have passed."""
        time.sleep(max(0.0, seconds))
        return self.listen()

    def adverts(self, virtual_router_id=None, since_ns=0, family=None):
        return [each for each in self.listen() if each.time_ns >= since_ns and each.virtual_router_id is not None
                and virtual_router_id in (None, each.virtual_router_id)
                and family in (None, ipaddress.ip_address(each.source).version)]


def read_frame(frame, kind, time_ns):
    """A Heard, or None for what is neither a VRRP advert nor ARP."""
    mac = wire.mac_text(frame[6:12])
    if kind == wire.ETH_P_ARP and len(frame) >= 42:
        return Heard(time_ns, mac, socket.inet_ntoa(frame[28:32]))
    if kind == wire.ETH_P_IP and len(frame) >= 42 and frame[23] == wire.VRRP_PROTOCOL:
        message = frame[14 + 4 * (frame[14] & 15):]
        return Heard(time_ns, mac, socket.inet_ntoa(frame[26:30]), message[1], message[2])
    if kind == ETH_P_IPV6 and len(frame) >= 62 and frame[20] == wire.VRRP_PROTOCOL:
        return Heard(time_ns, mac, socket.inet_ntop(socket.AF_INET6, frame[22:38]), frame[55], frame[56])
    return None
