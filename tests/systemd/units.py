"""nutcracker.service in the hands of vrrpd (`unit = nutcracker.service`): systemd keeps it, and polkit says who may ask.

What is promised, on two booted hosts; each promise begins with cache-a holding the address and serving.
"""

import pathlib
import subprocess
import time

from tests.lan.watched import NotSeen
from tests.systemd.pair import AS_UNIT, VIP, Pair

_RULE = pathlib.Path(__file__).resolve().parents[2] / "systemd/50-vrrpd.rules"
_UNIT = "nutcracker.service"


def _require(condition, sentence):
    if not condition:
        raise NotSeen(sentence)


def _journal(machine):
    return machine.run("journalctl", "--boot", "--no-pager", "-u", "vrrpd")


def _said(machine, words, before=0, timeout=20):
    """Waits until the daemon says it more often than `before` times."""
    machine.until(lambda: _journal(machine).count(words) > before, timeout, words)


def _set_rule(pair, verbs='["start", "stop", "kill"]'):
    """Our example of a rule, or one with other verbs."""
    text = _RULE.read_text(encoding="utf-8")
    _require('["start", "stop", "kill"]' in text, f"{_RULE} has other verbs")
    for machine in pair.machines:
        place = machine.root / "etc/polkit-1/rules.d/50-vrrpd.rules"
        place.write_text(text.replace('["start", "stop", "kill"]', verbs), encoding="utf-8")
        place.chmod(0o644)
        machine.systemctl("restart", "polkit")  # it would read it by itself, but when?


def allow(pair):
    """From now on the daemons may start and stop the unit."""
    _set_rule(pair)
    for machine in pair.machines:
        machine.systemctl("restart", "vrrpd")  # rather than wait for the end of fault_hold


def _pid(machine):
    """Of the unit's main process, "0": there is none."""
    return machine.show(_UNIT, "MainPID")


def _serves(machine):
    return machine.show(_UNIT, "ActiveState") == "active"


def _stops(machine):
    machine.until(lambda: _pid(machine) == "0", 10, f"{_UNIT} has stopped")


def _is_where_the_address_is(pair):
    _require(_serves(pair.a), f"{_UNIT} does not run on the holder")
    _require(_pid(pair.b) == "0", f"{_UNIT} runs on the host without the address")
    _require(pair.a.show(_UNIT, "NRestarts") == "0", "somebody restarts it besides us")


def _keeps_its_pid_over(*words):
    def check(pair):
        unit, daemon = _pid(pair.a), pair.a.show("vrrpd", "MainPID")
        adopted = _journal(pair.a).count('reason="adopted')
        pair.a.systemctl(*words, "vrrpd")
        _said(pair.a, 'reason="adopted', adopted)
        _require(pair.a.show("vrrpd", "MainPID") != daemon, "it is the same daemon")
        pair.lan.wait_for_holder(VIP, pair.a.host, 5)
        _require(_pid(pair.a) == unit, f"{_UNIT} was {unit}, is {_pid(pair.a)}")
    return check


def _is_restarted_in_place(pair):
    unit, restarted = _pid(pair.a), _journal(pair.a).count("Service(nutcracker) restarted")
    pair.a.systemctl("kill", "--signal=KILL", _UNIT)
    pair.a.until(lambda: _pid(pair.a) not in (unit, "0"), 10, f"another {_UNIT}")
    _said(pair.a, "Service(nutcracker) restarted", restarted)
    _require(pair.lan.holders(VIP) == [pair.a.name], "the address has moved")


def _stops_on_demotion(pair):
    pair.a.systemctl("stop", "vrrpd")
    pair.lan.wait_for_holder(VIP, pair.b.host, 10)
    pair.b.until(lambda: _serves(pair.b), 10, f"{_UNIT} runs")
    _stops(pair.a)
    pair.a.systemctl("start", "vrrpd")


def _stops_what_was_left_running(pair):
    pair.b.systemctl("stop", "vrrpd")
    pair.b.systemctl("start", _UNIT)
    pair.b.systemctl("start", "vrrpd")
    _stops(pair.b)


