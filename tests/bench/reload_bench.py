"""What a reload costs that changes the list of addresses of every instance: for how long the protocol thread does nothing
else, and how late adverts get.

    tests/bench/reload --build build

Version 3 over IPv4 on 4 links, adverts of 100 ms, a pair of hosts, real-time scheduling. Prints one Markdown table: each
row the worst of its rounds. A role that changed is a failure.
"""

import argparse
import collections
import pathlib
import signal
import time

from tests.bench.fleet import ACTIVE_PRIORITY, FleetPair, Load, head_of, instance_of
from tests.lan import control
from tests.lan.cases import Watch

PATIENCE_S = 30
CALM_S = 2  # the second round of announcements, the guard and the lease are over by then


def text_of(load, addresses_of):
    """The Active's configuration with other lists of addresses."""
    parts = [instance_of("vrrpd", name=name, device=device, vrid=vrid, address=addresses_of(device, vrid, address),
                         priority=ACTIVE_PRIORITY, interval_s=0) for name, device, vrid, address in load.routers()]
    return head_of("vrrpd", load.interval_ms, ACTIVE_PRIORITY) + "".join(parts)


# Each list of addresses as it is before, and as it is after the reload; a round is there and back.
CHANGES = {
    "one address more": (lambda _, vrid, own: own, lambda device, vrid, own: f"{own}, 10.30.{device[3]}.{vrid}"),
    "another address": (lambda _, vrid, own: own, lambda device, vrid, own: f"10.30.{device[3]}.{vrid}"),
    "another address, in a subnet of its own": (lambda device, vrid, own: f"10.{40 + int(device[3])}.{vrid}.1/24",
                                                lambda device, vrid, own: f"10.{50 + int(device[3])}.{vrid}.1/24"),
}


def buckets(host):
    """{bound in seconds: adverts no later than that}."""
    return {float(dict(labels)["le"]): count for (name, labels), count in control.metrics(host).items()
            if name == "vrrpd_advert_lateness_seconds_bucket"}


def worst_lateness(before, after):
    """The bound that no advert in between exceeded."""
    met = lambda bound: after[bound] - before[bound] == after[max(after)] - before[max(after)]
    return next(filter(met, sorted(after)), float("nan"))


class Reloads:
    def __init__(self, pair):
        self._pair = pair
        self._host = pair.hosts[0]

    def measure(self, text):
        """(ms that the daemon said it took, ms between two adverts of one instance at the most, bound of the lateness)."""
        daemon, load = self._pair.active, self._pair.load
        daemon.configure(text)
        watch = Watch(self._pair.lan.switch, self._host.port)
        try:
            before, mark = buckets(self._host), daemon.log.mark()
            daemon.process.send_signal(signal.SIGHUP)
            said = daemon.process.wait_for_line(r"reloaded: instances changed=(\d+) .* took ([\d.]+) ms", PATIENCE_S, mark)
            time.sleep(CALM_S)
            late = worst_lateness(before, buckets(self._host))
            gap = self.longest_gap(watch)
        finally:
            watch.close()
        if int(said[1]) not in (0, load.instances):
            raise AssertionError(f"{said[1]} instances changed")
        return float(said[2]), gap / 1e6, late

    def longest_gap(self, watch):
        """Nanoseconds, of all instances on the link."""
        times = collections.defaultdict(list)
        for one in watch.adverts():
            times[one.vrid].append(one.time_ns)
        if len(times) != self._pair.load.per_link:
            raise AssertionError(f"adverts of {len(times)} instances")
        return max(later - one for each in times.values() for one, later in zip(each, each[1:]))


def run(pair, rounds):
    failures = 0
    print(f"| {pair.load}: each has | protocol thread busy, ms | between two adverts, ms | no advert later than, s "
          "| transitions |\n|---|---|---|---|---|")
    reloads = Reloads(pair)
    for title, (first, second) in CHANGES.items():
        reloads.measure(text_of(pair.load, first))
        marks = pair.marks()
        seen = [reloads.measure(text_of(pair.load, each)) for _ in range(rounds) for each in (second, first)]
        changes = pair.changes_since(marks)
        failures += changes
        took, gap, late = (max(column) for column in zip(*seen))
        print(f"| {title} | {took:.1f} | {gap:.0f} | {late:g} | {changes} |", flush=True)
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--per-link", type=int, default=250)
    arguments = parser.parse_args()
    build = pathlib.Path(arguments.build).resolve()
    folder = build / f"bench-reload-{time.strftime('%Y%m%d-%H%M%S')}"
    load = Load(links=4, per_link=arguments.per_link, interval_ms=100)
    with FleetPair(folder, build / "vrrpd" / "vrrpd", load, "vrrpd", "vrrpd") as pair:
        pair.start()
        return 1 if run(pair, arguments.rounds) else 0
