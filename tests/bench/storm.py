"""Adverts at 20 ms while eight busy loops want both cores: who loses its role, and how late adverts leave."""

import contextlib
import dataclasses
import os
import time

from tests.bench import usage
from tests.bench.fleet import FleetPair, Load
from tests.bench.recorder import Recorder

LOAD = Load(links=1, per_link=250, interval_ms=20)
LOOPS = 8
LATE_S = 0.005  # a quarter of the interval
LOGS_S = 1      # lines are written by threads that the loops have kept waiting


@dataclasses.dataclass(frozen=True)
class Storm:
    """`changes`: of role, on either host; `late`: adverts that came more than LATE_S after their interval."""
    realtime: bool
    changes: int
    adverts: int
    late: int
    worst_gap: float


def lateness(heard):
    """(adverts, late ones, longest gap in seconds) of all virtual routers."""
    gaps = [(after[0] - before[0]) / 1e9 for adverts in heard.values() for before, after in zip(adverts, adverts[1:])]
    return len(gaps), sum(gap > LOAD.interval_ms / 1000 + LATE_S for gap in gaps), max(gaps, default=float("inf"))


@contextlib.contextmanager
def _before_the_loops():
    """Our own turn comes in time, too; behind both daemons."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def measure(folder, binary, kind, seconds):
    with FleetPair(folder, binary, LOAD, kind, kind) as pair:
        pair.start()
        realtime = all(usage.is_realtime(usage.processes_of(host)) for host in pair.hosts)
        loops = [pair.lan.switch.start(f"busy-{number}", ["sh", "-c", "ulimit -t 60; while :; do :; done"])
                 for number in range(LOOPS)]
        with Recorder(pair.hosts[1]) as recorder, _before_the_loops():
            marks = pair.marks()
            time.sleep(seconds)
            heard = recorder.adverts()
            for loop in loops:
                loop.kill()
        time.sleep(LOGS_S)
        changes = pair.changes_since(marks)
    return Storm(realtime, changes, *lateness(heard))
