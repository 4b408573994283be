"""The rows H01 to H39 of the checklist as data: which packets, and what a daemon has to make of each.

A row is about one kind of instance, and gets an instance of its own. Its packets are built from an advert that would
be good: it outranks the instance, so that whatever is taken for valid shows.
"""

import dataclasses
import typing

from scapy.layers.inet import IPOption_NOP, IPOption_Router_Alert
from scapy.layers.inet6 import (IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN)

from tests.lan.crafted import Advert, internet_checksum

OUR_ADDRESS, OUR_MAC = "192.168.30.10", "02:00:00:00:00:01"
OUR_LINK_LOCAL = "fe80::ff:fe00:1"  # made of the MAC
PASSWORD = "s3cret78"
NOBODYS_VIRTUAL_ROUTER = 250

ACCEPT = "accepted"
KERNEL = "never delivered"  # the kernel knows better than to hand it to a socket


@dataclasses.dataclass(frozen=True)
class Reason:
    """Refused with this word. `assigned`: counted and logged for the instance; else before one is looked for."""
    word: str
    assigned: bool = True


def refused(word):
    return Reason(word)


def unassigned(word):
    return Reason(word, assigned=False)


@dataclasses.dataclass(frozen=True)
class Row:
    id: str
    name: str
    frames: typing.Callable[[Advert], list]
    verdict: object  # ACCEPT, KERNEL or a Reason
    kind: str = "v3"  # v3, v2, PASS (version 2 with a password), v6
    packets: int | None = None  # that the frames make; one each unless they are fragments

    @property
    def unassigned(self):
        return isinstance(self.verdict, Reason) and not self.verdict.assigned


def cut(advert, lengths):
    message = advert.message()
    return [advert.frame(message=message[:length]) for length in lengths]


def every_bit(advert):
    return [advert.but(wrong_bits=1 << bit).frame() for bit in range(16)]


def trailing(advert):
    """1 and 64 bytes too many, once within the checksum and once past it."""
    message = advert.message()
    return [frame for extra in (1, 64) for frame in (advert.but(trailer=bytes(extra)).frame(),
                                                     advert.frame(message=message + b"\x5a" * extra))]


def many(advert):
    return advert.but(addresses=tuple(f"10.8.0.{last}" for last in range(1, 256)))


def padding():
    return [PadN(optdata=b"\0\0\0\0")]


def routing():
    """One that has been followed to its end; in a packet to a group the kernel takes none."""
    return IPv6ExtHdrRouting(nh=112, type=0, segleft=0)


def fragments_v6(advert):
    message = advert.message()
    pieces = ((0, 1, message[:16]), (2, 0, message[16:]))  # where in units of 8, whether more follow, what
    return [advert.frame(message=piece, extensions=IPv6ExtHdrFragment(nh=112, offset=at, m=more,
                                                                       id=advert.virtual_router_id))
            for at, more, piece in pieces]


def carp(advert):
    """As ucarp 1.5.2 sends it: a counter and an HMAC behind what looks like version 2 with seven addresses. Its sum is
    made as ours is."""
    head = bytes([0x21, advert.virtual_router_id, 0, 7, 0, 1])
    tail = bytes.fromhex("e4eba7c658df348be15ff67a3c641cef0bcc263a4774e30a851c8d94")
    total = internet_checksum(head + b"\0\0" + tail)
    return advert.frame(message=head + total.to_bytes(2, "big") + tail)


