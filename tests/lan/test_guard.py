"""What remains of a daemon that is killed, stopped or restarted: the guard, the lease, adoption and `vrrpd --release`,
on a virtual LAN with real daemons."""

import contextlib
import signal
import socket
import struct
import time
import unittest

from tests.lan import wire
from tests.lan.daemons import Vrrpd
from tests.lan.settings import PATIENCE, VRRPD, run_folder
from tests.lan.virtual_lan import Lan

VIP = "192.168.30.16"
RTM_DELADDR = 21
LEASE_BOUND = 2 + 1.5  # seconds; adverts of 1 s
SLACK = 3              # of a slow machine, where no other host can take the address


def ini(priority, extra="", instance=""):
    return f"""[global]
log_target = stderr
{extra}

[vrrp_instance VI_1]
interface = eth0
virtual_router_id = 51
priority = {priority}
virtual_ipaddress = {VIP}/24
{instance}
"""


class Notices:
    """Hears which addresses come to a host and go, in order."""

    def __init__(self, host):
        self._socket = host.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        self._socket.bind((0, wire.RTMGRP_IPV4_IFADDR))
        self._socket.setblocking(False)

    def removals(self):
        """How many removals of addresses have been heard since the last call."""
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self._socket.recv(65536)
                while len(data) >= 16:
                    length, kind = struct.unpack_from("=IH", data)
                    count += kind == RTM_DELADDR
                    data = data[(length + 3) & ~3:]
        return count

    def close(self):
        self._socket.close()


class Hosts(unittest.TestCase):
    """One or two hosts with adverts of a second; `a` is the better one."""

    def setUp(self):
        self.lan = self.enterContext(Lan(run_folder(self.id().rsplit(".", 1)[-1])))
        self.a = self.lan.host("a", "192.168.30.10")
        self.notices = Notices(self.a)
        self.addCleanup(self.notices.close)

    def start(self, host, configuration):
        daemon = Vrrpd(host, VRRPD, configuration)
        daemon.start()
        self.addCleanup(daemon.stop)
        return daemon

    def start_master(self, configuration=None):
        daemon = self.start(self.a, configuration or ini(250))
        daemon.wait_state("MASTER", PATIENCE)
        self.lan.wait_for_holder(VIP, self.a, PATIENCE)
        self.notices.removals()
        return daemon

    def start_backup(self, configuration=None):
        self.b = self.lan.host("b", "192.168.30.55")
        daemon = self.start(self.b, configuration or ini(100))
        daemon.wait_state("BACKUP", PATIENCE)
        return daemon

    def restart(self, daemon):
        """A successor; its log begins anew where this mark is."""
        mark = daemon.log.mark()
        daemon.start()
        return mark

    def wait_for_guard_to_end(self):
        end = time.monotonic() + PATIENCE
        while self.a.pids_of("vrrpd-launcher"):
            self.assertLess(time.monotonic(), end, "the guard does not end")
            time.sleep(0.02)

    def watch_holders(self, until):
        """The longest time, in seconds, during which two hosts were seen to hold the address, until `until()`."""
        longest, since, end = 0.0, None, time.monotonic() + PATIENCE
        while not until():
            now = time.monotonic()
            self.assertLess(now, end, "this takes too long")
            if len(self.lan.holders(VIP)) < 2:
                since = None
            else:
                since = since or now
                longest = max(longest, now - since)
            time.sleep(0.002)
        return longest


