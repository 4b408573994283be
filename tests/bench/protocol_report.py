"""The protocol benchmark's table, and the bars that vrrpd has to meet."""

import dataclasses
import math

from tests.bench.fleet import LEASELESS

BARE_SPREAD = "bare: a batch each ms, read at once"
BARE_BATCHED = "bare: one batch a link, read after 1 ms"
DAEMONS = ("vrrpd", "keepalived")
COLUMNS = (*DAEMONS, LEASELESS, BARE_SPREAD, BARE_BATCHED)
ACTIVE_BAR, LEASELESS_BAR, BACKUP_BAR, SIZE_BAR = 0.5, 0.4, 0.5, 1.0  # parts of keepalived's CPU, and of its memory
TAKEOVER_BAR_S = 0.002


def words_of(place):
    """Of a place in the results: its table, its load if it has one, and the kinds of the two daemons."""
    *words, kinds = place
    return ", ".join([*map(str, words), kinds if isinstance(kinds, str) else " and ".join(dict.fromkeys(kinds))])


def _is_crossed(place):
    return place[0] == "costs" and len(set(place[-1])) > 1


@dataclasses.dataclass
class Results:
    """What was not asked for, or broke off, is missing."""
    costs: dict = dataclasses.field(default_factory=dict)  # by load, then by (kind of the Active, of the Backup)
    storms: dict = dataclasses.field(default_factory=dict)  # by kind
    takeovers: dict = dataclasses.field(default_factory=dict)  # by kind
    failures: list = dataclasses.field(default_factory=list)  # (place, why)
    given_up: set = dataclasses.field(default_factory=set)  # places of which a turn never came to its end
    turns: dict = dataclasses.field(default_factory=dict)  # all costs of a pair, by place; above is their middle

    def put(self, place, result):
        field, *keys = place
        table = getattr(self, field)
        for key in keys[:-1]:
            table = table.setdefault(key, {})
        if field == "costs":
            self.turns.setdefault(place, []).append(result)
            result = type(result).middle(self.turns[place])
        table[keys[-1]] = result

    def as_data(self):
        return {"costs": {str(load): list(map(dataclasses.asdict, pairs.values()))
                          for load, pairs in self.costs.items()},
                "turns": [[words_of(place), list(map(dataclasses.asdict, costs))] for place, costs in self.turns.items()],
                "storms": {kind: dataclasses.asdict(result) for kind, result in self.storms.items()},
                "takeovers": {kind: dataclasses.asdict(result) for kind, result in self.takeovers.items()},
                "failures": [[words_of(place), why] for place, why in self.failures]}


@dataclasses.dataclass
class Line:
    """`cells`: text by column. `bar` in words where there is one, `figure` what it was."""
    title: str
    cells: dict
    bar: str = ""
    figure: str = ""
    missed: bool = False

    def as_data(self):
        return dataclasses.asdict(self)

    def markdown(self):
        verdict = ("MISSED" if self.missed else "met") if self.bar else ""
        return "| " + " | ".join([self.title, *(self.cells.get(column, "") for column in COLUMNS), self.bar,
                                  self.figure, verdict]) + " |"


def _against_keepalived(title, values, scale, bar, ours="vrrpd"):
    """`values` by column; that of `ours` may be `bar` times keepalived's."""
    cells = {column: f"{value * scale:.1f}" for column, value in values.items()}
    if ours not in values or "keepalived" not in values or bar is None:
        return Line(title, cells)
    ratio = values[ours] / values["keepalived"]
    return Line(title, cells, f"<= {bar} x keepalived", f"{ratio:.2f}", ratio > bar)


def _bar(bar, figure, missed):
    return {"bar": bar, "figure": figure, "missed": missed}


