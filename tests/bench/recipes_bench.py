"""What a client sees in each deployment of docs/recipes and each fault: its longest gap and its errors.

    tests/bench/recipes --runs 5 --build build --write docs/recipes/README.md

Runs exactly the files of etc/recipes with the real software, each run on a new LAN. Three clients are there: one that
opens a connection every 5 ms and gives each attempt 100 ms, a plain blocking one, and an idle connection. Faults come at
random phases (seeded). Prints a Markdown table; `--write` puts its rows in the place of the same deployments' rows of a
page. The deployments run at the same time; `--only s2` runs one alone. A deployment more is a few lines in `CASES`.
"""

import argparse
import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import time

from tests.lan import control
from tests.lan.daemons import VIP, VIP_2
from tests.lan.settings import PATIENCE
from tests.lan.watched import NotSeen
from tests.prober import analysis
from tests.recipes.data_deployments import S3, S5, S6, RedisDeployment, ReplicatingDeployment, SentinelDeployment
from tests.recipes.deployment import S1, S2, S4, S7, Deployment, Plan
from tests.recipes.fixed_address import S8, FixedAddress, StartedWithTheAddress
from tests.recipes.redis_servers import SENTINEL_PORT, ask

KEY = "prober"
AFTERWARDS_ANSWERS = 200  # a second of answers in a row ends a run: a second gap right behind would still be seen
QUIET_SECONDS = 4  # where nothing moves: longer than a down timer, and than the checks take to fail
HEAD = ("deployment", "fault", "longest gap, ms", "failed attempts", "blocking client's gap, ms", "its failures",
        "idle connection")


@dataclasses.dataclass(frozen=True)
class Case:
    """A row. `strike(deployment)`; `to`: who has the client's address afterwards; `prepare(deployment)`: what comes
    before, unmeasured."""
    plan: Plan
    title: str
    strike: object
    to: str
    vip: str = VIP
    prepare: object = lambda deployment: None
    make: object = Deployment


def proxy(number, host="proxy-a"):
    return lambda deployment: deployment.signal_proxy(host, number)


def server(name, number):
    return lambda deployment: deployment.signal_server(name, number)


def stopped(host):
    return lambda deployment: deployment.stop_daemon(host)


def cut(host):
    return lambda deployment: deployment.cut(host)


def drained_then_sentinel_failover(deployment):
    control.ask(deployment.hosts["redis-a"], "drain")
    ask(deployment.hosts["witness"], "SENTINEL", "FAILOVER", "cache", port=SENTINEL_PORT)


def failed_over(host):
    return lambda deployment: deployment.fail_over(host)


def cut_and_moved(deployment):
    deployment.cut("proxy-a")
    deployment.lan.wait_for_holder(VIP, deployment.hosts["proxy-b"], PATIENCE)
    deployment.daemons["proxy-a"].wait_settled("FAULT", PATIENCE)


