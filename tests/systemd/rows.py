"""What is done to a host in the tests of the service, and what must be true after it.

Each row starts with cache-a holding the address and cache-b ready to take over. What the client missed and how long two
hosts had the address is measured for every row; a row itself says who holds the address in the end, and looks at what
only it can know.
"""

import contextlib
import dataclasses
import socket
import time
from typing import Callable

from tests.lan.watched import NotSeen
from tests.systemd.pair import Pair, journal_entries

_SYSLOG = "var/log/syslog"


def _require(condition, sentence):
    if not condition:
        raise NotSeen(sentence)


def _main_pid(machine):
    return machine.show("vrrpd", "MainPID")


def _wait_for_another(machine, pid, timeout=20):
    """Until another daemon runs and is ready."""
    machine.until(lambda: _main_pid(machine) not in (pid, "0") and machine.show("vrrpd", "ActiveState") == "active",
                  timeout, "another daemon")


def _replaced(act):
    """A row's act that must end in another daemon on cache-a."""
    def whole(pair):
        pid = _main_pid(pair.a)
        act(pair)
        _wait_for_another(pair.a, pid)
    return whole


def _kill_all(pair):
    pair.a.systemctl("kill", "--signal=KILL", "vrrpd")


def _watchdog(pair):
    since = len(pair.a.run("journalctl", "--no-pager", "-u", "vrrpd").splitlines())
    pair.a.systemctl("kill", "--signal=STOP", "--kill-whom=main", "vrrpd")
    pair.a.until(lambda: "Watchdog timeout" in "\n".join(
        pair.a.run("journalctl", "--no-pager", "-u", "vrrpd").splitlines()[since:]), 10, "the watchdog's word")


def _stop_memcached(pair):
    pair.a.systemctl("stop", "memcached")


def _start_memcached(pair):
    pair.a.systemctl("start", "memcached")


def _hang_memcached(pair):
    pair.a.systemctl("kill", "--signal=STOP", "memcached")


def _continue_memcached(pair):
    pair.a.systemctl("kill", "--signal=CONT", "memcached")


def _start_daemon(pair):
    pair.a.systemctl("reset-failed", "vrrpd", check=False)
    pair.a.systemctl("start", "vrrpd")


def _reload(pair):
    pid = _main_pid(pair.a)
    pair.a.systemctl("reload", "vrrpd")
    _require(_main_pid(pair.a) == pid, "a reload has replaced the daemon")


def _reboot(name):
    def act(pair):
        machine = getattr(pair, name)
        machine.shut_down("reboot")
        machine.boot()
        machine.wait_for_state("vrrpd", "active")
    return act


def _pull_the_mains(pair):
    """The cable goes with the host: its kernel would live on here."""
    pair.lan.unplug(pair.a.host)
    pair.a.pull_the_mains()


def _boot_without_interface(name):
    """The daemon is up before the interface is."""
    def act(pair):
        machine = getattr(pair, name)
        if machine.leader:
            machine.shut_down("reboot")
            pair.lan.unplug(machine.host)
        machine.boot()
        machine.wait_for_state("vrrpd", "active")
        pair.lan.plug(machine.host)
        machine.until(lambda: "VI_1 BACKUP" in machine.show("vrrpd", "StatusText"), 20, "taking part")
    return act


def _read_logs(pair):
    """What journald and rsyslog made of the failover."""
    entries = journal_entries(pair.b, "VRRP_INSTANCE=VI_1", "VRRP_STATE=MASTER")
    line = "(VI_1) Entering MASTER STATE"
    _require(entries and entries[-1]["MESSAGE"].startswith(line), f"no journal entry {line} with its fields")
    pair.b.until(lambda: line in (pair.b.root / _SYSLOG).read_text(errors="replace"), 10, f"{line} in /{_SYSLOG}")


def _stop_journald(pair):
    for machine in (pair.a, pair.b):
        machine.systemctl("stop", "systemd-journald.socket", "systemd-journald-dev-log.socket",
                          "systemd-journald-audit.socket", "systemd-journald", check=False)
    _stop_memcached(pair)


def _start_journald(pair):
    for machine in (pair.a, pair.b):
        machine.systemctl("start", "systemd-journald.socket", "systemd-journald-dev-log.socket", "systemd-journald")
    _start_memcached(pair)


def _hang_journald(pair):
    for machine in (pair.a, pair.b):
        machine.systemctl("kill", "--signal=STOP", "systemd-journald")
    _stop_memcached(pair)


def _continue_journald(pair):
    for machine in (pair.a, pair.b):
        machine.systemctl("kill", "--signal=CONT", "systemd-journald")
    _start_memcached(pair)


def _fill(machine, *places):
    for place in places:
        machine.run("sh", "-c", f"cat /dev/zero >{place}/filler 2>/dev/null", check=False)
        _require("100%" in machine.run("df", "--output=pcent", place), f"{place} is not full")


def _fill_run(machine):
    machine.run("mount", "-o", "remount,size=16m", "/run")  # it may have a fifth of the memory
    _fill(machine, "/run")


def _fill_disks(pair):
    for machine in (pair.a, pair.b):
        _fill(machine, "/var")
        _fill_run(machine)
    _stop_memcached(pair)


def _free_disks(pair):
    for machine in (pair.a, pair.b):
        machine.run("rm", "-f", "/var/filler", "/run/filler")
    _start_memcached(pair)


