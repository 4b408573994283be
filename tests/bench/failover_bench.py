"""How long a client goes without an answer when the master of a pair fails: vrrpd, and keepalived beside it.

    tests/bench/failover --runs 20 --build build

A prober opens a fresh connection through the virtual address every 5 ms, each attempt given up after 100 ms; the gap
is the longest time between the arrivals of two answers. keepalived runs with its best settings: a real check of
memcached every second (and once more every two), one failure enough, real-time priority, the proxy started by its
notify script. All contenders run at the same time, each on a LAN of its own. Both: VRRP version 2, adverts every second, priorities 250 and 249, nopreempt. Faults come at random
phases (seeded). Prints a Markdown table and writes failover.json beside the logs and captures.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import random
import subprocess
import sys
import time

from tests.bench import measured, report
from tests.lan.daemons import Keepalived, Vrrpd, vrrpd_ini
from tests.lan.pair import Pair
from tests.lan.watched import NotSeen


@dataclasses.dataclass(frozen=True)
class Contender:
    """`faults`: those whose outcome it can change; `most`: runs after which a certain outcome is believed."""
    name: str
    make: object
    faults: tuple = ("killed", "hung", "stopped", "cut")
    most: int = 10**6
    patience: float = 8


def contenders(binary):
    def vrrpd(host, priority):
        return Vrrpd(host, binary, vrrpd_ini(host.name, priority))

    def keepalived(interval, check):
        return lambda host, priority: Keepalived(host, priority, check_interval=interval, check=check)

    return (
        Contender("vrrpd", vrrpd),
        Contender("keepalived, check every 1 s", keepalived(1, "version")),
        Contender("keepalived, check every 2 s", keepalived(2, "version"), ("killed", "hung")),
        Contender("keepalived, connect check every 1 s", keepalived(1, "connect"), ("hung",), 2, 10),
    )


def returning(binary):
    """Name, maker, and whether the address comes back."""
    def vrrpd(nopreempt):
        return lambda host, priority: Vrrpd(host, binary, vrrpd_ini(host.name, priority, nopreempt))

    def keepalived(nopreempt):
        return lambda host, priority: Keepalived(host, priority, nopreempt)

    for name, maker in (("vrrpd", vrrpd), ("keepalived, check every 1 s", keepalived)):
        yield f"{name}, nopreempt", maker(True), False
        yield name, maker(False), True


def side_by_side(arguments, build):
    """All contenders at the same time, each on a LAN of its own, so that whatever the machine does it does to all.
    One process each; their rows in the order of the table."""
    folder = build / f"bench-failover-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True)
    running = []
    for number, contender in enumerate(contenders(None)):
        words = [sys.executable, sys.argv[0], "--runs", str(arguments.runs), "--build", str(build), "--seed",
                 str(arguments.seed + number), "--who", contender.name, "--rows", str(folder / f"{number}.json")]
        words += ["--only", arguments.only] if arguments.only else []
        words += ["--quick"] if arguments.quick else []
        running.append(subprocess.Popen(words, stdout=subprocess.DEVNULL))
    for process in running:
        process.wait()
    rows = [report.Row.from_data(row) for path in sorted(folder.glob("*.json"))
            for row in json.loads(path.read_text(encoding="utf-8"))]
    kinds = [fault.name for fault in measured.FAULTS] + ["stay", "return"]
    rows.sort(key=lambda row: kinds.index(row.kind))
    return folder, rows


class Bench:
    def __init__(self, arguments):
        self.runs = 2 if arguments.quick else arguments.runs
        self.only = arguments.only
        self.who = arguments.who
        self.random = random.Random(arguments.seed)
        self.build = pathlib.Path(arguments.build).resolve()
        self.folder = pathlib.Path(arguments.rows).with_suffix("") if arguments.rows else \
            self.build / f"bench-failover-{time.strftime('%Y%m%d-%H%M%S')}"
        self.binary = self.build / "vrrpd" / "vrrpd"
        self.prober = self.build / "tests" / "prober" / "prober"

    def _wanted(self, contender):
        return self.who in contender

    def _repeat(self, label, runs, make_daemon, run):
        """`runs` results of `run(pair)` on one LAN; after a run that broke off, a fresh LAN."""
        results, failures, attempt = [], [], 0
        while len(results) + len(failures) < runs:
            attempt += 1
            folder = self.folder / label.replace(" ", "-").replace(",", "") / str(attempt)
            try:
                with Pair(folder, self.prober, make_daemon) as pair:
                    pair.start()
                    while len(results) + len(failures) < runs:
                        results.append(run(pair))
                        print(f"  {label}: run {len(results)}: {results[-1].gap * 1000:.0f} ms", file=sys.stderr)
            except NotSeen as failure:
                failures.append(str(failure))
                print(f"  {label}: a run failed: {failure}", file=sys.stderr)
        return results, failures

    def faults(self):
        for fault in measured.FAULTS:
            if self.only not in (None, fault.name):
                continue
            for contender in contenders(self.binary):
                if fault.name not in contender.faults or not self._wanted(contender.name):
                    continue
                results, failures = self._repeat(
                    f"{fault.name} {contender.name}", min(self.runs, contender.most), contender.make,
                    lambda pair, f=fault, c=contender: measured.one_run(pair, f, self.random.uniform(0, 2),
                                                                       c.patience))
                yield report.Row(fault.name, fault.title, contender.name, results, failures)

    def returns(self):
        for name, title in (("killed", "memcached returns"), ("cut", "old master returns (link)")):
            if self.only not in (None, "return"):
                continue
            fault = next(fault for fault in measured.FAULTS if fault.name == name)
            for contender, make, comes_back in returning(self.binary):
                if not self._wanted(contender):
                    continue
                # Where nothing may happen, a few runs say as much as many.
                runs = self.runs if comes_back else min(self.runs, 3)
                results, failures = self._repeat(
                    f"return {name} {contender}", runs, make,
                    lambda pair, f=fault, c=comes_back: measured.one_return(pair, f, self.random.uniform(0, 2), c))
                yield report.Row("return" if comes_back else "stay", title, contender, results, failures)


def surroundings(arguments):
    def first_line(*argv):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).splitlines()[0]
    return {"kernel": platform.release(), "cpus": os.cpu_count(), "load": os.getloadavg()[0],
            "keepalived": first_line("keepalived", "--version"), "seed": arguments.seed}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20, help="runs of each fault (20)")
    parser.add_argument("--build", default="build", help="meson's build folder (build)")
    parser.add_argument("--only", choices=[fault.name for fault in measured.FAULTS] + ["return"],
                        help="one fault, or the returns")
    parser.add_argument("--who", help="only contenders whose name contains this, alone")
    parser.add_argument("--rows", help="with --who: writes the rows to this file")
    parser.add_argument("--seed", type=int, default=1, help="of the phases of the faults (1)")
    parser.add_argument("--quick", action="store_true", help="2 runs of each")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("network namespaces need root")
    began = time.monotonic()
    about = surroundings(arguments)
    if arguments.who is None:
        folder, rows = side_by_side(arguments, pathlib.Path(arguments.build).resolve())
    else:
        bench = Bench(arguments)
        folder, rows = bench.folder, [*bench.faults(), *bench.returns()]
    if arguments.rows:
        pathlib.Path(arguments.rows).write_text(json.dumps([row.as_data() for row in rows]), encoding="utf-8")
    about["minutes"] = round((time.monotonic() - began) / 60, 1)
    print(report.markdown(rows, about))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "failover.json"
    path.write_text(json.dumps({"about": about, "rows": [row.as_data() for row in rows]}, indent=1) + "\n",
                    encoding="utf-8")
    print(f"\nEvery run, with logs and captures: {path}")
    # Nothing measured is nothing met.
    return 1 if not rows or any(row.missed() for row in rows) else 0
