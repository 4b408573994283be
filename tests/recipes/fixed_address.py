"""Recipe S8: proxies that always run, and clients that know one address and no other.

    with FixedAddress(S8, folder, vrrpd, prober) as deployment:
        deployment.start()
        tuned = deployment.python_client("tuned", "redis", *REDIS_TUNED)
        deployment.fail_over("proxy-a")
"""

import contextlib
import pathlib
import socket
import time

from tests.lan.control import Refused, ask
from tests.lan.daemons import VIP
from tests.lan.pair import Probe
from tests.lan.settings import PATIENCE
from tests.lan.watched import NotSeen
from tests.recipes.deployment import Deployment, Plan

S8 = Plan("s8", {"proxy-a": "192.168.30.10", "proxy-b": "192.168.30.55", "store": "192.168.30.21"}, ("store",),
          {"VI_1": (VIP, "proxy-a")})
REDIS_PORT = 6379
PROGRAM = pathlib.Path(__file__).with_name("python_client")

# What docs/recipes/s8-fixed-address.md recommends.
MEMCACHE_TUNED = ("dead_retry=0", "socket_timeout=0.3")
REDIS_TUNED = (f"port={REDIS_PORT}", "socket_timeout=0.3", "socket_connect_timeout=0.3", "retries=10")
# The libraries' own, but for a timeout, without which a lost host is noticed by nobody.
MEMCACHE_PLAIN = ()
REDIS_PLAIN = (f"port={REDIS_PORT}", "socket_timeout=3")


class FixedAddress(Deployment):
    def start_servers(self):
        for name in self.daemons:
            self.hosts[name].run(["sysctl", "-qp", "/etc/vrrpd/nonlocal-bind.conf"])
        super().start_servers()
        for name in self.plan.servers:
            self.start_redis(self.hosts[name])

    def start_redis(self, host):
        host.start("redis", ["redis-server", "--port", REDIS_PORT, "--dir", "/run", "--save", "", "--bind", "*",
                             "--protected-mode", "no"])
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.closing(host.socket(socket.AF_INET, socket.SOCK_STREAM)) as link:
                if link.connect_ex(("127.0.0.1", REDIS_PORT)) == 0:
                    return
            time.sleep(0.005)
        raise NotSeen("redis does not accept")

    def python_client(self, name, kind, *settings):
        """One that is served."""
        client = Probe(self.client, PROGRAM, name, kind, *settings)
        client.wait_for_answers(PATIENCE)
        return client

    def fail_over(self, name):
        """Returns when the other host serves, as far as this one knows."""
        try:
            ask(self.hosts[name], "failover", "VI_1")
        except Refused as refusal:
            raise NotSeen(f"failover of {name}: {refusal}") from refusal


class StartedWithTheAddress(FixedAddress):
    """The same with run = master, as proxies are started elsewhere."""

    def start_servers(self):
        for daemon in self.daemons.values():
            path = daemon.host.etc / "vrrpd.ini"
            text = path.read_text(encoding="utf-8")
            changed = text.replace("run = always", "run = master").replace("close_connections = yes",
                                                                           "close_connections = no")
            if changed.count("run = master") != 1 or changed.count("close_connections = no") != 1:
                raise AssertionError(f"{path} is not what is to be changed here")
            path.write_text(changed, encoding="utf-8")
        super().start_servers()
