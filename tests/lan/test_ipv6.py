"""Two real daemons on IPv6: takeovers, what the LAN is told and asks, and what happens to the addresses."""

import re
import signal
import time
import unittest

from tests.lan import ipv6
from tests.lan.daemons import Vrrpd
from tests.lan.settings import PATIENCE, VRRPD, run_folder
from tests.lan.virtual_lan import Lan
from tests.lan.watched import Log, NotSeen

LINK_LOCAL_VIP, VIP, LONE_VIP = "fe80::61", "2001:db8::61", "2001:db8::62"
VIPS = (LINK_LOCAL_VIP, VIP, LONE_VIP)
ADVERT_MS = 500


def ini(priority):
    return f"""[vrrp_instance VI_1]
interface = eth0
virtual_router_id = 51
priority = {priority}
advert_int = {ADVERT_MS}ms
virtual_ipaddress = {LINK_LOCAL_VIP}/64, {VIP}/64, {LONE_VIP}
"""


class Ipv6Pair(unittest.TestCase):
    def setUp(self):
        """Both run, `a` is Active."""
        self.lan = self.enterContext(Lan(run_folder(f"Ipv6Pair-{self.id().rsplit('.', 1)[-1]}")))
        self.a, self.b = self.make_host("a", 10, 200), self.make_host("b", 20, 100)
        self.asker = self.lan.host("asker", "192.168.30.99")
        _, path = self.asker.capture()
        self.wire = Log(path)
        self.addresses_of_b = self.b.start("addresses", ["ip", "-6", "monitor", "address"]).log
        for host, state in ((self.a, "MASTER"), (self.b, "BACKUP")):
            host.daemon.start()
            self.addCleanup(host.daemon.stop)
            host.daemon.wait_state(state, PATIENCE)
        self.wait_until_answered_by(self.a)

    def make_host(self, name, number, priority):
        host = self.lan.host(name, f"192.168.30.{number}")
        # Detection of duplicates would keep an address from being used for a second; the LAN's hosts do without it.
        host.run(["sh", "-ec", "cd /proc/sys/net/ipv6/conf/eth0; echo 1 > accept_dad; echo 1 > dad_transmits; "
                  f"ip addr add 2001:db8::{number}/64 dev eth0 nodad"])
        host.link_local = ipv6.link_local_of(host.mac)
        host.daemon = Vrrpd(host, VRRPD, ini(priority))
        return host

    def wait_until_answered_by(self, holder):
        """It alone answers for every address."""
        end = time.monotonic() + PATIENCE
        while (seen := [ipv6.who_answers(vip, self.asker) for vip in VIPS]) != [{holder.mac}] * len(VIPS):
            if time.monotonic() > end:
                raise NotSeen(f"not answered by {holder.name} alone: {seen}")

    def announced(self, host, vip):
        return [one for one in ipv6.advertisements_in(self.wire.path, vip)
                if one.source_mac == host.mac and not one.solicited]

    def wait_until_announced(self, host):
        for vip in VIPS:
            self.wire.until(lambda vip=vip: self.announced(host, vip), PATIENCE, f"{host.name} announces {vip}")

    def adverts_of(self, host):
        return [one for one in ipv6.adverts_in(self.wire.path) if one.source == host.link_local]

    def addresses(self, host, *filters):
        """As in `ip addr show`: {address: length}."""
        shown = host.run(["ip", "-6", "-o", "addr", "show", "dev", "eth0", *filters])
        return dict(re.findall(r"inet6 (\S+)/(\d+)", shown))

    def assert_taken_over_by_b(self, mark):
        self.b.daemon.wait_state("MASTER", PATIENCE, mark)
        self.wait_until_announced(self.b)
        self.wait_until_answered_by(self.b)

    def test_silence_moves_all_addresses_G14(self):
        """The link-local one, too, and it never becomes the source of adverts."""
        self.assertNotIn(LINK_LOCAL_VIP, self.addresses(self.b))
        mark = self.b.daemon.log.mark()
        self.lan.cut(self.a)
        self.assert_taken_over_by_b(mark)
        self.assertTrue(self.b.daemon.log.find('MASTER STATE reason="no advert from', mark))
        self.assertLessEqual(set(VIPS), set(self.addresses(self.b)))
        taken = len(self.adverts_of(self.b))
        self.wire.until(lambda: len(self.adverts_of(self.b)) > taken + 2, PATIENCE, "more adverts of b")
        sources = {one.source for one in ipv6.adverts_in(self.wire.path)}
        self.assertEqual(sources, {self.a.link_local, self.b.link_local})

    def test_release_hands_over_E20(self):
        mark = self.b.daemon.log.mark()
        self.a.daemon.process.send_signal(signal.SIGTERM)
        self.assert_taken_over_by_b(mark)
        self.assertEqual(self.a.daemon.process.wait(PATIENCE), 0)
        self.assertEqual(set(self.addresses(self.a)) & set(VIPS), set())
        released = next(one for one in self.adverts_of(self.a) if one.priority == 0)
        waited = (self.adverts_of(self.b)[0].time_ns - released.time_ns) / 1e6
        self.assertLess(waited, 2 * ADVERT_MS)

    def test_announcement_G02(self):
        """R=1, S=0, O=1, to all nodes, hop limit 255, with our MAC, for each address."""
        self.wait_until_announced(self.a)
        for vip in VIPS:
            for one in self.announced(self.a, vip):
                self.assertEqual(
                    (one.router, one.override, one.destination, one.hop_limit, one.target, one.target_mac),
                    (True, True, "ff02::1", 255, vip, self.a.mac))

    def test_active_answers_and_backup_does_not_G03_G04(self):
        """Asked as neighbours ask, by the group that the holder has joined for the address (G01)."""
        for vip in VIPS:
            answers = {(one.source_mac, one.target_mac, one.hop_limit) for one in ipv6.ask(self.asker, vip)}
            self.assertEqual(answers, {(self.a.mac, self.a.mac, 255)})
        # That the question reaches the Backup, too, is seen by its answer for an address of its own.
        self.assertEqual(ipv6.who_answers("2001:db8::20", self.asker), {self.b.mac})

    def test_usable_at_once_G06(self):
        """From the first moment on the new holder's addresses are not tentative."""
        mark, log = self.addresses_of_b.mark(), self.addresses_of_b
        self.a.daemon.process.send_signal(signal.SIGTERM)
        for vip in VIPS:
            self.assertNotIn("tentative", log.wait(rf"inet6 {vip}/.*", PATIENCE, mark).string)

    def test_a_128_is_not_chosen_as_source_G12(self):
        self.assertEqual(self.addresses(self.a)[LONE_VIP], "128")
        self.assertEqual(self.addresses(self.a, "deprecated"), {LONE_VIP: "128"})

    def test_without_a_link_local_address_of_our_own_G13(self):
        """FAULT, though the virtual one is there; and until the new one has passed the detection of duplicates."""
        mark, mark_b = self.a.daemon.log.mark(), self.b.daemon.log.mark()
        self.a.run(["ip", "addr", "del", f"{self.a.link_local}/64", "dev", "eth0"])
        self.a.daemon.wait_state("FAULT", PATIENCE, mark)
        self.assert_taken_over_by_b(mark_b)
        mark = self.a.daemon.log.mark()
        self.a.run(["ip", "addr", "add", f"{self.a.link_local}/64", "dev", "eth0"])
        self.a.daemon.wait_state("BACKUP", PATIENCE, mark)
        self.assertEqual(self.addresses(self.a, "tentative"), {})
        self.a.daemon.wait_state("MASTER", PATIENCE, mark)
        self.wait_until_answered_by(self.a)


if __name__ == "__main__":
    unittest.main()
