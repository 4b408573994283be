"""Hosts made of kernel namespaces that nobody has to clean up.

A `ProcessTree` is a pid namespace whose first process lives as long as this program: it waits for the end of a
pipe that only we hold open. However we end, the kernel then kills every process of the namespace. A `Sandbox` is a
network and a mount namespace, held by descriptors of ours. Nothing has a name in the file system, so nothing can be
left over, and any number of LANs work side by side.

Inside a sandbox /run is empty, /etc is the real one plus the folders asked for, and so is /var/lib plus what is written
there; /proc and /sys show the sandbox.
"""

import contextlib
import ctypes
import os
import signal

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result, what):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def _unshare(flags):
    _checked(_libc.unshare(flags), "unshare")


def _setns(descriptor, kind):
    _checked(_libc.setns(descriptor, kind), "setns")


def _mount(source, target, kind=None, flags=0, data=None):
    encoded = [text.encode() if text is not None else None for text in (source, target, kind, data)]
    _checked(_libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3]), f"mount {target}")


def _open_namespace(kind, pid="thread-self"):
    return os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC)


def _close_all_but(*kept):
    low = 0
    for descriptor in sorted(kept):
        os.closerange(low, descriptor)
        low = descriptor + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))


class ProcessTree:
    """A pid namespace that ends with this program, or with `close`."""

    def __init__(self):
        self._own = _open_namespace("pid")
        end, self._alive = os.pipe()
        _unshare(CLONE_NEWPID)
        try:
            self.first = os.fork()
            if self.first == 0:
                self._live_until_closed(end)
        finally:
            _setns(self._own, CLONE_NEWPID)
        os.close(end)
        self._inside = _open_namespace("pid", self.first)

    @staticmethod
    def _live_until_closed(end):
        try:
            os.setsid()
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans are reaped by the kernel
            _close_all_but(end)
            while os.read(end, 1):
                pass
        finally:
            os._exit(0)

    @contextlib.contextmanager
    def children(self):
        """What this thread forks within becomes a process of the tree."""
        _setns(self._inside, CLONE_NEWPID)
        try:
            yield
        finally:
            _setns(self._own, CLONE_NEWPID)

    def close(self):
        os.close(self._alive)
        os.waitpid(self.first, 0)
        os.close(self._inside)
        os.close(self._own)


class Sandbox:
    """`folders` maps a place below /etc to the folder that is seen there instead."""

    def __init__(self, tree, folders):
        done, told = os.pipe()
        hold, release = os.pipe()
        with tree.children():
            child = os.fork()
            if child == 0:
                self._build(folders, told, hold)
        os.close(told)
        os.close(hold)
        error = os.read(done, 4096).decode()
        try:
            if error != "ok":
                raise OSError(f"cannot make a namespace: {error or 'its process died'}")
            self._network = _open_namespace("net", child)
            self._mounts = _open_namespace("mnt", child)
            self._root = os.open(f"/proc/{child}/root", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        finally:
            os.close(done)
            os.close(release)
            os.waitpid(child, 0)
        self.identity = os.fstat(self._network).st_ino

    @staticmethod
    def _build(folders, told, hold):
        try:
            _close_all_but(told, hold)
            _unshare(CLONE_NEWNS | CLONE_NEWNET)
            _make_mounts_private()
            _replace_run_and_etc(folders)
            _mount("proc", "/proc", "proc")
            _mount("sysfs", "/sys", "sysfs")
            os.write(told, b"ok")
            os.read(hold, 1)  # the namespaces need a process until the parent holds them
        except OSError as error:
            os.write(told, str(error).encode())
        finally:
            os._exit(0)

    def enter(self):
        """For a child between fork and exec."""
        _setns(self._network, CLONE_NEWNET)
        _setns(self._mounts, CLONE_NEWNS)
        os.fchdir(self._root)
        os.chroot(".")
        os.chdir("/")

    @contextlib.contextmanager
    def network(self):
        """Sockets that this thread opens within belong to the sandbox for ever."""
        own = _open_namespace("net")
        _setns(self._network, CLONE_NEWNET)
        try:
            yield
        finally:
            _setns(own, CLONE_NEWNET)
            os.close(own)

    @property
    def network_descriptor(self):
        return self._network

    def close(self):
        for descriptor in (self._network, self._mounts, self._root):
            os.close(descriptor)


def _make_mounts_private():
    """Also within a chroot, whose `/` is no mount point: seen from the namespace's own root there is always one."""
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    namespace = _open_namespace("mnt")
    _setns(namespace, CLONE_NEWNS)
    _mount("none", "/", flags=MS_REC | MS_PRIVATE)
    os.fchdir(root)
    os.chroot(".")
    os.chdir("/")
    os.close(namespace)
    os.close(root)


def _replace_run_and_etc(folders):
    sources = {place: os.open(source, os.O_PATH | os.O_DIRECTORY) for place, source in folders.items()}
    _mount("tmpfs", "/run", "tmpfs", data="mode=0755")
    _cover("/etc", "/run/etc", folders)
    _cover("/var/lib", "/run/lib", ["/var/lib/vrrpd"])
    for place, source in sources.items():
        os.makedirs(place, 0o755)
        _mount(f"/proc/self/fd/{source}", place, flags=MS_BIND)
        os.close(source)


def _cover(place, real, left_out):
    """`place` becomes a folder of its own with all that is in it, which is seen at `real` from now on."""
    os.mkdir(real, 0o755)
    _mount(place, real, flags=MS_BIND | MS_REC)
    _mount("tmpfs", place, "tmpfs", data="mode=0755")
    for name in os.listdir(real):
        if f"{place}/{name}" in left_out:
            continue
        original = f"{real}/{name}"
        os.symlink(os.readlink(original) if os.path.islink(original) else original, f"{place}/{name}")
