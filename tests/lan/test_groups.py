"""Instances that depend on more than themselves: sync groups, tracked interfaces, delays, two that share the load."""

import signal
import unittest

from tests.lan import control, crafted
from tests.lan.cases import LanCase, instance
from tests.lan.daemons import time_of
from tests.lan.settings import PATIENCE

VIP, VIP_2 = "192.168.30.16", "192.168.31.16"
GROUP = "\n[vrrp_sync_group VG_1]\nmember = VI_1, VI_2\n"


class TwoLinks(LanCase):
    """a and b are on two links each; a is the first everywhere."""

    def setUp(self):
        super().setUp()
        self.a, self.b = self.make_host("a", 10, 200), self.make_host("b", 20, 100)
        self.wires = [self.watch(self.lan.switch, port) for port in (self.a.port, f"{self.a.port}.1")]

    def make_host(self, name, number, priority):
        host = self.lan.host(name, f"192.168.30.{number}")
        self.lan.link(host, 1, f"192.168.31.{number}")
        host.priority = priority
        return host

    def start_both(self, *sections, **keys):
        """VI_1 on eth0 with these keys, and these sections. Both run, a is MASTER."""
        for host, role in ((self.a, "MASTER"), (self.b, "BACKUP")):
            host.daemon = self.start(host, *(section.format(host.priority) for section in
                                             (instance(priority="{}", **keys), *sections)))
            self.wait_role(host.daemon, role)

    def cut(self, *ports):
        for port in ports:
            self.lan.switch.run(["ip", "link", "set", port, "down"])

    def restore(self, port):
        self.lan.switch.run(["ip", "link", "set", port, "up"])

    def marks(self):
        return self.a.daemon.log.mark(), self.b.daemon.log.mark()


class SyncGroups(TwoLinks):
    SECOND = instance("VI_2", interface="eth1", priority="{}", virtual_router_id=52,
                      virtual_ipaddress=f"{VIP_2}/24")

    def start_group(self):
        self.start_both(self.SECOND, GROUP)
        self.wait_held_by(self.a)

    def wait_held_by(self, host):
        for vip in (VIP, VIP_2):
            self.wait_holder(vip, host)

    def wait_both(self, daemon, role, since=0):
        for name in ("VI_1", "VI_2"):
            self.wait_role(daemon, role, since, name)

    def test_a_link_of_one_member_moves_all_S01(self):
        self.start_group()
        mark_a, mark_b = self.marks()
        self.lan.cut(self.a)
        self.wait_faulty(self.a.daemon, "interface eth0 has no carrier", mark_a)
        self.wait_faulty(self.a.daemon, "VI_1: interface eth0 has no carrier", mark_a, "VI_2")
        self.wait_both(self.b.daemon, "MASTER", mark_b)
        self.wait_held_by(self.b)
        # On the live link it was a release, said twice, and no silence.
        released = self.wires[1].until_adverts(2, source="192.168.31.10", priority=0)
        taken = self.wires[1].until_adverts(1, source="192.168.31.20")[0]
        self.assertLess(released[0].time_ns, taken.time_ns)
        self.assertTrue(self.b.daemon.log.find(r"\(VI_2\) .*192\.168\.31\.10 released the addresses", mark_b)
                        or self.b.daemon.log.find(r"\(VI_2\) .*sync group VG_1: VI_1 is MASTER", mark_b))
        mark_a, mark_b = self.marks()
        self.lan.restore(self.a)
        self.wait_both(self.a.daemon, "MASTER", mark_a)
        self.wait_both(self.b.daemon, "BACKUP", mark_b)
        self.wait_held_by(self.a)

    def test_the_group_says_so_in_the_log(self):
        self.start_group()
        said = r"VRRP_Group\(VG_1\) Syncing instances to {} state"
        self.a.daemon.process.wait_for_line(said.format("MASTER"), PATIENCE)
        mark_a, mark_b = self.marks()
        self.lan.cut(self.a)
        self.a.daemon.process.wait_for_line(said.format("FAULT"), PATIENCE, mark_a)
        self.b.daemon.process.wait_for_line(said.format("MASTER"), PATIENCE, mark_b)

    def test_a_higher_active_for_one_demotes_all_S03(self):
        """The other members release: nobody else is Active there yet."""
        self.start_group()
        self.b.daemon.stop()
        mark = self.a.daemon.log.mark()
        link = crafted.Link(self.lan.host("higher", "192.168.30.99"))
        self.addCleanup(link.close)
        sent, _ = link.send(crafted.Advert(51, (VIP,), "192.168.30.99", priority=254, interval=10).frame())
        self.wait_both(self.a.daemon, "BACKUP", mark)
        released = self.wires[1].until_adverts(2, source="192.168.31.10", vrid=52, priority=0)
        last = self.wires[0].until_adverts(1, since_ns=sent, source="192.168.30.10")[0]
        self.assertEqual(last.priority, 200, "the demoted member says its priority once more")
        self.assertEqual([one.priority for one in self.wires[1].adverts(since_ns=released[0].time_ns, vrid=52)][:2],
                         [0, 0])
        # The higher one was heard once. When it counts as gone, all are MASTER again.
        self.wait_both(self.a.daemon, "MASTER", mark)
        self.wait_held_by(self.a)


