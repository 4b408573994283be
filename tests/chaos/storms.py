"""Storms on a virtual LAN: two or three real daemons, to which a script drawn from a seed does all that it can.

    Chaos(folder, seed).run(seconds)

The run is storms with a calm after each. In a calm everything is mended, and within a bound the best host alone must
have the address and serve. What happened meanwhile is judged in the end from the record of an observer (judge.py).
"""

import collections
import contextlib
import heapq
import math
import pathlib
import pickle
import signal
import subprocess
import time

from tests.chaos import judge, script
from tests.chaos.judge import Act
from tests.chaos.observer import Observer
from tests.lan.daemons import VIP, VIP_PORT, Vrrpd
from tests.lan.pair import Probe
from tests.lan.virtual_lan import Lan
from tests.lan.watched import NotSeen

PRIORITIES = (240, 200, 150)
SECOND_VIP = "192.168.30.17/24"
STORM_S = 30
# In a calm: a daemon starts and its check speaks (memcached: two answers in a row, half a second apart). Then a fault
# that adverts do not leave ends after one down interval at most, and who listens afresh waits for another one.
STARTING_S = 3.5

_INI = """[global]
router_id = {name}
log_target = stderr

[vrrp_instance VI_1]
interface = eth0
virtual_router_id = 51
version = 3
advert_int = {interval}ms
priority = {priority}
virtual_ipaddress = {vips}
track_check = memcached

[check memcached]
type = memcached
address = 127.0.0.1:{port}
interval = 500ms
timeout = 300ms
fall = 2
rise = 2
"""

_HOOK = {"deaf": "input", "mute": "output"}


class Broken(AssertionError):
    """An invariant does not hold; the text says which, and how to see it again."""


