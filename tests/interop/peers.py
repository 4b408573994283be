"""What meets on the LAN: our daemon, and keepalived or FRR as its peer, each with one instance of a `Kind`.

A peer is started, stopped with a farewell and killed. It says by `mac` what clients shall see when it holds the
addresses: keepalived announces from its own MAC, FRR from the virtual one.
"""

import dataclasses
import os
import signal

from tests.lan.daemons import Daemon, Keepalived, Vrrpd
from tests.lan.settings import VRRPD

VRID = 51
PATIENCE = 20


@dataclasses.dataclass(frozen=True)
class Kind:
    """One way of speaking VRRP, in which both sides are configured."""
    version: int = 3
    family: int = 4
    advert_ms: int = 500
    password: str = ""
    unicast: bool = False

    @property
    def vips(self):
        return ("192.168.30.61",) if self.family == 4 else ("fe80::61", "2001:db8::61")

    @property
    def vips_with_length(self):
        return [f"{vip}/{24 if self.family == 4 else 64}" for vip in self.vips]

    @property
    def interval(self):
        """Seconds."""
        return self.advert_ms / 1000

    def skew(self, priority):
        """Seconds (D01, D03)."""
        return (256 - priority) / 256 * (1 if self.version == 2 else self.interval)


def vrrpd_ini(kind, priority, our_address, peer_address, extra=""):
    """What is announced is announced because something happened, not because time passed."""
    lines = ["[global]", "log_target = stderr", "[vrrp_instance VI_1]", "interface = eth0",
             f"virtual_router_id = {VRID}", f"version = {kind.version}", f"priority = {priority}",
             f"advert_int = {kind.advert_ms}ms", *(f"virtual_ipaddress = {vip}" for vip in kind.vips_with_length),
             "garp_master_delay = 0", "garp_master_refresh = 0"]
    if kind.password:
        lines += ["auth_type = PASS", f"auth_pass = {kind.password}"]
    if kind.unicast:
        lines += [f"unicast_src_ip = {our_address}", f"unicast_peer = {peer_address}"]
    return "\n".join([*lines, extra, ""])


def kill_together(host, *names):
    """All processes of these names die at one moment, as with their machine: none sees another one's end and acts on
    it, as keepalived's child, our daemon and our launcher do."""
    pids = [pid for name in names for pid in host.pids_of(name)]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            os.kill(pid, number)


class Ours(Vrrpd):
    @property
    def mac(self):
        return self.host.mac

    def kill(self):
        """The daemon and its launcher; what they put on the link stays there."""
        kill_together(self.host, "vrrpd")
        self.process.wait(PATIENCE)


class VrrpdPeer(Ours):
    """Our daemon as the peer of itself."""

    def __init__(self, host, kind, priority, our_address, extra=""):
        super().__init__(host, VRRPD, vrrpd_ini(kind, priority, host.address, our_address, extra))


class KeepalivedPeer(Keepalived):
    def __init__(self, host, kind, priority, our_address, extra_vip="", password=None):
        Daemon.__init__(self, host)
        # Its own limit of 10 ms of real-time at a stretch kills its VRRP process on a machine that is slow for a while.
        lines = ["global_defs {", f"vrrp_version {kind.version}", "vrrp_rt_priority 50",
                 "vrrp_rlimit_rttime 1000000", "vrrp_no_swap", "}",
                 "vrrp_instance VI_1 {", "state BACKUP", "interface eth0", f"virtual_router_id {VRID}",
                 f"priority {priority}", f"advert_int {kind.interval:g}"]
        if kind.password:
            lines += ["authentication {", "auth_type PASS", f"auth_pass {password or kind.password}", "}"]
        if kind.unicast:
            lines += [f"unicast_src_ip {host.address}", "unicast_peer {", our_address, "}"]
        lines += ["virtual_ipaddress {", *kind.vips_with_length, extra_vip, "}", "}", ""]
        (host.etc / "keepalived.conf").write_text("\n".join(lines), encoding="ascii")

    @property
    def mac(self):
        return self.host.mac

    def start(self):
        begin = super().start()
        self.wait_state("BACKUP", PATIENCE)
        return begin

    def kill(self):
        kill_together(self.host, "keepalived")
        self.process.wait(PATIENCE)


class FrrPeer:
    """The addresses are on a macvlan with the virtual MAC, which FRR keeps down (protodown) while it is Backup."""

    _folder = "/run/frr-peer"

    def __init__(self, host, kind, priority, _our_address):
        self.host = host
        self._kind = kind
        self.mac = f"00:00:5e:00:{'01' if kind.family == 4 else '02'}:{VRID:02x}"
        self._vrrpd = None
        word = "ip" if kind.family == 4 else "ipv6"
        lines = ["debug vrrp protocol", "interface eth0", f"vrrp {VRID} version {kind.version}",
                 f"vrrp {VRID} priority {priority}", f"vrrp {VRID} advertisement-interval {kind.advert_ms}",
                 *(f"vrrp {VRID} {word} {vip}" for vip in kind.vips), "exit", ""]
        (host.etc / "frr.conf").write_text("\n".join(lines), encoding="ascii")
        (host.etc / "zebra.conf").touch()

    def start(self):
        add = "; ".join(f"ip addr add {vip} dev vip0" for vip in self._kind.vips_with_length)
        # Without arp_ignore eth0 would answer for what is on the macvlan, with its own MAC and always.
        self.host.run(["sh", "-ec", f"""echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore
            mkdir -p {self._folder}; chown frr:frr {self._folder}
            ip link add vip0 link eth0 address {self.mac} type macvlan mode bridge; {add}; ip link set vip0 up"""])
        self._start_one("zebra", "zebra.conf").wait_for_line("starting: ", PATIENCE)
        self._vrrpd = self._start_one("vrrpd", "frr.conf")
        self._vrrpd.wait_for_line("Initialize -> Backup", PATIENCE)

    def _start_one(self, program, configuration):
        return self.host.start(f"frr-{program}", [
            f"/usr/lib/frr/{program}", "-f", f"/etc/vrrpd/{configuration}", "-i", f"{self._folder}/{program}.pid",
            "-z", f"{self._folder}/zserv", "--vty_socket", self._folder, "-u", "frr", "-g", "frr",
            "--log", "stdout", "--log-level", "debug"])

    def stop(self):
        """Zebra goes on: it is who takes the macvlan down, when FRR's vrrpd leaves. Now and then 8.4.4 is gone before
        it has asked for that, and answers for ever; so whoever stops it has to see to it."""
        self._vrrpd.stop(PATIENCE)
        self.host.run(["ip", "link", "set", "vip0", "down"])

    def kill(self):
        kill_together(self.host, "vrrpd", "zebra")