ROWS = [
    Row("B09", "a good advert", lambda a: [a.frame()], ACCEPT),
    Row("B09", "a good advert", lambda a: [a.frame()], ACCEPT, "v2"),
    Row("T04", "the right password", lambda a: [a.frame()], ACCEPT, "PASS"),
    Row("B09", "a good advert", lambda a: [a.frame()], ACCEPT, "v6"),
    Row("B07", "padded to 60 bytes", lambda a: [a.frame().ljust(60, b"\0")], ACCEPT),

    Row("H01", "0 to 7 bytes", lambda a: cut(a, range(8)), unassigned("length")),
    Row("H01", "0 to 7 bytes", lambda a: cut(a, range(8)), unassigned("length"), "v6"),
    Row("H02", "cut short", lambda a: cut(a, range(8, 12)), refused("length")),
    Row("H02", "cut short", lambda a: cut(a, range(8, 20)), refused("length"), "v2"),
    Row("H02", "cut short", lambda a: cut(a, range(8, 40)), refused("length"), "v6"),
    Row("H03", "1 and 64 bytes behind it", trailing, refused("length")),
    Row("H03", "1 and 64 bytes behind it", trailing, refused("length"), "v2"),
    Row("H03", "1 and 64 bytes behind it", trailing, refused("length"), "v6"),
    Row("H04", "count 0", lambda a: [a.but(addresses=()).frame(), a.but(count=0).frame()], refused("count")),
    Row("H04", "count 0", lambda a: [a.but(addresses=()).frame(), a.but(count=0).frame()], refused("count"), "v2"),
    Row("H05", "count 2 and 255, one address", lambda a: [a.but(count=n).frame() for n in (2, 255)],
        refused("length")),
    Row("H05", "count 2 and 255, two addresses", lambda a: [a.but(count=n).frame() for n in (3, 255)],
        refused("length"), "v6"),
    Row("H06", "255 addresses", lambda a: [many(a).frame()], ACCEPT),
    Row("H07", "versions that do not exist",
        lambda a: [a.but(version=n).frame() for n in range(16) if n not in (2, 3)], unassigned("version")),
    Row("H07", "version 2", lambda a: [a.but(version=2, interval=1).frame()], refused("version")),
    Row("H07", "version 3", lambda a: [a.but(version=3, interval=100).frame()], refused("version"), "v2"),
    Row("H08", "types that do not exist", lambda a: [a.but(kind=n).frame() for n in range(16) if n != 1],
        unassigned("type")),
    Row("H09", "checksum with one bit wrong", every_bit, refused("checksum")),
    Row("H09", "checksum with one bit wrong", every_bit, refused("checksum"), "v2"),
    Row("H09", "checksum with one bit wrong", every_bit, refused("checksum"), "v6"),
    Row("H10", "sum over the message alone", lambda a: [a.but(pseudo_header=0).frame()], ACCEPT),
    Row("C06", "sum over the message alone, or for ICMPv6",
        lambda a: [a.but(pseudo_header=protocol).frame() for protocol in (0, 58)], refused("checksum"), "v6"),
    Row("H11", "sum with a pseudo-header", lambda a: [a.but(pseudo_header=112).frame()], refused("checksum"), "v2"),
    Row("H12", "TTL 254, 1, 0", lambda a: [a.frame(ttl=ttl) for ttl in (254, 1, 0)], unassigned("ttl")),
    Row("H12", "hop limit 254, 1, 0", lambda a: [a.frame(hlim=limit) for limit in (254, 1, 0)], unassigned("ttl"),
        "v6"),
    Row("H13", "VRID 0 and nobody's",
        lambda a: [a.but(virtual_router_id=n).frame() for n in (0, NOBODYS_VIRTUAL_ROUTER)], unassigned("vrid")),

    Row("H14", "source of another subnet", lambda a: [a.but(source="192.0.2.7").frame()], ACCEPT),
    Row("H15", "source 0.0.0.0", lambda a: [a.but(source="0.0.0.0").frame()], refused("source")),
    Row("H15", "source the broadcast address of the subnet", lambda a: [a.but(source="192.168.30.255").frame()],
        refused("source")),
    Row("H16", "source our own address", lambda a: [a.but(source=OUR_ADDRESS).frame()], refused("own_source")),
    Row("H16", "source our own address", lambda a: [a.but(source=OUR_LINK_LOCAL).frame()], refused("own_source"), "v6"),
    Row("H16", "source our virtual address", lambda a: [a.but(source=a.addresses[0]).frame()], refused("source")),
    Row("B24", "an owner at the virtual address",
        lambda a: [a.but(source=a.addresses[0], priority=255).frame()], ACCEPT),
    Row("H16", "source 127.0.0.1", lambda a: [a.but(source="127.0.0.1").frame()], refused("source")),
    Row("H16", "source multicast, all ones", lambda a: [a.but(source=each).frame() for each in
                                                        ("224.0.0.18", "255.255.255.255")], KERNEL),
    Row("H17", "to our own address", lambda a: [a.but(destination=OUR_ADDRESS).frame(to=OUR_MAC)],
        refused("destination")),
    Row("H17", "to our own address", lambda a: [a.but(destination=OUR_LINK_LOCAL).frame(to=OUR_MAC)],
        refused("destination"), "v6"),
    Row("H17", "to all ones", lambda a: [a.but(destination="255.255.255.255").frame(to="ff:ff:ff:ff:ff:ff")],
        refused("destination")),
    Row("H17", "to 224.0.0.1", lambda a: [a.but(destination="224.0.0.1").frame(to="01:00:5e:00:00:01")], KERNEL),
    Row("H18", "a false owner", lambda a: [a.but(priority=255).frame()], ACCEPT),
    Row("H24", "interval 0", lambda a: [a.but(interval=0).frame()], refused("interval")),
    Row("H24", "interval 0", lambda a: [a.but(interval=0).frame()], refused("interval"), "v6"),
    Row("H25", "interval 0, 2, 255", lambda a: [a.but(interval=n).frame() for n in (0, 2, 255)], refused("interval"),
        "v2"),
    Row("H26", "reserved bits set", lambda a: [a.but(reserve=0xF).frame()], ACCEPT),
    Row("H27", "another address", lambda a: [a.but(addresses=("10.8.0.1",)).frame()], ACCEPT),
    Row("H27", "another address", lambda a: [a.but(addresses=("10.8.0.1",)).frame()], ACCEPT, "v2"),
    Row("H27", "an address more", lambda a: [a.but(addresses=(*a.addresses, "10.8.0.1")).frame()], ACCEPT),

    Row("H28", "four NOPs", lambda a: [a.frame(options=[IPOption_NOP()] * 4)], refused("options")),
    Row("H28", "router alert", lambda a: [a.frame(options=[IPOption_Router_Alert()])], refused("options")),
    Row("H28", "header of 60 bytes", lambda a: [a.frame(options=[IPOption_NOP()] * 40)], refused("options")),
    Row("H29", "header of 16 bytes, and longer than the packet", lambda a: [a.frame(ihl=4), a.frame(ihl=15)], KERNEL),
    Row("H30", "total length 20 too many", lambda a: [a.frame(len=20 + len(a.message()) + 20)], KERNEL),
    Row("H30", "total length 4 too few", lambda a: [a.frame(len=20 + len(a.message()) - 4)], refused("length")),
    Row("H31", "the first fragment alone", lambda a: a.fragments()[:1], KERNEL),
    Row("H31", "a later fragment alone", lambda a: a.fragments()[1:], KERNEL),
    Row("H31", "both fragments", lambda a: a.fragments(), refused("options"), packets=1),
    Row("H32", "hop-by-hop options", lambda a: [a.frame(extensions=IPv6ExtHdrHopByHop(nh=112, options=padding()))],
        refused("options"), "v6"),
    Row("H32", "destination options", lambda a: [a.frame(extensions=IPv6ExtHdrDestOpt(nh=112, options=padding()))],
        refused("options"), "v6"),
    Row("H32", "routing header", lambda a: [a.frame(extensions=routing())], KERNEL, "v6"),
    Row("H32", "routing header, to our own address",
        lambda a: [a.but(destination=OUR_LINK_LOCAL).frame(to=OUR_MAC, extensions=routing())], refused("options"),
        "v6"),
    Row("H33", "atomic fragment", lambda a: [a.frame(extensions=IPv6ExtHdrFragment(nh=112, offset=0, m=0, id=9))],
        refused("options"), "v6"),
    Row("H33", "two fragments", fragments_v6, refused("options"), "v6", packets=1),
    Row("H33", "the first fragment alone", lambda a: fragments_v6(a)[:1], KERNEL, "v6"),
    Row("H34", "source global", lambda a: [a.but(source="2001:db8:9::bad").frame()], refused("source"), "v6"),
    Row("H34", "source unspecified", lambda a: [a.but(source="::").frame()], refused("source"), "v6"),
    Row("H34", "source our virtual link-local address", lambda a: [a.but(source=a.addresses[0]).frame()],
        refused("source"), "v6"),
    Row("H34", "source multicast, loopback", lambda a: [a.but(source=each).frame() for each in ("ff02::12", "::1")],
        KERNEL, "v6"),
    Row("H35", "first address global", lambda a: [a.but(addresses=a.addresses[::-1]).frame()], ACCEPT, "v6"),

    Row("H36", "a password, none is set", lambda a: [a.but(auth_type=1, auth_data=b"s3cret78").frame()],
        refused("auth_mismatch"), "v2"),
    Row("H36", "type 2", lambda a: [a.but(auth_type=2).frame()], refused("auth_mismatch"), "v2"),
    Row("H36", "types that do not exist", lambda a: [a.but(auth_type=n).frame() for n in (3, 9, 255)],
        refused("auth_unknown"), "v2"),
    Row("H36", "no trailer", lambda a: [a.but(auth_data=b"").frame()], refused("length"), "v2"),
    Row("H36", "wrong password", lambda a: [a.but(auth_data=b"opensesa").frame()], refused("auth_fail"), "PASS"),
    Row("H36", "password that differs in byte 8", lambda a: [a.but(auth_data=b"s3cret79").frame()],
        refused("auth_fail"), "PASS"),
    Row("H36", "no password", lambda a: [a.but(auth_type=0).frame()], refused("auth_mismatch"), "PASS"),
    Row("H37", "type 0, any data", lambda a: [a.but(auth_data=bytes(range(1, 9))).frame()], ACCEPT, "v2"),
    Row("H38", "CARP", lambda a: [carp(a)], unassigned("carp_like"), "v2"),
    Row("H39", "HMAC trailer of keepalived 2.4", lambda a: [a.but(trailer=b"\1" * 28).frame()], refused("length")),
    Row("H39", "HMAC trailer of keepalived 2.4", lambda a: [a.but(trailer=b"\1" * 28).frame()], refused("length"),
        "v2"),
]
