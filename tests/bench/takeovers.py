"""How exactly a Backup takes over: a scripted Active sends adverts, falls silent, and the wire tells when the Backup's
first advert comes.

Each virtual router lives a life of its own: bursts of adverts at random phases, then silence for long enough. A third
host notes the time of every advert.
"""

import contextlib
import dataclasses
import random
import socket
import struct
import time

from tests.bench.fleet import ACTIVE_PRIORITY, BACKUP_PRIORITY, Load, make_fleet, make_host, make_lan, virtual_address
from tests.bench.recorder import Recorder
from tests.bench.wakers import BareWakers, keep_cores_awake

LOAD = Load(links=1, per_link=10, interval_ms=100)
INTERVAL_S = LOAD.interval_ms / 1000
# RFC 9568 section 6.1: three intervals and the Skew_Time.
ACTIVE_DOWN_S = 3 * INTERVAL_S + (256 - BACKUP_PRIORITY) * INTERVAL_S / 256
BURST = 5        # adverts of the scripted Active: the Backup's farewell to the last round is long over at their end
SILENCE_S = 0.6  # after the last of them
WAKE_S = 0.002   # the bar of a takeover


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def advert(source, vrid):
    """Version 3 over IPv4 with the pseudo header in its checksum (RFC 5798), which every implementation reads."""
    group = socket.inet_aton("224.0.0.18")
    head = struct.pack("!BBBBH", 0x31, vrid, ACTIVE_PRIORITY, 1, LOAD.interval_ms // 10)
    address = socket.inet_aton(virtual_address(0, vrid))
    length = len(head) + 2 + len(address)
    pseudo = socket.inet_aton(source) + group + struct.pack("!HH", 112, length)
    return head + struct.pack("!H", _checksum(pseudo + head + address)) + address


def schedule(rounds, seed):
    """(seconds, VRID) of every advert, in order: each VRID speaks and falls silent `rounds` times."""
    chance = random.Random(seed)
    moments = []
    for vrid in range(1, LOAD.per_link + 1):
        begin = 0.0
        for _ in range(rounds):
            begin += chance.uniform(0, INTERVAL_S)
            moments += [(begin + number * INTERVAL_S, vrid) for number in range(BURST)]
            begin += (BURST - 1) * INTERVAL_S + SILENCE_S
    return sorted(moments)


def play(host, moments):
    """Sends the adverts at their moments; that they are a little late matters to nobody."""
    packets = {vrid: advert(host.address, vrid) for _, vrid in moments}
    with contextlib.closing(host.socket(socket.AF_INET, socket.SOCK_RAW, 112)) as link:
        link.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        began = time.monotonic()
        for moment, vrid in moments:
            time.sleep(max(0, began + moment - time.monotonic()))
            link.sendto(packets[vrid], ("224.0.0.18", 0))
    time.sleep(SILENCE_S)


def errors_of(heard, scripted):
    """Of one virtual router: how far each takeover was from the Active_Down_Interval, in seconds. What the Backup says
    while a burst goes on is its farewell; a silence in which it says nothing gives no error."""
    spoken = [at for at, source in heard if source == scripted]
    errors = []
    for last, following in zip(spoken, [*spoken[1:], float("inf")]):
        answers = [at for at, source in heard if source != scripted and last < at < following]
        if answers and following - last > ACTIVE_DOWN_S * 1e9:
            errors.append((answers[0] - last) / 1e9 - ACTIVE_DOWN_S)
    return errors


@dataclasses.dataclass(frozen=True)
class Takeovers:
    """`errors`: seconds from the computed instant, late is positive. `overslept_ms`: by how much a bare real-time thread was
    late meanwhile, of those of its `wakes` that were later than WAKE_S."""
    wanted: int
    errors: list
    overslept_ms: list
    wakes: int


def measure(folder, binary, bare, kind, rounds, seed):
    with make_lan(folder) as lan:
        scripted = make_host(lan, "scripted", 1, 1)
        backup = make_host(lan, "backup", 2, 1)
        observer = make_host(lan, "observer", 3, 1)
        fleet = make_fleet(kind, backup, binary, LOAD, BACKUP_PRIORITY)
        fleet.start()
        fleet.wait_all("MASTER", LOAD, 10)
        keep_cores_awake(observer)
        wakers = BareWakers(observer, bare, WAKE_S)
        with Recorder(observer) as recorder:
            play(scripted, schedule(rounds, seed))
            heard = recorder.adverts()
        overslept_ms, wakes = wakers.overslept_ms()
    own = socket.inet_aton(scripted.address)
    errors = [error for adverts in heard.values() for error in errors_of(adverts, own)]
    return Takeovers(rounds * LOAD.per_link, errors, overslept_ms, wakes)
