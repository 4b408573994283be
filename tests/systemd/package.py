"""What the Debian package promises besides the program: no start before there is a configuration, and no traces."""

import pathlib
import subprocess

from tests.lan.watched import NotSeen
from tests.systemd.machines import Machines
from tests.systemd.pair import install_package


def make_newer(package, folder):
    """The same with a higher version."""
    tree = folder / "newer"
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    control = tree / "DEBIAN/control"
    text = control.read_text(encoding="utf-8")
    version = next(line for line in text.splitlines() if line.startswith("Version: "))
    control.write_text(text.replace(version, f"{version}+newer"), encoding="utf-8")
    newer = folder / pathlib.Path(package).name.replace("_", "_newer-", 1)
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, newer], check=True, stdout=subprocess.DEVNULL)
    return newer


def _files(machine):
    """All that is on the machine's disk, but for logs and what dpkg and the journal keep of everything."""
    return set(machine.run("find", "/etc", "/usr", "/lib", "/var", "/run", "-xdev", "-not", "-path", "/var/log/*",
                           "-not", "-path", "/var/lib/dpkg/*", "-not", "-path", "/var/cache/*", "-not", "-path", "/var/tmp/*",
                           "-name", "*vrrpd*", check=False).splitlines())


def _is_not_started_unconfigured(machine):
    state = machine.systemctl("is-active", "vrrpd", check=False).strip()
    if state != "inactive":
        raise NotSeen(f"after its installation the unit is {state}")
    machine.systemctl("start", "vrrpd", check=False)
    machine.wait_for_state("vrrpd", "failed")
    status, restarts = machine.show("vrrpd", "ExecMainStatus"), machine.show("vrrpd", "NRestarts")
    journal = machine.run("journalctl", "--no-pager", "-u", "vrrpd")
    if (status, restarts) != ("2", "0") or "there is no instance, write [vrrp_instance NAME]" not in journal:
        raise NotSeen(f"exit {status}, {restarts} restarts, and this in the journal:\n{journal}")


def _keeps_its_secrets(machine):
    told = machine.run("stat", "-c", "%A %U %G", "/etc/vrrpd/vrrpd.ini").strip()
    if told != "-rw-r----- root vrrpd":
        raise NotSeen(f"/etc/vrrpd/vrrpd.ini is {told}")


def _leaves_nothing(before):
    def check(machine):
        machine.run("dpkg", "--purge", "vrrpd", timeout=120)
        left = _files(machine) - before
        users = [line for line in machine.run("getent", "passwd").splitlines() if line.startswith("vrrpd")]
        if left or users:
            raise NotSeen(f"left after a purge: {sorted(left)} {users}")
    return check


def check(lan, package):
    """How many promises are not kept; each is a line."""
    failed = 0
    with Machines(lan) as machines:
        machine = machines.add("fresh", "192.168.30.77", {})
        machine.boot()
        before = _files(machine)
        install_package(package)(machine)
        for title, promise in (("unconfigured: not started; a start says why, once", _is_not_started_unconfigured),
                               ("vrrpd.ini is read by the daemon only", _keeps_its_secrets),
                               ("a purge leaves nothing", _leaves_nothing(before))):
            wrong = ""
            try:
                promise(machine)
            except (NotSeen, OSError) as error:
                failed += 1
                wrong = f": NO, {error}"
            print(f"- {title}{wrong}", flush=True)
    return failed
