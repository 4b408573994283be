"""How fast many addresses are handed over when their holder is stopped: vrrpd, keepalived beside it, and a bare netlink
program as the limit.

    tests/bench/bulk --build build

Everything is version 3 over IPv4, adverts of 1 s, priorities 250 and 249, real-time scheduling. Prints one Markdown
table and writes bulk.json. A figure is the median of all runs; what must never happen counts with its worst.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import sys
import time

from tests.bench import handover
from tests.bench.protocol_bench import surroundings
from tests.lan.watched import NotSeen

KINDS = ("vrrpd", "keepalived")
THOUSAND_BAR_S, ANNOUNCED_BAR_S, LATE_BAR_S = 0.25, 0.02, 0.01
BARE_BAR, KEEPALIVED_BAR = 1.2, 1.1


def figure(runs, field, of=statistics.median):
    return of([getattr(run, field) for run in runs]) if runs else float("inf")


@dataclasses.dataclass
class Results:
    """By (title, kind): lists of Handover; and what the bare program needed, (deleting, adding) a run."""
    runs: dict = dataclasses.field(default_factory=dict)
    bare: list = dataclasses.field(default_factory=list)
    failures: list = dataclasses.field(default_factory=list)

    def of(self, bulk, kind):
        return self.runs.get((bulk.title, kind), [])

    def as_data(self):
        return {"runs": [{"what": title, "kind": kind, "runs": list(map(dataclasses.asdict, runs))}
                         for (title, kind), runs in self.runs.items()],
                "bare": self.bare, "failures": self.failures}


@dataclasses.dataclass
class Line:
    title: str
    cells: dict  # text by kind
    bar: str = ""
    missed: bool = False

    def markdown(self):
        verdict = ("MISSED" if self.missed else "met") if self.bar else ""
        return f"| {self.title} | " + " | ".join([*(self.cells.get(kind, "") for kind in KINDS), self.bar,
                                                  verdict]) + " |"


def _line(results, bulk, title, field, of, bar_s=None):
    """`bar_s`: what vrrpd may need at most, in seconds."""
    cells = {kind: f"{figure(results.of(bulk, kind), field, of) * 1000:.1f}" for kind in KINDS
             if results.of(bulk, kind)}
    if bar_s is None:
        return Line(title, cells)
    ours = figure(results.of(bulk, "vrrpd"), field, of)
    return Line(title, cells, f"<= {bar_s * 1000:.0f}", ours > bar_s)


def lines_of(results, bulks):
    for bulk in bulks:
        there = f"{bulk.title}: all on the peer after the signal, median, ms"
        if bulk is handover.THOUSAND:
            yield _line(results, bulk, there, "there", statistics.median, THOUSAND_BAR_S)
        else:
            bare = statistics.median(map(sum, results.bare)) if results.bare else 0
            yield _line(results, bulk, there, "there", statistics.median, BARE_BAR * bare + handover.SKEW_S)
            theirs = figure(results.of(bulk, "keepalived"), "there")
            ours = figure(results.of(bulk, "vrrpd"), "there")
            yield Line("the same in parts of keepalived's", {"vrrpd": f"{ours / theirs:.2f}", "keepalived": "1"},
                       f"<= {KEEPALIVED_BAR}", ours > KEEPALIVED_BAR * theirs)
            yield Line("bare: deleting and adding the same, median, ms", {"vrrpd": f"{bare * 1000:.1f}"})
        yield _line(results, bulk, "worst, ms", "there", max)
        yield _line(results, bulk, "the last one has left, median, ms", "gone", statistics.median)
        yield _line(results, bulk, "announced after its own arrival, worst, ms", "announced", max, ANNOUNCED_BAR_S)
        yield _line(results, bulk, "an advert was late by, worst, ms", "late", max, LATE_BAR_S)
        yield Line("the latest wake-up of a bare real-time thread on each core meanwhile (0: none over 5), ms",
                   {kind: f"{max((ms for run in results.of(bulk, kind) for ms in run.overslept_ms), default=0):.1f}"
                    for kind in KINDS})
        changes = sum(run.changes for run in results.of(bulk, "vrrpd"))
        yield Line("changes of role that nobody asked for",
                   {kind: str(sum(run.changes for run in results.of(bulk, kind))) for kind in KINDS}, "0", changes > 0)
    for what, kind, why in results.failures:
        yield Line(f"broke off: {what}, {kind}: {why}", {}, "comes to its end" if kind == "vrrpd" else "",
                   kind == "vrrpd")


def markdown(lines, about):
    head = ["", *KINDS, "bar", ""]
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *(line.markdown() for line in lines),
                      "", f"{about['keepalived']}; Linux {about['kernel']}, {about['cpus']} CPUs, load "
                      f"{about['load']:.1f} at the start; {about['runs']} runs, {about['minutes']} minutes."])


def run(arguments, folder, build, bulks):
    results = Results()
    binary, bare, wake = (build / path for path in ("vrrpd/vrrpd", "tests/bench/bare_addresses", "tests/bench/bare"))
    for number in range(arguments.runs):
        for bulk in bulks:
            for kind in arguments.kind or KINDS:
                print(f"  run {number + 1}: {bulk.title}, {kind}", file=sys.stderr, flush=True)
                place = folder / f"{number + 1}-{bulk.count}-{kind}"
                try:
                    results.runs.setdefault((bulk.title, kind), []).append(
                        handover.measure(place, binary, bare, wake, kind, bulk))
                except (NotSeen, OSError) as failure:
                    results.failures.append((bulk.title, kind, " ".join(str(failure).split())[:200]))
                    print(f"  broke off: {failure}", file=sys.stderr)
            if bulk is handover.LONG:
                results.bare.append(handover.measure_bare(folder / f"{number + 1}-bare", bare, bulk.count))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="meson's build folder (build)")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=("thousand", "long"), help="1,000 instances, or one with 4,000 addresses")
    parser.add_argument("--kind", choices=KINDS, action="append")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("network namespaces need root")
    began = time.monotonic()
    arguments.seed = 0
    about = surroundings(arguments) | {"runs": arguments.runs}
    build = pathlib.Path(arguments.build).resolve()
    folder = build / f"bench-bulk-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir()
    bulks = {"thousand": [handover.THOUSAND], "long": [handover.LONG]}.get(
        arguments.only, [handover.THOUSAND, handover.LONG])
    results = run(arguments, folder, build, bulks)
    about["minutes"] = round((time.monotonic() - began) / 60, 1)
    lines = list(lines_of(results, bulks))
    print(markdown(lines, about))
    path = folder / "bulk.json"
    path.write_text(json.dumps({"about": about, "results": results.as_data()}, indent=1) + "\n", encoding="utf-8")
    print(f"\nEvery figure, with logs: {path}")
    return 1 if any(line.missed for line in lines) else 0
