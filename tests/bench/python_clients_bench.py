"""What python-memcache and redis-py see in recipe S8, as they come and with the settings of its page.

    tests/bench/python_clients --runs 5 --build build

Each run is a new LAN with one client of each kind, which asks every 5 ms. Prints a Markdown table.
"""

import argparse
import os
import pathlib
import random
import statistics
import sys
import time

from tests.lan import fixed_address
from tests.lan.daemons import VIP
from tests.lan.fixed_address import S8, FixedAddress, StartedWithTheAddress
from tests.lan.watched import NotSeen
from tests.prober import analysis

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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each fault (5)")
    parser.add_argument("--build", default="build", help="meson's build folder (build)")
    parser.add_argument("--seed", type=int, default=1, help="of the phases of the faults (1)")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("network namespaces need root")
    build = pathlib.Path(arguments.build).resolve()
    folder = build / f"bench-python-clients-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
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
