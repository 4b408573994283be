"""Two booted hosts with memcached, nutcracker and vrrpd as services, one address between them, a client elsewhere."""

import dataclasses
import json
import pathlib
import subprocess
import time

from tests.chaos import judge
from tests.chaos.observer import Observer
from tests.lan.pair import Probe
from tests.lan.watched import NotSeen
from tests.prober import analysis
from tests.systemd.machines import ENABLED, Machines

VIP = "192.168.30.16"
_INI = """[global]
router_id = {name}

[vrrp_instance VI_1]
interface = eth0
virtual_router_id = 51
priority = {priority}
advert_int = 1s
nopreempt = yes
virtual_ipaddress = {vip}/24
track_check = {checks}
{instance}
[check memcached]
type = memcached
address = 127.0.0.1:11211
interval = 500ms
timeout = 300ms

[check rights]
type = script
command = /usr/local/bin/rights
interval = 5s

{section}
"""
# Writes down what a script may do, where nobody but it and the daemon sees it.
_RIGHTS = "#!/bin/sh\ncat /proc/self/status >/tmp/rights\n"
_NUTCRACKER = """memcached:
  listen: 0.0.0.0:12000
  hash: fnv1a_64
  distribution: ketama
  timeout: 2000
  server_failure_limit: 1
  auto_eject_hosts: false
  servers:
    - 127.0.0.1:11211:1
"""


@dataclasses.dataclass(frozen=True)
class Proxy:
    """Who keeps nutcracker, as vrrpd.ini says it. `section` is of the checks, or else a service's."""
    section: str
    instance: str = ""
    checks: tuple[str, ...] = ("memcached", "rights")
    enabled: tuple[str, ...] = tuple(unit for unit in ENABLED if unit != "nutcracker.service")


def _as_service(line):
    return Proxy(f"[service nutcracker]\n{line}\nlisten = {VIP}:12000", "service = nutcracker\nfault_hold = 1s")


# Debian's service, which runs on both hosts and is checked; kept by the daemon; kept by systemd in the name of the daemon.
OF_DEBIAN = Proxy("[check proxy]\ntype = memcached\naddress = 127.0.0.1:12000\ninterval = 1s\ntimeout = 700ms",
                  checks=("memcached", "proxy", "rights"), enabled=ENABLED)
AS_COMMAND = _as_service("command = /usr/sbin/nutcracker -c /etc/nutcracker/nutcracker.yml -o \"\"")
AS_UNIT = _as_service("unit = nutcracker.service")