class Guarded(Hosts):
    def test_a_killed_daemon_leaves_no_second_holder(self):
        master = self.start_master()
        self.start_backup()
        master.process.send_signal(signal.SIGKILL)
        self.assertEqual(self.watch_holders(lambda: self.lan.holders(VIP) == ["b"]), 0)
        self.wait_for_guard_to_end()

    def test_a_stopped_daemon_leaves_no_second_holder_and_steps_back(self):
        master = self.start_master()
        self.start_backup()
        master.process.send_signal(signal.SIGSTOP)
        self.assertEqual(self.watch_holders(lambda: self.lan.holders(VIP) == ["b"]), 0)
        mark = master.log.mark()
        master.process.send_signal(signal.SIGCONT)
        # The better one takes over again, after a full start: it never just goes on.
        self.assertEqual(self.watch_holders(lambda: self.lan.holders(VIP) == ["a"]), 0)
        master.wait_state("MASTER", PATIENCE, mark)
        self.assertEqual(master.states(mark), ["BACKUP", "MASTER"])
        self.assertRegex(master.log.text(mark), r"stalled: no advert left for \d+\.\d+ s")

    def test_a_short_stop_is_no_demotion_but_puts_back_what_went_D11(self):
        master = self.start_master()
        mark = master.log.mark()
        master.process.send_signal(signal.SIGSTOP)
        self.lan.wait_for_holder(VIP, None, PATIENCE)  # the guard, after 2.5 s; a peer waits longer than 3 s
        master.process.send_signal(signal.SIGCONT)
        self.lan.wait_for_holder(VIP, self.a, PATIENCE)
        if "stalled" not in master.log.text(mark):  # unless this machine was too slow to continue it in time
            self.assertEqual(master.states(mark), [])
        self.assertNotIn("is gone from", master.log.text(mark))

    def test_with_the_guard_stopped_too_the_lease_ends(self):
        master = self.start_master()
        for process in ("vrrpd-launcher", "vrrpd"):
            self.assertEqual(self.a.signal_all(process, signal.SIGSTOP), 1)
        stopped = time.monotonic()
        self.lan.wait_for_holder(VIP, None, PATIENCE)
        self.assertLess(time.monotonic() - stopped, LEASE_BOUND + SLACK)
        for process in ("vrrpd", "vrrpd-launcher"):
            self.a.signal_all(process, signal.SIGCONT)
        self.lan.wait_for_holder(VIP, self.a, PATIENCE)
        master.wait_state("MASTER", PATIENCE)

    def test_with_the_guard_killed_too_the_lease_ends(self):
        self.start_master()
        for process in ("vrrpd", "vrrpd-launcher"):
            self.a.signal_all(process, signal.SIGKILL)
        self.lan.wait_for_holder(VIP, None, LEASE_BOUND + SLACK)

    def test_adverts_keep_a_lease_of_a_second_alive(self):
        self.start_master(ini(250, "vip_lease = 2s", "advert_int = 100ms"))
        time.sleep(5)  # nothing may happen meanwhile, which is no event
        self.assertEqual(self.notices.removals(), 0)
        self.assertRegex(self.a.run(["ip", "addr", "show", "dev", "eth0"]), rf"{VIP}/24[^\n]*\n +valid_lft [12]sec")

    def test_off_means_for_ever(self):
        self.start_master(ini(250, "vip_lease = off"))
        self.assertRegex(self.a.run(["ip", "addr", "show", "dev", "eth0"]), rf"{VIP}/24[^\n]*\n +valid_lft forever")

    def test_adverts_that_do_not_leave_renew_nothing(self):
        master = self.start_master()
        self.a.run(["nft", "add table ip mute; add chain ip mute out { type filter hook output priority 0; };"
                    "add rule ip mute out ip protocol 112 drop"])
        self.lan.wait_for_holder(VIP, None, PATIENCE)
        master.wait_state("FAULT", PATIENCE)


