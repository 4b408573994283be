"""The control socket of a host's daemon, as tests use it."""

import json
import re

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
    """The host's metrics; `value(metrics(host), "vrrpd_adverts_sent_total", instance="VI_1")` picks one."""
    return read_metrics(ask(host, "metrics"))


def value(series, name, **labels):
    return series[name, frozenset(labels.items())]
