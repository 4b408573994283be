"""The deployments of etc/recipes on virtual LANs: exactly their files, on hosts with the addresses that these name.

    with Deployment(S2, folder, vrrpd, prober) as deployment:
        deployment.start()
        deployment.signal_proxy("proxy-a", signal.SIGSTOP)
        deployment.lan.wait_for_holder(VIP, deployment.hosts["proxy-b"], 10)

A host whose name is that of an INI file of the folder has it as /etc/vrrpd/vrrpd.ini, with all files beside it that are
no INI files, and runs the daemon. A deployment with other servers than memcached is a subclass that starts them.
"""

import contextlib
import dataclasses
import os
import shutil
import signal
import socket

from tests.lan.daemons import MEMCACHED_PORT, VIP, VIP_2, VIP_PORT, Vrrpd
from tests.lan.pair import Probe, start_memcached
from tests.lan.settings import PATIENCE, ROOT
from tests.lan.virtual_lan import Lan

RECIPES = ROOT / "etc" / "recipes"


@dataclasses.dataclass(frozen=True)
class Plan:
    """`hosts`: name to address. `servers`: those of them that run a memcached. `homes`: instance to its address and the
    host that is its MASTER in peace; the daemons start in the order of `hosts`. `port`: where clients go."""
    folder: str
    hosts: dict
    servers: tuple
    homes: dict
    proxy: str = "nutcracker"
    port: int = VIP_PORT


_PROXIES = {"proxy-a": "192.168.30.10", "proxy-b": "192.168.30.55"}
_SHARDS = {"shard-1": "192.168.30.21", "shard-2": "192.168.30.22", "shard-3": "192.168.30.23"}

S1 = Plan("s1", {"cache-a": "192.168.30.10", "cache-b": "192.168.30.55"}, ("cache-a", "cache-b"),
          {"VI_1": (VIP, "cache-a")})
S2 = Plan("s2", _PROXIES | _SHARDS, ("shard-1", "shard-2", "shard-3"), {"VI_1": (VIP, "proxy-a")})
S4 = Plan("s4", _PROXIES | {name: _SHARDS[name] for name in ("shard-1", "shard-2")}, ("shard-1", "shard-2"),
          {"VI_1": (VIP, "proxy-a"), "VI_2": (VIP_2, "proxy-b")})
S7 = Plan("s7", _PROXIES | {"cache-1": "192.168.30.21", "cache-2": "192.168.30.22"}, ("cache-1", "cache-2"),
          {"VI_1": (VIP, "proxy-a")}, "haproxy")


class Installed(Vrrpd):
    """The daemon of a host with the files of its recipe."""

    def __init__(self, host, binary, folder):
        super().__init__(host, binary, (folder / f"{host.name}.ini").read_text(encoding="utf-8"), proxy=None)
        for path in folder.iterdir():
            if path.is_file() and path.suffix != ".ini":
                shutil.copy(path, host.etc)

    def check(self):
        """`vrrpd --check`; raises unless it finds neither errors nor warnings."""
        self.host.run([self._binary, "--check"])


class Deployment:
    """Use as a context manager."""

    prober_options = ()  # what the servers behind the address understand

    def __init__(self, plan, folder, binary, prober):
        self.plan = plan
        self.prober = prober
        self.lan = Lan(folder)
        self.servers = {}
        with self.lan.being_peopled():
            self.hosts = {name: self.lan.host(name, address) for name, address in plan.hosts.items()}
            self.client = self.lan.host("client", "192.168.30.99")
            recipe = RECIPES / plan.folder
            self.daemons = {name: Installed(host, binary, recipe) for name, host in self.hosts.items()
                            if (recipe / f"{name}.ini").exists()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lan.close()

    def start_servers(self):
        for name in self.plan.servers:
            self.start_server(name)

    def start(self):
        """Checks the files and starts all; returns when every address is at home and the other hosts ready to follow."""
        self.start_servers()
        for name, daemon in self.daemons.items():
            daemon.check()
            self.start_daemon(name)
        self.wait_at_home()

    def wait_at_home(self):
        for instance, (address, home) in self.plan.homes.items():
            self.lan.wait_for_holder(address, self.hosts[home], PATIENCE)
            for name, daemon in self.daemons.items():
                daemon.wait_settled("MASTER" if name == home else "BACKUP", PATIENCE, instance)

    def start_daemon(self, name):
        """Returns when it is what it is at home, and knows its tracked checks."""
        daemon = self.daemons[name]
        since = daemon.start()
        for instance, (_, home) in self.plan.homes.items():
            daemon.wait_state("MASTER" if name == home else "BACKUP", PATIENCE, since, instance)
        if "track_check = memcached" in (daemon.host.etc / "vrrpd.ini").read_text(encoding="utf-8"):
            daemon.process.wait_for_line(r"Check\(memcached\) succeeded", PATIENCE, since)

    def holder(self, address=VIP):
        """Name of the host that alone has the address, or None."""
        holders = self.lan.holders(address)
        return holders[0] if len(holders) == 1 else None

    def probe(self, name="prober", *options, realtime=False, vip=VIP):
        return Probe(self.client, self.prober, name, *self.prober_options, *options, realtime=realtime, vip=vip,
                     port=self.plan.port)

    def connect(self, address, port, timeout=PATIENCE):
        """A connected socket of the client."""
        link = self.client.socket(socket.AF_INET, socket.SOCK_STREAM)
        link.settimeout(timeout)
        try:
            link.connect((address, port))
        except BaseException:
            link.close()
            raise
        return link

    def ask(self, address, port, request):
        """The first piece of the answer to a request of memcached's protocol."""
        with contextlib.closing(self.connect(address, port)) as link:
            link.sendall(request.encode("ascii"))
            return link.recv(4096)

    def shard_of(self, key):
        """Name of the server that a key set through the address lies on."""
        stored = self.ask(VIP, VIP_PORT, f"set {key} 0 0 1\r\nx\r\n")
        found = [name for name in self.plan.servers
                 if self.ask(self.plan.hosts[name], MEMCACHED_PORT, f"get {key}\r\n") != b"END\r\n"]
        if stored != b"STORED\r\n" or len(found) != 1:
            raise AssertionError(f"{key}: {stored}, found on {found}")
        return found[0]

    # What goes wrong, and what undoes it. All take the name of a host.

    def start_server(self, name):
        self.servers[name] = start_memcached(self.hosts[name])

    def signal_server(self, name, number):
        """Returns after SIGSTOP when all its threads have stopped: until then one may still answer."""
        self.servers[name].send_signal(number)
        if number == signal.SIGSTOP:
            os.waitid(os.P_PID, self.servers[name].pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def signal_proxy(self, name, number):
        pids = self.hosts[name].signal_all(self.plan.proxy, number)
        if pids != 1:
            raise AssertionError(f"{name} has {pids} proxies, not one")

    def stop_daemon(self, name):
        self.daemons[name].process.send_signal(signal.SIGTERM)

    def cut(self, name):
        self.lan.cut(self.hosts[name])

    def restore(self, name):
        self.lan.restore(self.hosts[name])