def _lines_of_costs(load, pairs):
    own = {active: pair for (active, backup), pair in pairs.items() if active == backup}
    crossed = {active: pair for (active, backup), pair in pairs.items() if active != backup}

    def each(field):
        return {kind: getattr(pair, field) for kind, pair in own.items()}

    yield _against_keepalived(f"{load}: Active, CPU % of a core", each("active_cpu"), 100, ACTIVE_BAR)
    yield _against_keepalived("the same without leases, CPU %", each("active_cpu"), 100, LEASELESS_BAR, LEASELESS)
    yield _against_keepalived("Backup, CPU %", each("backup_cpu"), 100, BACKUP_BAR)
    yield Line("whole machine idle meanwhile, %", {kind: f"{idle * 100:.1f}" for kind, idle in each("idle").items()})
    rates = {kind: f"{rate:.0f}" for kind, rate in each("adverts_per_s").items()}
    if "vrrpd" not in own:
        yield Line("adverts a second", rates)
        return
    rate = own["vrrpd"].adverts_per_s / load.adverts_per_s
    yield Line("adverts a second", rates, **_bar("all, +- 1 %", f"{rate:.3f}", abs(rate - 1) > 0.01))
    yield _against_keepalived("Active beside the other's Backup, CPU %",
                              {kind: pair.active_cpu for kind, pair in crossed.items()}, 100, None)
    yield _against_keepalived("Backup beside the other's Active, CPU %",
                              {pair.backup_kind: pair.backup_cpu for pair in crossed.values()}, 100, None)
    changes = own["vrrpd"].changes
    yield Line("changes of role meanwhile", {kind: str(own[kind].changes) for kind in own if kind in DAEMONS},
               **_bar("0", str(changes), changes > 0))
    yield Line("changes of role beside the other's Backup", {kind: str(one.changes) for kind, one in crossed.items()})
    for role in ("Active", "Backup"):
        sizes = {kind: size for kind, size in each(f"{role.lower()}_pss").items() if kind in DAEMONS}
        yield _against_keepalived(f"{role}, proportional set size, MB", sizes, 1e-6,
                                  SIZE_BAR if load.instances >= 1000 else None)


def _lines_of_storms(storms):
    if "vrrpd" not in storms:
        return
    changes, heard = storms["vrrpd"].changes, storms["vrrpd"].adverts
    yield Line("250 instances, 20 ms, 8 busy loops: takeovers nobody asked for",
               {kind: str(one.changes) for kind, one in storms.items()},
               **_bar("0", str(changes), changes > 0 or heard == 0))
    yield Line("adverts over 5 ms late", {kind: f"{one.late} of {one.adverts}" for kind, one in storms.items()})
    yield Line("longest time between two adverts, ms",
               {kind: f"{one.worst_gap * 1000:.1f}" for kind, one in storms.items()})
    yield Line("real-time scheduling", {kind: "yes" if one.realtime else "no" for kind, one in storms.items()},
               **_bar("both", "", not all(one.realtime for one in storms.values())))


def quantile(values, part):
    """The smallest value that at least this part of all do not exceed."""
    return sorted(values)[math.ceil(part * len(values)) - 1] if values else math.inf


def _lines_of_takeovers(takeovers):
    if "vrrpd" not in takeovers:
        return
    off = {kind: list(map(abs, one.errors)) for kind, one in takeovers.items()}
    seen, wanted = len(off["vrrpd"]), takeovers["vrrpd"].wanted
    yield Line("takeovers from a silent Active, 100 ms", {kind: str(len(one)) for kind, one in off.items()},
               **_bar(f"all {wanted}", str(seen), seen < wanted))
    p99 = quantile(off["vrrpd"], 0.99)
    for name, part in (("median", 0.5), ("p99", 0.99), ("worst", 1)):
        cells = {kind: f"{quantile(one, part) * 1000:.3f}" for kind, one in off.items()}
        bar = _bar("<= 2 ms", f"{p99 * 1000:.3f}", p99 > TAKEOVER_BAR_S) if name == "p99" else {}
        yield Line(f"first advert, off the Active_Down_Interval: {name}, ms", cells, **bar)
    yield Line("a bare real-time thread on each core meanwhile: over 2 ms late, % of its wake-ups",
               {kind: f"{100 * len(one.overslept_ms) / one.wakes:.2f}" for kind, one in takeovers.items()})
    yield Line("the latest of them, ms",
               {kind: f"{max(one.overslept_ms, default=0):.2f}" for kind, one in takeovers.items()})


def lines_of(results):
    lines = [line for load, pairs in results.costs.items() for line in _lines_of_costs(load, pairs)]
    lines += [*_lines_of_storms(results.storms), *_lines_of_takeovers(results.takeovers)]
    for place, why in results.failures:
        # A crossed pair has no bar: it may be keepalived that does not keep its role.
        missed = not _is_crossed(place) and place in results.given_up
        bar = _bar("comes to its end", "", True) if missed else {}
        lines.append(Line(f"broke off: {words_of(place)}: {' '.join(why.split())[:200]}", {}, **bar))
    return lines


def markdown(lines, about):
    head = ["", *COLUMNS, "bar", "vrrpd", ""]
    return "\n".join([
        "| " + " | ".join(head) + " |", "|" + "---|" * len(head), *(line.markdown() for line in lines), "",
        f"{about['keepalived']}; Linux {about['kernel']}, {about['cpus']} CPUs, load {about['load']:.1f} at the start; "
        f"seed {about['seed']}; {about['minutes']} minutes."])
