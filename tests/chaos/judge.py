"""Whether two hosts had the address for longer than they may, judged from the record of a chaos run.

A host that is cut off, or deaf, or not heard, is not told that another one holds: two holders are right then, and for
an advert longer. Where daemon and guard are both stopped or killed the lease ends it, where only the daemon is, the
guard does, before another host begins. So an overlap is followed through the windows of time that explain it: one
that begins outside of them, or goes on after them, is wrong.
"""

import collections
import dataclasses
import itertools

SECOND = 10**9
MILLISECOND = 10**6

SEPARATED = ("cut", "part", "deaf", "mute", "lose", "down", "delete", "rename")
FROZEN = ("kill_both", "stop_both")
SILENT = ("kill", "stop", "crash", "restart", "terminate", "kill_guard")

AFTER_HEALING = 50 * MILLISECOND
# From a better one's first advert to the last removal: the contract's bound for who is outranked.
OUTRANKED = 50 * MILLISECOND
# The observer reads notices one after the other.
READING = 2 * MILLISECOND
GUARD_REMOVES = 50 * MILLISECOND
STARTING = SECOND // 2
KERNEL_LATENESS = 3 * SECOND // 2  # of a lease


@dataclasses.dataclass(frozen=True)
class Act:
    """A fault as it was done: from `begin` to `end` it was brought about, until `undone` it lasted. In ns."""
    host: str
    kind: str
    begin: int
    end: int
    undone: int


@dataclasses.dataclass(frozen=True)
class Timing:
    """In ns. `ranks`: the hosts from the best on."""
    interval: int
    lease: int
    ranks: tuple


@dataclasses.dataclass(frozen=True)
class Window:
    """What may explain two holders. `parts`: the two did not hear each other; only after such a window may one be used
    that `needs_parting`."""
    begin: int
    end: int
    parts: bool = False
    needs_parting: bool = False


@dataclasses.dataclass(frozen=True)
class Overlap:
    begin: int
    end: int
    older: str
    newer: str


def holdings(record):
    """{host: [(since, until)]}"""
    since, found = {}, collections.defaultdict(list)
    for at, host, has in record.held:
        if has:
            since.setdefault(host, at)
        elif host in since:
            found[host].append((since.pop(host), at))
    for host, at in since.items():
        found[host].append((at, record.ended))
    return found


def overlaps(held):
    """All times at which a pair had it, in order."""
    found = []
    for (one, ones), (other, others) in itertools.combinations(held.items(), 2):
        for (a, b), (c, d) in itertools.product(ones, others):
            if max(a, c) < min(b, d):
                older, newer = (one, other) if a <= c else (other, one)
                found.append(Overlap(max(a, c), min(b, d), older, newer))
    return sorted(found, key=lambda overlap: overlap.begin)


def windows(acts, record, timing, overlap):
    """What explains that these two have it."""
    advert = timing.interval
    patient = not is_preempted(overlap, timing) and not is_hurried(overlap, record, timing)
    for act in acts:
        if act.host not in (overlap.older, overlap.newer):
            continue
        if act.kind in SEPARATED:
            yield Window(act.begin, act.undone + advert + AFTER_HEALING, parts=True)
            continue
        if act.kind not in FROZEN + SILENT:
            continue
        stay = timing.lease + KERNEL_LATENESS if act.kind in FROZEN else 5 * advert // 2 + GUARD_REMOVES
        last = last_advert(record, act)
        if act.host == overlap.older:
            yield Window(last + 3 * advert if patient else act.begin, last + stay)
        yield Window(act.begin, act.end + stay, needs_parting=True)
        # Back again it hears the other, or is heard.
        yield Window(act.begin, act.undone + STARTING + advert + AFTER_HEALING, needs_parting=True)


def last_advert(record, act):
    """Of a host, before its processes were silenced."""
    return max((at for at, host, priority in record.adverts
                if host == act.host and priority > 0 and at <= act.end), default=act.end)


def is_preempted(overlap, timing):
    """A better one does not wait for the other to fall silent; nor can it know that the other has just hung."""
    return timing.ranks.index(overlap.newer) < timing.ranks.index(overlap.older)


def is_hurried(overlap, record, timing):
    """Nor does who hears priority 0, whoever sent it (RFC 9568 section 6.4.2)."""
    return any(priority == 0 and overlap.begin - timing.interval <= at <= overlap.begin
               for at, host, priority in record.adverts if host not in (overlap.older, overlap.newer))


def unexplained(overlap, explanations):
    """From when on nothing explains it (its end: all of it is explained)."""
    at, parted = overlap.begin, False
    while True:
        further = [window for window in explanations
                   if window.begin <= at < window.end and (parted or not window.needs_parting)]
        if not further:
            return at
        at = max(window.end for window in further)
        parted = parted or any(window.parts for window in further)
        if at >= overlap.end:
            return overlap.end


def allowance(overlap, since, record, timing):
    """How long it may last after `since` on this machine. Where the better one takes over it may last until the other
    has obeyed. By as much as the observer, above them in priority, ran late, they may have run late, too."""
    preempted = since == overlap.begin and is_preempted(overlap, timing)
    late = sum(by for at, by in record.late if since - SECOND // 10 <= at <= overlap.end + SECOND // 10)
    return (OUTRANKED if preempted else READING) + late


def judge(acts, record, timing):
    """What was wrong, as text lines."""
    wrong = []
    for overlap in overlaps(holdings(record)):
        explanations = list(windows(acts, record, timing, overlap))
        since = unexplained(overlap, explanations)
        if overlap.end - since > allowance(overlap, since, record, timing):
            wrong.append(f"{overlap.older} and {overlap.newer} both have the address for "
                         f"{(overlap.end - overlap.begin) / 1e6:.1f} ms from {overlap.begin} on, "
                         f"{(overlap.end - since) / 1e6:.1f} ms of it without an explanation")
    return wrong + judge_answers(record)


def judge_answers(record):
    """A host answers for the address only while it has it: what the kernels said and what the client saw agree."""
    held, wrong = holdings(record), []
    slack = READING + sum(by for _, by in record.late)
    for at, host in record.answers:
        if not any(since - slack <= at <= until + slack for since, until in held.get(host, ())):
            wrong.append(f"{host} answers at {at} for an address that it does not have")
    return wrong[:5]
