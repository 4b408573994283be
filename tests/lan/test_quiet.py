"""What a Backup does not do, and what one interface does not tell another: no answer for the virtual address from who
has not got it, nothing forwarded, nothing heard that came in elsewhere.
"""

import re
import select
import socket
import time
import unittest

from tests.lan import wire
from tests.lan.crafted import BROADCAST, Advert, Ear, Link
from tests.lan.daemons import Vrrpd
from tests.lan.settings import PATIENCE, VRRPD, run_folder
from tests.lan.virtual_lan import Lan

from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether

ETH_P_ALL = 3
VIP = "192.168.30.16"
GLOBAL = "[global]\nlog_target = stderr\n"


def instance(name, addresses, interface="eth0", priority=100):
    return f"""
[vrrp_instance {name}]
interface = {interface}
virtual_router_id = 51
priority = {priority}
advert_int = 100ms
virtual_ipaddress = {addresses}
"""


class Questions:
    """Asks for an address by ARP, and again, and keeps what answers."""

    def __init__(self, host, address):
        self.ear, self._link = Ear(host, [wire.ETH_P_ARP]), Link(host)
        self._address = address
        self._question = bytes(Ether(src=host.mac, dst=BROADCAST) /
                               ARP(op=1, hwsrc=host.mac, psrc=host.address, pdst=address))

    def ask(self, condition, at_least):
        """Every 5 ms until `condition`, for `at_least` seconds; the MACs that claimed the address meanwhile."""
        begin, end = time.time_ns(), time.monotonic() + at_least
        while time.monotonic() < end or not condition() and time.monotonic() < end + PATIENCE:
            self._link.send(self._question)
            time.sleep(0.005)
        self.ear.for_seconds(0.1)
        return {each.mac for each in self.ear.heard if each.source == self._address and each.time_ns >= begin}


class BackupKeepsQuiet(unittest.TestCase):
    """F04, E18: who is not Active answers nobody who asks for the address, and takes nothing that is sent to it."""

    def setUp(self):
        self.lan = self.enterContext(Lan(run_folder("BackupKeepsQuiet")))
        self.backup, self.active = self.lan.host("backup", "192.168.30.10"), self.lan.host("active", "192.168.30.55")
        self.asker = self.lan.host("asker", "192.168.30.99")
        self.questions = Questions(self.asker, VIP)
        self.addCleanup(self.questions.ear.close)
        self.master = self.daemon(self.active, 250)
        self.master.wait_state("MASTER", PATIENCE)
        self.lan.wait_for_holder(VIP, self.active, PATIENCE)

    def daemon(self, host, priority):
        daemon = Vrrpd(host, VRRPD, GLOBAL + instance("VI_1", VIP, priority=priority) +
                       instance("VI_6", "fe80::51, 2001:db8:9::51", priority=priority))
        daemon.start()
        self.addCleanup(daemon.stop)
        return daemon

    def ask(self, condition, at_least=1.0):
        return self.questions.ask(condition, at_least)

    def test_right_after_start_F04(self):
        backup = self.daemon(self.backup, 100)
        claims = self.ask(lambda: backup.states() == ["BACKUP"])
        self.assertEqual(claims, {self.active.mac})
        self.assertEqual(backup.states(), ["BACKUP"])

    def test_after_a_link_flap_F04(self):
        backup = self.daemon(self.backup, 100)
        backup.wait_state("BACKUP", PATIENCE)
        for _ in range(3):
            mark = backup.log.mark()
            self.lan.cut(self.backup)
            backup.wait_state("FAULT", PATIENCE, mark)
            self.lan.restore(self.backup)
            claims = self.ask(lambda mark=mark: backup.states(mark) == ["FAULT", "BACKUP"])
            self.assertEqual(claims, {self.active.mac})
            self.assertEqual(backup.states(mark), ["FAULT", "BACKUP"])

    def test_after_a_crash_as_master_F04_F14(self):
        crashed = self.daemon(self.backup, 254)
        crashed.wait_state("MASTER", PATIENCE)
        self.lan.wait_for_holder(VIP, self.backup, PATIENCE)
        mark = self.master.log.mark()
        crashed.process.kill()
        self.master.wait_state("MASTER", PATIENCE, mark)
        backup = self.daemon(self.backup, 100)
        backup.wait_state("BACKUP", PATIENCE)
        self.assertEqual(self.ask(lambda: True), {self.active.mac})
        self.assertNotIn(VIP, self.backup.addresses())

    def test_nothing_is_accepted_or_answered_E18_G04(self):
        """By the Backup; the Active does both (F07)."""
        backup = self.daemon(self.backup, 100)
        backup.wait_state("BACKUP", PATIENCE)
        self.master.log.until(lambda: re.search(r"\(VI_6\) Entering MASTER", self.master.log.text()), PATIENCE, "VI_6")
        ping = IP(src=self.asker.address, dst=VIP) / ICMP(id=7)
        asked = IPv6(src="fe80::ff:fe00:3", dst="ff02::1:ff00:51") / ICMPv6ND_NS(tgt="fe80::51")
        asked = asked / ICMPv6NDOptSrcLLAddr(lladdr=self.asker.mac)
        with self.asker.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as link:
            link.bind(("eth0", ETH_P_ALL))
            for host in (self.backup, self.active):  # the active last: what the backup had to say is there before
                link.send(bytes(Ether(src=self.asker.mac, dst=host.mac) / ping))
                link.send(bytes(Ether(src=self.asker.mac, dst="33:33:ff:00:00:51") / asked))
            answers = self.answers(link)
        self.assertEqual(answers, {("echo", self.active.mac), ("neighbour", self.active.mac)})

    @staticmethod
    def answers(link):
        """Those of a second."""
        found, end = set(), time.monotonic() + 1
        while select.select([link], [], [], max(0, end - time.monotonic()))[0]:
            frame = Ether(link.recv(2048))
            if ICMP in frame and frame[ICMP].type == 0:
                found.add(("echo", frame.src))
            if ICMPv6ND_NA in frame and frame[ICMPv6ND_NA].S and frame[ICMPv6ND_NA].tgt == "fe80::51":
                found.add(("neighbour", frame.src))
        return found


