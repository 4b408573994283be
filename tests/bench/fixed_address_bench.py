"""What clients see in recipe S8: python-memcache and redis-py, as they come and with the settings of its page; and one that
connects every millisecond, in many planned moves in a row.

    tests/bench/fixed_address --runs 5 --moves 50 --build build

Each run is a new LAN with one client of each kind in Python, which asks every 5 ms. Prints two Markdown tables.
"""

import argparse
import dataclasses
import os
import pathlib
import random
import statistics
import sys
import time

from tests.lan.daemons import VIP
from tests.lan.watched import NotSeen
from tests.prober import analysis
from tests.recipes import fixed_address
from tests.recipes.fixed_address import S8, FixedAddress, StartedWithTheAddress

CLIENTS = {
    "python-memcache, as it comes": ("memcache", *fixed_address.MEMCACHE_PLAIN),
    "python-memcache, dead_retry=0, socket_timeout=0.3": ("memcache", *fixed_address.MEMCACHE_TUNED),
    "redis-py, socket_timeout=3": ("redis", *fixed_address.REDIS_PLAIN),
    "redis-py, timeouts of 0.3, retries": ("redis", *fixed_address.REDIS_TUNED),
}
FAULTS = {
    "planned move": (FixedAddress, lambda it: it.fail_over("proxy-a")),
    "planned move, run = master": (StartedWithTheAddress, lambda it: it.fail_over("proxy-a")),
    "host lost (link cut)": (FixedAddress, lambda it: it.cut("proxy-a")),
}
INTERVAL = 0.001  # between two connects of the busy client
PATIENCE = 45  # python-memcache takes a server for dead for 30 s
HEAD = ("fault", "client", "longest time without an answer, ms", "failed requests")


def one_run(make, strike, folder, build, phase):
    """{client: (gap in seconds, errors by kind)}"""
    with make(S8, folder, build / "vrrpd/vrrpd", build / "tests/prober/prober") as deployment:
        deployment.start()
        clients = {title: deployment.python_client(f"client-{number}", *words)
                   for number, (title, words) in enumerate(CLIENTS.items())}
        time.sleep(phase)
        struck_ns = time.time_ns()
        strike(deployment)
        deployment.lan.wait_for_holder(VIP, deployment.hosts["proxy-b"], PATIENCE)
        seen = {}
        for title, client in clients.items():
            client.wait_for_answers(PATIENCE, 100, struck_ns)
        for title, client in clients.items():
            attempts = client.stop()
            seen[title] = analysis.longest_gap(attempts, struck_ns).seconds, analysis.errors_by_kind(attempts, struck_ns)
        return seen


def _both(values):
    return f"{statistics.median(values):.0f} / {max(values):.0f}"


def lines(fault, runs):
    for title in CLIENTS:
        seen = [run[title] for run in runs]
        kinds = sorted({kind for _, errors in seen for kind in errors})
        failed = _both([sum(errors.values()) for _, errors in seen]) + f" ({', '.join(kinds)})" if kinds else "0"
        yield f"| {fault} | {title} | {_both([gap * 1000 for gap, _ in seen])} | {failed} |"


@dataclasses.dataclass
class Move:
    """Of a client that connects every millisecond. Seconds."""
    gap: float
    refused: int
    window: float  # in which it was refused


def moves(make, count, folder, build):
    with make(S8, folder, build / "vrrpd/vrrpd", build / "tests/prober/prober") as deployment:
        deployment.start()
        prober = deployment.probe("busy", "--interval", "1", realtime=True)
        prober.wait_for_answers(PATIENCE)
        begins = []
        for number in range(count):
            begins.append(time.time_ns())
            deployment.fail_over(("proxy-a", "proxy-b")[number % 2])
            prober.wait_for_answers(PATIENCE, 200, time.time_ns())
        attempts = prober.stop()
    return [move(attempts, begin, end) for begin, end in zip(begins, begins[1:] + [time.time_ns()])]


def move(attempts, begin, end):
    refused = [one.end_ns for one in attempts if begin < one.end_ns <= end and one.outcome == "refused"]
    window = (max(refused) - min(refused)) / 1e9 + INTERVAL if refused else 0
    return Move(analysis.longest_gap(attempts, begin, end).seconds, len(refused), window)


def moves_table(arguments, folder, build):
    table = ["| planned moves | gap, ms | moves in which connections were refused | for how long, ms | connections refused |",
             "|---|---|---|---|---|"]
    for title, make in (("run = always", FixedAddress), ("run = master", StartedWithTheAddress)):
        seen = moves(make, arguments.moves, folder / title.replace(" ", ""), build)
        bad = [one for one in seen if one.refused]
        windows = _both([one.window * 1000 for one in bad]) if bad else "0"
        table.append(f"| {len(seen)}, {title} | {_both([one.gap * 1000 for one in seen])} | {len(bad)} | {windows} | "
                     f"{sum(one.refused for one in seen)} |")
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each fault (5)")
    parser.add_argument("--moves", type=int, default=50, help="planned moves in a row (50)")
    parser.add_argument("--build", default="build", help="meson's build folder (build)")
    parser.add_argument("--seed", type=int, default=1, help="of the phases of the faults (1)")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("network namespaces need root")
    build = pathlib.Path(arguments.build).resolve()
    folder = build / f"bench-fixed-address-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    print("\n".join(moves_table(arguments, folder, build)) + "\n", flush=True)
    phases, failed, table = random.Random(arguments.seed), 0, []
    for fault, (make, strike) in FAULTS.items():
        runs = []
        for number in range(arguments.runs):
            try:
                runs.append(one_run(make, strike, folder / fault.replace(" ", "-") / str(number), build,
                                    phases.uniform(0, 1)))
                print(f"  {fault}: {runs[-1]}", file=sys.stderr, flush=True)
            except (NotSeen, OSError, AssertionError) as failure:
                failed += 1
                print(f"  {fault}: a run failed: {failure}", file=sys.stderr, flush=True)
        table += lines(fault, runs) if runs else []
    print("\n".join(["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD), *table]))
    return 1 if failed else 0
