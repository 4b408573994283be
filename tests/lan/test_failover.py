"""The main job on a virtual LAN, with the real daemon, memcached and proxy. Each failover of the table: who holds the
address, in which order and states, and that the client is served again. Bounds are generous: timing is claimed by
tests/bench, not here.
"""

import os
import signal
import subprocess
import time
import unittest

from tests.lan import wire
from tests.lan.daemons import NUTCRACKER, VIP, Vrrpd, vrrpd_ini, write_script
from tests.lan.pair import Pair
from tests.lan.settings import PATIENCE, PROBER, VRRPD, run_folder
from tests.lan.virtual_lan import Lan
from tests.lan.watched import Log
from tests.prober import analysis


class PairCase(unittest.TestCase):
    """A running pair with cache-a as the master, a capture and a prober at the client."""

    nopreempt = True
    proxy_command = NUTCRACKER

    def setUp(self):
        def make(host, priority):
            self.prepare(host)
            return Vrrpd(host, VRRPD, vrrpd_ini(host.name, priority, self.nopreempt,
                                                proxy_command=self.proxy_command))
        self.folder = run_folder(self.id().rsplit(".", 2)[-2])
        self.pair = self.enterContext(Pair(self.folder, PROBER, make))
        self.a, self.b = self.pair.a, self.pair.b
        self.capture, self.wire = self.pair.client.capture()
        self.pair.start()
        self.prober = self.pair.probe()
        self.prober.wait_for_answers(PATIENCE)

    def prepare(self, host):
        """Before the daemon of a host is made."""

    def assert_moves_to(self, side, since):
        """The side became master, has the address alone, alone answers ARP, and the client is served."""
        side.daemon.wait_state("MASTER", PATIENCE, since)
        self.pair.wait_for_master(side, PATIENCE)
        self.assert_served()
        self.assertEqual(self.answers_arp(), [side.name])

    def assert_served(self):
        self.prober.wait_for_answers(PATIENCE, 20, time.time_ns())

    def answers_arp(self):
        return self.pair.lan.who_answers(VIP, self.pair.client)

    def assert_nothing_moves(self, act, seconds):
        """While `act` runs and for some seconds after it no daemon becomes master and every request is served."""
        marks = {side: side.daemon.log.mark() for side in (self.a, self.b)}
        holder, since_ns = self.pair.holder(), time.time_ns()
        act()
        time.sleep(seconds)
        for side, mark in marks.items():
            self.assertNotIn("MASTER", side.daemon.states(mark))
        self.assertIs(self.pair.holder(), holder)
        self.assertEqual(self.answers_arp(), [holder.name])
        # How long an answer may take is no matter here: on a busy machine the prober may have given one up.
        errors = analysis.errors_by_kind(self.prober.attempts(), since_ns)
        self.assertEqual({kind: count for kind, count in errors.items() if kind != "timeout"}, {})
        self.assert_served()

    def proxy_pids(self, side):
        return side.host.pids_of("nutcracker")


class Memcached(PairCase):
    def test_killed_then_back(self):
        mark = self.b.daemon.log.mark()
        mark_a = self.a.daemon.log.mark()
        self.pair.kill_memcached(self.a)
        self.assert_moves_to(self.b, mark)
        self.a.daemon.wait_state("FAULT", PATIENCE, mark_a)
        self.assertTrue(self.a.daemon.log.find(r"Check\(memcached\) failed .*reason=\"", mark_a))
        self.a.daemon.process.wait_for_line(r"Service\(proxy\) stopped", PATIENCE, mark_a)
        self.assertEqual(self.proxy_pids(self.a), [])
        self.assert_nothing_moves(lambda: self.pair.repair_memcached(self.a), 4)

    def test_hung(self):
        mark, mark_a = self.b.daemon.log.mark(), self.a.daemon.log.mark()
        self.pair.hang_memcached(self.a)
        self.assert_moves_to(self.b, mark)
        self.a.daemon.wait_state("FAULT", PATIENCE, mark_a)
        self.assertTrue(self.a.daemon.log.find(r"Check\(memcached\) failed .*reason=\"hung", mark_a))


class Preempt(PairCase):
    nopreempt = False

    def test_address_returns_once(self):
        mark = self.b.daemon.log.mark()
        self.pair.kill_memcached(self.a)
        self.assert_moves_to(self.b, mark)
        self.a.daemon.wait_settled("FAULT", PATIENCE)
        mark_a, mark_b = self.a.daemon.log.mark(), self.b.daemon.log.mark()
        self.a.start_memcached()
        self.assert_moves_to(self.a, mark_a)
        self.b.daemon.wait_state("BACKUP", PATIENCE, mark_b)
        time.sleep(2)
        self.assertEqual(self.a.daemon.states(mark_a), ["BACKUP", "MASTER"])
        self.assertEqual(self.b.daemon.states(mark_b), ["BACKUP"])


class Proxy(PairCase):
    def test_killed_is_restarted_in_place(self):
        before = self.proxy_pids(self.a)
        self.assertEqual(len(before), 1)
        mark_b = self.b.daemon.log.mark()
        os.kill(before[0], signal.SIGKILL)
        self.assert_served()
        after = self.proxy_pids(self.a)
        self.assertEqual(len(after), 1)
        self.assertNotEqual(after, before)
        self.assertIs(self.pair.holder(), self.a)
        self.assertEqual(self.b.daemon.states(mark_b), [])

    def test_hung_is_a_fault_and_moves(self):
        mark_a, mark_b = self.a.daemon.log.mark(), self.b.daemon.log.mark()
        self.a.host.signal_all("nutcracker", signal.SIGSTOP)
        self.assert_moves_to(self.b, mark_b)
        self.a.daemon.wait_state("FAULT", PATIENCE, mark_a)
        self.a.daemon.log.until(lambda: not self.proxy_pids(self.a), PATIENCE, "the end of the hung proxy")


