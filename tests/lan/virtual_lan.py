"""A LAN in this machine: hosts on one bridge, each a network and a mount namespace of its own.

    with Lan("/tmp/run") as lan:
        a = lan.host("cache-a", "192.168.30.10")
        b = lan.host("cache-b", "192.168.30.55")
        daemon = a.start("vrrpd", ["/usr/sbin/vrrpd", "-c", "/etc/vrrpd/vrrpd.ini"])
        daemon.wait_for_line("Entering MASTER STATE", 5)
        lan.wait_for_holder("192.168.30.16", a, 5)

The bridge is a host too, `lan.switch`, with one port `p1`, `p2` ... for each host. Logs and captures go to the run
folder; a host's /etc/vrrpd is `host.etc`. Needs root, iproute2 and, for captures, tcpdump.
"""

import contextlib
import os
import pathlib
import select
import signal
import socket
import subprocess
import tempfile
import time

from tests.lan import namespaces, wire
from tests.lan.watched import NotSeen, Process

_QUIET_IPV6 = ("for p in /proc/sys/net/ipv6/conf/*; do echo 0 > $p/accept_dad; echo 0 > $p/dad_transmits; done")


# Of a service manager that started us; a daemon in a host shall not take them for its own.
_NOT_INHERITED = ("JOURNAL_STREAM", "NOTIFY_SOCKET", "INVOCATION_ID", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS",
                  "LISTEN_PID")


def _environment():
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    return kept | {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


class Host:
    def __init__(self, tree, folder, name, address=None):
        self.name = name
        self.address = address
        self.folder = pathlib.Path(folder)
        self.etc = self.folder / "etc"
        self.etc.mkdir(parents=True)
        self._tree = tree
        self._sandbox = namespaces.Sandbox(tree, {"/etc/vrrpd": self.etc})
        self._processes = []
        self._starts = 0
        self.identity = self._sandbox.identity
        self._addresses = self.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self.run(["sh", "-c", f"mkdir -p /run/vrrpd; {_QUIET_IPV6}; ip link set lo up"])

    def start(self, name, argv, output=None):
        """Starts a process that writes to `name`.log in the host's folder, or its standard output to `output`."""
        with self._tree.children():
            process = Process([str(word) for word in argv], self.folder / f"{name}.log", output,
                              self._sandbox.enter, _environment())
        self._processes.append(process)
        return process

    def run(self, argv, check=True, timeout=20, pass_fds=()):
        """Runs a command to its end; its standard output. Raises with its words when it failed and `check`."""
        with self._tree.children():
            process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=pass_fds,
                                       preexec_fn=self._sandbox.enter, env=_environment())
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        if check and process.returncode != 0:
            raise OSError(f"{self.name}: {' '.join(map(str, argv))}: exit {process.returncode}: {errors.strip()}")
        return output

    def socket(self, family, kind, protocol=0):
        with self._sandbox.network():
            return socket.socket(family, kind, protocol)

    def addresses(self):
        """The IPv4 addresses that the host has now."""
        return wire.addresses_of(self._addresses)

    def pids_of(self, command):
        """Pids (as we see them) of the host's processes of this name; also children of daemons."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            with contextlib.suppress(OSError):
                inside = os.stat(f"/proc/{entry}/ns/net").st_ino == self.identity
                name = pathlib.Path(f"/proc/{entry}/comm").read_text(encoding="utf-8").strip()
                state = pathlib.Path(f"/proc/{entry}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
                if inside and name == command and state != "Z":
                    found.append(int(entry))
        return sorted(found)

    def signal_all(self, command, number):
        """Signals the host's processes of this name; how many there were."""
        pids = self.pids_of(command)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return len(pids)

    def capture(self, name="wire"):
        """Starts tcpdump on eth0 for adverts, ARP and neighbour discovery; returns (process, path of the pcap)."""
        self._starts += 1
        path = self.folder / f"{name}-{self._starts}.pcap"
        process = self.start(f"tcpdump-{self._starts}", [
            "tcpdump", "-i", "eth0", "-n", "-U", "--immediate-mode", "-Z", "root", "--time-stamp-precision=nano",
            "-w", path, "ip proto 112 or ip6 proto 112 or arp or icmp6"])
        process.wait_for_line("listening on", 5)
        return process, path

    def close(self):
        for process in self._processes:
            with contextlib.suppress(OSError):
                process.send_signal(signal.SIGKILL)
        for process in self._processes:
            process.wait(10)
        self._addresses.close()
        self._sandbox.close()


