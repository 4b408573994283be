"""Where the programs are that are tested, where a test keeps its logs and captures, and how long one waits for what should
come. The environment says it: VRRPD, VRRPCTL, PROBER, FLOODER and HOLDER (programs; those of `build` if it does not), and
LAN_RUNS, a folder."""

import os
import pathlib
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
VRRPD = os.environ.get("VRRPD", ROOT / "build/vrrpd/vrrpd")
VRRPCTL = os.environ.get("VRRPCTL", ROOT / "build/ctl/vrrpctl")
PROBER = os.environ.get("PROBER", ROOT / "build/tests/prober/prober")
FLOODER = os.environ.get("FLOODER", ROOT / "build/tests/flooder/flooder")
HOLDER = os.environ.get("HOLDER", ROOT / "build/tests/holder/holder")
PATIENCE = 15  # seconds


def run_folder(name):
    """For the logs of one test."""
    runs = os.environ.get("LAN_RUNS")
    if runs is None:
        return tempfile.mkdtemp(prefix=f"vrrpd-{name}-")
    return pathlib.Path(runs) / f"{name}-{os.getpid()}-{time.monotonic_ns()}"