def _restart(pair):
    pair.a.systemctl("restart", "vrrpd")


replace_the_daemon = _replaced(_restart)


def _full_disk_and_restart(pair):
    _fill_run(pair.a)
    _restart(pair)


def _out_of_memory(pair):
    """The daemon is put where there is none left; what comes in makes it ask for some."""
    pid = _outer_pid(pair)
    control = f"/proc/{pid}/root/run/vrrpd/control"
    with contextlib.ExitStack() as guests:
        killed = pair.a.starve(int(pid))

        def ask():
            guest = guests.enter_context(socket.socket(socket.AF_UNIX))
            with contextlib.suppress(OSError):
                guest.connect(control)
                guest.sendall(b"x" * 4000)
            return killed()
        pair.a.until(ask, 20, "the kernel's killing for want of memory")


def _upgrade_under_load(pair):
    """Two loads of the processor, and of the disk, while the package is replaced by a newer one."""
    pid = _main_pid(pair.a)
    load = [pair.a.host.start(f"load-{i}", ["sh", "-c", "while :; do :; done"]) for i in range(2)]
    try:
        pair.upgrade(pair.a)
    finally:
        for process in load:
            process.stop()
    _wait_for_another(pair.a, pid)


def _remove(pair):
    pair.a.run("dpkg", "--remove", "vrrpd")


def _install_again(pair):
    pair.install(pair.a)
    pair.a.systemctl("enable", "--now", "vrrpd")


def _restart_with_a_broken_file(pair):
    file = pair.ini(pair.a)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("interface", "interfaze"), encoding="utf-8")
    pair.a.systemctl("restart", "vrrpd", check=False)
    file.write_text(text, encoding="utf-8")
    _require(pair.a.show("vrrpd", "ExecMainStatus") == "2", "a broken file is no reason for exit 2")


def _rights(pair):
    """A script of the daemon has no capability, and cannot get any."""
    status = (pair.a.root.parent.parent / _outer_pid(pair) / "root/tmp/rights").read_text(encoding="ascii")
    words = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        _require(int(words[name], 16) == 0, f"{name} of a script is {words[name].strip()}")
    _require(words["NoNewPrivs"].strip() == "1" and words["Uid"].split()[0] != "0", "a script may become more")


def _outer_pid(pair):
    return str(pair.a.processes("vrrpd")[0])


def _nothing(_pair):
    pass


@dataclasses.dataclass(frozen=True)
class Row:
    """`holder`: who has the address in the end. `stays`: it never moved. `undo` comes after the measurement, and `after`
    before it, while things are as the row left them."""
    title: str
    act: Callable[[Pair], None]
    holder: str = "b"
    stays: bool = False
    after: Callable[[Pair], None] = _nothing
    undo: Callable[[Pair], None] = _nothing
    shared_s: float = 0  # with two holders, where the lease is all that is left


ROWS = (
    Row("nothing", lambda pair: time.sleep(3), "a", stays=True, after=_rights),
    Row("memcached stopped", _stop_memcached, after=_read_logs, undo=_start_memcached),
    Row("memcached hung", _hang_memcached, undo=_continue_memcached),
    Row("nutcracker stopped", lambda pair: pair.a.systemctl("stop", "nutcracker"),
        undo=lambda pair: pair.a.systemctl("start", "nutcracker")),
    Row("nutcracker hung", lambda pair: pair.a.systemctl("kill", "--signal=STOP", "nutcracker"),
        undo=lambda pair: pair.a.systemctl("kill", "--signal=CONT", "nutcracker")),
    Row("systemctl stop", lambda pair: pair.a.systemctl("stop", "vrrpd"), undo=_start_daemon),
    Row("systemctl restart", replace_the_daemon, "a", stays=True),
    Row("systemctl restart with a broken file", _restart_with_a_broken_file, undo=_start_daemon, shared_s=0.5),
    Row("systemctl reload", _reload, "a", stays=True),
    Row("systemctl kill -s KILL --kill-whom=main",
        _replaced(lambda pair: pair.a.systemctl("kill", "--signal=KILL", "--kill-whom=main", "vrrpd")), "a", stays=True),
    Row("systemctl kill -s KILL", _replaced(_kill_all), "a", stays=True),
    Row("out of memory: killed by the kernel", _replaced(_out_of_memory), "a", stays=True),
    Row("systemctl kill -s STOP --kill-whom=main", _replaced(_watchdog), "either"),
    Row("upgrade of the package under load", _upgrade_under_load, "a", stays=True),
    Row("removal of the package", _remove, undo=_install_again),
    Row("journald stopped, then memcached", _stop_journald, undo=_start_journald),
    Row("journald hung, then memcached stopped", _hang_journald, undo=_continue_journald),
    Row("disks full, then memcached stopped", _fill_disks, undo=_free_disks),
    Row("/run full, then systemctl restart", _replaced(_full_disk_and_restart), "either", undo=_free_disks),
    Row("reboot of the master", _reboot("a")),
    Row("reboot of the backup", _reboot("b"), "a", stays=True),
    Row("reboot of the master, whose interface comes late", _boot_without_interface("a")),
    Row("reboot of the backup, whose interface comes late", _boot_without_interface("b"), "a", stays=True),
    Row("mains pulled", _pull_the_mains, undo=_boot_without_interface("a")),
)
