"""How soon checks see what is wrong, and what they cost: vrrpd, a bare program as the limit, keepalived's scripts.

    tests/bench/checks --build build

1: memcached killed or stopped, until FAULT is logged. 2: a quick restart, which moves nothing with fast_fail = no.
3: 1,000 checks of memcached a second, on one real memcached. 4: adverts while 200 scripts hang and are killed.
Prints one Markdown table and writes checks.json.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import random
import signal
import statistics
import sys
import time

from tests.bench import usage
from tests.bench.recorder import Recorder
from tests.bench.wakers import BareWakers, keep_cores_awake
from tests.lan.daemons import MEMCACHED_PORT, Daemon, Keepalived, Vrrpd, time_of, write_script
from tests.lan.virtual_lan import Lan

PATIENCE_S = 15
INTERVAL_S, TIMEOUT_S, FALL = 1.0, 0.3, 3
CHECKS, SCRIPTS, HANGING = 1000, 200, 200
ADVERT_S, LATE_S = 0.1, 0.005

_GLOBAL = "[global]\nlog_target = stderr\nlog_level = notice\nscript_user = nobody\n"
_INSTANCE = """
[vrrp_instance VI_1]
interface = eth0
virtual_router_id = 51
advert_int = {advert}ms
priority = 200
virtual_ipaddress = 192.168.30.16/24
garp_master_delay = 0s
garp_master_refresh = 0s
"""
_CHECK = """
[check memcached]
type = memcached
address = 127.0.0.1:11211
interval = 1s
timeout = 300ms
fall = 3
rise = 1
fast_fail = {fast_fail}
"""


@dataclasses.dataclass
class Line:
    title: str
    figure: str
    bar: str = ""
    missed: bool = False

    def markdown(self):
        verdict = "" if not self.bar else "MISSED" if self.missed else "met"
        return f"| {self.title} | {self.figure} | {self.bar} | {verdict} |"


def start_memcached(host, *options):
    """Returns when it accepts."""
    process = host.start("memcached", ["memcached", "-u", "nobody", "-p", MEMCACHED_PORT, "-U", "0", "-m", "16",
                                       "-t", "1", *options])
    host.run(["bash", "-c", f"until exec 3<>/dev/tcp/127.0.0.1/{MEMCACHED_PORT}; do sleep 0.01; done 2>/dev/null"])
    return process


class OneHost:
    """A host with a memcached and a daemon that checks it; alone on its LAN, so it is MASTER while it is well."""

    def __init__(self, folder, binary, fast_fail):
        self.lan = Lan(folder)
        self.host = self.lan.host("cache-a", "192.168.30.10")
        ini = _GLOBAL + _INSTANCE.format(advert=100) + "track_check = memcached\n" + _CHECK.format(fast_fail=fast_fail)
        self.daemon = Vrrpd(self.host, binary, ini)
        self.memcached = start_memcached(self.host)
        self.wait_master(self.daemon.start())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lan.close()

    def wait_master(self, mark):
        self.daemon.wait_state("MASTER", PATIENCE_S, mark)

    def until_fault(self, number):
        """Signals memcached; seconds until FAULT was logged, by the log's own clock."""
        mark, struck = self.daemon.log.mark(), time.time_ns()
        self.memcached.send_signal(number)
        self.daemon.wait_state("FAULT", PATIENCE_S, mark)
        line = next(line for line in self.daemon.log.lines(mark) if "Entering FAULT STATE" in line)
        return (time_of(line) - struck) / 1e9

    def repair(self):
        mark = self.daemon.log.mark()
        if self.memcached.running():
            self.memcached.send_signal(signal.SIGCONT)
        else:
            self.memcached = start_memcached(self.host)
        self.wait_master(mark)


def detection(folder, binary, runs, phases):
    """Lines on how soon a death and a hang are known."""
    times = {signal.SIGKILL: [], signal.SIGSTOP: []}
    with OneHost(folder, binary, "yes") as one:
        for number, seen in times.items():
            for _ in range(runs):
                time.sleep(phases.uniform(0, INTERVAL_S))
                seen.append(one.until_fault(number))
                one.repair()
    killed, stopped = times[signal.SIGKILL], times[signal.SIGSTOP]
    bound = INTERVAL_S + FALL * TIMEOUT_S + 0.05
    median = statistics.median(killed)
    yield Line(f"memcached killed: FAULT logged, median of {runs}, ms", f"{median * 1000:.1f}", "<= 10", median > 0.01)
    yield Line("the longest", f"{max(killed) * 1000:.1f}")
    yield Line(f"memcached stopped: FAULT logged, the longest of {runs}, ms", f"{max(stopped) * 1000:.0f}",
               f"<= {bound * 1000:.0f}", max(stopped) > bound)


