"""What becomes of open connections when the addresses go (close_connections): IPv4 and IPv6, a service that runs always,
and clients that ask for nothing. And what becomes of a service that is needed again, or by somebody else.
"""

import contextlib
import signal
import socket
import threading

from tests.lan import cases
from tests.lan.cases import GLOBAL, LanCase
from tests.lan.control import vrrpctl
from tests.lan.daemons import Vrrpd, write_script
from tests.lan.settings import PATIENCE, VRRPD

VIP, VIP_6 = "192.168.30.16", "2001:db8::61"
PORT = 7007
ADVERT_S = 0.2

# Sends back what it gets, on all addresses of the host, beginning with the name of the host.
ECHO = """#!/usr/bin/python3
import selectors, socket, sys
ready = selectors.DefaultSelector()
listener = socket.create_server(("::", int(sys.argv[2])), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
ready.register(listener, selectors.EVENT_READ)
while True:
    for key, _ in ready.select():
        if key.fileobj is listener:
            link, _ = listener.accept()
            ready.register(link, selectors.EVENT_READ)
            link.sendall(sys.argv[1].encode())
            continue
        try:
            data = key.fileobj.recv(4096)
            key.fileobj.sendall(data)
        except OSError:
            data = b""
        if not data:
            ready.unregister(key.fileobj)
            key.fileobj.close()
"""

SERVICE = """
[service echo]
command = /etc/vrrpd/echo {host} {port}
run = {run}
listen = 127.0.0.1:{port}
close_connections = {close}
"""


def service(host, run="always", close="yes"):
    """Its section, and its program on the host."""
    write_script(host.etc / "echo", ECHO)
    return SERVICE.format(host=host.name, port=PORT, run=run, close=close)


class OpenConnections(LanCase):
    """a is MASTER with 200; b follows with 100 where it is started."""

    def setUp(self):
        super().setUp()
        self.a, self.b = self.lan.host("a", "192.168.30.10"), self.lan.host("b", "192.168.30.20")
        self.client = self.lan.host("client", "192.168.30.99")
        self.client.run(["ip", "addr", "add", "2001:db8::99/64", "dev", "eth0"])

    def start_on(self, host, priority, close="yes", role="BACKUP"):
        section = cases.instance(priority=priority, advert_int=f"{ADVERT_S}s", virtual_ipaddress=f"{VIP}/24",
                                 virtual_ipaddress_excluded=f"{VIP_6}/64", service="echo")
        host.daemon = Vrrpd(host, VRRPD, GLOBAL + section + service(host, close=close))
        host.daemon.start()
        self.addCleanup(host.daemon.stop)
        self.wait_role(host.daemon, role)
        return host.daemon

    def start_pair(self, close="yes"):
        self.start_on(self.a, 200, close, "MASTER")
        self.a.daemon.process.wait_for_line(r"Service\(echo\) ready", PATIENCE)
        self.start_on(self.b, 100, close)

    def connect(self, family, address):
        """A connection whose server has said its name."""
        link = self.client.socket(family, socket.SOCK_STREAM)
        self.addCleanup(link.close)
        link.settimeout(PATIENCE)
        link.connect((address, PORT))
        return link, link.recv(16).decode()

    def connect_both(self, host):
        links = [self.connect(socket.AF_INET, VIP), self.connect(socket.AF_INET6, VIP_6)]
        self.assertEqual([name for _, name in links], [host.name] * 2)
        return [link for link, _ in links]

    def assert_told(self, links):
        """They waited for bytes and hear of the end, long before their own timeout."""
        for link in links:
            with self.assertRaises(ConnectionResetError, msg=link.family):
                link.recv(16)

    def assert_alive(self, links):
        for link in links:
            link.sendall(b"still there")
            self.assertEqual(link.recv(16), b"still there", link.family)

    def established(self, host):
        """Connections to the addresses, as the host sees them."""
        lines = host.run(["ss", "-tnH", "state", "established", "sport", f"= {PORT}"]).splitlines()
        return sum(1 for line in lines if VIP in line or VIP_6 in line)

    def fail_over(self, host):
        outcome = vrrpctl(host, "failover", "VI_1")
        self.assertEqual((outcome.code, outcome.err), (0, ""))

    def test_a_planned_move_tells_idle_clients_and_the_service_goes_on(self):
        self.start_pair()
        links = self.connect_both(self.a)
        [process] = self.a.pids_of("echo")
        self.fail_over(self.a)
        self.assert_told(links)
        self.connect_both(self.b)
        self.assertEqual(self.a.pids_of("echo"), [process])
        self.assertEqual(self.established(self.a), 0)

    def test_who_connects_again_at_once_meets_the_new_holder(self):
        """Many do while the address is still there: none may be taken by the old one, which will not answer."""
        self.start_pair()
        for here, there in ((self.a, self.b), (self.b, self.a)) * 2:
            self.connect_again_while_it_moves(here, there)

    def connect_again_while_it_moves(self, here, there):
        links = [self.connect(socket.AF_INET, VIP)[0] for _ in range(40)]
        spare = [self.client.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in links]
        met = []

        def connect_again(told, link):
            with contextlib.suppress(ConnectionResetError):
                told.recv(16)
            with contextlib.closing(link):
                link.settimeout(PATIENCE)
                link.connect((VIP, PORT))
                met.append(link.recv(16).decode())

        threads = [threading.Thread(target=connect_again, args=pair) for pair in zip(links, spare)]
        for thread in threads:
            thread.start()
        self.fail_over(here)
        for thread in threads:
            thread.join()
        self.assertEqual(met, [there.name] * len(links))

    def test_without_the_key_nobody_is_told(self):
        self.start_pair("no")
        links = self.connect_both(self.a)
        self.fail_over(self.a)
        self.connect_both(self.b)
        for link in links:
            link.settimeout(0.5)
            with self.assertRaises(socket.timeout):
                link.recv(16)
        self.assertEqual(self.established(self.a), 2)

    def test_a_better_host_that_preempts_tells_them_too(self):
        self.start_on(self.b, 100, role="MASTER")
        self.b.daemon.process.wait_for_line(r"Service\(echo\) ready", PATIENCE)
        links = self.connect_both(self.b)
        self.start_on(self.a, 200, role="MASTER")
        self.assert_told(links)

    def test_a_link_that_is_away_for_a_moment_ends_nothing(self):
        daemon = self.start_on(self.a, 200, role="MASTER")
        daemon.process.wait_for_line(r"Service\(echo\) ready", PATIENCE)
        links = self.connect_both(self.a)
        mark = daemon.log.mark()
        self.lan.cut(self.a)
        self.wait_faulty(daemon, "interface eth0 has no carrier", mark)
        self.wait_holder(VIP, None)
        self.assertEqual(self.established(self.a), 2)
        mark = daemon.log.mark()
        self.lan.restore(self.a)
        self.wait_role(daemon, "MASTER", mark)
        self.assert_alive(links)

    def test_a_stall_ends_nothing(self):
        daemon = self.start_on(self.a, 200, role="MASTER")
        daemon.process.wait_for_line(r"Service\(echo\) ready", PATIENCE)
        links = self.connect_both(self.a)
        mark = daemon.log.mark()
        daemon.process.send_signal(signal.SIGSTOP)  # the guard takes the addresses off
        try:
            self.start_on(self.b, 100, role="MASTER").stop()
        finally:
            daemon.process.send_signal(signal.SIGCONT)
        daemon.process.wait_for_line(r'\(VI_1\) Entering BACKUP STATE reason="stalled', PATIENCE, mark)
        self.wait_role(daemon, "MASTER", mark)
        self.assert_alive(links)


