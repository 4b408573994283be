"""What goes wrong in a chaos run, and when: all of it from one seed, decided before the first fault.

A host suffers at most one fault of a kind of thing at a time: one of its processes, one of its link, one of its
memcached. Those of different things and of different hosts come on top of each other as they like.
"""

import dataclasses
import random

PROCESS = ("kill", "kill", "stop", "stop", "kill_both", "stop_both", "kill_guard", "crash", "terminate", "restart",
           "restart", "reload")
LINK = ("cut", "part", "deaf", "mute", "lose", "down", "delete", "rename")
MEMCACHED = ("kill_memcached", "hang_memcached")
ADDRESS = ("remove",)

# Of a thing: its faults, and how often it is struck. In every other storm all hear each other all the time, and are
# judged by that.
_THINGS = (PROCESS, LINK, MEMCACHED, ADDRESS)
_ALL, _LINKS_WHOLE = (45, 30, 10, 15), (75, 0, 10, 15)
# So long may an address stay where nobody looks after it, whatever the interval.
LEASE_BOUND_S = 3.5
_AT_ONCE = ("crash", "reload", "remove")  # nothing to undo later
# The fifth removal within a minute is a fault that is held, which is another matter.
_BETWEEN_REMOVALS_S = 16


@dataclasses.dataclass(frozen=True)
class Fault:
    """`at`: seconds from the begin of its storm; `lasts`: until it is undone."""
    at: float
    host: int
    kind: str
    lasts: float

    def __str__(self):
        return f"{self.at:8.3f}  host {self.host}  {self.kind} for {self.lasts:.3f} s"


@dataclasses.dataclass(frozen=True)
class Shape:
    """What a seed decides of the LAN."""
    hosts: int
    interval: float

    @staticmethod
    def of(seed):
        return Shape(2 + seed % 2, 1.0 if seed // 2 % 2 == 0 else 0.2)


def storm(seed, number, seconds):
    """The faults of one storm, in order of time; all are undone after `seconds` at the latest."""
    shape = Shape.of(seed)
    draw = random.Random(f"{seed}/{number}")
    # From one trouble after the other to many at a time, and mostly for who serves.
    between = draw.choice((0.4, 1, 2.5)) * max(shape.interval, 0.5)
    weights = draw.choice((_ALL, _LINKS_WHOLE))
    faults, free, at = [], {}, 0.0
    while True:
        at += draw.uniform(0.2, 2) * between
        host, = draw.choices(range(shape.hosts), range(shape.hosts, 0, -1))
        things, = draw.choices(_THINGS, weights)
        kind, lasts = draw.choice(things), _length(draw, shape.interval)
        if kind in ("kill_both", "stop_both") and draw.random() < 0.5:
            lasts += LEASE_BOUND_S
        lasts = 0.0 if kind in _AT_ONCE else lasts
        if at + lasts >= seconds:
            return faults
        if free.get((host, things), 0) <= at:
            faults.append(Fault(at, host, kind, lasts))
            free[host, things] = at + max(lasts + 0.05, _BETWEEN_REMOVALS_S if kind in ADDRESS else 0)


def _length(draw, interval):
    """Shorter than a peer's patience, about as long, or longer."""
    return interval * draw.choice((draw.uniform(0.02, 1), draw.uniform(1, 2.4), draw.uniform(2.4, 3.4),
                                   draw.uniform(3.4, 7), draw.uniform(3.4, 7)))
