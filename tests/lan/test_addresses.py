"""Addresses that are not ours, owners, interfaces that come and go, and routes: one or two real daemons on a virtual
LAN."""

import select
import signal
import socket
import time
import unittest

from tests.lan.daemons import Vrrpd
from tests.lan.settings import PATIENCE, VRRPD, run_folder
from tests.lan.virtual_lan import Lan

VIP = "192.168.30.16"
RTMGRP_IPV4_ROUTE = 0x40


def ini(priority=250, vip=f"{VIP}/24", extra=""):
    return f"""[vrrp_instance VI_1]
interface = eth0
virtual_router_id = 51
priority = {priority}
advert_int = 200ms
virtual_ipaddress = {vip}
{extra}
"""


class OneHost(unittest.TestCase):
    def setUp(self):
        self.lan = self.enterContext(Lan(run_folder(self.id().rsplit(".", 1)[-1])))
        self.host = self.lan.host("a", "192.168.30.10")

    def ip(self, *words):
        self.host.run(["ip", *words])

    def start(self, configuration):
        daemon = Vrrpd(self.host, VRRPD, configuration)
        daemon.start()
        self.addCleanup(daemon.stop)
        return daemon

    def stop(self, daemon):
        daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.process.wait(PATIENCE), 0)

    def test_an_address_that_a_person_put_there_is_theirs_E04(self):
        self.ip("addr", "add", f"{VIP}/24", "dev", "eth0")
        daemon = self.start(ini())
        daemon.wait_state("FAULT", PATIENCE)
        daemon.process.wait_for_line(rf"{VIP} is on eth0 already, but not by us: ip addr del {VIP}/24 dev eth0",
                                     PATIENCE)
        mark = daemon.log.mark()
        self.ip("addr", "del", f"{VIP}/24", "dev", "eth0")
        daemon.wait_state("MASTER", PATIENCE, mark)
        self.stop(daemon)
        self.assertNotIn(VIP, self.host.addresses())

    def test_an_owner_uses_it_and_leaves_it_E01(self):
        self.ip("addr", "add", f"{VIP}/24", "dev", "eth0")
        daemon = self.start(ini(priority=255))
        daemon.wait_state("MASTER", PATIENCE)
        self.assertEqual(daemon.states(), ["MASTER"])
        self.stop(daemon)
        self.assertIn(VIP, self.host.addresses())

    def test_an_owner_whose_only_address_it_is_E01(self):
        self.ip("addr", "flush", "dev", "eth0")
        self.ip("addr", "add", f"{VIP}/24", "dev", "eth0")
        daemon = self.start(ini(priority=255))
        daemon.wait_state("MASTER", PATIENCE)

    def test_a_stranger_in_our_subnet_stays_when_we_go_F13(self):
        daemon = self.start(ini(vip="10.9.0.100/24"))
        daemon.wait_state("MASTER", PATIENCE)
        self.host_has("10.9.0.100")
        self.ip("addr", "add", "10.9.0.7/24", "dev", "eth0")
        self.stop(daemon)
        self.assertNotIn("10.9.0.100", self.host.addresses())
        self.assertIn("10.9.0.7", self.host.addresses())

    def test_what_a_killed_daemon_left_is_removed_by_the_next_F14(self):
        daemon = self.start(ini())
        daemon.wait_state("MASTER", PATIENCE)
        self.host_has(VIP)
        daemon.process.kill()
        self.assertIn(VIP, self.host.addresses())
        other = self.start(ini(vip="192.168.30.17/24"))
        other.wait_state("MASTER", PATIENCE)
        self.host_has("192.168.30.17")
        self.assertNotIn(VIP, self.host.addresses())

    def test_an_interface_that_is_away_and_back(self):
        """FAULT until it is there with its address (E05)."""
        daemon = self.start(ini())
        daemon.wait_state("MASTER", PATIENCE)
        for act, back in (("down", "up"), ("name", "name")):
            mark = daemon.log.mark()
            if act == "down":
                self.ip("link", "set", "eth0", "down")
            else:
                self.host.run(["sh", "-c", "ip link set eth0 down && ip link set eth0 name lan7"])
            daemon.wait_state("FAULT", PATIENCE, mark)
            mark = daemon.log.mark()
            if back == "name":
                self.ip("link", "set", "lan7", "name", "eth0")
            self.host.run(["sh", "-c", "ip link set eth0 up; ip addr replace 192.168.30.10/24 dev eth0"])
            daemon.wait_state("MASTER", PATIENCE, mark)
            self.host_has(VIP)

    def test_an_interface_that_gets_another_name_while_up(self):
        daemon = self.start(ini())
        daemon.wait_state("MASTER", PATIENCE)
        self.host_has(VIP)
        mark = daemon.log.mark()
        self.ip("link", "set", "eth0", "name", "lan7")
        daemon.wait_state("FAULT", PATIENCE, mark)
        self.lan.wait_for_holder(VIP, None, PATIENCE)

    def test_an_interface_made_anew_under_the_same_name(self):
        daemon = self.start(ini())
        daemon.wait_state("MASTER", PATIENCE)
        mark = daemon.log.mark()
        # In one batch: the daemon may see only the end of it.
        self.host.run(["sh", "-c", "printf '%s\\n' 'link del eth0' 'link add eth0 type veth peer name far0' "
                       "'link set far0 up' 'link set eth0 up' 'addr add 192.168.30.10/24 dev eth0' | ip -batch -"])
        daemon.wait_state("MASTER", PATIENCE, mark)
        self.host_has(VIP)

    def test_many_that_go_one_after_the_other_all_come_back_E36(self):
        many = [f"10.7.{i // 200}.{i % 200 + 1}/32" for i in range(600)]
        daemon = self.start("[global]\nvip_lease = off\n" + ini() +
                            "".join(f"virtual_ipaddress_excluded = {address}\n" for address in many))
        daemon.wait_state("MASTER", PATIENCE)
        self.host_has(VIP)
        wanted = {address.split("/")[0] for address in many} | {VIP}
        self.wait_for_all(wanted)
        self.host.run(["sh", "-c", "ip -o -4 addr show dev eth0 proto 112 | awk '{print \"addr del \" $4 \" dev eth0\"}' "
                       "| ip -batch -"])
        self.wait_for_all(wanted)
        self.assertEqual(daemon.states()[-1], "MASTER")

    def wait_for_all(self, wanted):
        end = time.monotonic() + PATIENCE
        while not wanted <= self.host.addresses():
            self.assertLess(time.monotonic(), end, f"{len(wanted - self.host.addresses())} are missing")
            time.sleep(0.01)

    def test_twenty_fast_flaps_end_as_one_holder(self):
        daemon = self.start(ini())
        peer = Vrrpd(self.lan.host("b", "192.168.30.55"), VRRPD, ini(priority=100))
        peer.start()
        self.addCleanup(peer.stop)
        daemon.wait_state("MASTER", PATIENCE)
        for number in range(20):
            if number % 2:
                self.lan.cut(self.host)
                self.lan.restore(self.host)
            else:
                self.host.run(["sh", "-c", "ip link set eth0 down; ip link set eth0 up"])
        self.lan.wait_for_holder(VIP, self.host, PATIENCE)
        daemon.wait_settled("MASTER", PATIENCE)
        peer.wait_settled("BACKUP", PATIENCE)
        self.assertEqual(self.lan.holders(VIP), ["a"])

    def test_another_address_of_the_interface_is_used_at_once(self):
        daemon = self.start(ini())
        daemon.wait_state("MASTER", PATIENCE)
        mark = daemon.log.mark()
        peer = self.lan.host("b", "192.168.30.55")
        capture, path = peer.capture()
        self.host.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/promote_secondaries; "
                       "ip addr add 192.168.30.11/24 dev eth0; ip addr del 192.168.30.10/24 dev eth0"])
        capture.log.until(lambda: b"\xc0\xa8\x1e\x0b\xe0\x00\x00\x12" in path.read_bytes(), PATIENCE,
                          "an advert from the new address", capture.running)
        self.assertEqual(daemon.states(mark), [])
        self.assertIn(VIP, self.host.addresses())

    def test_an_interface_without_an_address_is_a_fault(self):
        daemon = self.start(ini())
        daemon.wait_state("MASTER", PATIENCE)
        mark = daemon.log.mark()
        self.ip("addr", "del", "192.168.30.10/24", "dev", "eth0")
        daemon.process.wait_for_line(r"Entering FAULT STATE.*eth0 has no IPv4 address of its own", PATIENCE, mark)
        self.lan.wait_for_holder(VIP, None, PATIENCE)
        mark = daemon.log.mark()
        self.ip("addr", "add", "192.168.30.12/24", "dev", "eth0")
        daemon.wait_state("MASTER", PATIENCE, mark)
        self.host_has(VIP)

    def test_a_peer_of_the_other_version_is_named_B02(self):
        daemon = self.start(ini())
        peer = self.lan.host("b", "192.168.30.55")
        other = Vrrpd(peer, VRRPD, ini(priority=100, extra="version = 2").replace("200ms", "1s"))
        other.start()
        self.addCleanup(other.stop)
        daemon.process.wait_for_line(r"\(VI_1\) refused advert from 192.168.30.55 reason=version", PATIENCE)

    def test_routes_move_with_the_addresses(self):
        routes = f"virtual_routes = 10.1.0.0/16 via 192.168.30.1 dev eth0 src {VIP} table 1000 metric 50"
        daemon = self.start(ini(priority=100, extra=routes))
        daemon.wait_state("MASTER", PATIENCE)
        there = [f"10.1.0.0/16 via 192.168.30.1 dev eth0 table 1000 src {VIP} metric 50"]
        self.wait_for_routes(self.host, there)
        peer = self.lan.host("b", "192.168.30.55")
        other = Vrrpd(peer, VRRPD, ini(priority=200, extra=routes))
        other.start()
        self.addCleanup(other.stop)
        other.wait_state("MASTER", PATIENCE)
        daemon.wait_settled("BACKUP", PATIENCE)
        self.wait_for_routes(self.host, [])
        self.wait_for_routes(peer, there)
        self.stop(other)
        self.assertEqual(self.routes(peer), [])
        self.wait_for_routes(self.host, there)

    def test_a_route_that_the_kernel_refuses_is_a_fault_that_says_so(self):
        daemon = self.start(ini(extra="virtual_routes = 10.1.0.0/16 via 172.16.0.1"))
        daemon.process.wait_for_line(r"Entering FAULT STATE reason=.*route 10\.1\.0\.0/16: .*Network is unreachable",
                                     PATIENCE)
        self.lan.wait_for_holder(VIP, None, PATIENCE)

    def test_the_routes_that_a_killed_daemon_left_are_removed_by_the_next_F14(self):
        self.ip("route", "add", "10.2.0.0/16", "via", "192.168.30.1", "proto", "static")
        daemon = self.start(ini(extra="virtual_routes = 10.1.0.0/16 via 192.168.30.1 table 1000"))
        daemon.wait_state("MASTER", PATIENCE)
        left = ["10.1.0.0/16 via 192.168.30.1 dev eth0 table 1000"]
        self.wait_for_routes(self.host, left)
        daemon.process.kill()
        self.assertEqual(self.routes(self.host), left)
        other = self.start(ini(vip="192.168.30.17/24"))
        other.wait_state("MASTER", PATIENCE)
        self.host_has("192.168.30.17")
        self.assertEqual(self.routes(self.host), [])
        self.assertIn("10.2.0.0/16", self.host.run(["ip", "route", "show"]))

    def routes(self, host):
        """The routes with our mark, as iproute2 writes them."""
        return [" ".join(line.split()).replace(" proto 112", "")
                for line in host.run(["ip", "route", "show", "table", "all", "proto", "112"]).splitlines()]

    def wait_for_routes(self, host, wanted):
        with host.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as monitor:
            monitor.bind((0, RTMGRP_IPV4_ROUTE))
            end = time.monotonic() + PATIENCE
            while (seen := self.routes(host)) != wanted:
                left = end - time.monotonic()
                self.assertGreater(left, 0, f"the routes are {seen}, not {wanted}")
                if select.select([monitor], [], [], left)[0]:
                    monitor.recv(65536)

    def host_has(self, address):
        """The daemon is MASTER from its advert on; the address follows."""
        holder = self.lan.hosts["a"]
        self.lan.wait_for_holder(address, holder, PATIENCE)


if __name__ == "__main__":
    unittest.main()
