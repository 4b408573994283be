"""What the tests share: hosts with a daemon each, the sections of its configuration, and what a link carries.

    class Peers(LanCase):
        def test_it(self):
            a = self.lan.host("a", "192.168.30.10")
            wire = self.watch(self.lan.switch, a.port)      # all that a sends and gets
            daemon = self.start(a, instance("VI_1", priority=200))
            self.wait_role(daemon, "MASTER")
            wire.until(lambda: wire.adverts(vrid=51), PATIENCE, "an advert")
"""

import dataclasses
import ipaddress
import select
import socket
import struct
import time
import unittest

from tests.lan import control, wire
from tests.lan.control import vrrpctl
from tests.lan.crafted import ETH_P_IPV6, SO_RCVBUFFORCE, SO_TIMESTAMPNS
from tests.lan.daemons import VIP, Vrrpd
from tests.lan.settings import PATIENCE, VRRPD, run_folder
from tests.lan.virtual_lan import Host, Lan
from tests.lan.watched import NotSeen

ETH_P_ALL = 3
GLOBAL = "[global]\nlog_target = stderr\n"


def instance(name="VI_1", **keys):
    """The section of one; what is not given is interface eth0, VRID 51, an address and an interval of 100 ms."""
    usual = {"interface": "eth0", "virtual_router_id": 51, "advert_int": "100ms",
             "virtual_ipaddress": "192.168.30.16/24"}
    lines = [f"{key} = {value}" for key, value in (usual | keys).items() if value is not None]
    return "\n".join([f"\n[vrrp_instance {name}]", *lines, ""])


def check(section, **keys):
    """The section of one; what is not given is an interval of 200 ms, and that two failures are a fault."""
    usual = {"interval": "200ms", "timeout": "100ms", "fall": 2, "rise": 1}
    lines = [f"{key} = {value}" for key, value in (usual | keys).items() if value is not None]
    return "\n".join([f"\n[check {section}]", *lines, ""])


@dataclasses.dataclass(frozen=True)
class Advert:
    """With all that its headers say; `time_ns` is the kernel's."""

    time_ns: int
    from_mac: str
    to_mac: str
    source: str
    destination: str
    ttl: int
    traffic_class: int
    vrid: int
    priority: int
    addresses: tuple


def _split(header, packet):
    """(source, destination, ttl, traffic class, message) of a packet that carries VRRP, else None."""
    if header == wire.ETH_P_IP and packet[9] == wire.VRRP_PROTOCOL:
        length, total = 4 * (packet[0] & 15), int.from_bytes(packet[2:4], "big")
        return packet[12:16], packet[16:20], packet[8], packet[1], packet[length:total]
    if header == ETH_P_IPV6 and packet[6] == wire.VRRP_PROTOCOL:
        word, size = struct.unpack_from("!IH", packet)
        return packet[8:24], packet[24:40], packet[7], word >> 20 & 0xFF, packet[40:40 + size]
    return None


def read_advert(time_ns, frame):
    parts = _split(int.from_bytes(frame[12:14], "big"), frame[14:])
    if parts is None:
        return None
    source, destination, ttl, traffic_class, message = parts
    size = len(source)
    listed = (message[8 + at * size:8 + (at + 1) * size] for at in range(message[3]))
    name = lambda raw: str(ipaddress.ip_address(raw))
    return Advert(time_ns, wire.mac_text(frame[6:12]), wire.mac_text(frame[:6]), name(source), name(destination), ttl,
                  traffic_class, message[1], message[2], tuple(map(name, listed)))


