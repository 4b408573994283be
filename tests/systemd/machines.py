"""Hosts of a virtual LAN that are booted: each runs a real systemd, with journald, rsyslog and what Debian has installed.

    with Lan(folder) as lan, Machines(lan) as machines:
        a = machines.add("cache-a", "192.168.30.10", files={"etc/vrrpd/vrrpd.ini": text})
        a.boot()
        a.systemctl("start", "vrrpd")

systemd-nspawn runs over an overlay of this machine's `/`, within the namespaces of a `Host`, so that network, links
and addresses are those of the LAN also while the machine is down, and everything ends with this program. Only control
groups have a name that others see; a process of its own removes them when we have ended, however that was.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

from tests.lan.watched import NotSeen

DISK = "300m"
BOOT_S = 60
_CGROUPS = pathlib.Path("/sys/fs/cgroup")
# What else this machine has enabled is no business of the test's, nor FRR's taking the log of a vrrpd for its own.
ENABLED = ("memcached.service", "nutcracker.service", "rsyslog.service")

_MOUNT_CGROUPS = """
set -e
if [ {legacy} = yes ]; then
    mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
    mkdir /sys/fs/cgroup/systemd /sys/fs/cgroup/unified
    mount -t cgroup -o none,name=systemd,xattr cgroup /sys/fs/cgroup/systemd
    mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
