"""A redis pair with the hooks of etc/hooks: the address goes where the master is, and no acknowledged write is lost in a
planned switch; one that comes back without its data follows."""

import contextlib
import shutil
import signal
import socket
import time
import unittest

from tests.lan.cases import LanCase, instance
from tests.lan.test_failover import PATIENCE, ROOT
from tests.lan.watched import NotSeen

VIP, PORT = "192.168.30.16", 6379
HOOKS = {"before_master": f"/etc/vrrpd/hooks/redis-promote {PORT}",
         "before_backup": f"/etc/vrrpd/hooks/redis-handover {PORT}",
         "notify_new_active": f"/etc/vrrpd/hooks/redis-follow {PORT}"}
CHECK = f"\n[check redis]\ntype = redis\naddress = 127.0.0.1:{PORT}\ninterval = 200ms\ntimeout = 200ms\n"


class Counter:
    """Counts up through the virtual address, and notes what was acknowledged."""

    def __init__(self, host):
        self._host = host
        self._connection = None
        self.acknowledged = []

    def close(self):
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def step(self):
        """Whether one more was acknowledged."""
        try:
            if self._connection is None:
                self._connection = self._host.socket(socket.AF_INET, socket.SOCK_STREAM)
                self._connection.settimeout(0.2)
                self._connection.connect((VIP, PORT))
            self._connection.sendall(b"INCR counter\r\n")
            answer = self._connection.recv(64)
        except OSError:
            answer = b""
        if not answer.startswith(b":"):
            self.close()
            return False
        self.acknowledged.append(int(answer[1:]))
        return True

    def until(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise NotSeen(what)
            self.step()


class RedisPair(LanCase):
    def setUp(self):
        super().setUp()
        self.client = self.lan.host("client", "192.168.30.99")
        self.a, self.b = (self.make_host(name, number, priority)
                          for name, number, priority in (("a", 10, 200), ("b", 20, 100)))

    def make_host(self, name, number, priority):
        host = self.lan.host(name, f"192.168.30.{number}")
        shutil.copytree(ROOT / "etc/hooks", host.etc / "hooks")
        (host.etc / "redis").mkdir()
        (host.etc / "redis" / "redis.conf").write_text(
            f"port {PORT}\nbind 0.0.0.0\nprotected-mode no\nsave \"\"\ndir /etc/vrrpd/redis\nrepl-diskless-sync-delay 0\n",
            encoding="ascii")
        host.priority = priority
        self.start_redis(host)
        return host

    def start_redis(self, host):
        host.redis = host.start("redis", ["redis-server", "/etc/vrrpd/redis/redis.conf"])
        self.eventually(lambda: self.ask(host, "PING") == "PONG", f"redis of {host.name}")

    def start_daemon(self, host):
        host.daemon = self.start(host, instance(priority=host.priority, nopreempt="yes", track_check="redis",
                                                hook_timeout="10s", **HOOKS), CHECK)
        return host.daemon

    def ask(self, host, *words):
        with contextlib.suppress(OSError):
            return host.run(["redis-cli", "--raw", "-p", PORT, *words], check=False).strip()
        return ""

    def eventually(self, condition, what):
        """redis says nothing by itself: it is asked."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise NotSeen(what)
            time.sleep(0.05)

    def wait_follows(self, host, master):
        wanted = ["slave", master.address, str(PORT), "connected"]
        self.eventually(lambda: self.ask(host, "ROLE").splitlines()[:4] == wanted,
                        f"{host.name} as a replica of {master.name}")

    def start_pair(self):
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        self.start_daemon(self.b)
        self.wait_follows(self.b, self.a)

    def test_a_planned_switch_loses_no_acknowledged_write(self):
        self.start_pair()
        counter = Counter(self.client)
        self.addCleanup(counter.close)
        counter.until(lambda: len(counter.acknowledged) > 200, "writes")
        self.a.daemon.process.send_signal(signal.SIGTERM)
        counter.until(lambda: self.b.name in self.lan.holders(VIP), "b with the address")
        before = len(counter.acknowledged)
        counter.until(lambda: len(counter.acknowledged) > before + 100, "writes to b")
        for one, next_one in zip(counter.acknowledged, counter.acknowledged[1:]):
            self.assertLess(one, next_one, "an acknowledged write is gone")
        self.assertEqual(self.ask(self.b, "ROLE").splitlines()[0], "master")
        self.assertNotIn("replicaof", (self.b.etc / "redis" / "redis.conf").read_text(encoding="utf-8"))
        # The old one follows when it is there again.
        self.a.daemon.process.wait(PATIENCE)
        self.a.daemon.start()
        self.wait_follows(self.a, self.b)

    def test_one_that_comes_back_empty_follows(self):
        self.start_pair()
        self.ask(self.a, "SET", "kept", "yes")
        self.eventually(lambda: self.ask(self.b, "GET", "kept") == "yes", "the copy")
        self.a.redis.send_signal(signal.SIGKILL)
        self.wait_holder(VIP, self.b)
        self.eventually(lambda: self.ask(self.b, "ROLE").startswith("master"), "b as master")
        self.start_redis(self.a)
        self.wait_follows(self.a, self.b)
        self.assertEqual(self.ask(self.a, "GET", "kept"), "yes")
        self.assertEqual(self.ask(self.b, "GET", "kept"), "yes")

    def test_an_empty_master_is_not_followed(self):
        """Whatever the addresses do: data is not given away for nothing."""
        self.ask(self.b, "SET", "kept", "yes")
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        daemon = self.start_daemon(self.b)
        daemon.process.wait_for_line(r"redis-follow: 192\.168\.30\.10 is empty and this redis is not", PATIENCE)
        daemon.process.wait_for_line(r"Hook\(VI_1 notify_new_active\) failed", PATIENCE)
        self.assertEqual(self.ask(self.b, "GET", "kept"), "yes")
        self.assertEqual(self.ask(self.b, "ROLE").splitlines()[0], "master")


if __name__ == "__main__":
    unittest.main()