class ProxyThatStartsOnce(PairCase):
    proxy_command = "/etc/vrrpd/once"

    def prepare(self, host):
        # What breaks it is a file of the host, so that the next start sees it.
        write_script(host.etc / "once", "#!/bin/sh\n[ ! -e /etc/vrrpd/broken ] || exec sleep 1000\n"
                     f"exec {NUTCRACKER}\n")

    def test_killed_and_cannot_restart_moves(self):
        mark_a, mark_b = self.a.daemon.log.mark(), self.b.daemon.log.mark()
        (self.a.host.etc / "broken").touch()
        self.a.host.signal_all("nutcracker", signal.SIGKILL)
        self.assert_moves_to(self.b, mark_b)
        self.a.daemon.wait_state("FAULT", PATIENCE, mark_a)


class Host(PairCase):
    def test_stopped_daemon_hands_over(self):
        mark = self.b.daemon.log.mark()
        self.pair.stop_daemon(self.a)
        self.assert_moves_to(self.b, mark)
        self.assertEqual(self.a.daemon.process.wait(PATIENCE), 0)
        self.assertEqual(self.proxy_pids(self.a), [])
        self.assertNotIn(VIP, self.a.host.addresses())
        self.assert_nothing_moves(lambda: self.pair.start_daemon(self.a), 4)

    def test_cut_link_then_back(self):
        """E35: who is cut off has not got the address any more."""
        mark = self.b.daemon.log.mark()
        self.pair.cut(self.a)
        self.assert_moves_to(self.b, mark)
        self.a.daemon.wait_settled("FAULT", PATIENCE)
        self.assertEqual(self.pair.lan.holders(VIP), [self.b.name])
        self.assert_nothing_moves(lambda: self.pair.restore(self.a), 4)


class OnTheWire(PairCase):
    def test_adverts_are_valid_for_tshark(self):
        """Of both hosts, with the release in between."""
        mark = self.b.daemon.log.mark()
        self.pair.stop_daemon(self.a)
        self.assert_moves_to(self.b, mark)
        time.sleep(1.2)
        self.capture.stop()
        fields = subprocess.run(
            ["tshark", "-r", str(self.wire), "-o", "ip.check_checksum:TRUE", "-Y", "vrrp", "-T", "fields", "-E",
             "separator=,", "-e", "ip.src", "-e", "ip.dst", "-e", "ip.ttl", "-e", "vrrp.version", "-e",
             "vrrp.virt_rtr_id", "-e", "vrrp.prio", "-e", "vrrp.checksum.status", "-e", "ip.checksum.status",
             "-e", "_ws.malformed"], capture_output=True, text=True, check=True).stdout.split()
        # tshark: a checksum status of 1 is good.
        mine = "192.168.30.10,224.0.0.18,255,2,51,{},1,1,"
        other = "192.168.30.55,224.0.0.18,255,2,51,249,1,1,"
        self.assertEqual(set(fields), {mine.format(250), mine.format(0), other})
        order = [advert.priority for advert in wire.adverts_in(self.wire)]
        self.assertEqual(order.count(0), 2, "the release is repeated once, in case one is lost")
        self.assertEqual(order, sorted(order, key=[250, 0, 249].index))


    def test_promotion_is_advert_then_proxy_then_announcement_E07_F01(self):
        mark = self.b.daemon.log.mark()
        self.pair.kill_memcached(self.a)
        self.assert_moves_to(self.b, mark)
        Log(self.wire).until(lambda: len(self.announced_by(self.b)) >= 5, PATIENCE, "a burst of announcements")
        first_announced = self.announced_by(self.b)[0]
        releases = [advert for advert in wire.adverts_in(self.wire) if advert.priority == 0]
        first_advert = [advert for advert in wire.adverts_in(self.wire) if advert.source == self.b.host.address][0]
        self.assertLess(releases[0].time_ns, first_advert.time_ns)
        self.assertLess(first_advert.time_ns, first_announced)
        # Announced means that the proxy accepts: from then on nobody is refused.
        later = [one.outcome for one in self.prober.attempts() if one.start_ns > first_announced]
        self.assertNotIn("refused", later)

    def announced_by(self, side):
        return [time_ns for time_ns, mac in wire.announcements_in(self.wire, VIP) if mac == side.host.mac]


TEN_MISTAKES = """[global]
log_taget = stderr
log_level = loud

[vrrp_instance VI_1]
interface = eth0
virtual_router_id = 256
priority = high
advert_int = soon
version = 4
nopreempt = perhaps
virtual_ipaddress = 192.168.30.16/33
track_check = memcache

[check memcached]
type = memcached
address = 127.0.0.1:11211
interval = 1s
timeout = 2s
"""


class Mistakes(unittest.TestCase):
    def test_ten_mistakes_ten_messages_and_nothing_started(self):
        with Lan(run_folder("Mistakes")) as lan:
            host = lan.host("cache-a", "192.168.30.10")
            (host.etc / "vrrpd.ini").write_text(TEN_MISTAKES, encoding="ascii")
            daemon = host.start("vrrpd", [VRRPD, "-c", "/etc/vrrpd/vrrpd.ini"])
            self.assertEqual(daemon.wait(PATIENCE), 2)
            lines = [int(line.split(":")[1]) for line in daemon.log.lines()
                     if line.startswith("/etc/vrrpd/vrrpd.ini:")]
            self.assertEqual(lines, [2, 3, 7, 8, 9, 10, 11, 12, 13, 19], daemon.log.text())
            self.assertNotIn(VIP, host.addresses())


if __name__ == "__main__":
    unittest.main()
