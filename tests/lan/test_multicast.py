"""Multicast and sockets, and what happens between the daemon and the kernel below it: groups that are joined, headers
on the wire, addresses that somebody takes away, packets that do not leave."""

import re
import signal
import socket
import struct
import time
import unittest

from tests.lan import control, crafted, ipv6
from tests.lan.cases import LanCase, instance
from tests.lan.settings import PATIENCE

# A socket of adverts and one that looks at what those are not.
SOCKETS = 2
VIP, VIP_6 = "192.168.30.16", "fe80::16, 2001:db8::16"
A, B, STRANGER = (f"192.168.30.{number}" for number in (10, 20, 99))
GROUP, GROUP_6 = "224.0.0.18", "ff02::12"
IGMP, IP_ADD_MEMBERSHIP = 2, 35
RTM_DELADDR, NLM_F_REQUEST, NLM_F_ACK, IFA_LOCAL = 21, 1, 4, 2


def both_families(priority=200, **keys):
    """VI_1 and, over IPv6 with the same VRID, VI_6."""
    return (instance(priority=priority, **keys) +
            instance("VI_6", priority=priority, **(keys | {"virtual_ipaddress": VIP_6})))


def memberships(host, interface="eth0"):
    """{group: users} of an interface."""
    found, device = {}, None
    for line in host.run(["cat", "/proc/net/igmp"]).splitlines():
        words = line.split()
        if not line.startswith("\t"):
            device = words[1]
        elif device == interface:
            found[socket.inet_ntoa(struct.pack("=I", int(words[0], 16)))] = int(words[1])
    for line in host.run(["cat", "/proc/net/igmp6"]).splitlines():
        _, device, group, users, *_ = line.split()
        if device == interface:
            found[ipv6.text(bytes.fromhex(group))] = int(users)
    return found


class OneHost(LanCase):
    def setUp(self):
        super().setUp()
        self.a = self.lan.host("a", A)
        self.wire = self.watch(self.lan.switch, self.a.port)

    def start_master(self, *sections, names=("VI_1",)):
        daemon = self.start(self.a, *sections)
        for name in names:
            self.wait_role(daemon, "MASTER", name=name)
        return daemon

    def link(self):
        link = crafted.Link(self.lan.host("stranger", STRANGER))
        self.addCleanup(link.close)
        return link

    def stop(self, daemon):
        daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.process.wait(PATIENCE), 0)

    def metric(self, name, **labels):
        return control.value(control.metrics(self.a), name, **labels)

    def wait_metric(self, wanted, name, **labels):
        """Until it is this, asked again with every frame on the wire."""
        self.wire.until(lambda: self.metric(name, **labels) == wanted, PATIENCE, f"{name} {labels} of {wanted}")


class Memberships(OneHost):
    def reports(self, since_ns, group):
        """Frames that name a group to IGMP or MLD routers: what the record of it says, in version 3 and 2 of those."""
        raw = socket.inet_aton(group) if "." in group else ipv6.packed(group)
        kinds = []
        for time_ns, frame in self.wire.frames:
            if time_ns < since_ns or frame[6:12] != ipv6.raw_mac(self.a.mac):
                continue
            igmp = frame[12:14] == b"\x08\x00" and frame[23] == IGMP
            mld = frame[12:14] == b"\x86\xdd" and frame[20] == 0 and frame[54] == ipv6.ICMPV6
            message = frame[14 + 4 * (frame[14] & 15):] if igmp else frame[62:] if mld else b""
            at = message.find(raw, 8)
            if message and message[0] in (0x22, 143) and at >= 12:
                kinds.append(message[at - 4])
        return kinds

    def wait_report(self, since_ns, group, kind):
        self.wire.until(lambda: kind in self.reports(since_ns, group), PATIENCE, f"a report of kind {kind} for {group}")

    def test_joined_before_backup_and_left_at_the_end_M01(self):
        begin = time.time_ns()
        daemon = self.start(self.a, both_families())
        self.wait_role(daemon, "BACKUP", name="VI_6")
        joined = memberships(self.a)
        self.assertEqual((joined.get(GROUP), joined.get(GROUP_6)), (SOCKETS, SOCKETS))
        change_to_exclude, change_to_include = 4, 3  # nothing: all sources; only of nobody
        for group in (GROUP, GROUP_6):
            self.wait_report(begin, group, change_to_exclude)
        end = time.time_ns()
        self.stop(daemon)
        for group in (GROUP, GROUP_6):
            self.wait_report(end, group, change_to_include)
            self.assertNotIn(group, memberships(self.a))

    def test_255_routers_join_as_one_M02(self):
        sections = [instance(f"VI_{number}", virtual_router_id=number, priority=200, advert_int="500ms",
                             virtual_ipaddress=f"10.9.0.{number}/32") for number in range(1, 256)]
        daemon = self.start(self.a, *sections)
        masters = re.compile(r"Entering MASTER STATE")
        daemon.log.until(lambda: len(masters.findall(daemon.log.text())) >= 255, PATIENCE, "255 times MASTER",
                         daemon.process.running)
        self.assertNotIn("FAULT", daemon.log.text())
        self.wire.until(lambda: len({one.vrid for one in self.wire.adverts(source=A)}) == 255, PATIENCE,
                        "adverts of 255 routers")
        self.assertEqual(memberships(self.a)[GROUP], SOCKETS)

    def test_its_own_adverts_do_not_come_back_M03(self):
        """To nobody on this host, who hears those of others."""
        with (self.a.socket(socket.AF_INET, socket.SOCK_RAW, 112) as ear,
              self.a.socket(socket.AF_INET6, socket.SOCK_RAW, 112) as ear_6):
            index = int(self.a.run(["cat", "/sys/class/net/eth0/ifindex"]))
            ear.setsockopt(socket.IPPROTO_IP, IP_ADD_MEMBERSHIP,
                           struct.pack("=4s4si", socket.inet_aton(GROUP), bytes(4), index))
            ear_6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                             struct.pack("=16si", ipv6.packed(GROUP_6), index))
            self.start_master(both_families(), names=("VI_1", "VI_6"))
            for source in (A, ipv6.link_local_of(self.a.mac)):
                self.wire.until_adverts(10, source=source)
            link = self.link()
            link.send(crafted.Advert(99, (VIP,), STRANGER).frame(),
                      crafted.Advert(99, ("fe80::16",), "fe80::99").frame())
            for opened, sender in ((ear, STRANGER), (ear_6, "fe80::99")):
                opened.settimeout(PATIENCE)
                self.assertEqual(opened.recvfrom(2048)[1][0].split("%")[0], sender)
        for name in ("VI_1", "VI_6"):
            self.assertEqual(self.metric("vrrpd_adverts_refused_total", vrrp_instance=name, reason="own_source"), 0)


