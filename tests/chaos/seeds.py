#!/usr/bin/python3
"""Chaos runs of many seeds, some side by side; one line each, and the whole story of those that failed.

    tests/chaos/seeds.py --seeds 20 --first 1 --seconds 180 --jobs 3 --build build
"""

import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(seed, seconds, build):
    """(whether it passed, what it said)"""
    environment = os.environ | {"CHAOS_SEED": str(seed), "CHAOS_SECONDS": str(seconds), "VRRPD": f"{build}/vrrpd/vrrpd",
                                "PROBER": f"{build}/tests/prober/prober", "LAN_RUNS": f"{build}/tests/lan-runs"}
    done = subprocess.run([sys.executable, ROOT / "tests/lan/run.py", "tests.chaos.test_chaos", "Chaos"], cwd=ROOT,
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode == 0, done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--build", default=ROOT / "build")
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build).resolve()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for passed, text in pool.map(lambda seed: run(seed, arguments.seconds, build), seeds):
            failed += not passed
            print(text.splitlines()[0] if passed else text, flush=True)
    print(f"{len(seeds) - failed} seeds passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