CASES = (
    Case(S1, "memcached killed", server("cache-a", signal.SIGKILL), "cache-b"),
    Case(S1, "memcached hung", server("cache-a", signal.SIGSTOP), "cache-b"),
    Case(S1, "proxy killed", proxy(signal.SIGKILL, "cache-a"), "cache-a"),
    Case(S1, "proxy hung", proxy(signal.SIGSTOP, "cache-a"), "cache-b"),
    Case(S1, "daemon stopped (planned move)", stopped("cache-a"), "cache-b"),
    Case(S1, "host lost (link cut)", cut("cache-a"), "cache-b"),
    Case(S2, "shard of the client's key killed", lambda it: it.signal_server(it.shard_of(KEY), signal.SIGKILL), "proxy-a"),
    Case(S2, "host of that shard lost", lambda it: it.cut(it.shard_of(KEY)), "proxy-a"),
    Case(S2, "proxy killed", proxy(signal.SIGKILL), "proxy-a"),
    Case(S2, "proxy hung", proxy(signal.SIGSTOP), "proxy-b"),
    Case(S2, "daemon stopped (planned move)", stopped("proxy-a"), "proxy-b"),
    Case(S2, "host lost (link cut)", cut("proxy-a"), "proxy-b"),
    Case(S3, "memcached killed", proxy(signal.SIGKILL, "cache-a"), "cache-b", make=ReplicatingDeployment),
    Case(S3, "memcached hung", proxy(signal.SIGSTOP, "cache-a"), "cache-b", make=ReplicatingDeployment),
    Case(S3, "daemon stopped (planned move)", stopped("cache-a"), "cache-b", make=ReplicatingDeployment),
    Case(S3, "host lost (link cut)", cut("cache-a"), "cache-b", make=ReplicatingDeployment),
    Case(S4, "host lost, client of its address", cut("proxy-a"), "proxy-b"),
    Case(S4, "host lost, client of the other address", cut("proxy-a"), "proxy-b", VIP_2),
    Case(S4, "host is back, client of its address", lambda it: it.restore("proxy-a"), "proxy-a", VIP, cut_and_moved),
    Case(S4, "daemon stopped (planned move)", stopped("proxy-a"), "proxy-b"),
    Case(S5, "master killed", server("redis-a", signal.SIGKILL), "redis-b", make=RedisDeployment),
    Case(S5, "master hung", server("redis-a", signal.SIGSTOP), "redis-b", make=RedisDeployment),
    Case(S5, "daemon stopped (planned move)", stopped("redis-a"), "redis-b", make=RedisDeployment),
    Case(S5, "host lost (link cut)", cut("redis-a"), "redis-b", make=RedisDeployment),
    Case(S6, "master killed", server("redis-a", signal.SIGKILL), "redis-b", make=SentinelDeployment),
    Case(S6, "drain, SENTINEL FAILOVER (planned move)", drained_then_sentinel_failover, "redis-b",
         make=SentinelDeployment),
    Case(S6, "host lost (link cut)", cut("redis-a"), "redis-b", make=SentinelDeployment),
    Case(S7, "first server killed", server("cache-1", signal.SIGKILL), "proxy-a"),
    Case(S7, "first server hung", server("cache-1", signal.SIGSTOP), "proxy-a"),
    Case(S7, "haproxy killed", proxy(signal.SIGKILL), "proxy-a"),
    Case(S7, "haproxy hung", proxy(signal.SIGSTOP), "proxy-b"),
    Case(S7, "daemon stopped (planned move)", stopped("proxy-a"), "proxy-b"),
    Case(S7, "host lost (link cut)", cut("proxy-a"), "proxy-b"),
    Case(S8, "planned move (vrrpctl failover)", failed_over("proxy-a"), "proxy-b", make=FixedAddress),
    Case(S8, "the same with run = master", failed_over("proxy-a"), "proxy-b", make=StartedWithTheAddress),
    Case(S8, "proxy killed", proxy(signal.SIGKILL), "proxy-a", make=FixedAddress),
    Case(S8, "proxy hung", proxy(signal.SIGSTOP), "proxy-b", make=FixedAddress),
    Case(S8, "host lost (link cut)", cut("proxy-a"), "proxy-b", make=FixedAddress),
)


@dataclasses.dataclass
class Run:
    """Gaps in seconds; errors by kind; `idle`: what became of an idle connection."""
    gap: float
    errors: dict
    blocking_gap: float
    blocking_errors: dict
    idle: str


def fate_of(idle):
    """What the owner of an idle connection has been told by now."""
    idle.setblocking(False)
    try:
        return "EOF" if idle.recv(1) == b"" else "bytes"
    except BlockingIOError:
        return "not told"
    except ConnectionResetError:
        return "RST"


class Clients:
    """At real-time priority, so that what they see late is the service's lateness and not their own."""

    def __init__(self, deployment, vip):
        self._open = deployment.probe("open", "--key", KEY, realtime=True, vip=vip)
        self._blocking = deployment.probe("blocking", "--blocking", "--key", KEY, realtime=True, vip=vip)
        self.wait(20, 0)
        self.idle = deployment.connect(vip, deployment.plan.port)

    def wait(self, count, since_ns):
        self._open.wait_for_answers(2 * PATIENCE, count, since_ns)
        self._blocking.wait_for_answers(2 * PATIENCE, 3, since_ns)

    def stop(self, since_ns):
        seen = []
        for probe in (self._open, self._blocking):
            attempts = probe.stop()
            gap = analysis.longest_gap(attempts, since_ns)
            if gap is None or not gap.recovered:
                raise NotSeen("the client is not served again")
            seen += [gap.seconds, analysis.errors_by_kind(attempts, since_ns)]
        with contextlib.closing(self.idle):
            return Run(*seen, fate_of(self.idle))


def one_run(case, deployment, phase):
    deployment.start()
    case.prepare(deployment)
    clients = Clients(deployment, case.vip)
    time.sleep(phase)
    was = deployment.holder(case.vip)
    struck_ns = time.time_ns()
    case.strike(deployment)
    if case.to != was:
        deployment.lan.wait_for_holder(case.vip, deployment.hosts[case.to], PATIENCE)
    else:
        time.sleep(QUIET_SECONDS)
    clients.wait(AFTERWARDS_ANSWERS, time.time_ns())
    if deployment.holder(case.vip) != case.to:
        raise NotSeen(f"{case.vip} is on {deployment.holder(case.vip)}, not on {case.to}")
    return clients.stop(struck_ns)


