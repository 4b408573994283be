"""Checks with a real daemon: each kind that looks at the host itself, what a check does to several instances, and the
scripts. Timing is claimed by tests/bench/checks."""

import os
import signal
import time

from tests.lan.cases import GLOBAL, CheckCase, check, instance
from tests.lan.daemons import MEMCACHED_PORT, time_of, write_script
from tests.lan.settings import PATIENCE, VRRPD


class LocalChecks(CheckCase):
    def test_a_process_that_ends_is_a_fault_within_milliseconds(self):
        sleeper = self.a.start("sleeper", ["sleep", "1000"])
        daemon = self.run_daemon(instance("VI_1", track_check="sleeper")
                                 + check("sleeper", type="process", name="sleep", fall=3, interval="1s"))
        self.wait_role(daemon, "MASTER")
        mark, struck = daemon.log.mark(), time.time_ns()
        sleeper.send_signal(signal.SIGKILL)
        self.wait_line(daemon, r"Entering FAULT STATE.*no process is called so, 3/3", mark)
        line = next(line for line in daemon.log.lines(mark) if "Entering FAULT" in line)
        self.assertLess(time_of(line) - struck, 500_000_000, "long before the interval")
        self.a.start("sleeper-2", ["sleep", "1000"])
        self.wait_role(daemon, "MASTER", mark)

    def test_a_pid_file_that_names_nobody(self):
        pid_file = self.a.etc / "pid"
        pid_file.write_text("4194303\n", encoding="ascii")
        daemon = self.run_daemon(instance("VI_1", track_check="p")
                                 + check("p", type="process", pid_file="/etc/vrrpd/pid"))
        self.wait_line(daemon, r'Check\(p\) failed reason="failed: pid 4194303 of the pid file does not run" count=2/2')
        own = self.a.run(["sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $! > /etc/vrrpd/pid; cat /etc/vrrpd/pid"])
        self.assertTrue(own.strip().isdigit())
        self.wait_line(daemon, r"Check\(p\) succeeded")

    def test_the_number_in_a_file_moves_the_priority_and_the_address(self):
        b = self.lan.host("cache-b", "192.168.30.55")
        text = check("flag", type="file", path="/etc/vrrpd/flag", timeout=None, interval="1s")
        one = self.run_daemon(instance("VI_1", priority=200, track_check="flag weight file") + text)
        self.wait_role(one, "MASTER")
        two = self.run_daemon(instance("VI_1", priority=190), b)
        self.wait_role(two, "BACKUP")
        mark = two.log.mark()
        (self.a.etc / "flag").write_text("-20\n", encoding="ascii")
        self.wait_role(two, "MASTER", mark)
        self.wait_line(one, r"Check\(flag\) number=-20")
        self.assertNotIn("FAULT", one.log.text())
        mark = one.log.mark()
        (self.a.etc / "flag").unlink()
        self.wait_role(one, "MASTER", mark)

    def test_ping_sees_a_cut_link(self):
        b = self.lan.host("router", "192.168.30.1")
        daemon = self.run_daemon(instance("VI_1", track_check="router")
                                 + check("router", type="ping", address="192.168.30.1"))
        self.wait_role(daemon, "MASTER")
        mark = daemon.log.mark()
        self.lan.cut(b)
        self.wait_line(daemon, r'Check\(router\) failed reason="(timed out|unreachable)', mark)
        self.wait_role(daemon, "FAULT", mark)
        self.lan.restore(b)
        self.wait_role(daemon, "MASTER", mark)