class Tracks(TwoLinks):
    def test_a_tracked_interface_without_a_weight_is_a_fault(self):
        self.start_both(track_interface="eth1")
        mark_a, mark_b = self.marks()
        self.cut(f"{self.a.port}.1")
        self.wait_faulty(self.a.daemon, ".*eth1.*", mark_a)
        self.wait_role(self.b.daemon, "MASTER", mark_b)
        self.wait_holder(VIP, self.b)
        self.wires[0].until_adverts(2, source="192.168.30.10", priority=0)
        mark_a, _ = self.marks()
        self.restore(f"{self.a.port}.1")
        self.wait_role(self.a.daemon, "MASTER", mark_a)
        self.assertEqual(self.roles(self.a.daemon, mark_a), ["BACKUP", "MASTER"])
        self.wait_holder(VIP, self.a)

    def test_one_with_a_weight_changes_the_priority(self):
        self.start_both(track_interface="eth1 weight -150")
        mark_a, mark_b = self.marks()
        self.cut(f"{self.a.port}.1")
        line = self.wait_role(self.b.daemon, "MASTER", mark_b).string
        self.assertIn("preempting 192.168.30.10, which has priority 50", line)
        self.wait_role(self.a.daemon, "BACKUP", mark_a)
        self.wait_holder(VIP, self.b)
        self.assertEqual(self.roles(self.a.daemon, mark_a), ["BACKUP"])
        self.assertEqual(self.wires[0].adverts(source="192.168.30.10", priority=0), [])
        self.restore(f"{self.a.port}.1")
        self.wait_role(self.a.daemon, "MASTER", mark_a)
        self.wait_holder(VIP, self.a)

    def test_a_primary_that_is_not_tracked(self):
        """Without a carrier it stays what it is, and keeps its addresses."""
        self.start_both(dont_track_primary="yes", virtual_ipaddress=f"{VIP_2}/24 dev eth1")
        self.wait_holder(VIP_2, self.a)
        mark_a, mark_b = self.marks()
        self.lan.cut(self.a)
        self.wait_role(self.b.daemon, "MASTER", mark_b)  # it hears nobody
        self.assertIn(VIP_2, self.a.addresses())
        self.assertEqual(self.roles(self.a.daemon, mark_a), [])
        self.lan.restore(self.a)
        self.wait_role(self.b.daemon, "BACKUP", mark_b)
        self.wait_holder(VIP_2, self.a)
        self.assertEqual(self.roles(self.a.daemon, mark_a), [])

    def test_excluded_addresses_move_and_are_not_advertised_A19(self):
        excluded, excluded_6 = "192.168.30.17", "2001:db8::17"
        self.start_both(virtual_ipaddress_excluded=f"{excluded}/24, {excluded_6}/64, {VIP_2}/24 dev eth1")
        for holder in (self.a, self.b):
            for address in (VIP, VIP_2, excluded):
                self.wait_holder(address, holder)
            self.assertIn(excluded_6, holder.run(["ip", "-6", "addr", "show", "dev", "eth0"]))
            self.wires[0].until(lambda: self.wires[0].announcements(excluded), PATIENCE, "an announcement")
            seen = self.wires[0].until_adverts(3, source=holder.address)
            self.assertEqual({one.addresses for one in seen}, {(VIP,)})
            holder.daemon.stop()
            self.assertNotIn(excluded_6, holder.run(["ip", "-6", "addr", "show", "dev", "eth0"]))


class PreemptDelay(TwoLinks):
    DELAY = 2

    def start_late(self, delay):
        """b serves, then a starts, which would be the first."""
        self.b.daemon = self.start(self.b, instance(priority=100))
        self.wait_role(self.b.daemon, "MASTER")
        self.a.daemon = self.start(self.a, instance(priority=200, preempt_delay=delay))
        self.wait_role(self.a.daemon, "BACKUP")

    def entered(self, role):
        return time_of(self.wait_role(self.a.daemon, role).string)

    def test_a_live_peer_is_left_alone_for_preempt_delay(self):
        self.start_late(f"{self.DELAY}s")
        self.wait_role(self.a.daemon, "MASTER")
        waited = (self.entered("MASTER") - self.entered("BACKUP")) / 1e9
        self.assertGreaterEqual(waited, self.DELAY)
        self.assertLess(waited, self.DELAY + 2)
        self.wait_holder(VIP, self.a)

    def test_a_dead_one_is_not(self):
        self.start_late("1min")
        heard = lambda: control.value(control.metrics(self.a), "vrrpd_adverts_received_total", vrrp_instance="VI_1")
        self.wires[0].until(heard, PATIENCE, "an advert of b in the metrics of a")
        self.b.daemon.process.send_signal(signal.SIGKILL)
        line = self.wait_role(self.a.daemon, "MASTER").string
        self.assertIn("no advert from 192.168.30.20", line)


class LoadSharing(TwoLinks):
    OTHER = "192.168.30.17"

    def test_two_instances_share_the_load_M05(self):
        for host in (self.a, self.b):
            host.daemon = self.start(host, instance(priority=host.priority),
                                     instance("VI_2", priority=300 - host.priority, virtual_router_id=52,
                                              virtual_ipaddress=f"{self.OTHER}/24"))
        self.wait_holder(VIP, self.a)
        self.wait_holder(self.OTHER, self.b)
        self.wait_role(self.a.daemon, "BACKUP", name="VI_2")
        mark = self.b.daemon.log.mark()
        self.a.daemon.stop()
        self.wait_role(self.b.daemon, "MASTER", mark)
        for vip in (VIP, self.OTHER):
            self.wait_holder(vip, self.b)
        mark = self.b.daemon.log.mark()
        self.a.daemon.start()
        self.wait_holder(VIP, self.a)
        self.wait_holder(self.OTHER, self.b)
        self.assertEqual(self.roles(self.b.daemon, mark, "VI_2"), [])


if __name__ == "__main__":
    unittest.main()
