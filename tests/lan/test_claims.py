"""Other holders of a virtual address: who claims it, who answers for it, what the clients believe then, and that an
ordinary handover is not taken for that.
"""

import time
import unittest

from tests.interop.peers import VRID, KeepalivedPeer, Kind, Ours, VrrpdPeer
from tests.lan import control, wire
from tests.lan.crafted import SENDER_MAC, Ear, Link, forged_announcement
from tests.lan.daemons import Vrrpd
from tests.lan.settings import PATIENCE, VRRPD, run_folder
from tests.lan.virtual_lan import Lan

from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import Ether

VIP, VIP6 = "192.168.30.16", "2001:db8::61"
WRONG_MAC = "02:00:00:00:00:ee"
CLAIMED = r"\(\w+\) {} is also claimed by {}: find that host"
NOBODY = "0.0.0.0"  # the sender address of a probe
SECOND = 10**9


def ini(priority, version=3, advert="100ms", extra=""):
    """What is announced is announced because something happened, not because time passed."""
    text = "[global]\nlog_target = stderr\n"
    for name, vip in (("VI_1", f"{VIP}/24"), ("VI_6", f"fe80::61/64, {VIP6}/64")):
        text += f"""
[vrrp_instance {name}]
interface = eth0
virtual_router_id = {VRID}
version = {version}
priority = {priority}
advert_int = {advert}
virtual_ipaddress = {vip}
garp_master_delay = 0
garp_master_refresh = 0
{extra}
"""
    return text


def forged_advertisement(address):
    """An unsolicited neighbour advertisement of somebody who has not got the address."""
    return bytes(Ether(src=SENDER_MAC, dst="33:33:00:00:00:01") / IPv6(src="fe80::bad", dst="ff02::1", hlim=255) /
                 ICMPv6ND_NA(tgt=address, R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=SENDER_MAC))


class Client:
    """A host that keeps neighbours, and the story of them."""

    def __init__(self, host):
        self.host = host
        self.host.run(["ip", "addr", "add", "2001:db8::99/64", "dev", "eth0"])
        self._log = host.start("neighbours", ["ip", "monitor", "neigh"]).log

    def believe(self, vip, mac, state="stale"):
        self.host.run(["ip", "neigh", "replace", vip, "lladdr", mac, "dev", "eth0", "nud", state])

    def mark(self):
        return self._log.mark()

    def wait_until_told(self, vip, mac, since=0):
        """Until the table had that MAC at some time after `since`."""
        return self._log.wait(rf"^{vip} .*lladdr {mac} ", PATIENCE, since)

    def remembered(self, vip):
        words = self.host.run(["ip", "neigh", "show", vip, "dev", "eth0"]).split()
        return words[words.index("lladdr") + 1] if "lladdr" in words else None

    def wait_until_believes(self, vip, mac):
        self._log.until(lambda: self.remembered(vip) == mac, PATIENCE, f"{mac} for {vip}")