class SharedChecks(CheckCase):
    def test_one_check_on_several_instances_and_several_on_one(self):
        flags = check("red", type="file", path="/etc/vrrpd/red") + check("blue", type="file", path="/etc/vrrpd/blue")
        daemon = self.run_daemon(
            instance("VI_1", track_check="red, blue") + flags
            + instance("VI_2", virtual_router_id=52, virtual_ipaddress="192.168.30.17/24", track_check="red"))
        for name in ("VI_1", "VI_2"):
            self.wait_line(daemon, rf"\({name}\) Entering MASTER STATE")
        mark = daemon.log.mark()
        (self.a.etc / "blue").write_text("1", encoding="ascii")
        self.wait_line(daemon, r"\(VI_1\) Entering FAULT STATE reason=\"check blue: ", mark)
        self.assertNotIn("(VI_2)", daemon.log.text(mark))
        (self.a.etc / "red").write_text("1", encoding="ascii")
        self.wait_line(daemon, r"\(VI_2\) Entering FAULT STATE reason=\"check red: ", mark)
        (self.a.etc / "red").unlink()
        self.wait_line(daemon, r"\(VI_2\) Entering MASTER STATE", mark)
        self.assertNotIn("(VI_1) Entering MASTER", daemon.log.text(mark), "the other one still fails")
        (self.a.etc / "blue").unlink()
        self.wait_line(daemon, r"\(VI_1\) Entering MASTER STATE", mark)

    def test_a_gate_holds_back_from_a_live_peer_only(self):
        b = self.lan.host("cache-b", "192.168.30.55")
        (self.a.etc / "cold").write_text("1", encoding="ascii")
        peer = self.run_daemon(instance("VI_1", priority=100), b)
        self.wait_role(peer, "MASTER")
        better = self.run_daemon(instance("VI_1", priority=200, preempt_check="cold")
                                 + check("cold", type="file", path="/etc/vrrpd/cold"))
        self.wait_line(better, r"Check\(cold\) failed")
        time.sleep(1)  # ten intervals of the peer: it would have been thrown out after three
        self.assertNotIn("MASTER", better.log.text())
        (self.a.etc / "cold").unlink()
        self.wait_role(better, "MASTER")

    def test_a_quick_restart_moves_nothing_without_fast_fail(self):
        def memcached():
            return self.a.start("memcached", ["memcached", "-u", "nobody", "-p", MEMCACHED_PORT, "-U", "0", "-m", "16"])
        first = memcached()
        daemon = self.run_daemon(instance("VI_1", track_check="m") + check(
            "m", type="memcached", address=f"127.0.0.1:{MEMCACHED_PORT}", interval="1s", fall=3, fast_fail="no"))
        self.wait_role(daemon, "MASTER")
        mark = daemon.log.mark()
        first.kill()
        time.sleep(0.5)
        memcached()
        time.sleep(3.2)  # three intervals
        self.assertNotRegex(daemon.log.text(mark), "Entering|failed")


class Scripts(CheckCase):
    def test_a_script_says_its_last_line_to_the_debug_log(self):
        write_script(self.a.etc / "s", "#!/bin/sh\necho first\necho \"$(id -un), $(env | sort | tr '\\n' ' ')\"\n")
        daemon = self.run_daemon(instance("VI_1", track_check="s")
                                 + check("s", type="script", command="/etc/vrrpd/s"), level="debug")
        said = self.wait_line(daemon, r'VRRP_Script\(s\) said "(.*)"')
        self.assertEqual(said[1].split()[:2],
                         ["nobody,", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])

    def test_one_that_hangs_is_killed_with_all_it_started_and_one_at_a_time(self):
        write_script(self.a.etc / "hang", "#!/bin/sh\nsleep 1000 & sleep 1000\n")
        daemon = self.run_daemon(instance("VI_1", track_check="h")
                                 + check("h", type="script", command="/etc/vrrpd/hang"))
        self.wait_line(daemon, r"VRRP_Script\(h\) timed_out reason=\"timed out: no exit in 100 ms\" count=2/2")
        self.wait_role(daemon, "FAULT")
        end = time.monotonic() + 2
        most = 0
        while time.monotonic() < end:
            most = max(most, len(self.a.pids_of("sleep")))
        self.assertIn(most, (1, 2), "those of one script")
        mark = daemon.log.mark()
        write_script(self.a.etc / "hang.new", "#!/bin/sh\nexit 0\n")
        os.replace(self.a.etc / "hang.new", self.a.etc / "hang")
        self.wait_role(daemon, "MASTER", mark)
        self.assertEqual(self.a.pids_of("sleep"), [], "nothing is left of those that were killed")

    def test_what_cannot_be_executed_fails(self):
        write_script(self.a.etc / "bad", "#!/no/such/interpreter\n")
        write_script(self.a.etc / "missing", "#!/bin/sh\nno-such-command\n")
        daemon = self.run_daemon(instance("VI_1", track_check="bad, missing")
                                 + check("bad", type="script", command="/etc/vrrpd/bad")
                                 + check("missing", type="script", command="/etc/vrrpd/missing"))
        self.wait_line(daemon, r'VRRP_Script\(bad\) failed reason="exec failure: could not be started: No such file')
        self.wait_line(daemon, r'VRRP_Script\(missing\) failed reason="exec failure: exit code 127" count=2/2')

    def test_one_that_others_may_write_is_refused_as_root(self):
        write_script(self.a.etc / "s", "#!/bin/sh\n")
        (self.a.etc / "s").chmod(0o777)
        (self.a.etc / "vrrpd.ini").write_text(
            GLOBAL + instance("VI_1", track_check="s")
            + check("s", type="script", command="/etc/vrrpd/s", user="root"), encoding="ascii")
        daemon = self.a.start("refused", [VRRPD, "-c", "/etc/vrrpd/vrrpd.ini"])
        self.assertEqual(daemon.wait(PATIENCE), 2)
        self.assertRegex(daemon.log.text(), r"\[check s\] command: would run as root, but everybody may write to "
                                            r'"/etc/vrrpd/s"')