class Headers(OneHost):
    def test_over_ipv4_A07_A09(self):
        self.start_master(instance(priority=200))
        seen = {(one.source, one.destination, one.ttl, one.traffic_class, one.from_mac, one.to_mac)
                for one in self.wire.until_adverts(3, source=A)}
        self.assertEqual(seen, {(A, GROUP, 255, 0xC0, self.a.mac, "01:00:5e:00:00:12")})

    def test_over_ipv6_A08_A09(self):
        self.start_master(instance("VI_6", priority=200, virtual_ipaddress=VIP_6), names=("VI_6",))
        link_local = ipv6.link_local_of(self.a.mac)
        seen = {(one.source, one.destination, one.ttl, one.traffic_class, one.from_mac, one.to_mac, one.addresses)
                for one in self.wire.until_adverts(3, vrid=51)}
        self.assertEqual(seen, {(link_local, GROUP_6, 255, 0xC0, self.a.mac, "33:33:00:00:00:12",
                                 ("fe80::16", "2001:db8::16"))})

    def test_another_source_and_another_group(self):
        """mcast_src_ip and mcast_dst_ip."""
        source, group = "192.168.30.110", "224.0.0.118"
        self.a.run(["ip", "addr", "add", f"{source}/24", "dev", "eth0"])
        daemon = self.start_master(instance(priority=200, mcast_src_ip=source, mcast_dst_ip=group))
        seen = {(one.source, one.destination, one.to_mac) for one in self.wire.until_adverts(3, vrid=51)}
        self.assertEqual(seen, {(source, group, "01:00:5e:00:00:76")})
        self.assertEqual(memberships(self.a).get(group), SOCKETS)
        # What is sent there is heard, too.
        higher = crafted.Advert(51, (VIP,), STRANGER, destination=group, priority=254, interval=10)
        mark = daemon.log.mark()
        self.link().send(higher.frame(to="01:00:5e:00:00:76"))
        self.wait_role(daemon, "BACKUP", mark)

    def test_the_period_does_not_drift_D10(self):
        """Each late wake-up of hundreds would push the later adverts back, unless the deadlines are absolute. Those
        that left most in time, of the first and of the last tenth, are as far apart as they should be."""
        count, period_ns = 300, 50_000_000
        self.start_master(instance(priority=200, advert_int="50ms"))
        times = [one.time_ns for one in self.wire.until_adverts(count, 3 * PATIENCE, source=A)]
        late = [time_ns - times[0] - at * period_ns for at, time_ns in enumerate(times)]
        self.assertLess(abs(min(late[-count // 10:]) - min(late[:count // 10])), period_ns / 10)

    def test_a_bad_ipv6_checksum_is_counted_by_the_daemon_C07(self):
        daemon = self.start_master(instance("VI_6", priority=200, virtual_ipaddress=VIP_6), names=("VI_6",))
        good = crafted.Advert(51, ("fe80::16", "2001:db8::16"), "fe80::99", priority=100, interval=10)
        link = self.link()
        link.send(*[good.but(wrong_bits=1).frame()] * 3)
        self.wait_metric(3, "vrrpd_adverts_refused_total", vrrp_instance="VI_6", reason="checksum")
        link.send(good.frame())
        self.wait_metric(1, "vrrpd_adverts_received_total", vrrp_instance="VI_6")
        self.assertEqual(self.roles(daemon, name="VI_6"), ["BACKUP", "MASTER"])

    def test_forms_of_the_checksum_are_counted_C09(self):
        self.start_master(instance(priority=200))
        both = crafted.Advert(51, (VIP,), STRANGER, priority=100, interval=10)
        self.link().send(*[both.frame()] * 2, *[both.but(pseudo_header=0).frame()] * 3)
        for form, count in (("pseudo_header", 2), ("message_only", 3)):
            self.wait_metric(count, "vrrpd_checksum_form_received_total", vrrp_instance="VI_1", form=form)


class Bridges(LanCase):
    """M04: the switch learns who is in which group."""

    def assert_heard(self, **options):
        for option, on in options.items():
            self.lan.switch.run(["ip", "link", "set", "lan0", "type", "bridge", option, on])
        a, b = self.lan.host("a", A), self.lan.host("b", B)
        daemon_a = self.start(a, both_families(200))
        daemon_b = self.start(b, both_families(100))
        wire = self.watch(b)
        for name, source in (("VI_1", A), ("VI_6", ipv6.link_local_of(a.mac))):
            self.wait_role(daemon_a, "MASTER", name=name)
            wire.until_adverts(10, source=source)
            self.assertEqual(self.roles(daemon_b, name=name)[-1:], ["BACKUP"])
            wire.until_adverts(30, source=source)
            self.assertEqual(self.roles(daemon_b, name=name)[-1:], ["BACKUP"])

    def test_snooping_without_a_querier_M04(self):
        self.assert_heard(mcast_snooping="1")

    def test_snooping_with_a_querier_M04(self):
        """Here a host that has not joined hears no ff02::12."""
        self.assert_heard(mcast_snooping="1", mcast_querier="1", mcast_query_response_interval="100",
                          mcast_startup_query_interval="100")


class Devices(OneHost):
    """M09: kinds of interfaces below an instance."""

    def assert_serves(self, interface):
        daemon = self.start(self.a, both_families(interface=interface))
        for name in ("VI_1", "VI_6"):
            self.wait_role(daemon, "MASTER", name=name)
        self.wait_holder(VIP, self.a)
        for group in (GROUP, GROUP_6):
            self.wire.until_adverts(3, destination=group)
        self.assertNotIn("FAULT", self.roles(daemon))

    def device(self, *kind):
        """A device below which eth0 is; it has our address instead."""
        self.a.run(["ip", "addr", "flush", "dev", "eth0"])
        self.a.run(["ip", "link", "add", *kind])
        if "link" not in kind:
            self.a.run(["ip", "link", "set", "eth0", "master", "lower"])
        self.a.run(["sh", "-ec", "echo 0 > /proc/sys/net/ipv6/conf/lower/accept_dad; ip link set lower up; "
                    f"ip addr add {A}/24 dev lower"])

    def test_veth_M09(self):
        self.assert_serves("eth0")

    def test_bridge_M09(self):
        self.device("name", "lower", "type", "bridge")
        self.assert_serves("lower")

    def test_macvlan_M09(self):
        self.device("link", "eth0", "name", "lower", "type", "macvlan", "mode", "bridge")
        self.assert_serves("lower")


class Addresses(OneHost):
    def route_source(self, destination=STRANGER):
        return re.search(r" src (\S+)", self.a.run(["ip", "route", "get", destination]))[1]

    def test_the_tie_break_follows_the_primary_address_E29(self):
        daemon = self.start_master(instance(priority=100))
        link = self.link()
        equal = crafted.Advert(51, (VIP,), B, priority=100, interval=10)
        mark = daemon.log.mark()
        link.send(equal.frame())
        self.wait_role(daemon, "BACKUP", mark)  # .20 is higher than .10
        self.wait_role(daemon, "MASTER", mark)
        higher = "192.168.30.30"
        mark = daemon.log.mark()
        self.a.run(["sh", "-ec", "echo 1 > /proc/sys/net/ipv4/conf/eth0/promote_secondaries; "
                    f"ip addr add {higher}/24 dev eth0; ip addr del {A}/24 dev eth0"])
        self.wire.until_adverts(1, source=higher)
        sent, _ = link.send(equal.frame())
        self.wire.until_adverts(3, source=higher, since_ns=sent)
        self.assertEqual(self.metric("vrrpd_adverts_received_total", vrrp_instance="VI_1"), 2)
        self.assertEqual(self.roles(daemon, mark), [])

    def test_the_virtual_address_is_no_source_of_ours_F12(self):
        for vip in (f"{VIP}/32", f"{VIP}/24", "192.168.30.1/24"):  # also one below the primary address
            daemon = self.start(self.a, instance(priority=200, virtual_ipaddress=vip))
            self.wait_holder(vip.split("/")[0], self.a)
            self.assertEqual(self.route_source(), A, vip)
            daemon.stop()

    def test_the_end_E20_L05(self):
        """The address goes, then priority 0 twice, and the exit code is 0."""
        daemon = self.start_master(instance(priority=200))
        self.wait_holder(VIP, self.a)
        begin = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        self.wire.until_adverts(1, priority=0)
        self.assertNotIn(VIP, self.a.addresses())
        self.assertEqual(daemon.process.wait(PATIENCE), 0)
        self.assertLess(time.monotonic() - begin, 1)
        self.wire.look()
        said = [one.priority for one in self.wire.adverts()]
        self.assertEqual((said.count(0), said[-2:]), (2, [0, 0]))

    def take_away(self, address, length):
        """As `ip addr del`; CLOCK_REALTIME nanoseconds just before and after."""
        index = int(self.a.run(["cat", "/sys/class/net/eth0/ifindex"]))
        body = struct.pack("=BBBBI", socket.AF_INET, length, 0, 0, index)
        body += struct.pack("=HH", 8, IFA_LOCAL) + socket.inet_aton(address)
        with self.a.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
            before = time.time_ns()
            netlink.send(struct.pack("=IHHII", 16 + len(body), RTM_DELADDR, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
            after = time.time_ns()
            self.assertEqual(struct.unpack_from("=i", netlink.recv(4096), 16)[0], 0)
        return before, after

    def take_away_and_see_it_back(self):
        """Between how many and how many milliseconds it took until it was announced again."""
        before, after = self.take_away(VIP, 24)
        self.wait_holder(VIP, self.a)
        back = self.wire.until(lambda: self.wire.announcements(VIP, before), PATIENCE, "an announcement")[0]
        return (back - after) / 1e6, (back - before) / 1e6

    def test_an_address_that_somebody_takes_away_E36(self):
        b = self.lan.host("b", B)
        daemon = self.start_master(instance(priority=200, garp_master_repeat=1, garp_master_delay=0))
        peer = self.start(b, instance(priority=100))
        self.wait_role(peer, "BACKUP")
        self.wire.until(lambda: self.wire.announcements(VIP), PATIENCE, "the first announcement")
        self.assertLess(self.take_away_and_see_it_back()[0], 100)
        daemon.process.wait_for_line(rf"\(VI_1\) {VIP}/24 is gone from eth0: somebody else removed it, putting it back",
                                     PATIENCE)
        for pause in (100, 200, 400):
            self.assertGreaterEqual(self.take_away_and_see_it_back()[1], pause)
        self.assertEqual(self.roles(daemon), ["BACKUP", "MASTER"])
        mark = peer.log.mark()
        self.take_away(VIP, 24)
        self.wait_faulty(daemon, f"{VIP}/24 is gone from eth0, the 5th time within a minute")
        self.wait_role(peer, "MASTER", mark)
        self.wait_holder(VIP, b)
        self.assertEqual(self.metric("vrrpd_addresses_lost_total", vrrp_instance="VI_1"), 5)


class Firewall(OneHost):
    def test_adverts_that_may_not_leave_E37(self):
        b = self.lan.host("b", B)
        daemon = self.start_master(instance(priority=200))
        peer = self.start(b, instance(priority=100))
        self.wait_role(peer, "BACKUP")
        mark, mark_b = daemon.log.mark(), peer.log.mark()
        self.a.run(["nft", "add table inet wall; add chain inet wall out { type filter hook output priority 0; }; "
                    "add rule inet wall out ip protocol 112 drop"])
        daemon.process.wait_for_line(r"\(VI_1\) cannot send: Operation not permitted", PATIENCE, mark)
        self.wait_faulty(daemon, "cannot send adverts", mark)
        self.wait_role(peer, "MASTER", mark_b)
        self.wait_holder(VIP, b)
        self.assertGreater(self.metric("vrrpd_send_failures_total", vrrp_instance="VI_1"), 1)
        mark = daemon.log.mark()
        self.a.run(["nft", "delete table inet wall"])
        self.wait_role(daemon, "MASTER", mark)
        self.assertEqual(self.roles(daemon, mark), ["BACKUP", "MASTER"])
        self.wait_holder(VIP, self.a)


if __name__ == "__main__":
    unittest.main()
