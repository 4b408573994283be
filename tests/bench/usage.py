"""What the processes of a host cost, and how idle the machine was meanwhile."""

import contextlib
import dataclasses
import os
import pathlib
import re
import time


def processes_of(host):
    """Pids (as we see them) of everything that runs on the host: a daemon with its launcher, parent or children."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{entry}/ns/net").st_ino == host.identity:
                found.append(int(entry))
    return found


def cpu_s(pids):
    """User and system seconds of all threads so far, to the nanosecond: what /proc/PID/stat tells in ticks. It holds
    the work of the kernel for a packet down to the receiver's queue, which on a virtual link the sender does."""
    spent = 0
    for pid in pids:
        for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
            spent += int((thread / "schedstat").read_text(encoding="ascii").split()[0])
    return spent / 1e9


def pss_bytes(pids):
    """Proportional set size: what is shared with others counts in parts."""
    texts = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii") for pid in pids]
    return sum(int(re.search(r"^Pss: +(\d+) kB$", text, re.MULTILINE)[1]) * 1024 for text in texts)


def is_realtime(pids):
    """Whether one of them is: launcher and parent need not be."""
    policies = [os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK for pid in pids]
    return os.SCHED_FIFO in policies or os.SCHED_RR in policies


def _idle_s():
    """Of all cores, idle and waiting for a disk. This the kernel measures, where the rest of the line is sampled."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = file.readline().split()
    return (int(ticks[4]) + int(ticks[5])) / os.sysconf("SC_CLK_TCK")


def packets_from(lan, host):
    """How many packets the host has put on all of its links so far, and when that was, in seconds since the boot: on a
    busy machine it takes a while to ask."""
    uptime, counters = lan.switch.run(["cat", "/proc/uptime", "/proc/net/dev"]).split("\n", 1)
    ports = rf"^ *{host.port}(?:\.\d+)?: *\d+ +(\d+)"
    return sum(map(int, re.findall(ports, counters, re.MULTILINE))), float(uptime.split()[0])


@dataclasses.dataclass(frozen=True)
class Usage:
    """Of one window. `cpu`: parts of one core, by host."""
    seconds: float
    cpu: dict
    idle: float  # of all cores, 0 to 1
    packets_per_s: dict

    @staticmethod
    def of(lan, hosts, seconds):
        pids = {host.name: processes_of(host) for host in hosts}

        def look():
            return (time.monotonic(), {name: cpu_s(own) for name, own in pids.items()},
                    {host.name: packets_from(lan, host) for host in hosts}, _idle_s())

        before = look()
        time.sleep(seconds)
        after = look()
        passed = after[0] - before[0]

        def rate(name):
            (first, began), (last, ended) = before[2][name], after[2][name]
            return (last - first) / (ended - began)

        return Usage(passed, {name: (after[1][name] - before[1][name]) / passed for name in pids},
                     (after[3] - before[3]) / passed / os.cpu_count(),
                     {name: rate(name) for name in pids})
