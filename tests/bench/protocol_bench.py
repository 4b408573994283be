"""What the protocol costs and how exact it is: vrrpd, keepalived beside it, and a bare program as the limit.

    tests/bench/protocol --build build

Everything is version 3 over IPv4 with one address an instance. Each kind is measured against its own kind, one pair
at a time on a LAN of its own: a thousand instances three times in turn, of which the median counts. Crossed pairs
follow. Prints one Markdown table and writes protocol.json.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import time
from functools import partial

from tests.bench import protocol_report, storm, takeovers, usage
from tests.bench.fleet import LEASELESS, FleetPair, Load, make_host, make_lan
from tests.lan.watched import NotSeen

KINDS = ("vrrpd", "keepalived")
CROSSED = (("keepalived", "vrrpd"), ("vrrpd", "keepalived"))
LOADS = (Load(links=4, per_link=250, interval_ms=100), Load(links=1, per_link=250, interval_ms=10))
REALTIME = ("chrt", "-r", "10")


@dataclasses.dataclass(frozen=True)
class PairCost:
    """CPU in parts of one core; memory in bytes."""
    active_kind: str
    backup_kind: str
    active_cpu: float
    backup_cpu: float
    idle: float
    adverts_per_s: float
    changes: int = 0
    active_pss: int = 0
    backup_pss: int = 0

    @staticmethod
    def middle(rounds):
        """Of the same pair, measured again and again: all changes of role, and the median of all else."""
        first = rounds[0]
        medians = {field.name: statistics.median(getattr(one, field.name) for one in rounds)
                   for field in dataclasses.fields(first) if not field.name.endswith("_kind")}
        return dataclasses.replace(first, **medians | {"changes": sum(one.changes for one in rounds)})


class Bench:
    def __init__(self, arguments):
        build = pathlib.Path(arguments.build).resolve()
        self.folder = build / f"bench-protocol-{time.strftime('%Y%m%d-%H%M%S')}"
        self.binary = build / "vrrpd" / "vrrpd"
        self.bare = build / "tests" / "bench" / "bare"
        self.window_s = 3 if arguments.quick else 12
        self.turns = 1 if arguments.quick else 3
        self.storm_s = 4 if arguments.quick else 15
        self.rounds = 2 if arguments.quick else 20
        self.seed = arguments.seed
        self._runs = 0

    def _place(self, *words):
        self._runs += 1
        return self.folder / re.sub(r"[^\w.]+", "-", " ".join(map(str, [f"{self._runs:02}", *words])))

    def cost_of_pair(self, load, active_kind, backup_kind):
        with FleetPair(self._place(load, active_kind, backup_kind), self.binary, load, active_kind,
                       backup_kind) as pair:
            pair.start()
            marks = pair.marks()
            used = usage.Usage.of(pair.lan, pair.hosts, self.window_s)
            return PairCost(active_kind, backup_kind, used.cpu["active"], used.cpu["backup"], used.idle,
                            used.packets_per_s["active"], pair.changes_since(marks),
                            *(usage.pss_bytes(usage.processes_of(host)) for host in pair.hosts))

    def cost_of_bare(self, load, name, batches, pause_us):
        """`batches` an interval on each link; see bare.cpp."""
        with make_lan(self._place(load, name)) as lan:
            hosts = [make_host(lan, "active", 1, load.links), make_host(lan, "backup", 2, load.links)]
            hosts[1].start("bare", [*REALTIME, self.bare, "receive", pause_us, *load.devices])
            hosts[0].start("bare", [*REALTIME, self.bare, "send", load.interval_ms, batches, load.per_link,
                                    *load.devices])
            time.sleep(0.5)  # they tell nobody that they run; the count of adverts shows it
            used = usage.Usage.of(lan, hosts, self.window_s)
            return PairCost(name, name, used.cpu["active"], used.cpu["backup"], used.idle,
                            used.packets_per_s["active"])

    def storm_of(self, kind):
        return storm.measure(self._place("storm", kind), self.binary, kind, self.storm_s)

    def takeovers_of(self, kind):
        return takeovers.measure(self._place("takeovers", kind), self.binary, self.bare, kind, self.rounds, self.seed)

    def plan(self, wanted):
        """(place in the results, what measures it) of everything, in order."""
        for load in LOADS:
            if "1" in wanted:
                own = [(kind, kind) for kind in (*KINDS, LEASELESS)]
                # In turn, since the machine's pace changes from minute to minute, and for all alike.
                for active, backup in (*own * (self.turns if load is LOADS[0] else 1), *CROSSED):
                    yield ("costs", load, (active, backup)), partial(self.cost_of_pair, load, active, backup)
            if "2" in wanted:
                for name, batches, pause_us in ((protocol_report.BARE_SPREAD, load.interval_ms // load.links, 0),
                                                (protocol_report.BARE_BATCHED, 1, 1000)):
                    yield ("costs", load, (name, name)), partial(self.cost_of_bare, load, name, batches, pause_us)
        for kind in KINDS:
            if "3" in wanted:
                yield ("storms", kind), partial(self.storm_of, kind)
            if "4" in wanted:
                yield ("takeovers", kind), partial(self.takeovers_of, kind)

    def run(self, wanted):
        results = protocol_report.Results()
        for place, measure in self.plan(wanted):
            print(f"  {protocol_report.words_of(place)}", file=sys.stderr, flush=True)
            # While keepalived starts many instances, even a bare thread of a higher real-time priority may not run for
            # tenths of a second here, and roles change over and over on either side: it gets more than one chance.
            for _ in range(4 if "keepalived" in place[-1] else 1):
                try:
                    results.put(place, measure())
                    break
                except (NotSeen, OSError) as failure:
                    results.failures.append((place, str(failure)))
                    print(f"  broke off: {failure}", file=sys.stderr)
            else:
                results.given_up.add(place)
        return results


def surroundings(arguments):
    version = subprocess.run(["keepalived", "--version"], capture_output=True, text=True, check=True)
    return {"kernel": platform.release(), "cpus": os.cpu_count(), "load": os.getloadavg()[0],
            "keepalived": (version.stdout + version.stderr).splitlines()[0], "seed": arguments.seed}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="meson's build folder (build)")
    parser.add_argument("--only", choices="1234", action="append",
                        help="1: CPU and memory, 2: the bare program, 3: busy machine, 4: takeovers; may be repeated")
    parser.add_argument("--seed", type=int, default=1, help="of the phases of the takeovers (1)")
    parser.add_argument("--quick", action="store_true", help="short windows, few takeovers: shows that it works")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("network namespaces need root")
    began = time.monotonic()
    about = surroundings(arguments)
    bench = Bench(arguments)
    wanted = set(arguments.only or "1234")
    results = bench.run(wanted)
    about["minutes"] = round((time.monotonic() - began) / 60, 1)
    lines = protocol_report.lines_of(results)
    print(protocol_report.markdown(lines, about))
    path = bench.folder / "protocol.json"
    path.write_text(json.dumps({"about": about, "results": results.as_data(),
                                "bars": [line.as_data() for line in lines if line.bar]}, indent=1) + "\n",
                    encoding="utf-8")
    print(f"\nEvery figure, with logs: {path}")
    # Nothing measured is nothing met.
    missed = any(line.missed for line in lines)
    return 1 if missed or not any(line.bar for line in lines) and wanted != {"2"} else 0