class OneActive(unittest.TestCase):
    """Tests begin when the one Active has sent its probes: what is said then, is said of others."""

    def setUp(self):
        self.lan = self.enterContext(Lan(run_folder("-".join(self.id().rsplit(".", 2)[1:]))))
        self.active = self.lan.host("active", "192.168.30.10")
        self.stranger = self.lan.host("stranger", "192.168.30.66")
        self.client = Client(self.lan.host("client", "192.168.30.99"))
        self.ear = Ear(self.client.host, [wire.ETH_P_ARP])
        self.addCleanup(self.ear.close)
        self.link = Link(self.stranger)
        self.addCleanup(self.link.close)

    def start(self, text=ini(100)):
        self.daemon = Vrrpd(self.active, VRRPD, text)
        self.daemon.start()
        self.addCleanup(self.daemon.stop)

    def wait_for_probe(self):
        self.ear.until(lambda heard: [one for one in heard if (one.mac, one.source) == (self.active.mac, NOBODY)],
                       PATIENCE, "a probe")

    def announcements(self, since_ns):
        return [one for one in self.ear.listen()
                if one.time_ns >= since_ns and (one.mac, one.source) == (self.active.mac, VIP)]

    def wait_for_line(self, vip, mac):
        self.daemon.process.wait_for_line(CLAIMED.format(vip, mac), PATIENCE)

    def claims(self, instance):
        return control.value(control.metrics(self.active), "vrrpd_foreign_claims_total", vrrp_instance=instance)

    def assert_nothing_claimed(self):
        self.assertNotIn("is also claimed", self.daemon.log.text())
        self.assertEqual([self.claims("VI_1"), self.claims("VI_6")], [0, 0])

    def test_H43_forged_announcement(self):
        """It turns the client's entry over, and ours turns it back at once."""
        self.start()
        self.wait_for_probe()
        self.assert_nothing_claimed()
        self.client.believe(VIP, self.active.mac, "reachable")
        mark = self.client.mark()
        before, _ = self.link.send(forged_announcement(VIP))
        self.client.wait_until_told(VIP, SENDER_MAC, mark)
        self.client.wait_until_believes(VIP, self.active.mac)
        self.assertLess(self.announcements(before)[0].time_ns - before, SECOND / 5)
        self.wait_for_line(VIP, SENDER_MAC)
        self.assertEqual(self.claims("VI_1"), 1)
        self.assertEqual(self.daemon.states(), ["BACKUP", "MASTER"])

    def test_H43_forged_neighbour_advertisement(self):
        self.start()
        self.wait_for_probe()
        self.client.believe(VIP6, self.active.mac, "reachable")
        mark = self.client.mark()
        self.link.send(forged_advertisement(VIP6))
        self.client.wait_until_told(VIP6, SENDER_MAC, mark)
        self.client.wait_until_believes(VIP6, self.active.mac)
        self.wait_for_line(VIP6, SENDER_MAC)
        self.assertEqual([self.claims("VI_1"), self.claims("VI_6")], [0, 1])

    def test_H43_a_forger_who_goes_on_is_answered_once_a_second(self):
        """A burst has five announcements. Also: one line a minute, no change of role, the address stays."""
        self.start()
        self.wait_for_probe()
        before = time.time_ns()
        while time.time_ns() < before + 3 * SECOND:
            self.link.send(forged_announcement(VIP))
            self.ear.for_seconds(0.02)
        sent = self.announcements(before)
        bursts = 1 + (sent[-1].time_ns - before) // SECOND
        self.assertGreaterEqual(len(sent), 3 * 5)
        self.assertLessEqual(len(sent), bursts * 5)
        self.assertEqual(self.daemon.log.text().count("is also claimed by"), 1)
        self.assertGreater(self.claims("VI_1"), 15)
        self.assertEqual(self.daemon.states(), ["BACKUP", "MASTER"])
        self.assertIn(VIP, self.active.addresses())

    def test_G07_somebody_who_only_answers_is_found_by_the_probe(self):
        """Linux says nothing of an address that is put on by hand, but answers for it."""
        self.stranger.run(["ip", "addr", "add", f"{VIP}/32", "dev", "eth0"])
        self.stranger.run(["ip", "addr", "add", f"{VIP6}/128", "dev", "eth0", "nodad"])
        self.client.believe(VIP6, self.active.mac)
        self.start()
        for vip in (VIP, VIP6):
            self.wait_for_line(vip, self.stranger.mac)
        # In IPv6 his answer goes to all, and is undone.
        self.client.wait_until_told(VIP6, self.stranger.mac)
        self.client.wait_until_believes(VIP6, self.active.mac)
        self.assertEqual(self.daemon.states(), ["BACKUP", "MASTER"])

    def test_G07_somebody_who_uses_it_as_his_own(self):
        """He asks for the client's MAC, and names the address as his."""
        self.start()
        self.wait_for_probe()
        self.assert_nothing_claimed()
        self.stranger.run(["ip", "addr", "add", f"{VIP}/32", "dev", "eth0"])
        self.stranger.run(["ping", "-c", "1", "-W", "1", "-I", VIP, "192.168.30.10"], check=False)
        self.stranger.run(["ping", "-c", "1", "-W", "1", "-I", VIP, self.client.host.address], check=False)
        self.wait_for_line(VIP, self.stranger.mac)

    def test_what_others_say_of_their_own_is_nobodys_business(self):
        self.start()
        self.wait_for_probe()
        for _ in range(20):
            self.link.send(forged_announcement("192.168.30.17"), forged_advertisement("2001:db8::62"))
        self.link.send(forged_announcement(VIP))
        self.wait_for_line(VIP, SENDER_MAC)
        self.assertEqual([self.claims("VI_1"), self.claims("VI_6")], [1, 0])

    def test_another_link_of_our_own_on_the_same_LAN(self):
        """It answers for the address, as Linux does on all links, with its own MAC: that is us."""
        mac = "02:00:00:00:01:01"
        self.active.run(["ip", "link", "add", "mv0", "link", "eth0", "address", mac, "type", "macvlan", "mode",
                         "bridge"])
        self.active.run(["ip", "link", "set", "mv0", "up"])
        self.start()
        self.wait_for_probe()
        marker = forged_announcement(VIP).replace(bytes.fromhex(SENDER_MAC.replace(":", "")),
                                                  bytes.fromhex(mac.replace(":", "")))
        self.link.send(marker, forged_announcement(VIP))
        self.wait_for_line(VIP, SENDER_MAC)
        self.assertNotIn(mac, self.daemon.log.text())
        self.assertEqual(self.claims("VI_1"), 1)

    def test_a_master_that_never_heard_a_peer_says_so_once(self):
        """Down intervals of 100 ms adverts: after 3.6 s."""
        self.start()
        words = r"\(VI_1\) MASTER for 3\.\d+ s and no advert of a peer ever heard: .*firewall"
        self.daemon.process.wait_for_line(words, PATIENCE)
        series = control.metrics(self.active)
        self.assertEqual(control.value(series, "vrrpd_no_peer_heard", vrrp_instance="VI_1"), 1)
        self.assertEqual(self.daemon.log.text().count("(VI_1) MASTER for"), 1)

    def test_a_link_that_is_back_under_an_active_is_told_of_it(self):
        """With dont_track_primary = yes it stays MASTER without a carrier."""
        self.start(ini(100, extra="dont_track_primary = yes"))
        self.wait_for_probe()
        self.lan.cut(self.active)
        self.client.believe(VIP, WRONG_MAC)
        since = time.time_ns()
        self.lan.restore(self.active)
        self.client.wait_until_believes(VIP, self.active.mac)
        self.assertTrue(self.announcements(since))
        self.assertEqual(self.daemon.states(), ["BACKUP", "MASTER"])