class TwoInterfaces(unittest.TestCase):
    """What comes in at one interface neither leaves by another nor counts there (B21, B26)."""

    def setUp(self):
        self.lan = self.enterContext(Lan(run_folder("TwoInterfaces")))
        self.host, self.other = self.lan.host("router", "192.168.30.10"), self.lan.host("other", "192.168.30.66")
        self.lan.link(self.host, 1, "192.168.31.10")
        self.lan.link(self.other, 1, "192.168.31.66")
        self.host.run(["sh", "-c", "for p in /proc/sys/net/ipv4/conf/*; do echo 1 > $p/forwarding; done"])
        self.link, self.ear = Link(self.other), Ear(self.other, interface="eth1")
        self.addCleanup(self.ear.close)
        self.addCleanup(self.link.close)

    def start(self, *instances):
        daemon = Vrrpd(self.host, VRRPD, GLOBAL + "".join(instances))
        daemon.start()
        self.addCleanup(daemon.stop)
        daemon.wait_state("MASTER", PATIENCE)
        return daemon

    def test_adverts_are_not_forwarded_B21(self):
        self.start(instance("VI_1", VIP))
        foreign = Advert(52, ("10.9.0.1",), "192.168.30.66", interval=10)
        routed = foreign.but(virtual_router_id=53, destination="192.168.31.66").frame(to=self.host.mac)
        self.link.send(foreign.frame(), foreign.frame(ttl=64), foreign.but(virtual_router_id=51).frame())
        # The control: what is to be forwarded is, and the ear is not deaf. It left last.
        self.host.run(["ip", "neigh", "replace", "192.168.31.66", "lladdr", self.mac(self.other, "eth1"),
                       "dev", "eth1"])
        self.link.send(routed)
        self.ear.until(lambda heard: [each for each in heard if each.virtual_router_id == 53], PATIENCE, "the control")
        self.assertEqual({each.virtual_router_id for each in self.ear.heard}, {53})

    def test_adverts_of_another_interface_are_not_ours_B26(self):
        """The same VRID on both: each instance hears its own interface, and one that has none hears nothing."""
        daemon = self.start(instance("VI_1", VIP), instance("VI_2", "192.168.31.16", interface="eth1"))

        def second_states():
            return re.findall(r"\(VI_2\) Entering (\w+) STATE", daemon.log.text())
        daemon.log.until(lambda: second_states()[-1:] == ["MASTER"], PATIENCE, "VI_2 as MASTER")
        mark = daemon.log.mark()
        higher = Advert(51, ("192.168.31.16",), "192.168.31.66", interval=10)
        there = Link(self.other, "eth1")
        self.addCleanup(there.close)
        there.send(higher.frame(), higher.but(destination="192.168.30.10").frame(to=self.mac(self.host, "eth1")))
        daemon.log.until(lambda: second_states()[-2:] == ["BACKUP", "MASTER"], PATIENCE, "VI_2 to yield and return")
        self.assertEqual(daemon.states(mark), [])

    @staticmethod
    def mac(host, interface):
        return host.run(["cat", f"/sys/class/net/{interface}/address"]).strip()
