"""What the Debian package promises besides the program: no start before there is a configuration, and no traces."""

import pathlib
import subprocess

from tests.lan.watched import NotSeen
from tests.systemd.machines import Machines
from tests.systemd.pair import install_package


def make_newer(package, folder):
    """The same with a higher version, and another sample of vrrpd.ini."""
    tree = folder / "newer"
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    with open(tree / "etc/vrrpd/vrrpd.ini", "a", encoding="utf-8") as sample:
        sample.write("# Newer.\n")
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


def _keeps_what_was_configured(upgrade):
    def check(machine):
        file = machine.root / "etc/vrrpd/vrrpd.ini"
        machine.run("chmod", "0600", "/etc/vrrpd/vrrpd.ini")
        mine = file.read_text(encoding="utf-8") + "# Mine.\n"
        file.write_text(mine, encoding="utf-8")
        upgrade(machine)
        told = machine.run("stat", "-c", "%a", "/etc/vrrpd/vrrpd.ini").strip()
        if file.read_text(encoding="utf-8") != mine or told != "600":
            raise NotSeen(f"an upgrade has changed it, mode {told}")
        if not file.with_name("vrrpd.ini.dpkg-dist").exists():
            raise NotSeen("the newer sample is not beside it")
        machine.systemctl("enable", "vrrpd")  # a purge takes that back as well
        machine.run("dpkg", "--remove", "vrrpd")
        if not file.exists():
            raise NotSeen("a removal has taken it along")
    return check


def _leaves_nothing(before):
    def check(machine):
        machine.run("dpkg", "--purge", "vrrpd", timeout=120)
        left = _files(machine) - before
        users = [line for line in machine.run("getent", "passwd").splitlines() if line.startswith("vrrpd")]
        if left or users:
            raise NotSeen(f"left after a purge: {sorted(left)} {users}")
    return check


def check(lan, package, upgrade, show):
    """How many promises are not kept; `show(title, what is wrong)` is told of each."""
    failed = 0
    with Machines(lan) as machines:
        machine = machines.add("fresh", "192.168.30.77", {})
        machine.boot()
        before = _files(machine)
        install_package(package)(machine)
        for title, promise in (("unconfigured: not started; a start says why, once", _is_not_started_unconfigured),
                               ("vrrpd.ini is read by the daemon only", _keeps_its_secrets),
                               ("vrrpd.ini stays as it is over an upgrade and a removal", _keeps_what_was_configured(upgrade)),
                               ("a purge leaves nothing", _leaves_nothing(before))):
            wrong = []
            try:
                promise(machine)
            except (NotSeen, OSError) as error:
                wrong.append(str(error))
            failed += bool(wrong)
            show(title, wrong)
    return failed