class Takeover(unittest.TestCase):
    """A client with whatever wrong entry learns of the move with the first announcements."""

    def setUp(self):
        self.lan = self.enterContext(Lan(run_folder("-".join(self.id().rsplit(".", 2)[1:]))))
        self.a, self.b = self.lan.host("a", "192.168.30.10"), self.lan.host("b", "192.168.30.55")
        self.client = Client(self.lan.host("client", "192.168.30.99"))
        for host, priority in ((self.a, 200), (self.b, 100)):
            host.daemon = Vrrpd(host, VRRPD, ini(priority))
            host.daemon.start()
            self.addCleanup(host.daemon.stop)
            host.daemon.wait_state("MASTER" if host is self.a else "BACKUP", PATIENCE)
        self.ear = Ear(self.client.host, [wire.ETH_P_ARP])
        self.addCleanup(self.ear.close)

    def move(self, state, mac):
        """To b, whom nobody has to ask."""
        for vip in (VIP, VIP6):
            self.client.believe(vip, mac, state)
        mark, since = self.b.daemon.log.mark(), time.time_ns()
        self.a.daemon.stop()
        self.b.daemon.wait_state("MASTER", PATIENCE, mark)
        for vip in (VIP, VIP6):
            self.client.wait_until_believes(vip, self.b.mac)
        asked = [one for one in self.ear.listen() if one.mac == self.client.host.mac and one.time_ns >= since]
        self.assertEqual(asked, [], "the client asked who has the address")

    def test_reachable_with_the_old_mac(self):
        self.move("reachable", self.a.mac)

    def test_stale_with_the_old_mac(self):
        self.move("stale", self.a.mac)

    def test_reachable_with_the_mac_of_nobody(self):
        self.move("reachable", WRONG_MAC)

    def split(self, apart):
        """While apart the two do not hear each other, but the client hears both."""
        for host in (self.a, self.b):
            self.lan.switch.run(["bridge", "link", "set", "dev", host.port, "isolated", "on" if apart else "off"])

    def test_after_a_split_the_client_is_told_of_the_winner(self):
        """The loser had announced itself last."""
        for vip in (VIP, VIP6):
            self.client.believe(vip, self.a.mac)
        mark = self.b.daemon.log.mark()
        self.split(True)
        self.b.daemon.wait_state("MASTER", PATIENCE, mark)
        for vip in (VIP, VIP6):
            self.client.wait_until_told(vip, self.b.mac)
            self.client.believe(vip, self.b.mac)
        mark = self.b.daemon.log.mark()
        self.split(False)
        self.b.daemon.wait_state("BACKUP", PATIENCE, mark)
        for vip in (VIP, VIP6):
            self.client.wait_until_believes(vip, self.a.mac)


