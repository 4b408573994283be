"""Unicast: adverts to peers alone, also through a router; peers that are no peers, sources that are missing."""

import unittest

from tests.lan import control, crafted, ipv6
from tests.lan.cases import LanCase, instance
from tests.lan.settings import PATIENCE

VIP = "192.168.30.16"
A, B, C, STRANGER = (f"192.168.30.{number}" for number in (10, 20, 30, 99))
LATE = "192.168.30.110"  # comes later
PERIOD_NS = 100_000_000


def peers(*addresses, priority=100, **keys):
    return instance(priority=priority, unicast_peer=", ".join(addresses), **keys)


class UnicastPeers(LanCase):
    """On one LAN: a has the highest priority."""

    def setUp(self):
        super().setUp()
        self.a, self.b = self.lan.host("a", A), self.lan.host("b", B)
        self.wire = self.watch(self.lan.switch, self.a.port)

    def start_pair(self, extra_peer_of_a=None, beside=""):
        """Both run, a is MASTER; `beside` is one more section of its."""
        self.daemon_a = self.start(self.a, peers(*filter(None, [extra_peer_of_a]), B, priority=200), beside)
        self.wait_role(self.daemon_a, "MASTER")
        self.daemon_b = self.start(self.b, peers(A))
        self.wait_role(self.daemon_b, "BACKUP")

    def failures(self, host):
        return control.value(control.metrics(host), "vrrpd_send_failures_total", vrrp_instance="VI_1")

    def refused(self, host, reason):
        return control.value(control.metrics(host), "vrrpd_adverts_refused_total", vrrp_instance="VI_1", reason=reason)

    def assert_on_time(self, adverts):
        """No gap that a peer could take for silence, and as many as the time between the first and the last asks."""
        times = [one.time_ns for one in adverts]
        self.assertLess(max(after - before for before, after in zip(times, times[1:])), 3 * PERIOD_NS)
        self.assertAlmostEqual((times[-1] - times[0]) / PERIOD_NS, len(times) - 1, delta=1)

    def test_one_advert_a_peer_and_none_to_the_group_V01(self):
        c = self.lan.host("c", C)
        daemons = [self.start(host, peers(*({A, B, C} - {host.address}), priority=priority))
                   for host, priority in ((self.b, 150), (c, 100), (self.a, 200))]
        self.wait_role(daemons[2], "MASTER")
        self.wait_holder(VIP, self.a)
        begin = self.wire.until_adverts(1, source=A)[0].time_ns
        self.wire.until_adverts(20, source=A, destination=B)
        self.wire.until_adverts(20, source=A, destination=C)
        seen = self.wire.adverts(since_ns=begin, source=A)
        self.assertEqual({(one.destination, one.to_mac, one.ttl) for one in seen}, {(B, self.b.mac, 255),
                                                                                   (C, c.mac, 255)})
        # Each round is one to each, in the order of the file or another, and none is said twice.
        rounds = [{one.destination for one in seen[at:at + 2]} for at in range(0, 40, 2)]
        self.assertEqual(rounds, [{B, C}] * 20)

    def test_a_peer_that_is_not_there_delays_nobody_V01(self):
        """Nobody answers ARP for it."""
        self.start_pair(extra_peer_of_a="192.168.30.77")
        adverts = self.wire.until_adverts(30, source=A, destination=B)
        self.assert_on_time(adverts[1:])
        self.assertEqual(self.wire.adverts(destination="192.168.30.77"), [])
        self.assertEqual(self.roles(self.daemon_b), ["BACKUP"])

    def test_a_peer_that_nothing_can_be_sent_to_is_counted_and_delays_nobody_V08(self):
        """A rule of this host keeps from it what we send, which the kernel says to the sender."""
        self.a.run(["nft", "add table inet wall; add chain inet wall out { type filter hook output priority 0; }; "
                    f"add rule inet wall out ip daddr {C} drop"])
        self.start_pair(extra_peer_of_a=C)
        adverts = self.wire.until_adverts(30, source=A, destination=B)
        self.assert_on_time(adverts[1:])
        self.assertEqual(self.roles(self.daemon_a), ["BACKUP", "MASTER"])
        self.assertEqual(self.roles(self.daemon_b), ["BACKUP"])
        self.assertGreaterEqual(self.failures(self.a), 25)

    def test_who_is_no_peer_is_refused_V03(self):
        self.start_pair()
        link = crafted.Link(self.lan.host("stranger", STRANGER))
        self.addCleanup(link.close)
        stranger = crafted.Advert(51, (VIP,), STRANGER, destination=A, priority=254, interval=10)
        before = self.refused(self.a, "source")
        link.send(stranger.frame(to=self.a.mac))
        self.daemon_a.process.wait_for_line(rf"\(VI_1\) refused advert from {STRANGER} reason=source", PATIENCE)
        self.assertEqual(self.refused(self.a, "source"), before + 1)
        self.assertEqual(self.roles(self.daemon_a), ["BACKUP", "MASTER"])
        # The same from the peer is obeyed: it was the sender and nothing else.
        mark = self.daemon_a.log.mark()
        link.send(stranger.but(source=B).frame(to=self.a.mac))
        self.wait_role(self.daemon_a, "BACKUP", mark)

    def test_the_group_is_not_for_who_has_peers_V02(self):
        """An instance beside ours has joined it, so the kernel delivers."""
        self.start_pair(beside=instance("VI_2", virtual_router_id=52, virtual_ipaddress="192.168.30.17"))
        link = crafted.Link(self.lan.host("stranger", STRANGER))
        self.addCleanup(link.close)
        link.send(crafted.Advert(51, (VIP,), B, priority=254, interval=10).frame())
        self.daemon_a.process.wait_for_line(rf"\(VI_1\) refused advert from {B} reason=destination", PATIENCE)
        self.assertEqual(self.roles(self.daemon_a), ["BACKUP", "MASTER"])

    def test_without_an_interface(self):
        """It is the one that holds the source."""
        for host, peer, priority in ((self.a, B, 200), (self.b, A, 100)):
            host.daemon = self.start(host, peers(peer, priority=priority, interface=None, unicast_src_ip=host.address))
        self.wait_role(self.a.daemon, "MASTER")
        self.wait_holder(VIP, self.a)
        mark = self.b.daemon.log.mark()
        self.a.daemon.stop()
        self.wait_role(self.b.daemon, "MASTER", mark)
        self.wait_holder(VIP, self.b)

    def test_a_source_that_comes_and_goes_V07(self):
        self.assert_follows(rf"interface eth0 does not have {LATE} \(unicast_src_ip\)")

    def test_without_an_interface_a_source_that_comes_and_goes_V07(self):
        self.assert_follows(rf"no interface has {LATE} \(unicast_src_ip\)", interface=None)

    def assert_follows(self, sentence, **keys):
        """FAULT with this sentence before the source is there and when it is gone."""
        daemon = self.start(self.a, peers(B, unicast_src_ip=LATE, **keys))
        self.wait_faulty(daemon, sentence)
        mark = daemon.log.mark()
        self.a.run(["ip", "addr", "add", f"{LATE}/24", "dev", "eth0"])
        self.wait_role(daemon, "MASTER", mark)
        self.assertEqual(self.roles(daemon, mark), ["BACKUP", "MASTER"])
        self.wire.until_adverts(3, source=LATE, destination=B)
        mark = daemon.log.mark()
        self.a.run(["ip", "addr", "del", f"{LATE}/24", "dev", "eth0"])
        self.wait_faulty(daemon, sentence, mark)
        self.wait_holder(VIP, None)

    def test_ipv6_with_global_addresses(self):
        vip, place = "2001:db8::16", "2001:db8::{}"
        for number, (host, priority) in enumerate(((self.a, 200), (self.b, 100)), 1):
            host.run(["ip", "addr", "add", place.format(number) + "/64", "dev", "eth0"])
            host.daemon = self.start(host, peers(place.format(3 - number), priority=priority,
                                                 virtual_ipaddress=f"{vip}/64"))
        self.wait_role(self.a.daemon, "MASTER")
        seen = self.wire.until_adverts(5, source=place.format(1))
        self.assertEqual({(one.destination, one.to_mac, one.ttl, one.traffic_class, one.addresses) for one in seen},
                         {(place.format(2), self.b.mac, 255, 0xC0, (vip,))})
        self.assertEqual(self.roles(self.b.daemon), ["BACKUP"])
        mark = self.b.daemon.log.mark()
        self.a.daemon.stop()
        self.wait_role(self.b.daemon, "MASTER", mark)
        asker = self.lan.host("asker", STRANGER)
        self.assertEqual(ipv6.who_answers(vip, asker), {self.b.mac})


