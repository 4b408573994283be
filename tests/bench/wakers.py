"""How well this machine wakes anybody up: a real-time thread on each core that only sleeps. Nothing on it can be sooner.

A virtual core that has nothing to do is given back, and its host may take milliseconds to bring it in again: where the
lateness of a program is measured, the cores are kept busy with what gives way to anybody else.
"""

import os
import time

PERIOD_MS = 2
LONGEST_LIFE_S = 300


def keep_cores_awake(host):
    """Until the LAN of this host is closed."""
    for cpu in range(os.cpu_count()):
        host.start(f"awake-{cpu}", ["chrt", "--idle", "0", "taskset", "-c", cpu, "sh", "-c",
                                    f"ulimit -t {LONGEST_LIFE_S}; while :; do :; done"])


class BareWakers:
    """Of the daemon's priority, on a host of the test's LAN; whoever is later than `late_s` says so."""

    def __init__(self, host, bare, late_s):
        self._began = time.monotonic()
        self._wakers = [host.start(f"wake-{cpu}", ["chrt", "-r", "10", "taskset", "-c", cpu, bare, "wake", PERIOD_MS,
                                                   round(late_s * 1000)]) for cpu in range(os.cpu_count())]

    def overslept_ms(self):
        """By how much those were late that were, so far; and how many wake-ups there have been."""
        count = round((time.monotonic() - self._began) * 1000 / PERIOD_MS) * len(self._wakers)
        return [float(line.split()[1]) for waker in self._wakers for line in waker.log.lines()], count