class Member:
    """A host with its daemon and its memcached, and what can be done to them."""

    def __init__(self, lan, host, binary, interval, priority):
        self.lan, self.host = lan, host
        self._interval, self._priority, self._reloads = interval, priority, 0
        self.daemon = Vrrpd(host, binary, self._ini(priority, f"{VIP}/24"))
        self.expected_to_run = False
        self.memcached = None

    def _ini(self, priority, vips):
        return _INI.format(name=self.host.name, interval=round(self._interval * 1000), priority=priority, vips=vips,
                           port=VIP_PORT)

    def start_memcached(self):
        self.memcached = self.host.start("memcached", ["memcached", "-u", "nobody", "-p", VIP_PORT, "-U", "0", "-m",
                                                       "16", "-t", "1"])

    def start_daemon(self):
        self.daemon.start()
        self.expected_to_run = True

    def signal(self, number, *commands):
        for command in commands:
            self.host.signal_all(command, number)

    def end_daemon(self):
        self.expected_to_run = False
        return self.daemon.process.wait(10)

    def ip(self, *words):
        self.host.run(["ip", *words])

    # The faults, by name, and what undoes them.

    def do(self, kind):
        getattr(self, kind)()

    def undo(self, kind):
        if kind in ("kill", "kill_both", "kill_guard", "terminate", "restart"):
            self.start_daemon()
        elif undo := getattr(self, f"undo_{kind}", None):
            undo()

    def kill(self):
        self.daemon.process.send_signal(signal.SIGKILL)
        self.end_daemon()

    def kill_both(self):
        self.signal(signal.SIGKILL, "vrrpd", "vrrpd-launcher")
        self.end_daemon()

    def kill_guard(self):
        """The daemon cannot do without, and hands over. One that has just been started may have none yet."""
        end = time.monotonic() + 10
        while self.daemon.process.running() and time.monotonic() < end:
            self.signal(signal.SIGKILL, "vrrpd-launcher")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.daemon.process.wait(0.2)
        self.end_daemon()

    def crash(self):
        self.kill()
        self.start_daemon()

    def stop(self):
        self.daemon.process.send_signal(signal.SIGSTOP)

    def undo_stop(self):
        self.daemon.process.send_signal(signal.SIGCONT)

    def stop_both(self):
        self.signal(signal.SIGSTOP, "vrrpd-launcher", "vrrpd")

    def undo_stop_both(self):
        self.signal(signal.SIGCONT, "vrrpd", "vrrpd-launcher")

    def terminate(self):
        self.daemon.process.send_signal(signal.SIGTERM)
        self.expect_end("SIGTERM")

    def restart(self):
        self.daemon.process.send_signal(signal.SIGUSR2)
        self.expect_end("SIGUSR2")

    def expect_end(self, why):
        if (status := self.end_daemon()) != 0:
            raise Broken(f"{self.host.name}: exit status {status} after {why}")

    def reload(self):
        """Another priority, one address more, both, or as it was: who is better than whom stays."""
        self._reloads += 1
        priority = self._priority + 10 * (self._reloads // 2 % 2)
        vips = f"{VIP}/24, {SECOND_VIP}" if self._reloads % 2 else f"{VIP}/24"
        self.daemon.configure(self._ini(priority, vips))
        self.daemon.process.send_signal(signal.SIGHUP)

    def cut(self):
        self.lan.cut(self.host)

    def undo_cut(self):
        self.lan.restore(self.host)

    def part(self):
        self.lan.part(self.host)

    def undo_part(self):
        self.lan.join(self.host)

    def deaf(self):
        self._drop("input")

    def mute(self):
        self._drop("output")

    def _drop(self, hook):
        self.host.run(["nft", f"add table ip chaos; add chain ip chaos drops {{ type filter hook {hook} priority 0; }};"
                       "add rule ip chaos drops ip protocol 112 drop"])

    def undo_deaf(self):
        self.host.run(["nft", "delete table ip chaos"])

    undo_mute = undo_deaf

    def lose(self):
        """Its adverts leave, and are lost on the way."""
        port = self.host.port
        self.lan.switch.run(["nft", f"add table netdev chaos_{port}; add chain netdev chaos_{port} drops "
                             f"{{ type filter hook ingress device {port} priority 0; }};"
                             f"add rule netdev chaos_{port} drops ip protocol 112 drop"])

    def undo_lose(self):
        self.lan.switch.run(["nft", f"delete table netdev chaos_{self.host.port}"])

    def down(self):
        self.ip("link", "set", "eth0", "down")

    def undo_down(self):
        self.ip("link", "set", "eth0", "up")

    def delete(self):
        self.lan.unplug(self.host)

    def undo_delete(self):
        self.lan.plug(self.host)

    def rename(self):
        self._rename("eth0", "eth9")

    def undo_rename(self):
        self._rename("eth9", "eth0")

    def _rename(self, old, new):
        self.host.run(["sh", "-c", f"ip link set {old} down && ip link set {old} name {new} && ip link set {new} up"])

    def kill_memcached(self):
        self.memcached.kill()

    def undo_kill_memcached(self):
        self.start_memcached()

    def hang_memcached(self):
        self.memcached.send_signal(signal.SIGSTOP)

    def undo_hang_memcached(self):
        self.memcached.send_signal(signal.SIGCONT)

    def remove(self):
        """If it has it, on whatever link."""
        for link in ("eth0", "eth9"):
            self.host.run(["ip", "address", "delete", f"{VIP}/24", "dev", link], check=False)


class Chaos:
    def __init__(self, folder, seed, binary, prober):
        self.seed, self.shape = seed, script.Shape.of(seed)
        self.folder = pathlib.Path(folder)
        self._binary, self._prober_binary = binary, prober
        self._acts = []
        self._told = []
        self._calms = []

    def run(self, seconds):
        """Returns what happened, in words. Broken if an invariant does not hold."""
        self._seconds = seconds
        with contextlib.ExitStack() as stack:
            lan = stack.enter_context(Lan(self.folder))
            try:
                self._make(lan)
                self._observer = stack.enter_context(Observer(lan, self.client, VIP))
                return self._storm_and_calm(seconds)
            except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
                raise Broken(self._story(error)) from None

    def _make(self, lan):
        self.lan = lan
        self.members = [Member(lan, lan.host(f"h{number}", f"192.168.30.{10 + number}"), self._binary,
                               self.shape.interval, PRIORITIES[number]) for number in range(self.shape.hosts)]
        self.client = lan.host("client", "192.168.30.99")
        for member in self.members:
            member.start_memcached()
            member.start_daemon()
        self._probe = Probe(self.client, self._prober_binary, "prober", "--interval", "20")
        self._calm()

    def _storm_and_calm(self, seconds):
        end, number = time.monotonic() + seconds, 0
        while (left := end - time.monotonic()) > 0:
            self._storm(number, min(STORM_S, left))
            number += 1
            self._calm()
        record = self._observer.record()
        (self.folder / "record").write_bytes(pickle.dumps((self._acts, record, self._timing())))  # to look at
        if wrong := judge.judge(self._acts, record, self._timing()):
            raise Broken("\n".join(wrong))
        return self._summary(record, number)

    def _storm(self, number, seconds):
        """What is due is done, one after the other."""
        faults = script.storm(self.seed, number, seconds)
        due = [(fault.at, order, fault, False) for order, fault in enumerate(faults)]
        begun, began = {}, time.monotonic()
        while due:
            at, order, fault, undo = heapq.heappop(due)
            time.sleep(max(0, began + at - time.monotonic()))
            member = self.members[fault.host]
            self._look_for_crashes()
            since = time.time_ns()
            if undo:
                member.undo(fault.kind)
                self._acts.append(Act(member.host.name, fault.kind, *begun.pop(order), time.time_ns()))
            else:
                member.do(fault.kind)
                begun[order] = (since, time.time_ns())
                heapq.heappush(due, (at + fault.lasts, order, fault, True))
            self._told.append(f"{since}  storm {number}  {'end of' if undo else '      '} {fault}")

    def _look_for_crashes(self):
        for member in self.members:
            if member.expected_to_run and not member.daemon.process.running():
                raise Broken(f"{member.host.name}: the daemon has ended of its own accord")

    def _calm(self):
        """From now on all is well, and the best one has to serve."""
        since, bound = time.monotonic(), self._bound_of_calm()
        best = self.members[0].host
        self._told.append(f"{time.time_ns()}  calm")
        while True:
            self.lan.wait_for_holder(VIP, best, max(0, since + bound - time.monotonic()))
            settled = time.monotonic() - since
            self._probe.wait_for_answers(max(0, since + bound - time.monotonic()), 5, time.time_ns())
            try:  # what a predecessor has left may go once more
                self.lan.wait_for_change(VIP, best, 5 * self.shape.interval)
            except NotSeen:
                break
        self._calms.append(settled)
        self._look_for_crashes()

    def _bound_of_calm(self):
        down_interval = 4 * self.shape.interval  # skew included
        return STARTING_S + 2 * down_interval

    def _timing(self):
        interval = self.shape.interval
        lease = max(1, math.floor(3 * interval - 0.4))
        return judge.Timing(round(interval * 1e9), lease * 10**9, tuple(one.host.name for one in self.members))

    def _summary(self, record, storms):
        shared = judge.overlaps(judge.holdings(record))
        changes = sum(has for _, _, has in record.held)
        kinds = collections.Counter(act.kind for act in self._acts)
        late = max((by for _, by in record.late), default=0) / 1e6
        return (f"seed {self.seed}: {self.shape.hosts} hosts, adverts of {self.shape.interval} s, {storms} storms, "
                f"{len(self._acts)} faults ({', '.join(f'{kind} {count}' for kind, count in sorted(kinds.items()))}); "
                f"{changes} notices of an address that came or was renewed, {len(record.answers)} answers; "
                f"{len(shared)} times two holders, {sum(one.end - one.begin for one in shared) / 1e9:.3f} s, all "
                f"explained; served at most {max(self._calms):.2f} s after a storm (bound "
                f"{self._bound_of_calm():.2f}); observer {late:.1f} ms late at worst")

    def _story(self, error):
        last = "\n".join(self._told[-60:])
        return (f"seed {self.seed}: {error}\nagain: CHAOS_SEED={self.seed} CHAOS_SECONDS={self._seconds} "
                f"tests/lan/run.py tests.chaos.test_chaos Chaos\nlogs: {self.folder}\nthe last of what was done:\n{last}")
