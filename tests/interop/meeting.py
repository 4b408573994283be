"""The cases that every kind of peer has to pass, each on a LAN of its own.

A test says with `meet` who has which priority and starts the two daemons. `moves_to` is around what shall move the
addresses: at its end the winner alone answers for each of them (F03), and a client that remembered a wrong MAC has been
told the right one by the winner's announcement (F02).
"""

import contextlib
import signal
import socket
import subprocess
import time

from tests.interop.peers import PATIENCE, VRID, Kind, Ours, vrrpd_ini
from tests.lan import ipv6, wire
from tests.lan.settings import VRRPD, run_folder
from tests.lan.virtual_lan import Lan
from tests.lan.watched import Log, NotSeen

WRONG_MAC = "02:00:00:00:00:ee"
LOWER, HIGHER = 10, 30  # our address ends so, the peer's with 20
HIGH, LOW = 200, 100


class Wire(Log):
    """A capture; what was not seen there is explained by the adverts that were."""

    def adverts(self):
        return sorted(wire.adverts_in(self.path) + ipv6.adverts_in(self.path), key=lambda one: one.time_ns)

    def lines(self, since=0):
        return [str(one) for one in self.adverts()]


class Meeting:
    """To be mixed with unittest.TestCase. A class of tests says which `kind` and which class the peer is of."""

    kind: Kind
    peer_class: type

    # ---- who is there

    def meet(self, ours, peer, our_number=LOWER, **peer_options):
        """The LAN and the two daemons with their priorities; nothing is started."""
        self.lan = self.enterContext(Lan(run_folder("-".join(self.id().rsplit(".", 3)[1:]))))
        self.our_host = self.make_host("ours", our_number)
        peer_host = self.make_host("peer", 20)
        self.client = self.make_host("client", 98)
        self.asker = self.make_host("asker", 99)
        self.neighbours = self.client.start("neighbours", ["ip", "monitor", "neigh"])
        self.peer = self.peer_class(peer_host, self.kind, peer, self.our_host.address, **peer_options)
        self.configure(ours)
        self.capture, path = peer_host.capture()
        self.wire = Wire(path)

    def make_host(self, name, number):
        host = self.lan.host(name, f"192.168.30.{number}")
        host.link_local = ipv6.link_local_of(host.mac)
        if self.kind.family == 6:
            host.run(["sh", "-ec", "echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_ra; "
                      f"ip addr add 2001:db8::{number}/64 dev eth0"])
        if self.kind.family == 6 and name == "ours":
            # Above or below what the peer's MAC makes of its address, be that the virtual MAC.
            host.link_local = "fe80::10" if number == LOWER else "fe80::f000:0:0:30"
            host.run(["sh", "-ec", f"ip addr add {host.link_local}/64 dev eth0; "
                      f"ip addr del {ipv6.link_local_of(host.mac)}/64 dev eth0"])
        return host

    def configure(self, priority):
        self.ours = Ours(self.our_host, VRRPD, vrrpd_ini(self.kind, priority, self.our_host.address,
                                                         self.peer.host.address))

    def we_are_active(self):
        with self.moves_to(self.ours):
            self.ours.start()

    def peer_is_active(self):
        with self.moves_to(self.peer):
            self.peer.start()

    def split(self, apart):
        """While apart the two do not hear each other, but the others hear both."""
        for host in (self.our_host, self.peer.host):
            self.lan.switch.run(["bridge", "link", "set", "dev", host.port, "isolated", "on" if apart else "off"])

    def deafen_peer(self, deaf):
        """Nothing but broadcasts reaches it; what it sends goes through."""
        state = "off" if deaf else "on"
        self.lan.switch.run(["ip", "link", "set", self.peer.host.port, "type", "bridge_slave", "flood", state,
                             "mcast_flood", state, "learning", state, "fdb_flush"])

    # ---- what is seen

    @property
    def our_source(self):
        return self.our_host.address if self.kind.family == 4 else self.our_host.link_local

    def adverts(self, since_ns=0):
        """(ours, the peer's) in the capture."""
        seen = [one for one in self.wire.adverts() if one.time_ns >= since_ns]
        return ([one for one in seen if one.source == self.our_source],
                [one for one in seen if one.source != self.our_source])

    def wait_for_advert(self, of_ours, since_ns=0, priorities=range(1, 256)):
        """The first one since then."""
        def seen():
            found = self.adverts(since_ns)[0 if of_ours else 1]
            return next((one for one in found if one.priority in priorities), None)
        return self.wire.until(seen, PATIENCE, f"an advert of {'ours' if of_ours else 'the peer'}")

    def answering(self, vip):
        """The MACs."""
        if self.kind.family == 6:
            return ipv6.who_answers(vip, self.asker)
        with self.asker.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(wire.ETH_P_ARP)) as link:
            link.bind(("eth0", wire.ETH_P_ARP))
            return wire.who_answers(link, self.asker.mac, self.asker.address, vip, 0.2)

    def remembered(self, vip):
        """What the client has in its table of neighbours."""
        words = self.client.run(["ip", "neigh", "show", vip, "dev", "eth0"]).split()
        return words[words.index("lladdr") + 1] if "lladdr" in words else None

    # ---- what is claimed

    @contextlib.contextmanager
    def moves_to(self, winner, announced=True):
        """`announced`: the winner tells the clients, too."""
        for vip in self.kind.vips:
            self.client.run(["ip", "neigh", "replace", vip, "lladdr", WRONG_MAC, "dev", "eth0", "nud", "stale"])
        yield
        if announced:
            for vip in self.kind.vips:
                self.neighbours.log.until(lambda vip=vip: self.remembered(vip) == winner.mac, PATIENCE,
                                          f"{winner.mac} for {vip} at the client")
        self.assert_one_holder(winner)

    def assert_one_holder(self, winner):
        """It alone answers; what a loser still has is gone within the patience."""
        end = time.monotonic() + PATIENCE
        while any(self.answering(vip) != {winner.mac} for vip in self.kind.vips):
            if time.monotonic() > end:
                raise NotSeen(f"not {winner.mac} alone: {[self.answering(vip) for vip in self.kind.vips]}")
        if self.ours.process and self.ours.process.running():
            self.ours.wait_settled("MASTER" if winner is self.ours else "BACKUP", PATIENCE)

    def assert_follows_by_skew(self, released, taken, priority):
        """A takeover by silence, three intervals and the skew after the last advert, could not come as soon. (FRR may
        be an interval late with its first advert: it tries to send before its macvlan is up.)"""
        waited = (taken.time_ns - released.time_ns) / 1e9
        skew = self.kind.skew(priority)
        self.assertLess(waited, 2 * self.kind.interval + skew)
        self.assertGreater(waited, 0.9 * skew)  # FRR and keepalived round it

    def assert_bytes(self, *priorities, message_only=False):
        """In the capture, which ends here, we sent adverts of these priorities and no others, each as it shall be.
        `message_only`: the checksum of version 3 over IPv4 is without a pseudo-header."""
        self.capture.stop()
        self.assertEqual(self.judged_by_tshark(message_only), {self.expected_bytes(one) for one in priorities})

    def judged_by_tshark(self, message_only):
        """Each kind of advert once: the fields that `expected_bytes` names."""
        layer = ["ip.src", "ip.dst", "ip.ttl", "ip.dsfield", "ip.checksum.status", "vrrp.ip_addr"]
        if self.kind.family == 6:
            layer = ["ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.tclass", "ipv6.nxt", "vrrp.ipv6_addr"]
        fields = ["eth.dst", *layer, "vrrp.version", "vrrp.virt_rtr_id", "vrrp.prio", "vrrp.checksum.status",
                  "vrrp.auth_type", "_ws.malformed"]
        source = f"{'ip' if self.kind.family == 4 else 'ipv6'}.src=={self.our_source}"
        output = subprocess.run(
            ["tshark", "-r", self.wire.path, "-o", "ip.check_checksum:TRUE", "-o",
             f"vrrp.v3_checksum_as_in_v2:{message_only}", "-Y", f"vrrp && {source}", "-T", "fields", "-E",
             "separator=/s", *(word for name in fields for word in ("-e", name))],
            capture_output=True, text=True, check=True).stdout
        return {" ".join(line.split()) for line in output.splitlines()}

    def expected_bytes(self, priority):
        group = {4: ("01:00:5e:00:00:12", "224.0.0.18"), 6: ("33:33:00:00:00:12", "ff02::12")}[self.kind.family]
        mac, destination = (self.peer.host.mac, self.peer.host.address) if self.kind.unicast else group
        # For tshark a checksum status of 1 is good; 112 is what IPv6 says in the place of the header's checksum.
        network = "255 0xc0 1" if self.kind.family == 4 else "255 0x000000c0 112"
        words = [mac, self.our_source, destination, network, ",".join(self.kind.vips), self.kind.version, VRID,
                 priority, 1]
        if self.kind.version == 2:
            words.append(1 if self.kind.password else 0)
        return " ".join(map(str, words))


