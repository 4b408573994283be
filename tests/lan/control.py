"""The control socket of a host's daemon, as tests use it."""

import dataclasses
import json
import re

from tests.lan.settings import VRRPCTL

CONTROL_SOCKET = "/run/vrrpd/control"

# Runs inside the host, whose file system holds the socket.
_ASK = """
import socket, sys
with socket.socket(socket.AF_UNIX) as control:
    control.settimeout(10)
    control.connect(sys.argv[1])
    control.sendall(sys.argv[2].encode() + b"\\n")
    with control.makefile("rb") as answer:
        for line in answer:
            sys.stdout.buffer.write(line)
            if b',"more":true}' not in line[-20:]:
                break
"""

_SERIES = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)')
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


class Refused(Exception):
    """The daemon's error, in its words."""


def ask(host, command, *arguments, path=CONTROL_SOCKET):
    """The text of the answer."""
    request = {"version": 1, "command": command, "arguments": list(arguments)}
    lines = host.run(["python3", "-c", _ASK, path, json.dumps(request)]).splitlines()
    pieces = [json.loads(line) for line in lines]
    if not pieces[-1]["ok"]:
        raise Refused(pieces[-1]["error"])
    return "".join(piece["text"] for piece in pieces)


def read_metrics(text):
    """`{(name, frozenset of (label, value)): number}` of Prometheus text."""
    metrics = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, number = _SERIES.fullmatch(line).groups()
        pairs = ((label, _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], value))
                 for label, value in _LABEL.findall(labels or ""))
        metrics[name, frozenset(pairs)] = float(number)
    return metrics


def metrics(host):
    """The host's metrics; `value(metrics(host), "vrrpd_adverts_sent_total", vrrp_instance="VI_1")` picks one."""
    return read_metrics(ask(host, "metrics"))


def value(series, name, **labels):
    return series[name, frozenset(labels.items())]


@dataclasses.dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


_MARK = "-- vrrpctl"


def vrrpctl(host, *arguments, timeout=20):
    """Runs vrrpctl on the host to its end."""
    script = f'errors=$("$@" 2>&1 >&3); code=$?; printf "%s%s\\n%s" "{_MARK}" "$code" "$errors"'
    words = host.run(["sh", "-c", f"{{ {script}; }} 3>&1", "sh", VRRPCTL, *arguments], timeout=timeout)
    out, _, rest = words.rpartition(_MARK)
    code, _, errors = rest.partition("\n")
    return Outcome(int(code), out, errors)


def on_a_terminal(host, *arguments, columns=80, rows=24, environment=""):
    """What vrrpctl writes to a terminal of that size."""
    command = f"stty cols {columns} rows {rows}; {environment} exec {VRRPCTL} {' '.join(arguments)}"
    return host.run(["script", "-qec", command, "/dev/null"]).replace("\r\n", "\n")


def status(host, *names):
    """The document of `status --json`."""
    return json.loads(ask(host, "status", *names))
