"""The benchmark's table, and the bars that vrrpd has to meet."""

import dataclasses
import statistics

from tests.bench.measured import ACTIVE_DOWN_S, Run


@dataclasses.dataclass
class Row:
    """All runs of one fault by one contender. `kind`: the fault's name, or return, or stay."""
    kind: str
    title: str
    contender: str
    runs: list
    failures: list

    def gaps(self):
        return [run.gap for run in self.runs]

    def advert_errors(self):
        """How far the first advert of the new master was from the Active_Down_Interval, in seconds."""
        return [run.advert_gap - ACTIVE_DOWN_S for run in self.runs if run.advert_gap is not None]

    def missed(self):
        """The bars that vrrpd did not meet, as sentences; keepalived has none."""
        if not self.contender.startswith("vrrpd"):
            return []
        if not self.runs:
            return ["no run came to its end"]
        median, worst = statistics.median(self.gaps()), max(self.gaps())
        wrong = [f"{len(self.failures)} runs broke off"] if self.failures else []
        if self.kind in ("killed", "stopped"):
            bar = 0.06 if self.kind == "killed" else 0.05
            wrong += [f"median over {bar} s"] if median > bar else []
            wrong += ["worst over 0.15 s"] if worst > 0.15 else []
        elif self.kind == "hung":
            wrong += ["worst over 1.3 s"] if worst > 1.3 else []
        elif self.kind == "cut":
            late = max(map(abs, self.advert_errors()), default=1)
            wrong += ["first advert over 20 ms off"] if late > 0.02 else []
            unseen = len(self.runs) - len(self.advert_errors())
            wrong += [f"advert not captured in {unseen} runs"] if unseen else []
            slow = max((run.service_lag for run in self.runs if run.service_lag is not None), default=1)
            wrong += ["client served over 60 ms after the first advert"] if slow > 0.06 else []
            wrong += ["gap over the down interval + 60 ms"] if worst > ACTIVE_DOWN_S + 0.06 else []
        elif self.kind == "return":
            wrong += ["gap over 0.1 s"] if worst > 0.1 else []
            once = all(run.changes == 1 and run.moved for run in self.runs)
            wrong += [] if once else ["did not return exactly once"]
        elif self.kind == "stay":
            wrong += ["something moved"] if any(run.changes != 0 or run.moved for run in self.runs) else []
        if self.kind not in ("return", "stay") and not all(run.moved for run in self.runs):
            wrong.append("did not fail over")
        return wrong

    @staticmethod
    def from_data(data):
        return Row(data["kind"], data["title"], data["contender"], [Run(**run) for run in data["runs"]],
                   data["failures"])

    def as_data(self):
        return {"kind": self.kind, "title": self.title, "contender": self.contender, "missed": self.missed(),
                "runs": [dataclasses.asdict(run) for run in self.runs], "failures": self.failures}


def _milliseconds(seconds):
    return f"{seconds * 1000:.0f}"


def _adverts(row):
    errors = row.advert_errors()
    if not errors:
        return ""
    return f"{min(errors) * 1000:+.1f} .. {max(errors) * 1000:+.1f}"


def _verdict(row):
    missed = row.missed()
    if missed:
        return "MISSED: " + ", ".join(missed)
    if row.contender.startswith("vrrpd"):
        return "met"
    if row.failures:
        return f"{len(row.failures)} runs broke off"
    if row.kind in ("killed", "hung", "stopped", "cut") and not any(run.moved for run in row.runs):
        return "never noticed"
    return ""


def _line(row):
    cells = [row.title, row.contender, str(len(row.runs))]
    if row.runs:
        never = row.kind not in ("return", "stay") and not any(run.moved for run in row.runs)
        prefix = "> " if never else ""
        blocking = [run.blocking_gap for run in row.runs]
        cells += [prefix + _milliseconds(statistics.median(row.gaps())), prefix + _milliseconds(max(row.gaps())),
                  prefix + _milliseconds(statistics.median(blocking)), prefix + _milliseconds(max(blocking))]
    else:
        cells += ["", "", "", ""]
    return "| " + " | ".join([*cells, _adverts(row), _verdict(row)]) + " |"


def markdown(rows, about):
    """Gaps in ms. The advert column: first advert of the new master against the Active_Down_Interval."""
    head = ["what happens on the master", "daemon", "runs", "gap median ms", "worst ms", "blocking client median ms",
            "worst ms", f"first advert - {ACTIVE_DOWN_S:.5f} s, ms", "bar"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *map(_line, rows), "",
             f"{about['keepalived']}; Linux {about['kernel']}, {about['cpus']} CPUs, load {about['load']:.1f} at the "
             f"start; seed {about['seed']}; {about['minutes']} minutes."]
    return "\n".join(lines)