def quick_restart(folder, binary, runs, phases):
    """Killed, and accepting again half a second later."""
    with OneHost(folder, binary, "no") as one:
        mark = one.daemon.log.mark()
        for _ in range(runs):
            time.sleep(phases.uniform(0, INTERVAL_S))
            began = time.monotonic()
            one.memcached.kill()
            time.sleep(max(0.0, began + 0.5 - time.monotonic()))
            one.memcached = start_memcached(one.host)
            time.sleep(FALL * INTERVAL_S + 0.5)
        moved = len(one.daemon.states(mark))
        failed = one.daemon.log.text(mark).count("Check(memcached) failed")
    yield Line(f"{runs} restarts of half a second, fast_fail = no, fall = 3: changes of role", str(moved), "0",
               moved > 0)
    yield Line("failed verdicts meanwhile", str(failed))


def target(number):
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


def many_checks():
    names = [f"c{number}" for number in range(CHECKS)]
    sections = [f"\n[check {name}]\ntype = memcached\naddress = {target(number)}:{MEMCACHED_PORT}\ninterval = 1s\n"
                "timeout = 900ms\n" for number, name in enumerate(names)]
    tracks = "".join(f"track_check = {name}\n" for name in names)
    return _GLOBAL + _INSTANCE.format(advert=1000) + tracks + "".join(sections)


class KeepalivedScripts(Keepalived):
    """As many script checks a second as `count`, each a program that does nothing."""

    def __init__(self, host, count):
        Daemon.__init__(self, host)
        scripts = "".join(f'vrrp_script s{number} {{\n script "/usr/bin/true"\n interval 1\n}}\n'
                          for number in range(count))
        tracks = "".join(f" s{number}\n" for number in range(count))
        (host.etc / "keepalived.conf").write_text(
            "global_defs {\n script_user nobody\n vrrp_version 3\n}\n" + scripts + "vrrp_instance VI_1 {\n"
            " interface eth0\n virtual_router_id 51\n priority 200\n advert_int 1\n virtual_ipaddress {\n"
            " 192.168.30.16/24\n }\n track_script {\n" + tracks + " }\n}\n", encoding="ascii")


def spent_s(pids):
    """CPU seconds of these processes and of their children that have ended."""
    children = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        children += int(fields[13]) + int(fields[14])
    return usage.cpu_s(pids) + children / os.sysconf("SC_CLK_TCK")


def cpu_of(pids, seconds):
    """Parts of one core."""
    before, began = spent_s(pids), time.monotonic()
    time.sleep(seconds)
    return (spent_s(pids) - before) / (time.monotonic() - began)


def newest_pid(host):
    """Pids count up within the LAN: the difference of two is the number of processes that were started between."""
    return int(host.run(["sh", "-c", "echo $$"]))


def connections(host):
    """Accepted by memcached so far."""
    stats = host.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{MEMCACHED_PORT}; printf 'stats\\r\\nquit\\r\\n' >&3;"
                      " cat <&3"])
    return next(int(line.split()[2]) for line in stats.splitlines() if line.startswith("STAT total_connections"))


def cost_of(folder, seconds, start):
    """(CPU, checks a second) of what `start(host)` runs against a memcached."""
    with Lan(folder) as lan:
        host = lan.host("cache-a", "192.168.30.10")
        start_memcached(host, "-c", "4096", "-b", "4096")
        pids = start(host)
        time.sleep(2.5)  # the first round of checks is over for all
        first, began = connections(host), time.monotonic()
        cpu = cpu_of(pids, seconds)
        return cpu, (connections(host) - first) / (time.monotonic() - began)


def cost_of_scripts(folder, seconds):
    with Lan(folder) as lan:
        host = lan.host("cache-a", "192.168.30.10")
        daemon = KeepalivedScripts(host, SCRIPTS)
        daemon.wait_state("MASTER", PATIENCE_S, daemon.start())
        time.sleep(2)
        pids = host.pids_of("keepalived")
        first, began = newest_pid(host), time.monotonic()
        cpu = cpu_of(pids, seconds)
        return cpu, (newest_pid(host) - first) / (time.monotonic() - began)


def costs(folder, binary, bare, seconds, rounds):
    def start_vrrpd(host):
        daemon = Vrrpd(host, binary, many_checks())
        daemon.wait_state("MASTER", PATIENCE_S, daemon.start())
        return host.pids_of("vrrpd") + host.pids_of("vrrpd-launcher")

    def start_bare(host):
        return [host.start("bare", [bare, CHECKS, MEMCACHED_PORT]).pid]

    found = {"vrrpd": [], "bare": []}
    for number in range(rounds):  # in turns: the machine may change meanwhile
        for name, start in (("vrrpd", start_vrrpd), ("bare", start_bare)):
            found[name].append(cost_of(folder / f"{name}-{number}", seconds, start))
    cpu = {name: statistics.median(cost for cost, _ in runs) for name, runs in found.items()}
    rate = {name: statistics.median(rate for _, rate in runs) for name, runs in found.items()}
    scripts_cpu, scripts_rate = cost_of_scripts(folder / "keepalived", seconds)
    each = {"vrrpd": cpu["vrrpd"] / rate["vrrpd"], "bare": cpu["bare"] / rate["bare"],
            "keepalived": scripts_cpu / scripts_rate}
    short = abs(rate["vrrpd"] / CHECKS - 1) > 0.02
    yield Line("memcached checks a second, vrrpd", f"{rate['vrrpd']:.0f}", f"{CHECKS}, +- 2 %", short)
    yield Line("memcached checks a second, bare epoll loop", f"{rate['bare']:.0f}")
    yield Line("CPU % of a core, vrrpd", f"{cpu['vrrpd'] * 100:.1f}")
    yield Line("CPU % of a core, bare epoll loop", f"{cpu['bare'] * 100:.1f}")
    ratio = each["vrrpd"] / each["bare"]
    yield Line("a check costs, times that of the bare loop", f"{ratio:.2f}", "<= 1.5", ratio > 1.5)
    yield Line(f"script checks a second, keepalived ({SCRIPTS} of /usr/bin/true)", f"{scripts_rate:.0f}")
    yield Line("CPU us a check: vrrpd, bare, keepalived",
               ", ".join(f"{each[name] * 1e6:.0f}" for name in ("vrrpd", "bare", "keepalived")))
    ratio = each["vrrpd"] / each["keepalived"]
    yield Line("a check costs, times that of keepalived's", f"{ratio:.3f}", "<= 0.1", ratio > 0.1)