class Pair:
    """`install(machine)` installs the daemon on a running machine, and `upgrade(machine)` a newer one."""

    def __init__(self, lan, prober, install, upgrade=None, proxy=OF_DEBIAN):
        self._machines = Machines(lan)
        self._proxy = proxy
        self.lan = lan
        self.a = self._add("cache-a", "192.168.30.10", 250)
        self.b = self._add("cache-b", "192.168.30.55", 249)
        self.client = lan.host("client", "192.168.30.99")
        self._prober = prober
        self.install = install
        self.upgrade = upgrade
        self._runs = 0

    def _add(self, name, address, priority):
        return self._machines.add(name, address, {
            "etc/vrrpd/vrrpd.ini": _INI.format(
                name=name, priority=priority, vip=VIP, checks=", ".join(self._proxy.checks),
                instance=self._proxy.instance, section=self._proxy.section),
            "etc/nutcracker/nutcracker.yml": _NUTCRACKER,
            "usr/local/bin/rights": _RIGHTS}, self._proxy.enabled)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._machines.__exit__()

    def ini(self, machine):
        """The daemon's file, as we see it."""
        return machine.root / "etc/vrrpd/vrrpd.ini"

    @property
    def machines(self):
        return self.a, self.b

    def boot(self):
        """Boots both, and installs and starts the daemon."""
        for machine in self.machines:
            machine.boot()
            machine.run("chmod", "755", "/usr/local/bin/rights")
            self.install(machine)
            machine.systemctl("enable", "--now", "vrrpd")

    def start(self):
        """As boot(); returns when cache-a holds the address."""
        self.boot()
        self.settle()

    def settle(self):
        """Both run, cache-a holds the address, and cache-b may take over."""
        try:
            self._settle()
        except NotSeen as error:
            told = [machine.run("journalctl", "--no-pager", "-n", "15", "-u", "vrrpd", check=False)
                    for machine in (self.a, self.b) if machine.leader]
            raise NotSeen("\n".join([str(error), *told])) from error

    def _settle(self):
        for machine in self.machines:
            machine.wait_for_state("vrrpd", "active")
        self.b.until(self._is_with_a, 40, f"{VIP} with {self.a.name} alone")
        # From here on it may take over.
        self.b.until(lambda: self._is_ready(self.b), 20, "its checks pass")

    def _is_with_a(self):
        """Whoever of two that start at a time comes first stays it, so the other one is sent away whenever it was that."""
        if VIP in self.b.host.addresses():
            self.b.systemctl("stop", "vrrpd")
            self.lan.wait_for_holder(VIP, self.a.host, 30)
            self.b.systemctl("start", "vrrpd")
        return self.lan.holders(VIP) == [self.a.name]

    def _is_ready(self, machine):
        since = machine.show("vrrpd", "ActiveEnterTimestampMonotonic")
        words = [entry["MESSAGE"] for entry in journal_entries(machine)
                 if int(entry["_SOURCE_MONOTONIC_TIMESTAMP"] if "_SOURCE_MONOTONIC_TIMESTAMP" in entry
                        else entry["__MONOTONIC_TIMESTAMP"]) > int(since) - 10**6]
        return all(any(f"({name}) succeeded" in word for word in words) for name in self._proxy.checks)

    def measure(self, act, holder):
        """What the client and the LAN saw while `act` was done, and until `holder` alone has the address for good, or whoever if
        there is none."""
        self._runs += 1
        probe = Probe(self.client, self._prober, f"prober-{self._runs}")
        try:
            probe.wait_for_answers(20)
            with Observer(self.lan, self.client, VIP) as observer:
                begin = time.time_ns()
                act()
                self._wait_for_one(holder)
                probe.wait_for_answers(30, count=400, since_ns=time.time_ns())
                record = observer.record()
        finally:
            attempts = probe.stop()
        gap = analysis.longest_gap(attempts, begin)
        held = judge.holdings(record)
        shared = judge.overlaps(held)
        return Seen(gap.seconds if gap.recovered else None, sum(one.end - one.begin for one in shared) / 1e9,
                    sorted(host for host, times in held.items() if any(until < record.ended for _, until in times)))

    def _wait_for_one(self, holder):
        if holder:
            return self.lan.wait_for_holder(VIP, holder.host, 30)
        end = time.monotonic() + 30
        while len(self.lan.holders(VIP)) != 1:
            if time.monotonic() > end:
                raise NotSeen(f"{VIP} is held by {self.lan.holders(VIP)}")
            time.sleep(0.01)


class Seen:
    """`gap_s`: the client's longest time without an answer, None: it was left without. `lost`: who let the address go."""

    def __init__(self, gap_s, shared_s, lost):
        self.gap_s, self.shared_s, self.lost = gap_s, shared_s, lost


def journal_entries(machine, *words):
    """Of vrrpd since the machine's start, as journald keeps them."""
    text = machine.run("journalctl", "--boot", "--output=json", "--no-pager", "SYSLOG_IDENTIFIER=vrrpd", *words)
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def install_package(path):
    """What installs a .deb on a machine."""
    def install(machine):
        place = f"root/{pathlib.Path(path).name}"
        with open(path, "rb") as source, open(machine.root / place, "wb") as target:
            target.write(source.read())
        machine.run("dpkg", "--install", "--force-confold", f"/{place}", timeout=120)
    return install


__all__ = ["AS_COMMAND", "AS_UNIT", "Pair", "Seen", "NotSeen", "VIP", "install_package", "journal_entries"]
