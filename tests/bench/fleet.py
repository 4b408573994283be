"""Many virtual routers on one pair of hosts: their LAN, and the two daemons configured alike for them.

Both kinds with their best settings: real-time scheduling, here at the same priority, for keepalived without the limit
of CPU time that otherwise kills it at the start of many instances, and a receive buffer for all instances of a link.
Announcements are sent once and not repeated, so that a window holds adverts and nothing else.
"""

import dataclasses
import re
import time

from tests.lan.daemons import Daemon, Keepalived, Vrrpd
from tests.lan.virtual_lan import Lan
from tests.lan.watched import NotSeen

ACTIVE_PRIORITY, BACKUP_PRIORITY = 250, 200


@dataclasses.dataclass(frozen=True)
class Load:
    """`per_link` instances, VRIDs from 1 on, on each of the links eth0, eth1 ..."""
    links: int
    per_link: int
    interval_ms: int

    @property
    def instances(self):
        return self.links * self.per_link

    @property
    def adverts_per_s(self):
        return self.instances * 1000 / self.interval_ms

    @property
    def devices(self):
        return [f"eth{number}" for number in range(self.links)]

    def __str__(self):
        return f"{self.instances} instances on {self.links} links, {self.interval_ms} ms"

    def routers(self):
        """(name, device, VRID, address) of every instance."""
        return [(f"L{link}_{vrid}", f"eth{link}", vrid, virtual_address(link, vrid))
                for link in range(self.links) for vrid in range(1, self.per_link + 1)]


def virtual_address(link, vrid):
    return f"10.20.{link}.{vrid}"


def make_lan(folder):
    """Its switch has no packet filter, which would take its time from the senders."""
    lan = Lan(folder)
    lan.switch.run(["sh", "-c", "for p in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $p ] || echo 0 > $p; done"])
    return lan


def make_host(lan, name, number, links):
    """With the addresses 10.10.0.`number`, 10.10.1.`number` ... on eth0, eth1 ..."""
    host = lan.host(name, f"10.10.0.{number}")
    for link in range(1, links):
        lan.link(host, link, f"10.10.{link}.{number}")
    return host


LEASELESS = "vrrpd, vip_lease off"  # a kind of its own

_VRRPD_HEAD = """[global]
log_target = stderr
realtime = yes
vip_lease = {lease}

[defaults]
version = 3
advert_int = {interval_ms}ms
priority = {priority}
garp_master_delay = 0s
garp_master_refresh = 0s
"""

_VRRPD_INSTANCE = """
[vrrp_instance {name}]
interface = {device}
virtual_router_id = {vrid}
virtual_ipaddress = {address}
"""

_KEEPALIVED_HEAD = """global_defs {{
    vrrp_version 3
    vrrp_rt_priority 10
    vrrp_rlimit_rttime 1000000000
    vrrp_rx_bufs_policy MTU
    vrrp_garp_master_delay 0
}}
"""

_KEEPALIVED_INSTANCE = """
vrrp_instance {name} {{
    state BACKUP
    interface {device}
    virtual_router_id {vrid}
    advert_int {interval_s}
    priority {priority}
    virtual_ipaddress {{
        {address}
    }}
}}
"""


def head_of(kind, interval_ms, priority):
    """What stands above the instances in the configuration of a daemon of this kind."""
    head = _KEEPALIVED_HEAD if kind == "keepalived" else _VRRPD_HEAD
    lease = "off" if kind == LEASELESS else "auto"
    return head.format(interval_ms=interval_ms, priority=priority, lease=lease)


def instance_of(kind, **fields):
    """One instance: name, device, vrid, address, priority, interval_s."""
    return (_KEEPALIVED_INSTANCE if kind == "keepalived" else _VRRPD_INSTANCE).format(**fields)


def configuration(kind, load, priority):
    common = {"priority": priority, "interval_s": load.interval_ms / 1000}
    parts = [instance_of(kind, name=name, device=device, vrid=vrid, address=address, **common)
             for name, device, vrid, address in load.routers()]
    return head_of(kind, load.interval_ms, priority) + "".join(parts)


class _Fleet:
    """What both kinds can besides what a `Daemon` can."""

    def roles(self, since=0):
        """Every change of role, in order: (instance, state)."""
        return re.findall(r"\((\S+)\) Entering (\w+) STATE", self.log.text(since))

    def all_in(self, state, load):
        """Whether the newest state of every instance is this one."""
        return list(dict(self.roles(self._begin)).values()).count(state) == load.instances

    def wait_all(self, state, load, timeout):
        self.log.until(lambda: self.all_in(state, load), timeout, f"{load.instances} instances in {state}",
                       self.process.running)


class VrrpdFleet(_Fleet, Vrrpd):
    kind = "vrrpd"


class KeepalivedFleet(_Fleet, Keepalived):
    kind = "keepalived"

    def __init__(self, host, text):
        Daemon.__init__(self, host)
        (host.etc / "keepalived.conf").write_text(text, encoding="ascii")


def make_fleet(kind, host, binary, load, priority, text=None):
    """`text`: its configuration, if not the usual one."""
    text = text or configuration(kind, load, priority)
    return KeepalivedFleet(host, text) if kind == "keepalived" else VrrpdFleet(host, binary, text)


class FleetPair:
    """Two hosts on `load.links` common links, the one Active for all instances, the other Backup."""

    PATIENCE_S = 30
    CALM_S = 2

    def __init__(self, folder, binary, load, active_kind, backup_kind, texts=(None, None)):
        """`texts`: the configurations of Active and Backup, if not the usual ones."""
        self.load = load
        self.lan = make_lan(folder)
        with self.lan.being_peopled():
            self.hosts = [make_host(self.lan, "active", 1, load.links), make_host(self.lan, "backup", 2, load.links)]
            self.active = make_fleet(active_kind, self.hosts[0], binary, load, ACTIVE_PRIORITY,
                                     texts[0])
            self.backup = make_fleet(backup_kind, self.hosts[1], binary, load, BACKUP_PRIORITY,
                                     texts[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lan.close()

    def start(self):
        """Returns when all roles are taken and have stayed so for CALM_S: the start is over for both."""
        self.active.start()
        self.active.wait_all("MASTER", self.load, self.PATIENCE_S)
        self.backup.start()
        end = time.monotonic() + self.PATIENCE_S
        while True:
            marks = self.marks()
            time.sleep(self.CALM_S)
            if (self.changes_since(marks) == 0 and self.active.all_in("MASTER", self.load)
                    and self.backup.all_in("BACKUP", self.load)):
                return
            if time.monotonic() > end:
                raise NotSeen(f"after {self.PATIENCE_S} s roles still change: see {self.lan.folder}")

    def marks(self):
        return self.active.log.mark(), self.backup.log.mark()

    def changes_since(self, marks):
        """Changes of role that nobody asked for. Who died changed nothing any more, and is an error."""
        for daemon in (self.active, self.backup):
            if not daemon.process.running():
                raise NotSeen(f"{daemon.kind} of {daemon.host.name} ended: see {daemon.log.path}")
        return len(self.active.roles(marks[0])) + len(self.backup.roles(marks[1]))