def hanging_scripts():
    names = [f"h{number}" for number in range(HANGING)]
    sections = [f"\n[check {name}]\ntype = script\ncommand = /etc/vrrpd/hang {name}\ninterval = 2s\ntimeout = 1s\n"
                "fall = 1\n" for name in names]
    tracks = "".join(f"track_check = {name} weight -1\n" for name in names)
    return _GLOBAL + _INSTANCE.format(advert=round(ADVERT_S * 1000)) + tracks + "".join(sections)


def adverts_beside_scripts(folder, binary, bare, seconds):
    with Lan(folder) as lan:
        host, listener = lan.host("cache-a", "192.168.30.10"), lan.host("listener", "192.168.30.99")
        write_script(host.etc / "hang", "#!/bin/sh\nsleep 1000 & sleep 1000\n")
        daemon = Vrrpd(host, binary, hanging_scripts())
        daemon.wait_state("MASTER", PATIENCE_S, daemon.start())
        keep_cores_awake(listener)
        wakers = BareWakers(listener, bare, LATE_S)
        with Recorder(listener) as recorder:
            first, began = newest_pid(host), time.monotonic()
            time.sleep(seconds)
            forks = (newest_pid(host) - first) / (time.monotonic() - began)
            heard = recorder.adverts()
        left = len(host.pids_of("hang"))
        overslept, wakes = wakers.overslept_ms()
    (adverts,) = heard.values()
    gaps = [(after[0] - before[0]) / 1e9 for before, after in zip(adverts, adverts[1:])]
    late = sum(gap > ADVERT_S + LATE_S for gap in gaps)
    few = len(gaps) < 0.9 * seconds / ADVERT_S
    yield Line(f"adverts over 5 ms late while {HANGING} scripts hang and are killed, of {len(gaps)}", str(late), "0",
               late > 0 or few)
    yield Line("the longest time between two adverts, ms", f"{max(gaps, default=float('inf')) * 1000:.2f}")
    yield Line(f"a bare real-time thread on each core: wake-ups over 5 ms late, of {wakes}",
               str(len(overslept)))
    yield Line("the latest of them, ms", f"{max(overslept, default=0):.2f}")
    yield Line("processes started a second meanwhile", f"{forks:.0f}")
    yield Line("scripts that run at the end", str(left), "<= 64", left > 64)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="meson's build folder (build)")
    parser.add_argument("--only", choices="1234", action="append", help="part of it; may be repeated")
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the faults (1)")
    parser.add_argument("--quick", action="store_true", help="short windows, few faults: shows that it works")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("network namespaces need root")
    build = pathlib.Path(arguments.build).resolve()
    folder = build / f"bench-checks-{time.strftime('%Y%m%d-%H%M%S')}"
    binary, bare = build / "vrrpd" / "vrrpd", build / "tests" / "bench" / "bare_checks"
    phases, quick = random.Random(arguments.seed), arguments.quick
    parts = {"1": lambda: detection(folder / "detection", binary, 3 if quick else 20, phases),
             "2": lambda: quick_restart(folder / "restart", binary, 2 if quick else 5, phases),
             "3": lambda: costs(folder / "costs", binary, bare, 4 if quick else 10, 1 if quick else 3),
             "4": lambda: adverts_beside_scripts(folder / "scripts", binary, build / "tests" / "bench" / "bare",
                                                8 if quick else 30)}
    about = {"kernel": platform.release(), "cpus": os.cpu_count(), "load": os.getloadavg()[0], "seed": arguments.seed}
    lines = []
    print("| | figure | bar | |\n|---|---|---|---|")
    for part in sorted(arguments.only or parts):
        for line in parts[part]():
            lines.append(line)
            print(line.markdown(), flush=True)
    print(f"\nLinux {about['kernel']}, {about['cpus']} CPUs, load {about['load']:.1f} at the start; seed "
          f"{about['seed']}.", file=sys.stderr)
    (folder / "checks.json").write_text(json.dumps({"about": about, "lines": [dataclasses.asdict(line)
                                                                              for line in lines]}, indent=1) + "\n",
                                        encoding="utf-8")
    return 1 if any(line.missed for line in lines) else 0