class AcrossARouter(LanCase):
    """V04: a and b in two subnets, a router in between that takes one off the TTL."""

    FAR = "192.168.31.20"

    def setUp(self):
        super().setUp()
        router = self.lan.host("router", "192.168.30.1")
        self.lan.link(router, 1, "192.168.31.1")
        router.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
        self.a, self.b = self.lan.host("a", A), self.lan.host("b", "192.168.32.20")
        self.b.run(["ip", "link", "del", "eth0"])  # it lives on the other link alone
        self.lan.link(self.b, 1, self.FAR)
        self.a.run(["ip", "route", "add", "192.168.31.0/24", "via", "192.168.30.1"])
        self.b.run(["ip", "route", "add", "192.168.30.0/24", "via", "192.168.31.1"])
        self.wire_a, self.wire_b = self.watch(self.a), self.watch(self.b, "eth1")

    def start_both(self, minimum="", **keys):
        """Each has the other as its peer, with this behind its address; a is the first."""
        self.daemon_a = self.start(self.a, peers(self.FAR + minimum, priority=200, **keys))
        self.wait_role(self.daemon_a, "MASTER")
        self.wire_b.until_adverts(2, source=A)
        self.daemon_b = self.start(self.b, peers(A + minimum, interface="eth1", **keys))
        self.wait_role(self.daemon_b, "BACKUP")

    def received(self, host):
        return control.value(control.metrics(host), "vrrpd_adverts_received_total", vrrp_instance="VI_1")

    def wait_refused(self):
        """By the TTL, so b takes over from nobody it could hear."""
        self.daemon_b.process.wait_for_line(rf"\(VI_1\) refused advert from {A} reason=ttl", PATIENCE)
        self.wait_role(self.daemon_b, "MASTER")
        self.assertEqual(self.received(self.b), 0)

    def test_a_smaller_ttl_is_taken_where_the_file_says_so_V04(self):
        self.start_both(" min_ttl 64")
        seen = self.wire_b.until_adverts(20, source=A)
        self.assertEqual({one.ttl for one in seen}, {254})
        self.assertEqual({one.ttl for one in self.wire_a.adverts(source=A)}, {255})
        self.assertEqual(self.roles(self.daemon_b), ["BACKUP"])
        self.assertGreater(self.received(self.b), 0)
        mark = self.daemon_b.log.mark()
        self.daemon_a.stop()
        line = self.wait_role(self.daemon_b, "MASTER", mark).string
        self.assertIn(f"{A} released the addresses", line)
        self.wait_holder(VIP, self.b)

    def test_without_that_only_the_link_is_trusted_V04(self):
        self.start_both()
        self.wait_refused()

    def test_the_ttl_that_leaves_is_the_files_V04(self):
        """64 leaves, 63 arrives: one too few."""
        self.start_both(" min_ttl 64", unicast_ttl=64)
        self.wait_refused()
        self.assertEqual({one.ttl for one in self.wire_a.adverts(source=A)}, {64})
        self.assertEqual({one.ttl for one in self.wire_b.adverts(source=A)}, {63})


if __name__ == "__main__":
    unittest.main()