else
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
"""

_MAKE_ROOT = """
set -e
mkdir /run/machine
mount -t tmpfs -o size={disk},mode=755 tmpfs /run/machine
cd /run/machine
mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
cd root
rm -rf etc/systemd/system/*.wants etc/fstab usr/sbin/policy-rc.d var/log/journal var/log/syslog etc/rsyslog.d/*frr*
mkdir -p etc/systemd/system/multi-user.target.wants var/log/journal
for unit in {enabled}; do
    ln -s /lib/systemd/system/$unit etc/systemd/system/multi-user.target.wants/
done
echo {name} >etc/hostname
tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
cp -r --no-preserve=ownership {files}/. .
"""


def _is_legacy():
    return (_CGROUPS / "systemd").is_dir()


def _cgroup_folders(name):
    return [_CGROUPS / kind / name for kind in ("systemd", "unified")] if _is_legacy() else [_CGROUPS / name]


def _memory_folder(name):
    return (_CGROUPS / "memory" if _is_legacy() else _CGROUPS) / name


def _remove_cgroups(folders, patience):
    """Once nobody is in them any more."""
    end = time.monotonic() + patience
    while any(folder.exists() for folder in folders) and time.monotonic() < end:
        for folder in folders:
            for below, _, _ in os.walk(folder, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(below)
        time.sleep(0.05)


def _kills(file):
    return int(dict(line.split() for line in file.read_text(encoding="ascii").splitlines())["oom_kill"])


class _Janitor:
    """A process that lives as long as we do, and then removes our control groups."""

    def __init__(self, folders):
        end, self._alive = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            try:
                os.setsid()
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                os.closerange(0, end)
                os.closerange(end + 1, os.sysconf("SC_OPEN_MAX"))
                os.read(end, 1)
                _remove_cgroups(folders, 20)
            finally:
                os._exit(0)
        os.close(end)

    def close(self):
        os.close(self._alive)
        os.waitpid(self._process, 0)


class Machine:
    """A `Host` with a system of its own. What the LAN asks of a host goes to `host`."""

    def __init__(self, host, cgroup, files, enabled):
        self.host = host
        self.name = host.name
        self._cgroup = f"{cgroup}/{host.name}"
        self._nspawn = None
        self.leader = None
        host.run(["sh", "-c", _MOUNT_CGROUPS.format(legacy="yes" if _is_legacy() else "no")])
        staged = host.folder / "files"
        staged.mkdir()
        for place, content in files.items():
            path = staged / place
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, pathlib.Path):
                shutil.copy(content, path)
            else:
                path.write_text(content, encoding="utf-8")
        host.run(["sh", "-c", _MAKE_ROOT.format(disk=DISK, enabled=" ".join(enabled), name=self.name, files=staged)])

    def boot(self):
        """Until systemd has started all that is enabled."""
        enter = " && ".join(f"mkdir -p {place} && echo $$ >{place}/cgroup.procs"
                            for place in _cgroup_folders(self._cgroup))
        nspawn = ("exec systemd-nspawn --register=no --keep-unit --boot --quiet --directory=/run/machine/root "
                  f"--machine={self.name} --capability=CAP_NET_ADMIN,CAP_IPC_LOCK --link-journal=no --resolv-conf=off "
                  "--timezone=off --console=pipe")
        self._nspawn = self.host.start("console", ["sh", "-c", f"{enter} && {nspawn}"])
        self._wait_until_up()

    def _wait_until_up(self):
        end = time.monotonic() + BOOT_S
        while (leader := self._find_leader()) is None:
            self._require_time(end, "has no first process")
        self.leader = leader
        while (state := self._try(["systemctl", "is-system-running"])) not in ("running", "degraded"):
            self._require_time(end, f"is {state or 'not there'}")

    def _require_time(self, end, what):
        if time.monotonic() > end or not self._nspawn.running():
            raise NotSeen(f"{self.name} {what}; its console:\n" + "\n".join(self._nspawn.log.lines()[-20:]))
        time.sleep(0.05)  # nothing tells when

    def _find_leader(self):
        """The first process of the machine, as we see it: the one child of nspawn that is systemd by now."""
        children = pathlib.Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
        with contextlib.suppress(OSError):
            for pid in children.read_text(encoding="ascii").split():
                if pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip() == "systemd":
                    return int(pid)
        return None

    def _enter(self, argv):
        # Where this program runs in a chroot, the machine's root is not the one of its namespace.
        return ["nsenter", "-t", str(self.leader), "--all", "--root", "--wd", "--", *map(str, argv)]

    def _try(self, argv):
        done = subprocess.run(self._enter(argv), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        return done.stdout.strip()

    def run(self, *argv, check=True, timeout=60):
        """Runs a command in the machine to its end; what it wrote."""
        done = subprocess.run(self._enter(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise OSError(f"{self.name}: {' '.join(map(str, argv))}: exit {done.returncode}: {done.stdout.strip()}")
        return done.stdout

    def systemctl(self, *words, **options):
        return self.run("systemctl", *words, **options)

    def show(self, unit, name):
        return self.run("systemctl", "show", "--value", "--property", name, unit).strip()

    def until(self, condition, timeout, what):
        """What `condition` returns once it is true."""
        end = time.monotonic() + timeout
        while not (found := condition()):
            if time.monotonic() > end:
                journal = self.run("journalctl", "--no-pager", "-n", "25", check=False)
                raise NotSeen(f"{self.name}: {what}: not seen within {timeout} s; its journal:\n{journal}")
            time.sleep(0.05)
        return found

    def wait_for_state(self, unit, state, timeout=20):
        self.until(lambda: self.show(unit, "ActiveState") == state, timeout, f"{unit} {state}")

    def processes(self, name):
        """Pids as we see them."""
        return self.host.pids_of(name)

    @property
    def root(self):
        """Its files, as we see them."""
        return pathlib.Path(f"/proc/{self.leader}/root")

    def starve(self, pid):
        """Gives a process (as we see it) no memory from now on; returns what tells whether the kernel has ended it."""
        folder = _memory_folder(f"{self._cgroup}-memory")
        if not _is_legacy():
            for parent in list(folder.relative_to(_CGROUPS).parents)[::-1]:
                (_CGROUPS / parent / "cgroup.subtree_control").write_text("+memory", encoding="ascii")
        folder.mkdir(parents=True, exist_ok=True)
        limit, told = ("memory.limit_in_bytes", "memory.oom_control") if _is_legacy() else ("memory.max", "memory.events")
        (folder / limit).write_text("0", encoding="ascii")
        before = _kills(folder / told)
        (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")
        return lambda: _kills(folder / told) > before

    def shut_down(self, how="poweroff"):
        """In good order, as `systemctl poweroff` does it; nspawn leaves a `reboot` to us."""
        self.run("systemctl", how, check=False)
        self._nspawn.wait(BOOT_S)
        self.leader = None

    def pull_the_mains(self):
        """All processes end at once."""
        os.kill(self.leader, signal.SIGKILL)
        self._nspawn.wait(20)
        self.leader = None


class Machines:
    def __init__(self, lan):
        self._lan = lan
        self._cgroup = f"vrrpd-test-{os.getpid()}"
        self._janitor = _Janitor([*_cgroup_folders(self._cgroup), _memory_folder(self._cgroup)])
        self.all = []

    def add(self, name, address, files, enabled=ENABLED):
        """`files`: place below `/` to text or the path of a file; `enabled`: the units that start with the machine."""
        machine = Machine(self._lan.host(name, address), self._cgroup, files, enabled)
        self.all.append(machine)
        return machine

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for machine in self.all:
            with contextlib.suppress(ProcessLookupError):
                if machine.leader:
                    machine.pull_the_mains()
        self._janitor.close()