class Adopted(Hosts):
    def assert_adopted(self, daemon, mark):
        daemon.process.wait_for_line(r'\(VI_1\) Entering MASTER STATE reason="adopted" from=INIT', PATIENCE, mark)
        self.assertEqual(daemon.states(mark), ["MASTER"])
        self.assertEqual(self.lan.holders(VIP), ["a"])
        self.assertEqual(self.notices.removals(), 0)

    def test_a_restart_by_sigusr2_loses_nothing_L04(self):
        master = self.start_master()
        backup = self.start_backup()
        quiet = backup.log.mark()
        for _ in range(3):
            master.process.send_signal(signal.SIGUSR2)
            self.assertEqual(master.process.wait(PATIENCE), 0)
            self.assert_adopted(master, self.restart(master))
        self.assertEqual(backup.states(quiet), [])

    def test_a_service_ends_with_its_daemon_and_comes_back_with_the_next(self):
        service = "service = proxy\n[service proxy]\ncommand = /usr/bin/sleep 1000\n"
        master = self.start_master(ini(250, instance=service))
        self.wait_for_sleepers(1)
        master.process.send_signal(signal.SIGUSR2)
        self.assertEqual(master.process.wait(PATIENCE), 0)
        self.wait_for_sleepers(0)
        self.assert_adopted(master, self.restart(master))
        self.wait_for_sleepers(1)

    def wait_for_sleepers(self, count):
        end = time.monotonic() + PATIENCE
        while len(self.a.pids_of("sleep")) != count:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def test_a_crash_that_is_answered_at_once_loses_nothing(self):
        master = self.start_master()
        backup = self.start_backup()
        quiet = backup.log.mark()
        master.process.send_signal(signal.SIGKILL)
        master.process.wait(PATIENCE)
        self.assert_adopted(master, self.restart(master))
        self.wait_for_guard_to_hand_on()
        self.assertEqual(backup.states(quiet), [])

    def wait_for_guard_to_hand_on(self):
        """The first daemon's guard is gone, the second one's stays, and so does the address."""
        end = time.monotonic() + PATIENCE
        while len(self.a.pids_of("vrrpd-launcher")) != 1:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        self.assertEqual(self.notices.removals(), 0)

    def test_a_successor_that_does_not_come_is_waited_for_by_nobody(self):
        master = self.start_master()
        self.start_backup()
        master.process.send_signal(signal.SIGUSR2)
        self.assertEqual(master.process.wait(PATIENCE), 0)
        self.assertEqual(self.watch_holders(lambda: self.lan.holders(VIP) == ["b"]), 0)

    def test_a_successor_that_comes_late_starts_anew(self):
        master = self.start_master()
        master.process.send_signal(signal.SIGKILL)
        self.lan.wait_for_holder(VIP, None, PATIENCE)
        mark = self.restart(master)
        master.wait_state("MASTER", PATIENCE, mark)
        self.assertEqual(master.states(mark), ["BACKUP", "MASTER"])

    def test_other_addresses_are_not_adopted(self):
        master = self.start_master()
        master.process.send_signal(signal.SIGUSR2)
        master.process.wait(PATIENCE)
        (self.a.etc / "vrrpd.ini").write_text(ini(250).replace(VIP, "192.168.30.17"))
        mark = self.restart(master)
        master.wait_state("MASTER", PATIENCE, mark)
        self.assertEqual(master.states(mark), ["BACKUP", "MASTER"])
        self.assertNotIn(VIP, self.a.addresses())

    def test_short_intervals_are_handed_over_instead(self):
        master = self.start_master(ini(250, instance="advert_int = 200ms"))
        self.start_backup(ini(100, instance="advert_int = 200ms"))
        master.process.send_signal(signal.SIGUSR2)
        self.assertEqual(master.process.wait(PATIENCE), 0)
        self.lan.wait_for_holder(VIP, self.b, PATIENCE)

    def test_what_holds_back_others_does_not_hold_back_who_was_adopted(self):
        checked = """startup_delay = 10s
track_check = late
[check late]
type = script
command = /etc/vrrpd/late
user = root
init_fail = yes
"""
        script = self.a.etc / "late"
        script.write_text("#!/bin/sh\nexit 0\n")
        script.chmod(0o755)
        master = self.start_master(ini(250, instance=checked.replace("startup_delay = 10s\n", "")))
        (self.a.etc / "vrrpd.ini").write_text(ini(250, instance=checked))
        script.write_text("#!/bin/sh\nexec sleep 0.4\n")
        master.process.send_signal(signal.SIGUSR2)
        self.assertEqual(master.process.wait(PATIENCE), 0)
        mark = self.restart(master)
        self.assert_adopted(master, mark)
        master.process.wait_for_line(r"VRRP_Script\(late\) succeeded", PATIENCE, mark)
        self.assertEqual(master.states(mark), ["MASTER"])

    def test_a_group_is_adopted_as_a_whole_or_not_at_all(self):
        second = """[vrrp_instance VI_2]
interface = eth0
virtual_router_id = 52
priority = 250
advert_int = {interval}
virtual_ipaddress = 192.168.30.17/24
[vrrp_sync_group VG_1]
member = VI_1, VI_2
"""
        for interval, kept in (("1s", True), ("500ms", False)):
            with self.subTest(interval=interval):
                master = self.start_master(ini(250, instance=second.format(interval=interval)))
                master.process.wait_for_line(r"\(VI_2\) Entering MASTER STATE", PATIENCE)
                master.process.send_signal(signal.SIGUSR2)
                self.assertEqual(master.process.wait(PATIENCE), 0)
                self.assertEqual(VIP in self.a.addresses(), kept)
                self.assertEqual("192.168.30.17" in self.a.addresses(), kept)
                mark = self.restart(master)
                master.wait_state("MASTER", PATIENCE, mark)
                self.assertEqual('reason="adopted"' in master.log.text(mark), kept)
                master.stop()