def measure(case, arguments, folder):
    """The runs of a case, and why others broke off."""
    phases = random.Random(f"{arguments.seed} {case.plan.folder} {case.title}")
    runs, failures = [], []
    build = pathlib.Path(arguments.build).resolve()
    for number in range(arguments.runs):
        try:
            with case.make(case.plan, folder / case.title.replace(" ", "-") / str(number), build / "vrrpd/vrrpd",
                           build / "tests/prober/prober") as deployment:
                runs.append(one_run(case, deployment, phases.uniform(0, 2)))
            print(f"  {case.plan.folder} {case.title}: {runs[-1]}", file=sys.stderr, flush=True)
        except (NotSeen, OSError, AssertionError) as failure:
            failures.append(str(failure))
            print(f"  {case.plan.folder} {case.title}: a run failed: {failure}", file=sys.stderr, flush=True)
    return {"deployment": case.plan.folder.upper(), "fault": case.title, "failures": failures,
            "runs": [dataclasses.asdict(run) for run in runs]}


def _both(values, form):
    return f"{form(statistics.median(values))} / {form(max(values))}"


def _errors(counts):
    """Failed attempts a run, median / worst, and their kinds."""
    kinds = sorted({kind for one in counts for kind in one})
    number = _both([sum(one.values()) for one in counts], lambda value: f"{value:g}")
    return f"{number} ({', '.join(kinds)})" if kinds else "0"


def line(row):
    cells = [row["deployment"], row["fault"]]
    runs = [Run(**run) for run in row["runs"]]
    if runs:
        milliseconds = lambda seconds: f"{seconds * 1000:.0f}"
        fates = collections.Counter(run.idle for run in runs)
        cells += [_both([run.gap for run in runs], milliseconds), _errors([run.errors for run in runs]),
                  _both([run.blocking_gap for run in runs], milliseconds), _errors([run.blocking_errors for run in runs]),
                  ", ".join(fate if len(fates) == 1 else f"{count} x {fate}" for fate, count in fates.most_common())]
    else:
        cells += ["no run came to its end"]
    cells[1] += f" ({len(row['failures'])} runs broke off)" if row["failures"] else ""
    return "| " + " | ".join(cells + [""] * (len(HEAD) - len(cells))) + " |"


def table(lines):
    return "\n".join(["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD), *lines])


def merged(page, lines):
    """The page with these rows in the place of the same deployments' ones."""
    begin, end = "<!-- made by tests/bench/recipes -->\n", "\n<!-- up to here -->"
    before, _, rest = page.partition(begin)
    old, _, after = rest.partition(end)
    deployment = lambda text: text.split("|")[1].strip()
    renewed = {deployment(text) for text in lines}
    kept = [text for text in old.splitlines()[2:] if deployment(text) not in renewed]
    return before + begin + table(sorted(kept + lines, key=deployment)) + end + after


def side_by_side(arguments, folder):
    """One process a deployment; the rows in the order of CASES."""
    folder.mkdir(parents=True)
    names = list(dict.fromkeys(case.plan.folder for case in CASES))
    running = [subprocess.Popen([sys.executable, sys.argv[0], "--runs", str(arguments.runs), "--build", arguments.build,
                                 "--seed", str(arguments.seed), "--only", name, "--rows", str(folder / f"{name}.json")],
                                stdout=subprocess.DEVNULL) for name in names]
    for process in running:
        process.wait()
    return [row for name in names if (folder / f"{name}.json").exists()
            for row in json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="runs of each fault (5)")
    parser.add_argument("--build", default="build", help="meson's build folder (build)")
    parser.add_argument("--only", choices=sorted({case.plan.folder for case in CASES}), help="one deployment")
    parser.add_argument("--fault", default="", help="only faults whose title contains this")
    parser.add_argument("--seed", type=int, default=1, help="of the phases of the faults (1)")
    parser.add_argument("--rows", help="writes every run to this file, as JSON")
    parser.add_argument("--write", help="a page whose table gets the rows")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("network namespaces need root")
    if arguments.write and arguments.fault:
        parser.error("--write takes the place of all rows of a deployment, --fault measures some")
    folder = pathlib.Path(arguments.build).resolve() / f"bench-recipes-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    if arguments.only or arguments.fault:
        rows = [measure(case, arguments, folder / case.plan.folder) for case in CASES
                if case.plan.folder in (arguments.only or case.plan.folder) and arguments.fault in case.title]
    else:
        rows = side_by_side(arguments, folder)
    if arguments.rows:
        pathlib.Path(arguments.rows).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    lines = [line(row) for row in rows]
    if arguments.write:
        page = pathlib.Path(arguments.write)
        page.write_text(merged(page.read_text(encoding="utf-8"), lines), encoding="utf-8")
    print(table(lines))
    print(f"\nLogs and the clients' records: {folder}")
    # Nothing measured is nothing met.
    return 1 if not rows or any(row["failures"] for row in rows) else 0