class Cases(Meeting):
    """Both roles, and every way in which one follows the other."""

    announces_after_split = True

    def test_the_peer_wins_and_stops(self):
        """E10, E23, E08: a higher one takes over from us; its release brings us back within our skew. A07, A08, A09,
        C01, C03, C04, C05, C08: tshark on what we sent before the peer was heard, after that, and as a farewell."""
        self.meet(ours=LOW, peer=HIGH)
        self.we_are_active()
        self.peer_is_active()
        since = time.time_ns()
        with self.moves_to(self.ours):
            self.peer.stop()
            released = self.wait_for_advert(False, since, {0})
            taken = self.wait_for_advert(True, released.time_ns)
        self.assert_follows_by_skew(released, taken, LOW)
        self.ours.process.send_signal(signal.SIGTERM)
        self.wait_for_advert(True, taken.time_ns, {0})
        self.assert_bytes(LOW, 0)

    def test_the_peer_crashes(self):
        """D02, D04: silence. Its kernel would go on answering for what a killed daemon left, so its host is taken off
        the LAN, as when the machine dies."""
        self.meet(ours=LOW, peer=HIGH)
        self.peer_is_active()
        self.ours.start()
        self.ours.wait_state("BACKUP", PATIENCE)
        self.wait_for_advert(False, time.time_ns())
        mark = self.ours.log.mark()
        with self.moves_to(self.ours):
            self.peer.kill()
            self.lan.cut(self.peer.host)
        self.assertTrue(self.ours.log.find('Entering MASTER STATE reason="no advert from', mark))

    def test_we_win_and_stop(self):
        """E11, E20: we take over from a lower one; our release brings it back within its skew."""
        self.meet(ours=HIGH, peer=LOW)
        self.peer_is_active()
        self.we_are_active()
        since = time.time_ns()
        with self.moves_to(self.peer):
            self.ours.process.send_signal(signal.SIGTERM)
            released = self.wait_for_advert(True, since, {0})
            taken = self.wait_for_advert(False, released.time_ns)
        self.assertEqual(self.ours.process.wait(PATIENCE), 0)
        self.assert_follows_by_skew(released, taken, LOW)

    def test_we_crash(self):
        """The daemon and its launcher are killed: the peer takes over and tells the clients, and what was left here
        is removed by the next start (F14), which does not disturb the peer."""
        self.meet(ours=HIGH, peer=LOW)
        self.peer.start()
        self.we_are_active()
        since = time.time_ns()
        with self.moves_to(self.peer):
            self.ours.kill()
            self.wait_for_advert(False, since)
            self.configure(LOW // 2)
            self.ours.start()
            self.ours.wait_state("BACKUP", PATIENCE)

    def test_we_pause(self):
        """D11: stopped for longer than the peer waits. What we say first, awake again, is that we are no longer
        Active; then we take over as anybody with a higher priority does. (While we stand still, our kernel answers
        for the addresses: nobody is there to remove them.)"""
        self.meet(ours=HIGH, peer=LOW)
        self.peer.start()
        self.we_are_active()
        since = time.time_ns()
        self.our_host.signal_all("vrrpd", signal.SIGSTOP)
        self.addCleanup(self.our_host.signal_all, "vrrpd", signal.SIGCONT)
        self.wait_for_advert(False, since)
        with self.moves_to(self.ours):
            awake, mark = time.time_ns(), self.ours.log.mark()
            self.our_host.signal_all("vrrpd", signal.SIGCONT)
            self.ours.process.wait_for_line("stalled: no advert left for", PATIENCE, mark)
            first = self.wait_for_advert(True, awake, range(256))
        self.assertEqual(first.priority, 0)

    def test_equal_and_our_address_is_lower(self):
        """E24: of two Actives the one with the higher address stays. That we yield is said by one last advert, and by
        it the peer knows that there were two."""
        self.meet(ours=LOW, peer=LOW, our_number=LOWER)
        self.start_two_actives()
        with self.moves_to(self.peer, self.announces_after_split):
            self.split(False)

    def test_equal_and_our_address_is_higher(self):
        """E25, E33, E34: we hear the other one, answer and announce again. It must not hear us before: it would fall
        silent without a word, and we would never know that there had been two."""
        self.meet(ours=LOW, peer=LOW, our_number=HIGHER)
        self.start_two_actives()
        self.deafen_peer(True)
        with self.moves_to(self.ours):
            self.split(False)
            self.ours.process.wait_for_line("forcing new election", PATIENCE)
            self.deafen_peer(False)

    def start_two_actives(self):
        for host, other in ((self.our_host, self.peer.host), (self.peer.host, self.our_host)):
            # They have met before: without it nothing that is unicast leaves while they are apart.
            host.run(["ip", "neigh", "replace", other.address, "lladdr", other.mac, "dev", "eth0", "nud", "permanent"])
        self.split(True)
        since = time.time_ns()
        self.ours.start()
        self.peer.start()
        self.ours.wait_state("MASTER", PATIENCE)
        self.wait_for_advert(False, since)
