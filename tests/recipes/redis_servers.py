"""Real redis servers on the hosts of a LAN, and a client that counts through the virtual address."""

import collections
import contextlib
import socket
import threading
import time

from tests.lan.daemons import VIP
from tests.lan.settings import PATIENCE
from tests.lan.watched import NotSeen

PORT = 6379
SENTINEL_PORT = 26379
DATA = "redis-data"  # below /etc/vrrpd, the one folder that a host has for itself


def eventually(condition, what, patience=PATIENCE):
    """redis says nothing by itself: it is asked again and again. What `condition` returns once it is true."""
    end = time.monotonic() + patience
    while not (found := condition()):
        if time.monotonic() > end:
            raise NotSeen(f"{what}: not seen within {patience} s")
        time.sleep(0.05)
    return found


def ask(host, *words, port=PORT):
    """The answer, or nothing while there is none."""
    with contextlib.suppress(OSError):
        return host.run(["redis-cli", "--raw", "-p", port, *words], check=False).strip()
    return ""


def role(host):
    return ask(host, "ROLE").splitlines()[:1]


def start_redis(host, conf, *options, answer="PONG"):
    """A redis with this file of the host's /etc/vrrpd; returns when it gives this answer to PING."""
    (host.etc / DATA).mkdir(exist_ok=True)
    process = host.start("redis", ["redis-server", f"/etc/vrrpd/{conf}", "--dir", f"/etc/vrrpd/{DATA}", *options])
    eventually(lambda: ask(host, "PING").startswith(answer), f"redis of {host.name}")
    return process


def wait_follows(host, master):
    """And gets what is written from now on."""
    wanted = ["slave", master.address, str(PORT), "connected"]
    online = f":ip={host.address},port={PORT},state=online"
    eventually(lambda: ask(host, "ROLE").splitlines()[:4] == wanted and online in ask(master, "INFO", "replication"),
               f"{host.name} as a replica of {master.name}")


class Counter(threading.Thread):
    """Counts up through the virtual address, all the time, and keeps what was acknowledged. Ends with the program, or with
    close()."""

    def __init__(self, host):
        super().__init__(daemon=True)
        self._host = host
        self._connection = None
        self._told = threading.Condition()
        self._over = threading.Event()
        self.acknowledged = []
        self.errors = collections.Counter()

    def run(self):
        while not self._over.wait(0.002):
            self._step()
        self._hang_up()

    def close(self):
        self._over.set()
        self.join()

    def _hang_up(self):
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _step(self):
        try:
            if self._connection is None:
                self._connection = self._host.socket(socket.AF_INET, socket.SOCK_STREAM)
                self._connection.settimeout(0.3)
                self._connection.connect((VIP, PORT))
            self._connection.sendall(b"INCR counter\r\n")
            answer = self._connection.recv(256) or b"-EOF"
        except OSError as error:
            answer = f"-{type(error).__name__}".encode("ascii")
        with self._told:
            if answer.startswith(b":"):
                self.acknowledged.append(int(answer[1:]))
            else:
                self.errors[answer[1:].split()[0].decode("ascii", "replace")] += 1
                self._hang_up()
            self._told.notify()

    def wait_more(self, count=50):
        """So many more acknowledged; the last of them."""
        goal = len(self.acknowledged) + count
        with self._told:
            if not self._told.wait_for(lambda: len(self.acknowledged) >= goal, PATIENCE):
                raise NotSeen(f"{count} more writes: {dict(self.errors)}")
            return self.acknowledged[-1]

    def lost(self):
        """Pairs of acknowledged numbers of which the later one is not the higher one: what was written before is gone."""
        with self._told:
            return [pair for pair in zip(self.acknowledged, self.acknowledged[1:]) if pair[0] >= pair[1]]