class Watch:
    """Keeps every frame that an interface sends or gets, from now on. The socket's buffer is the memory between two
    looks."""

    def __init__(self, host, interface):
        self.frames = []  # (time_ns, bytes)
        self._adverts = []
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind((interface, ETH_P_ALL))

    def close(self):
        self._socket.close()

    def look(self):
        while True:
            try:
                frame, control, _, _ = self._socket.recvmsg(2048, 256, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            seconds, nanoseconds = struct.unpack("=qq", control[0][2])
            time_ns = seconds * 10**9 + nanoseconds
            self.frames.append((time_ns, frame))
            if advert := read_advert(time_ns, frame):
                self._adverts.append(advert)

    def adverts(self, since_ns=0, **fields):
        """Those whose fields are as given."""
        self.look()
        return [one for one in self._adverts if one.time_ns >= since_ns
                and all(getattr(one, name) == value for name, value in fields.items())]

    def announcements(self, address, since_ns=0):
        """Times of the gratuitous ARPs for an address."""
        self.look()
        raw = socket.inet_aton(address)
        return [time_ns for time_ns, frame in self.frames if time_ns >= since_ns and frame[12:14] == b"\x08\x06"
                and frame[28:32] == raw and frame[38:42] == raw]

    def until(self, condition, timeout, what):
        """What `condition` returns once it is true; looked at with every frame."""
        end = time.monotonic() + timeout
        while True:
            self.look()
            if found := condition():
                return found
            left = end - time.monotonic()
            if left <= 0:
                raise NotSeen(f"{what}: not seen within {timeout} s")
            select.select([self._socket], [], [], left)

    def until_adverts(self, count, timeout=PATIENCE, **fields):
        """The first `count` of those adverts."""
        self.until(lambda: len(self.adverts(**fields)) >= count, timeout, f"{count} adverts with {fields}")
        return self.adverts(**fields)[:count]


class LanCase(unittest.TestCase):
    """A LAN of its own for every test."""

    def setUp(self):
        self.lan = self.enterContext(Lan(run_folder(self.id().rsplit(".", 1)[-1])))

    def watch(self, host, interface="eth0"):
        watch = Watch(host, interface)
        self.addCleanup(watch.close)
        return watch

    def start(self, host, *sections):
        """A daemon with these sections."""
        daemon = Vrrpd(host, VRRPD, GLOBAL + "".join(sections))
        daemon.start()
        self.addCleanup(daemon.stop)
        return daemon

    def wait_role(self, daemon, role, since=0, name="VI_1"):
        return daemon.process.wait_for_line(rf"\({name}\) Entering {role} STATE", PATIENCE, since)

    def wait_faulty(self, daemon, reason, since=0, name="VI_1"):
        """FAULT for this reason, a regular expression."""
        return daemon.process.wait_for_line(rf'\({name}\) Entering FAULT STATE reason="{reason}"', PATIENCE, since)

    def roles(self, daemon, since=0, name="VI_1"):
        """The roles that were entered, in order."""
        lines = daemon.log.lines(since)
        return [line.split(" Entering ")[1].split()[0] for line in lines if f"({name}) Entering " in line]

    def wait_holder(self, address, holder):
        self.lan.wait_for_holder(address, holder, PATIENCE)


class CheckCase(LanCase):
    """cache-a is there; its daemon is told which checks it has."""

    def setUp(self):
        super().setUp()
        self.a: Host = self.lan.host("cache-a", "192.168.30.10")

    def run_daemon(self, text, host=None, level="info"):
        return self.start(host or self.a, f"log_level = {level}\nscript_user = nobody\n" + text)

    def wait_line(self, daemon, pattern, since=0):
        return daemon.process.wait_for_line(pattern, PATIENCE, since)


class ControlCase(LanCase):
    """a is MASTER with 200, b follows with 100; both have what is in SECTIONS."""

    SECTIONS = ()
    PRIORITY = {"a": 200, "b": 100}
    GLOBALS = GLOBAL

    def setUp(self):
        super().setUp()
        self.a, self.b = self.lan.host("a", "192.168.30.10"), self.lan.host("b", "192.168.30.20")

    def start_daemon(self, host):
        priority = self.PRIORITY[host.name]
        sections = "".join(section.format(priority) for section in (instance(priority="{0}"), *self.SECTIONS))
        host.daemon = Vrrpd(host, VRRPD, self.GLOBALS + sections)
        host.daemon.start()
        self.addCleanup(host.daemon.stop)

    def start_both(self):
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        self.start_daemon(self.b)
        self.wait_role(self.b.daemon, "BACKUP")
        self.wait_until(self.b, lambda one: one["holder"] == "192.168.30.10", "the holder")

    def look(self, host, name="VI_1"):
        return control.status(host, name)["instances"][0]

    def wait_until(self, host, condition, what, name="VI_1"):
        """The status of an instance, once it is like that."""
        end = time.monotonic() + PATIENCE
        while not condition(seen := self.look(host, name)):
            if time.monotonic() > end:
                raise NotSeen(f"{what} in {seen}")
        return seen

    def done(self, host, *arguments):
        """What a command printed that went well."""
        outcome = vrrpctl(host, *arguments)
        self.assertEqual((outcome.code, outcome.err), (0, ""), outcome)
        return outcome.out

    def refused(self, code, words, host, *arguments):
        """The command fails with one line of error."""
        outcome = vrrpctl(host, *arguments)
        self.assertEqual((outcome.code, outcome.out), (code, ""), outcome)
        self.assertRegex(outcome.err, words)
        self.assertEqual(outcome.err.count("\n"), 0, outcome.err)
