"""What a prober's record says: the longest time without an answer, the errors by kind, when the answers came back.

A record is the CSV that `prober` writes. Times are nanoseconds of CLOCK_REALTIME, as in captures and logs.
"""

import collections
import dataclasses

ANSWERS = frozenset(("hit", "miss", "stored"))


@dataclasses.dataclass(frozen=True)
class Attempt:
    start_ns: int
    end_ns: int
    request: str
    outcome: str

    @property
    def answered(self):
        return self.outcome in ANSWERS


def parse(lines):
    """Attempts of complete lines; the header and a line that is still being written are passed over."""
    attempts = []
    for line in lines:
        fields = line.rstrip("\n").split(",")
        if line.endswith("\n") and len(fields) == 4 and fields[0].isdigit():
            attempts.append(Attempt(int(fields[0]), int(fields[1]), fields[2], fields[3]))
    return attempts


def load(path):
    with open(path, encoding="ascii") as file:
        return parse(file)


@dataclasses.dataclass(frozen=True)
class Gap:
    """The longest time between the arrivals of two answers, within a window. The end of the record ends a gap too:
    a service that never came back has a gap up to there and `recovered` false."""
    length_ns: int
    start_ns: int
    end_ns: int
    recovered: bool

    @property
    def seconds(self):
        return self.length_ns / 1e9


def longest_gap(attempts, since_ns=0, until_ns=None):
    """None when the record holds no answer that the gap could be counted from."""
    ended = [attempt for attempt in attempts if until_ns is None or attempt.end_ns <= until_ns]
    arrivals = [attempt.end_ns for attempt in ended if attempt.answered]
    before = [arrival for arrival in arrivals if arrival <= since_ns]
    inside = [arrival for arrival in arrivals if arrival > since_ns]
    marks = before[-1:] + inside
    if not marks:
        return None
    gaps = [Gap(later - earlier, earlier, later, True) for earlier, later in zip(marks, marks[1:])]
    last_end = ended[-1].end_ns
    if last_end > marks[-1]:
        gaps.append(Gap(last_end - marks[-1], marks[-1], last_end, False))
    return max(gaps, key=lambda gap: gap.length_ns, default=Gap(0, marks[0], marks[0], True))


def errors_by_kind(attempts, since_ns=0):
    return dict(collections.Counter(attempt.outcome for attempt in attempts
                                    if attempt.end_ns > since_ns and not attempt.answered))