def _is_a_fault_when_broken(pair):
    faults = _journal(pair.a).count('Entering FAULT STATE reason="service nutcracker: ')
    pair.a.run("sh", "-c", f"mkdir -p /run/systemd/system/{_UNIT}.d && cd /run/systemd/system/{_UNIT}.d && "
               "printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' >broken.conf && systemctl daemon-reload")
    try:
        pair.a.systemctl("kill", "--signal=KILL", _UNIT)
        pair.lan.wait_for_holder(VIP, pair.b.host, 20)
        _said(pair.a, 'Entering FAULT STATE reason="service nutcracker: ', faults)
        pair.b.until(lambda: _serves(pair.b), 10, f"{_UNIT} runs")
    finally:
        pair.a.run("sh", "-c", f"rm -r /run/systemd/system/{_UNIT}.d && systemctl daemon-reload")


def _runs_on_where_polkit_refuses_to_stop_it(pair):
    _set_rule(pair, '["start"]')
    unit = _pid(pair.a)
    begun = time.monotonic()
    pair.a.systemctl("stop", "vrrpd")
    _require(time.monotonic() - begun < 8, "the daemon waited for it until systemd ended it")
    pair.lan.wait_for_holder(VIP, pair.b.host, 10)
    for words in (f"{_UNIT} cannot be stopped, and counts as running: ", "Service(nutcracker) is left running"):
        _require(words in _journal(pair.a), f"the journal has no line {words}")
    _require(_pid(pair.a) == unit, "it was stopped all the same")
    _require(pair.a.show("vrrpd", "Result") == "success", f"the daemon's end: {pair.a.show('vrrpd', 'Result')}")
    _set_rule(pair)
    pair.a.systemctl("start", "vrrpd")
    _stops(pair.a)


def _is_refused_without_polkit(pair):
    pair.b.run("dpkg", "--purge", "--force-depends", "polkitd")
    pair.b.systemctl("restart", "vrrpd", check=False)
    pair.b.wait_for_state("vrrpd", "failed")
    status = pair.b.show("vrrpd", "ExecMainStatus")
    words = f"unit: {_UNIT} cannot be started: this is not root, and there is no polkit to allow it (package polkitd)"
    _require(status == "2" and words in _journal(pair.b), f"exit {status}, and this in the journal:\n{_journal(pair.b)}")


def _is_a_fault_without_a_rule(pair):
    for machine in pair.machines:
        _said(machine, f"{_UNIT} cannot be started: ")
        _said(machine, 'Entering FAULT STATE reason="service nutcracker: ')
    allow(pair)


# The first makes the state that the others begin with, and the last ends it.
PROMISES = (
    ("polkit has no rule for it: a FAULT, and why", _is_a_fault_without_a_rule),
    ("it runs where the address is, and there only", _is_where_the_address_is),
    ("systemctl restart vrrpd: the same process", _keeps_its_pid_over("restart")),
    ("the daemon and its guard killed: the same process", _keeps_its_pid_over("kill", "--signal=KILL")),
    ("killed: another one in its place", _is_restarted_in_place),
    ("demotion: stopped here, started there", _stops_on_demotion),
    ("started by somebody else on the standby: stopped when the daemon starts", _stops_what_was_left_running),
    ("cannot run: FAULT, and the other host serves", _is_a_fault_when_broken),
    ("polkit refuses to stop it: said, the address moves, the daemon ends", _runs_on_where_polkit_refuses_to_stop_it),
    ("no polkit: the daemon refuses to start, with a sentence", _is_refused_without_polkit),
)


def check(lan, prober, install, show):
    """How many promises are not kept; `show(title, what is wrong)` is told of each."""
    failed = 0
    with Pair(lan, prober, install, proxy=AS_UNIT) as pair:
        pair.boot()
        for number, (title, promise) in enumerate(PROMISES):
            wrong = []
            try:
                if number > 0:
                    pair.settle()
                promise(pair)
            except (NotSeen, OSError, subprocess.TimeoutExpired) as error:
                wrong.append(str(error))
            failed += bool(wrong)
            show(title, wrong)
    return failed
