"""Adverts while the kernel is busy with addresses, ours or others': they leave on time.

HOLDER is a program that holds the lock which all requests for links and addresses of the whole machine need.
"""

import signal
import unittest

from tests.lan import crafted
from tests.lan.cases import LanCase, instance
from tests.lan.settings import HOLDER, PATIENCE

A, RIVAL = "192.168.30.10", "192.168.30.99"
STEADY_VRID, MOVING_VRID = 51, 52
MOVING_VIPS = tuple(f"10.9.0.{number}" for number in range(1, 101))  # more than leave together


class LockedKernel(LanCase):
    """One instance that stays MASTER, with adverts of 10 ms, and one that has to let its addresses go meanwhile."""

    def setUp(self):
        super().setUp()
        self.a = self.lan.host("a", A)
        self.rival = crafted.Link(self.lan.host("rival", RIVAL))
        self.addCleanup(self.rival.close)
        self.wire = self.watch(self.lan.switch, self.a.port)
        self.daemon = self.start(
            self.a, instance("VI_1", priority=200, advert_int="10ms"),
            instance("VI_2", priority=200, advert_int="10ms", virtual_router_id=MOVING_VRID,
                     virtual_ipaddress=", ".join(MOVING_VIPS)))
        for name in ("VI_1", "VI_2"):
            self.wait_role(self.daemon, "MASTER", name=name)
        self.wait_holder(MOVING_VIPS[-1], self.a)

    def outrank(self):
        """Makes VI_2 yield; when that began."""
        advert = crafted.Advert(virtual_router_id=MOVING_VRID, addresses=MOVING_VIPS, source=RIVAL, priority=250,
                                interval=1)
        began, _ = self.rival.send(advert.frame())
        return began

    def test_adverts_leave_while_others_hold_the_kernels_lock(self):
        holder = self.a.start("holder", [HOLDER, "eth0"])
        holder.wait_for_line("^held$", PATIENCE)
        mark = self.daemon.log.mark()
        began = self.outrank()
        self.wait_role(self.daemon, "BACKUP", mark, "VI_2")
        # The lock is held for two seconds unless we end that: adverts that wait for it come too late for us.
        self.wire.until_adverts(20, vrid=STEADY_VRID, since_ns=began)
        holder.stop()
        self.assertEqual(holder.log.lines(), ["held", "released"])
        self.wait_role(self.daemon, "MASTER", mark, "VI_2")
        self.wait_holder(MOVING_VIPS[-1], self.a)
        self.assertEqual(self.roles(self.daemon, mark), [])

    def test_a_daemon_that_stops_meanwhile_leaves_no_address_behind(self):
        holder = self.a.start("holder", [HOLDER, "eth0"])
        holder.wait_for_line("^held$", PATIENCE)
        self.daemon.process.send_signal(signal.SIGTERM)
        # The peers do not wait for our kernel.
        self.wire.until_adverts(2, vrid=MOVING_VRID, priority=0)
        holder.stop()
        self.assertEqual(self.daemon.process.wait(PATIENCE), 0)
        self.assertEqual(holder.log.lines(), ["held", "released"])
        self.assertEqual(self.a.addresses() - {"127.0.0.1"}, {A})


class ManyAddresses(LanCase):
    def test_each_is_announced_once_in_a_burst_of_one_G09(self):
        """Each as it comes, and not again when all are there."""
        host = self.lan.host("a", A)
        wire = self.watch(self.lan.switch, host.port)
        addresses = [f"10.9.{number // 250}.{number % 250 + 1}" for number in range(1000)]
        excluded = "".join(f"virtual_ipaddress_excluded = {address}\n" for address in addresses[250:])
        daemon = self.start(host, instance("VI_1", virtual_ipaddress=", ".join(addresses[:250]), garp_master_repeat=1,
                                           garp_master_delay="0s", garp_master_refresh="0s"), excluded)
        self.wait_role(daemon, "MASTER")
        wire.until(lambda: wire.announcements(addresses[-1]), PATIENCE, "the announcement of the last one")
        wire.until_adverts(3, since_ns=wire.announcements(addresses[-1])[0])
        self.assertEqual([address for address in addresses if len(wire.announcements(address)) != 1], [])
        self.assertEqual(host.addresses() - {A, "127.0.0.1"}, set(addresses))


if __name__ == "__main__":
    unittest.main()