class Released(Hosts):
    """`vrrpd --release`, as the unit runs it when it stops for good."""

    def release(self, result="success"):
        return self.a.run(["env", f"SERVICE_RESULT={result}", VRRPD, "--release"])

    def kill_all(self, master):
        for process in ("vrrpd", "vrrpd-launcher"):  # the other way round the daemon would hand over
            self.a.signal_all(process, signal.SIGKILL)
        master.process.wait(PATIENCE)

    def test_it_removes_all_of_ours_and_nothing_else(self):
        master = self.start_master(ini(250, "vip_lease = off", "virtual_routes = 10.1.0.0/16 via 192.168.30.1"))
        self.a.run(["ip", "addr", "add", "192.168.30.99/24", "dev", "eth0"])
        self.kill_all(master)
        (self.a.etc / "vrrpd.ini").write_text(ini(250).replace(VIP, "192.168.30.17"))
        self.release()
        self.assertEqual(self.a.addresses() & {VIP, "192.168.30.99"}, {"192.168.30.99"})
        self.assertNotIn("10.1.0.0", self.a.run(["ip", "route"]))

    def test_it_refuses_while_a_daemon_runs(self):
        self.start_master()
        with self.assertRaisesRegex(OSError, "exit 1: .*another vrrpd runs"):
            self.release()
        self.assertIn(VIP, self.a.addresses())

    def test_after_a_crash_it_leaves_what_the_restart_will_adopt(self):
        master = self.start_master()
        self.kill_all(master)
        self.release("signal")
        self.assertIn(VIP, self.a.addresses())
        mark = self.restart(master)
        master.process.wait_for_line(r'reason="adopted"', PATIENCE, mark)

    def test_after_a_stop_for_good_it_leaves_nothing(self):
        master = self.start_master()
        self.kill_all(master)
        self.release("success")
        self.assertNotIn(VIP, self.a.addresses())

    def test_after_sigusr2_it_leaves_what_the_successor_will_adopt(self):
        master = self.start_master()
        master.process.send_signal(signal.SIGUSR2)
        master.process.wait(PATIENCE)
        self.release()
        self.assertIn(VIP, self.a.addresses())

    def test_an_address_without_end_is_not_left(self):
        master = self.start_master(ini(250, "vip_lease = off"))
        self.kill_all(master)
        self.release("signal")
        self.assertNotIn(VIP, self.a.addresses())

    def test_without_a_configuration_it_works_as_well(self):
        master = self.start_master()
        self.kill_all(master)
        (self.a.etc / "vrrpd.ini").unlink()
        self.release()
        self.assertNotIn(VIP, self.a.addresses())
