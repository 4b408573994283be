"""One run of one fault: what the client missed, and what the wire showed."""

import dataclasses
import time

from tests.lan import wire
from tests.lan.pair import Pair, Side
from tests.lan.watched import Log, NotSeen
from tests.prober import analysis

# RFC 3768: three intervals and the skew of the backup, whose priority is 249; adverts of 1 s.
ACTIVE_DOWN_S = 3 + (256 - 249) / 256
AFTERWARDS_ANSWERS = 200  # a second of answers in a row ends a run: a second gap right behind would still be seen


@dataclasses.dataclass
class Run:
    """Seconds. `moved` false: the address stayed where it was; the gap is then the patience of the run."""
    gap: float
    blocking_gap: float
    moved: bool
    errors: dict
    advert_gap: float | None = None
    service_lag: float | None = None  # from the first advert of the new master to the first answer
    changes: int = 1


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    title: str

    def strike(self, pair: Pair, side: Side):
        {"killed": pair.kill_memcached, "hung": pair.hang_memcached, "stopped": pair.stop_daemon,
         "cut": pair.cut}[self.name](side)

    def undo(self, pair: Pair, side: Side):
        {"killed": pair.repair_memcached, "hung": pair.repair_memcached, "stopped": pair.start_daemon,
         "cut": pair.restore}[self.name](side)


FAULTS = (
    Fault("killed", "memcached killed (SIGKILL)"),
    Fault("hung", "memcached hung (SIGSTOP)"),
    Fault("stopped", "daemon stopped (SIGTERM)"),
    Fault("cut", "host gone (link cut)"),
)


class Probes:
    """The open loop, and beside it the plain blocking client; both at real-time priority, so that what they see late
    is the service's lateness and not their own."""

    def __init__(self, pair):
        self._open = pair.probe("prober", realtime=True)
        self._blocking = pair.probe("blocking", "--blocking", realtime=True)
        self.wait(20, 0)

    def wait(self, count, since_ns, timeout=10):
        self._open.wait_for_answers(timeout, count, since_ns)
        self._blocking.wait_for_answers(timeout, 3, since_ns)

    def stop(self, since_ns):
        attempts, blocking = self._open.stop(), self._blocking.stop()
        return (analysis.longest_gap(attempts, since_ns), analysis.longest_gap(blocking, since_ns),
                analysis.errors_by_kind(attempts, since_ns), attempts)


def takeover_adverts(path, since_ns):
    """When the last advert of the old master and the first one of the new master were on the wire, in nanoseconds; or
    None. A release (priority 0) is no advert to count from."""
    adverts = [advert for advert in wire.adverts_in(path) if advert.priority != 0]
    before = [advert for advert in adverts if advert.time_ns <= since_ns]
    after = [advert for advert in adverts if before and advert.time_ns > since_ns
             and advert.source != before[-1].source]
    if not after:
        return None
    last = [advert for advert in adverts
            if advert.source == before[-1].source and advert.time_ns < after[0].time_ns][-1]
    return last.time_ns, after[0].time_ns


def one_run(pair, fault, phase, patience):
    """Strikes cache-a after `phase` seconds of peace, and puts everything back as it was."""
    capture, path = pair.client.capture()
    probes = Probes(pair)
    Log(path).until(lambda: wire.adverts_in(path), 5, "an advert")
    time.sleep(phase)
    struck_ns = time.time_ns()
    mark = pair.b.daemon.log.mark()
    fault.strike(pair, pair.a)
    try:
        pair.b.daemon.wait_state("MASTER", patience, mark)
        moved = True
        probes.wait(AFTERWARDS_ANSWERS, time.time_ns())
    except NotSeen:
        moved = False
    gap, blocking, errors, attempts = probes.stop(struck_ns)
    capture.stop()
    fault.undo(pair, pair.a)
    pair.bring_home()
    run = Run(gap.seconds, blocking.seconds, moved and gap.recovered, errors)
    adverts = takeover_adverts(path, struck_ns) if fault.name == "cut" else None
    if adverts:
        run.advert_gap = (adverts[1] - adverts[0]) / 1e9
        served = [one.end_ns for one in attempts if one.answered and one.end_ns > adverts[1]]
        run.service_lag = (min(served) - adverts[1]) / 1e9 if served else None
    return run


def one_return(pair, fault, phase, comes_back):
    """Strikes cache-a, lets cache-b take over, undoes the fault, and measures only what happens from then on. With
    `comes_back` the address must return to cache-a once; without it nothing may move for as long as that takes."""
    mark_b = pair.b.daemon.log.mark()
    fault.strike(pair, pair.a)
    pair.b.daemon.wait_state("MASTER", 10, mark_b)
    probes = Probes(pair)
    time.sleep(phase)
    mark_a, mark_b, since_ns = pair.a.daemon.log.mark(), pair.b.daemon.log.mark(), time.time_ns()
    fault.undo(pair, pair.a)
    if comes_back:
        pair.a.daemon.wait_state("MASTER", 15, mark_a)
    else:
        time.sleep(ACTIVE_DOWN_S + 1)
    probes.wait(AFTERWARDS_ANSWERS, time.time_ns())
    gap, blocking, errors, _ = probes.stop(since_ns)
    changes = (pair.a.daemon.states(mark_a) + pair.b.daemon.states(mark_b)).count("MASTER")
    moved = pair.holder() is pair.a
    if comes_back:
        pair.b.daemon.wait_settled("BACKUP", 10)
    pair.bring_home()
    return Run(gap.seconds, blocking.seconds, moved, errors, changes=changes)