class NeededAgain(LanCase):
    """A service that runs with the role (run = master)."""

    def setUp(self):
        super().setUp()
        self.host, self.client = self.lan.host("a", "192.168.30.10"), self.lan.host("client", "192.168.30.99")

    def ready(self, daemon, since=0):
        daemon.process.wait_for_line(r"Service\(echo\) ready", PATIENCE, since)

    def control(self, *words):
        outcome = vrrpctl(self.host, *words)
        self.assertEqual((outcome.code, outcome.err), (0, ""))

    def test_it_is_left_alone_by_what_is_over_within_a_second(self):
        section = cases.instance(advert_int="20ms", virtual_ipaddress=f"{VIP}/24", service="echo")
        daemon = self.start(self.host, section, service(self.host, "master"))
        self.ready(daemon)
        link = self.client.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.addCleanup(link.close)
        link.settimeout(PATIENCE)
        link.connect((VIP, PORT))
        self.assertEqual(link.recv(16), b"a")
        [process] = self.host.pids_of("echo")
        mark = daemon.log.mark()
        self.lan.cut(self.host)
        self.wait_faulty(daemon, "interface eth0 has no carrier", mark)
        self.lan.restore(self.host)
        self.ready(daemon, mark)
        self.assertEqual(self.host.pids_of("echo"), [process])
        link.sendall(b"still there")
        self.assertEqual(link.recv(16), b"still there")

    def test_it_ends_when_nobody_needs_it_any_more(self):
        sections = [cases.instance(name, virtual_router_id=vrid, virtual_ipaddress=f"{vip}/24", service="echo")
                    for name, vrid, vip in (("VI_1", 51, VIP), ("VI_2", 52, "192.168.30.17"))]
        daemon = self.start(self.host, *sections, service(self.host, "master"))
        for name in ("VI_1", "VI_2"):
            self.wait_role(daemon, "MASTER", name=name)
        self.ready(daemon)
        [process] = self.host.pids_of("echo")
        self.control("drain", "VI_2")
        self.wait_holder("192.168.30.17", None)
        self.assertEqual(self.host.pids_of("echo"), [process])
        mark = daemon.log.mark()
        self.control("drain", "VI_1")
        daemon.process.wait_for_line(r"Service\(echo\) stopped", PATIENCE, mark)
        self.assertEqual(self.host.pids_of("echo"), [])
        mark = daemon.log.mark()
        self.control("resume", "VI_2")
        self.ready(daemon, mark)
