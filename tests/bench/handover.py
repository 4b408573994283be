"""A planned hand-over of many addresses, seen by the kernel of the host that gets them, and on the wire.

A witness, one more virtual router that only the host that takes over has, sends adverts all the while: what holds its
daemon up makes one late.
"""

import dataclasses
import signal
import socket
import struct
import time

from tests.bench import fleet
from tests.bench.recorder import SO_RCVBUFFORCE, SO_TIMESTAMPNS
from tests.bench.wakers import BareWakers, keep_cores_awake
from tests.lan import wire
from tests.lan.watched import NotSeen

ACTIVE_PRIORITY, BACKUP_PRIORITY = 250, 249
SKEW_S = (256 - BACKUP_PRIORITY) / 256  # RFC 9568 section 6.1, adverts of 1 s
WITNESS = {"name": "witness", "device": "eth0", "vrid": 255, "address": "10.20.99.1"}
WITNESS_INTERVAL_S = 0.01
PATIENCE_S = 20
AFTERWARDS_S = 1.2  # the second advert of those who took over, and all repeats of announcements
LATE_S = 0.005
WATCHED_EVERY_S = 0.001  # so much later than it came may an address be seen
LISTED = 255  # addresses that an advert has room for; the rest move with them unsaid


def numbered(number):
    """As bare_addresses counts them."""
    return f"10.30.{number // 250}.{number % 250 + 1}"


@dataclasses.dataclass(frozen=True)
class Bulk:
    """`count` addresses: one an instance on four links, or all of one instance."""
    title: str
    load: fleet.Load
    count: int

    def addresses(self):
        """{address: device}"""
        if self.load.instances > 1:
            return {address: device for _, device, _, address in self.load.routers()}
        return {numbered(number): "eth0" for number in range(self.count)}

    def configuration(self, kind, priority, witness):
        text = fleet.configuration(kind, self.load, priority) if self.load.instances > 1 else self._one(kind, priority)
        if not witness:
            return text
        extra = fleet.instance_of(kind, priority=priority, interval_s=WITNESS_INTERVAL_S, **WITNESS)
        return text + extra + (f"advert_int = {WITNESS_INTERVAL_S * 1000:.0f}ms\n" if kind == "vrrpd" else "")

    def _one(self, kind, priority):
        listed, unlisted = (list(self.addresses())[:LISTED], list(self.addresses())[LISTED:])
        fields = {"name": "L0_1", "device": "eth0", "vrid": 1, "priority": priority, "interval_s": 1}
        head = fleet.head_of(kind, 1000, priority)
        if kind == "vrrpd":
            lines = [f"virtual_ipaddress = {address}" for address in listed[1:]]
            lines += [f"virtual_ipaddress_excluded = {address}" for address in unlisted]
            return head + fleet.instance_of(kind, address=listed[0], **fields) + "\n".join([*lines, ""])
        inner = "\n".join([*listed, "}", "virtual_ipaddress_excluded {", *unlisted])
        return head + fleet.instance_of(kind, address=inner, **fields)


THOUSAND = Bulk("1,000 instances on 4 links", fleet.Load(links=4, per_link=250, interval_ms=1000), 1000)
LONG = Bulk("one instance with 4,000 addresses", fleet.Load(links=1, per_link=1, interval_ms=1000), 4000)


class Wire:
    """All that a host sends through a device of the switch, with the kernel's time of each."""

    def __init__(self, lan, port):
        self._socket = lan.switch.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 28)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind((port, 3))
        self._socket.setblocking(False)

    def read(self):
        """Announcements [(time_ns, address)], adverts [(time_ns, VRID)] of the host."""
        announcements, adverts = [], []
        while True:
            try:
                frame, extra, _, place = self._socket.recvmsg(2048, 64)
            except BlockingIOError:
                self._socket.close()
                return announcements, adverts
            seconds, nanoseconds = struct.unpack("=qq", extra[0][2])
            at, kind = seconds * 10**9 + nanoseconds, int.from_bytes(frame[12:14], "big")
            if place[2] == socket.PACKET_OUTGOING:
                continue  # towards the host
            if kind == wire.ETH_P_ARP and frame[28:32] == frame[38:42]:
                announcements.append((at, socket.inet_ntoa(frame[28:32])))
            elif kind == wire.ETH_P_IP and frame[23] == wire.VRRP_PROTOCOL:
                adverts.append((at, frame[14 + 4 * (frame[14] & 15) + 1]))


@dataclasses.dataclass(frozen=True)
class Handover:
    """Seconds, from the signal on: `gone` when the last address had left, `there` when the last was on the peer.
    `announced`: at most so long after its own arrival was each address announced; infinite if one never was.
    `late`: of the witness's adverts, and of the second ones of who took over. `changes`: of role, more than there
    should be. `overslept_ms`: of bare real-time threads that only wake up, on each core: whoever was later than LATE_S."""
    gone: float
    there: float
    announced: float
    late: float
    changes: int
    overslept_ms: list


