"""How long a service is away while the daemon is replaced: with the daemon's own child, and with a unit of systemd."""

import statistics

from tests.lan.virtual_lan import Lan
from tests.systemd import units
from tests.systemd.pair import AS_COMMAND, AS_UNIT, Pair
from tests.systemd.rows import replace_the_daemon

TITLES = (("command", AS_COMMAND), ("unit", AS_UNIT))
HEAD = "| nutcracker is kept as | `systemctl restart vrrpd`: longest gap of the client, median / worst of {} | the address stayed |"


def measure(folder, prober, install, times, show):
    """How many times the address left the host, or the client was left without answers; `show` gets lines of Markdown."""
    failed = 0
    show(HEAD.format(times) + "\n|---|---|---|")
    for title, proxy in TITLES:
        with Lan(folder / title) as lan, Pair(lan, prober, install, proxy=proxy) as pair:
            pair.boot()
            if proxy is AS_UNIT:
                units.allow(pair)
            pair.settle()
            seen = [pair.measure(lambda: replace_the_daemon(pair), pair.a) for _ in range(times)]
        gaps = [one.gap_s * 1000 for one in seen if one.gap_s is not None]
        stayed = sum(not one.lost and one.shared_s == 0 for one in seen)
        failed += 2 * times - len(gaps) - stayed
        told = f"{statistics.median(gaps):.0f} / {max(gaps):.0f} ms" if gaps else "no end"
        show(f"| `{title}` | {told} | {stayed} of {times} |")
    return failed
