"""The deployments of etc/recipes that keep data on both hosts: S3 with a stand-in for repcached, S5 and S6 with redis
servers and sentinels, on virtual LANs.

    with RedisDeployment(S5, folder, vrrpd, prober) as deployment:
        deployment.start()
        deployment.signal_server("redis-a", signal.SIGKILL)
"""

import pathlib
import shutil
import signal

from tests.lan.daemons import MEMCACHED_PORT, VIP
from tests.lan.settings import PATIENCE
from tests.recipes import redis_servers
from tests.recipes.deployment import RECIPES, Deployment, Plan
from tests.recipes.redis_servers import SENTINEL_PORT, ask, eventually, start_redis, wait_follows

HOOKS = RECIPES.parent / "hooks"
_STAND_IN = pathlib.Path(__file__).with_name("repcached_standin.py")

_REDIS = {"redis-a": "192.168.30.10", "redis-b": "192.168.30.55"}
_HOME = {"VI_1": (VIP, "redis-a")}
S3 = Plan("s3", {"cache-a": "192.168.30.10", "cache-b": "192.168.30.55"}, (), {"VI_1": (VIP, "cache-a")}, "memcached",
          MEMCACHED_PORT)
S5 = Plan("s5", _REDIS, tuple(_REDIS), _HOME, port=redis_servers.PORT)
S6 = Plan("s6", _REDIS | {"witness": "192.168.30.77"}, tuple(_REDIS), _HOME, port=redis_servers.PORT)


def install_stand_in(host):
    """As /usr/local/bin/memcached, which is a folder of the host's own from then on."""
    (host.etc / "bin").mkdir()
    shutil.copy(_STAND_IN, host.etc / "bin" / "memcached").chmod(0o755)
    host.run(["mount", "--bind", "/etc/vrrpd/bin", "/usr/local/bin"])


def install_hooks(host):
    shutil.copytree(HOOKS, host.etc / "hooks")


class ReplicatingDeployment(Deployment):
    """Its servers are services of the daemons."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        for host in self.hosts.values():
            install_stand_in(host)

    def start_daemon(self, name):
        super().start_daemon(name)
        self.daemons[name].process.wait_for_line(r"Check\(cache\) succeeded", PATIENCE)


class RedisDeployment(Deployment):
    prober_options = ("--incr",)

    def __init__(self, *arguments):
        super().__init__(*arguments)
        for daemon in self.daemons.values():
            install_hooks(daemon.host)

    def start(self):
        super().start()
        wait_follows(self.hosts["redis-b"], self.hosts["redis-a"])

    def start_daemon(self, name):
        super().start_daemon(name)
        self.daemons[name].process.wait_for_line(r"Check\(redis\) succeeded", PATIENCE)

    def start_server(self, name):
        self.servers[name] = start_redis(self.hosts[name], "redis.conf")

    def crash(self, name):
        """The host loses its power. What it had on disk is there when it is started again."""
        host = self.hosts[name]
        self.lan.cut(host)
        for process in ("vrrpd", "vrrpd-launcher", "redis-server"):
            host.signal_all(process, signal.SIGKILL)
        self.daemons[name].process.wait(PATIENCE)
        self.servers[name].wait(PATIENCE)
        host.run(["sh", "-c", f"rm -rf /run/vrrpd/*; ip addr del {VIP}/24 dev eth0"], check=False)

    def boot(self, name):
        """After `crash`."""
        self.lan.restore(self.hosts[name])
        self.start_server(name)
        self.daemons[name].start()


class SentinelDeployment(RedisDeployment):
    """`patience_ms`: how long a sentinel takes a silent master for alive, if not as the file says."""

    def __init__(self, *arguments, patience_ms=None):
        super().__init__(*arguments)
        text = (RECIPES / "s6" / "sentinel.conf").read_text(encoding="utf-8")
        if patience_ms is not None:
            text = text.replace("down-after-milliseconds cache 5000", f"down-after-milliseconds cache {patience_ms}")
        for host in self.hosts.values():
            (host.etc / "sentinel.conf").write_text(text, encoding="utf-8")

    def start_servers(self):
        super().start_servers()
        wait_follows(self.hosts["redis-b"], self.hosts["redis-a"])
        for host in self.hosts.values():
            host.start("sentinel", ["redis-sentinel", "/etc/vrrpd/sentinel.conf", "--dir", "/etc/vrrpd"])
        for host in self.hosts.values():
            eventually(lambda host=host: self.agrees(host), f"the others, known to the sentinel of {host.name}")

    def agrees(self, host):
        """Whether the sentinel of a host knows the two others and the replica, and could have its way."""
        sentinel = lambda *words: ask(host, "SENTINEL", *words, "cache", port=SENTINEL_PORT)
        return "192.168.30.55" in sentinel("REPLICAS") and sentinel("CKQUORUM").startswith("OK 3")

    def start_daemon(self, name):
        super(RedisDeployment, self).start_daemon(name)

    def start_server(self, name):
        self.servers[name] = start_redis(self.hosts[name], f"{name}.conf")
