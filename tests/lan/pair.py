"""Deployment S1 on a virtual LAN: two hosts with memcached, one address with a proxy on it, a client elsewhere."""

import contextlib
import signal
import socket
import time

from tests.lan.daemons import MEMCACHED_PORT, VIP, VIP_PORT
from tests.lan.virtual_lan import Lan
from tests.lan.watched import Log, NotSeen
from tests.prober import analysis


def start_memcached(host):
    """A memcached that accepts."""
    process = host.start("memcached", ["memcached", "-u", "nobody", "-p", MEMCACHED_PORT, "-U", "0", "-m", "16",
                                       "-t", "2"])
    end = time.monotonic() + 5
    while time.monotonic() < end:
        with contextlib.closing(host.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
            if probe.connect_ex(("127.0.0.1", MEMCACHED_PORT)) == 0:
                return process
        time.sleep(0.005)
    raise NotSeen(f"memcached of {host.name} does not accept")


class Side:
    """One of the two hosts: its memcached and its daemon."""

    def __init__(self, host):
        self.host = host
        self.daemon = None
        self.memcached = None

    @property
    def name(self):
        return self.host.name

    def start_memcached(self):
        self.memcached = start_memcached(self.host)


class Probe:
    """A running prober on a host, and what it has recorded so far."""

    def __init__(self, host, prober, name, *options, realtime=False, vip=VIP, port=VIP_PORT):
        self._path = host.folder / f"{name}.csv"
        self._path.unlink(missing_ok=True)
        first = ["chrt", "-f", "5"] if realtime else []
        self._process = host.start(name, [*first, prober, vip, port, *options], output=self._path)
        self.log = Log(self._path)

    @property
    def path(self):
        return self._path

    def attempts(self):
        return analysis.load(self._path)

    def newest(self, count):
        """At most the last `count` attempts, read from the end of the record only."""
        with open(self._path, "rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 80 * (count + 2)))
            return analysis.parse(file.read().decode("ascii").splitlines(keepends=True)[1:])[-count:]

    def wait_for_answers(self, timeout, count=20, since_ns=0):
        """Until the last `count` attempts that began after `since_ns` were all answered; the newest."""
        def steady():
            newest = self.newest(count)
            good = len(newest) == count and all(one.answered and one.start_ns >= since_ns for one in newest)
            return newest[-1] if good else None
        return self.log.until(steady, timeout, f"{count} answers in a row", self._process.running)

    def stop(self):
        """Ends the prober; all it recorded."""
        self._process.stop(1)
        return self.attempts()


class Pair:
    """`make_daemon(host, priority)` makes the daemon of a host. Use as a context manager."""

    def __init__(self, folder, prober, make_daemon):
        self.prober = prober
        self.lan = Lan(folder)
        with self.lan.being_peopled():
            self.a = Side(self.lan.host("cache-a", "192.168.30.10"))
            self.b = Side(self.lan.host("cache-b", "192.168.30.55"))
            self.client = self.lan.host("client", "192.168.30.99")
            self.a.daemon = make_daemon(self.a.host, 250)
            self.b.daemon = make_daemon(self.b.host, 249)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lan.close()

    def other(self, side):
        return self.b if side is self.a else self.a

    def start(self):
        """Both memcacheds, then the daemons; returns when cache-a is master and cache-b ready to follow."""
        self.a.start_memcached()
        self.b.start_memcached()
        self.a.daemon.wait_state("MASTER", 15, self.a.daemon.start())
        self.b.daemon.wait_ready(10, self.b.daemon.start())
        self.lan.wait_for_holder(VIP, self.a.host, 5)

    def wait_for_master(self, side, timeout):
        self.lan.wait_for_holder(VIP, side.host, timeout)

    def holder(self):
        """The side that alone has the address, or None."""
        holders = self.lan.holders(VIP)
        sides = {side.name: side for side in (self.a, self.b)}
        return sides[holders[0]] if len(holders) == 1 else None

    def probe(self, name="prober", *options, realtime=False):
        return Probe(self.client, self.prober, name, *options, realtime=realtime)

    def bring_home(self, timeout=10):
        """With nopreempt: gives the address back to cache-a by restarting the daemon of cache-b."""
        if self.holder() is not self.a:
            self.b.daemon.stop()
            self.wait_for_master(self.a, timeout)
            self.b.daemon.wait_ready(timeout, self.b.daemon.start())

    # The faults of the table, and what undoes each.

    def kill_memcached(self, side):
        side.memcached.send_signal(signal.SIGKILL)

    def hang_memcached(self, side):
        side.memcached.send_signal(signal.SIGSTOP)

    def repair_memcached(self, side):
        """Returns when the daemon is ready again, be it that it noticed nothing."""
        if side.memcached.running():
            side.memcached.send_signal(signal.SIGCONT)
        else:
            side.start_memcached()
        if side.daemon.states()[-1:] == ["FAULT"]:
            side.daemon.wait_settled("BACKUP", 15)

    def stop_daemon(self, side):
        side.daemon.process.send_signal(signal.SIGTERM)

    def start_daemon(self, side):
        """After `stop_daemon`; waits for the old one to have left."""
        side.daemon.process.wait(10)
        side.daemon.wait_ready(10, side.daemon.start())

    def cut(self, side):
        self.lan.cut(side.host)

    def restore(self, side):
        self.lan.restore(side.host)
        side.daemon.wait_settled("BACKUP", 15)