def _watch(host, bare, output=None):
    watch = host.start("watch", ["chrt", "-r", "20", bare, "watch"], output=output)
    watch.wait_for_line("watching", 5)
    return watch


def _watched(text, wanted, sign):
    """{address: first time} of what came ("+") or went ("-")."""
    seen = {}
    for line in text.splitlines():
        at, what, address = line.split()
        if what == sign and address in wanted:
            seen.setdefault(address, int(at))
    return seen


def _gaps(times):
    return [(after - before) / 1e9 for before, after in zip(times, times[1:])]


def _lateness(adverts, since_ns):
    """`adverts` of all links: [(time_ns, key)]."""
    worst = 0.0
    by_key = {}
    for at, key in sorted(adverts):
        by_key.setdefault(key, []).append(at)
    for (_, vrid), times in by_key.items():
        interval = WITNESS_INTERVAL_S if vrid == WITNESS["vrid"] else 1.0
        last = [at for at in times if at < since_ns][-1:]
        worst = max([worst, *(gap - interval for gap in _gaps(last + [at for at in times if at >= since_ns]))])
    return worst


def masters(daemon, since):
    return [name for name, state in daemon.roles(since) if state == "MASTER"]


def measure(folder, binary, bare, wake, kind, bulk):
    """Switches the Active of a pair off, whose daemons are of this kind."""
    texts = [bulk.configuration(kind, ACTIVE_PRIORITY, False), bulk.configuration(kind, BACKUP_PRIORITY, True)]
    wanted = bulk.addresses()
    with fleet.FleetPair(folder, binary, bulk.load, kind, kind, texts) as pair:
        pair.start()
        keep_cores_awake(pair.lan.switch)
        missing = set(wanted) - pair.hosts[0].addresses()
        if missing:
            raise NotSeen(f"{len(missing)} addresses are not on the Active")
        outputs = [host.folder / "addresses.txt" for host in pair.hosts]
        watches = [_watch(host, bare, output) for host, output in zip(pair.hosts, outputs)]
        port = pair.hosts[1].port
        wires = [Wire(pair.lan, port if link == 0 else f"{port}.{link}") for link in range(bulk.load.links)]
        wakers = BareWakers(pair.lan.switch, wake, LATE_S)
        marks = pair.marks()
        time.sleep(0.1)
        signalled = time.time_ns()
        pair.active.process.send_signal(signal.SIGTERM)
        pair.backup.log.until(lambda: len(masters(pair.backup, marks[1])) == bulk.load.instances, PATIENCE_S,
                              f"{bulk.load.instances} takeovers", pair.backup.process.running)
        time.sleep(AFTERWARDS_S)
        for watch in watches:
            watch.stop()
        overslept, _ = wakers.overslept_ms()
        heard = [one.read() for one in wires]
        changes = len(pair.backup.roles(marks[1])) - bulk.load.instances
    came = _watched(outputs[1].read_text(encoding="ascii"), wanted, "+")
    went = _watched(outputs[0].read_text(encoding="ascii"), wanted, "-")
    if len(came) < len(wanted) or len(went) < len(wanted):
        raise NotSeen(f"of {len(wanted)} addresses {len(went)} went and {len(came)} came: see {folder}")
    announced = {}
    for announcements, _ in heard:
        for at, address in announcements:
            if at >= signalled:
                announced[address] = min(at, announced.get(address, at))
    lags = [(announced.get(address, float("inf")) - at) / 1e9 for address, at in came.items()]
    adverts = [(at, (link, vrid)) for link, (_, those) in enumerate(heard) for at, vrid in those]
    return Handover((max(went.values()) - signalled) / 1e9,
                    (max(came.values()) - signalled) / 1e9, max(lags) + WATCHED_EVERY_S, _lateness(adverts, signalled),
                    changes, overslept)


def measure_bare(folder, bare, count):
    """Seconds to delete `count` addresses on one host, and to add them on another, watched as the daemons are."""
    with fleet.make_lan(folder) as lan:
        old, new = fleet.make_host(lan, "old", 1, 1), fleet.make_host(lan, "new", 2, 1)
        keep_cores_awake(old)
        old.run([bare, "add", "eth0", count])
        for host in (old, new):
            _watch(host, bare)
        deleting = int(old.run(["chrt", "-r", "10", bare, "delete", "eth0", count]))
        adding = int(new.run(["chrt", "-r", "10", bare, "add", "eth0", count]))
    return deleting / 1e9, adding / 1e9