class Handovers(unittest.TestCase):
    """Ten ordinary handovers, each up to the probe of who took over, and nobody is reported."""

    def between(self, peer_class, kind):
        lan = self.enterContext(Lan(run_folder("-".join(self.id().rsplit(".", 2)[1:]))))
        ours_host, peer_host = lan.host("ours", "192.168.30.10"), lan.host("peer", "192.168.30.20")
        asker = lan.host("asker", "192.168.30.99")
        ear = Ear(asker, [wire.ETH_P_ARP])
        self.addCleanup(ear.close)
        peer = peer_class(peer_host, kind, 200, ours_host.address)
        ours = VrrpdPeer(ours_host, kind, 100, peer_host.address)
        vip = kind.vips[0]

        def taken_by(daemon, since):
            """It announces, and if it is ours, asks for others."""
            sources = [vip] + ([NOBODY] if isinstance(daemon, Ours) else [])
            ear.until(lambda heard: all(any((one.mac, one.source) == (daemon.host.mac, source)
                                            for one in heard if one.time_ns >= since) for source in sources),
                      PATIENCE, f"{daemon.host.name} takes {vip}")

        for daemon in (ours, peer):
            self.addCleanup(lambda daemon=daemon: daemon.process.stop(5))
        since = time.time_ns()
        ours.start()
        taken_by(ours, since)
        for _ in range(5):
            since = time.time_ns()
            peer.start()
            taken_by(peer, since)
            ours.wait_settled("BACKUP", PATIENCE)
            since = time.time_ns()
            peer.stop()
            taken_by(ours, since)
        ear.for_seconds(0.3)  # for answers to the last probe
        self.assertEqual(ours.states(), ["BACKUP", "MASTER"] * 6)
        for daemon in (ours, peer):
            self.assertNotIn("claimed", daemon.log.text())
        claims = control.value(control.metrics(ours_host), "vrrpd_foreign_claims_total", vrrp_instance="VI_1")
        self.assertEqual(claims, 0)

    def test_between_two_of_ours(self):
        self.between(VrrpdPeer, Kind(advert_ms=100))

    def test_with_keepalived_version_3(self):
        self.between(KeepalivedPeer, Kind(advert_ms=100))

    def test_with_keepalived_version_2(self):
        self.between(KeepalivedPeer, Kind(version=2, advert_ms=1000))


if __name__ == "__main__":
    unittest.main()