class Lan:
    def __init__(self, folder=None):
        """`folder`: where hosts keep logs and captures; a new one below the system's folder for temporary files if
        not given. It stays."""
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix=f"vrrpd-{os.getpid()}-")).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.hosts = {}
        self._bridges = set()
        self._tree = namespaces.ProcessTree()
        self._open = contextlib.ExitStack()
        self._open.callback(self._tree.close)
        self.switch = self._make_host("switch", None)
        self._make_bridge("lan0")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._open.close()

    @contextlib.contextmanager
    def being_peopled(self):
        """For who owns it: what fails in here closes it."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _make_host(self, name, address):
        host = Host(self._tree, self.folder / name, name, address)
        self._open.callback(host.close)
        return host

    def _make_bridge(self, name):
        self.switch.run(["ip", "link", "add", "name", name, "type", "bridge", "stp_state", "0",
                         "forward_delay", "0", "mcast_snooping", "0"])
        self.switch.run(["ip", "link", "set", name, "up"])
        self._bridges.add(name)

    def _plug(self, host, device, mac, address, port, bridge):
        network = host._sandbox.network_descriptor
        self.switch.run(["ip", "link", "add", port, "type", "veth", "peer", "name", device, "address", mac,
                         "netns", f"/proc/self/fd/{network}"], pass_fds=[network])
        self.switch.run(["ip", "link", "set", port, "master", bridge, "up"])
        host.run(["sh", "-c", f"{_QUIET_IPV6}; ip link set {device} up && ip addr add {address} dev {device}"])

    def host(self, name, address, prefix=24):
        """A host with `address` on eth0, plugged into the bridge."""
        host = self._make_host(name, address)
        number = len(self.hosts) + 1
        host.port = f"p{number}"
        host.mac = f"02:00:00:00:00:{number:02x}"
        host.prefix = prefix
        self.plug(host)
        self.hosts[name] = host
        return host

    def plug(self, host):
        """Makes eth0 of a host, plugged into the bridge: also once more after `unplug`."""
        self._plug(host, "eth0", host.mac, f"{host.address}/{host.prefix}", host.port, "lan0")

    def unplug(self, host):
        """The host has no eth0 any more."""
        host.run(["ip", "link", "delete", "eth0"])

    def link(self, host, number, address, prefix=24):
        """One more link of a host, eth`number` on a bridge of its own, lan`number`; its port is `p1.1`, `p1.2` ..."""
        bridge = f"lan{number}"
        if bridge not in self._bridges:
            self._make_bridge(bridge)
        self._plug(host, f"eth{number}", f"{host.mac[:-5]}{number:02x}{host.mac[-3:]}", f"{address}/{prefix}",
                   f"{host.port}.{number}", bridge)

    def cut(self, host):
        """Pulls the plug: the port goes down, and the host loses its carrier."""
        self.switch.run(["ip", "link", "set", host.port, "down"])

    def restore(self, host):
        self.switch.run(["ip", "link", "set", host.port, "up"])

    def part(self, host):
        """The LAN is two: this host, with all others that are parted, hears nobody else. No link goes down."""
        if "apart" not in self._bridges:
            self._make_bridge("apart")
        self.switch.run(["ip", "link", "set", host.port, "master", "apart"])

    def join(self, host):
        self.switch.run(["ip", "link", "set", host.port, "master", "lan0"])

    def holders(self, address):
        """Names of the hosts that have the address on a link, whether reachable or not."""
        return sorted(name for name, host in self.hosts.items() if address in host.addresses())

    def who_answers(self, address, asking, patience=0.2):
        """Names of the hosts that answer an ARP request of the host `asking`."""
        with asking.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(wire.ETH_P_ARP)) as link:
            link.bind(("eth0", wire.ETH_P_ARP))
            macs = wire.who_answers(link, asking.mac, asking.address, address, patience)
        names = {host.mac: name for name, host in self.hosts.items()}
        return sorted(names.get(mac, mac) for mac in macs)

    def wait_for_holder(self, address, holder, timeout):
        """Until `holder` (a Host, or None for nobody) alone has the address."""
        wanted = [holder.name] if holder else []
        self._wait_for_holders(address, lambda seen: seen == wanted, timeout, f"by {wanted}")

    def wait_for_change(self, address, holder, timeout):
        """Until something else is true than that `holder` alone has the address."""
        self._wait_for_holders(address, lambda seen: seen != [holder.name], timeout, "otherwise")

    def _wait_for_holders(self, address, enough, timeout, what):
        with contextlib.ExitStack() as stack:
            monitors = []
            for host in self.hosts.values():
                monitor = stack.enter_context(host.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
                monitor.bind((0, wire.RTMGRP_IPV4_IFADDR))
                monitors.append(monitor)
            end = time.monotonic() + timeout
            while not enough(seen := self.holders(address)):
                left = end - time.monotonic()
                if left <= 0:
                    raise NotSeen(f"after {timeout} s {address} is held by {seen}, not {what}")
                for monitor in select.select(monitors, [], [], left)[0]:
                    with contextlib.suppress(OSError):
                        monitor.recv(65536)
