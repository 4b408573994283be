"""vrrpctl and a running daemon: what every command answers, with which exit code, and what it does to the pair."""

import json
import signal
import socket
import subprocess
import unittest

from tests.lan import control
from tests.lan.cases import GLOBAL, ControlCase, instance
from tests.lan.control import on_a_terminal, vrrpctl
from tests.lan.daemons import VIP, VIP_2, Vrrpd
from tests.lan.settings import PATIENCE, ROOT, VRRPCTL, VRRPD

SECOND = instance("VI_2", virtual_router_id=52, priority="{0}", virtual_ipaddress=f"{VIP_2}/24")
GROUP = "\n[vrrp_sync_group VG_1]\nmember = VI_1, VI_2\n"


class Commands(ControlCase):
    SECTIONS = (SECOND.replace("priority = {0}", "priority = {0}\ntrack_check = absent weight -20"),
                "\n[check absent]\ntype = tcp\naddress = 127.0.0.1:9\ninterval = 100ms\ntimeout = 100ms\n")

    def test_each_answers(self):
        self.start_both()
        self.wait_until(self.a, lambda one: one["priority"]["effective"] == 180, "the weight", "VI_2")
        self.check_status()
        self.check_status_on_a_terminal()
        self.check_completion()
        self.check_history()
        self.check_watch()
        metrics = control.read_metrics(self.done(self.a, "metrics"))
        self.assertEqual(control.value(metrics, "vrrpd_instance_drained", vrrp_instance="VI_1"), 0)
        self.assertEqual(control.value(metrics, "vrrpd_check_up", check="absent"), 0)

    def check_status(self):
        text = self.done(self.a, "status", "VI_2")
        self.assertRegex(text, r"VI_2  MASTER since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(\S+ s\)  eth0 VRID 52 v3\n")
        self.assertRegex(text, r"  why        no advert heard for 0\.\d+ s\n  holder     this host\n")
        self.assertIn("  priority   200 absent -20 = 180\n", text)
        self.assertIn(f"  addresses  {VIP_2}/24 on eth0, here\n", text)
        self.assertRegex(text, r"  adverts    sent 0\.\d s ago; none heard\n")
        self.assertRegex(text, r"  checks     absent failing for \S+ s: refused: connection refused, 2/2 \(a weight\)\n")
        self.assertNotIn("VI_1", text)
        document = json.loads(self.done(self.b, "status", "--json"))
        self.assertEqual((document["version"], [one["name"] for one in document["instances"]]), (1, ["VI_1", "VI_2"]))
        first = document["instances"][0]
        self.assertEqual((first["state"], first["holder"], first["vrid"]), ("BACKUP", "192.168.30.10", 51))
        self.assertEqual(first["last_advert_heard"]["priority"], 200)
        self.assertEqual([one["present"] for one in first["addresses"]], [False])
        self.assertEqual(json.loads(self.done(self.b, "status", "VI_2", "--json"))["instances"][0]["name"], "VI_2")

    def check_status_on_a_terminal(self):
        coloured = on_a_terminal(self.a, "status", environment="TERM=xterm")
        self.assertIn("\033[1;32mMASTER\033[0m", coloured)
        for environment in ("NO_COLOR=1", "TERM=dumb"):
            plain = on_a_terminal(self.a, "status", environment=environment)
            self.assertNotIn("\033", plain)
            self.assertLessEqual(max(map(len, plain.splitlines())), 80)

    def check_completion(self):
        words = f'. {ROOT}/etc/bash-completion/vrrpctl; COMP_WORDS=({VRRPCTL} failover V); COMP_CWORD=2; _vrrpctl'
        offered = self.a.run(["bash", "-c", words + '; echo "${COMPREPLY[@]}"'])
        self.assertEqual(offered.split(), ["VI_1", "VI_2"])

    def check_history(self):
        lines = self.done(self.a, "history", "VI_1").splitlines()
        self.assertRegex(lines[0], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  VI_1  INIT   -> BACKUP 200  started$")
        self.assertRegex(lines[1], r"VI_1  BACKUP -> MASTER 200  no advert heard for 0\.\d+ s$")
        names = {json.loads(line)["instance"] for line in self.done(self.a, "history", "--json").splitlines()}
        self.assertEqual(names, {"VI_1", "VI_2"})

    def check_watch(self):
        """In a pipe whole pages, on a terminal one over the other, and the cursor is there at the end."""
        watch = ["timeout", "-s", "INT", "1.5", VRRPCTL, "watch", "VI_1"]
        pages = self.a.run(watch, check=False)
        self.assertEqual(pages.count("VI_1  MASTER"), 2, pages)
        self.assertNotIn("\033", pages)
        screen = self.a.run(["script", "-qec", " ".join(watch), "/dev/null"], check=False)
        self.assertEqual(screen.count("\033[H"), 2, screen)
        self.assertTrue(screen.endswith("\033[?25h"), screen)

    def test_wrong_uses(self):
        self.refused(3, "^no vrrpd answers at /run/vrrpd/control: No such file", self.a, "status")
        self.refused(3, "^no vrrpd answers at /run/x: No such file", self.a, "--socket", "/run/x", "drain")
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        for words in ((), ("sing",), ("status", "--yaml"), ("failover",), ("metrics", "VI_1"), ("drain", "VI_1", "VI_2"),
                      ("events", "--json")):
            self.refused(2, r"\(vrrpctl --help", self.a, *words)
        for command in ("status", "watch", "history", "failover", "drain", "resume"):
            self.refused(1, '^there is no instance "VI_9"$', self.a, command, "VI_9")
        self.assertIn("drain", self.done(self.a, "--help"))
        self.assertRegex(self.done(self.a, "--version"), r"^vrrpctl \d")

    def test_an_instance_at_fault_is_an_exit_code(self):
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        self.lan.cut(self.a)
        self.wait_faulty(self.a.daemon, "interface eth0 has no carrier")
        outcome = vrrpctl(self.a, "status")
        self.assertEqual((outcome.code, outcome.err), (1, ""))
        self.assertIn("why        interface eth0 has no carrier", outcome.out)
        outcome = vrrpctl(self.a, "status", "--json")
        self.assertEqual((outcome.code, json.loads(outcome.out)["instances"][0]["state"]), (1, "FAULT"))


class ReadAgain(ControlCase):
    def test_a_changed_file_and_a_wrong_one(self):
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        file = self.a.etc / "vrrpd.ini"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("priority = 200", "priority = 210"), encoding="utf-8")
        self.assertEqual(self.done(self.a, "reload"), "reloaded\n")
        self.assertEqual(self.look(self.a)["priority"]["effective"], 210)
        file.write_text(text.replace("priority = 200", "priority = 300"), encoding="utf-8")
        outcome = vrrpctl(self.a, "reload")
        self.assertEqual((outcome.code, outcome.out), (2, ""))
        self.assertRegex(outcome.err, r"vrrpd\.ini:\d+: \[vrrp_instance VI_1\] priority: .300. is out of range, allowed")
        self.assertTrue(outcome.err.endswith("not reloaded, what was in force goes on"), outcome.err)
        self.assertEqual(self.look(self.a)["state"], "MASTER")
        self.assertEqual(self.look(self.a)["priority"]["effective"], 210)
        metrics = control.metrics(self.a)
        self.assertEqual(control.value(metrics, "vrrpd_last_reload_successful"), 0)
        self.assertEqual([control.value(metrics, "vrrpd_reloads_total", result=result)
                          for result in ("applied", "refused")], [1, 1])

    def test_each_key_that_needs_a_restart_is_named(self):
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        others = {"log_target": "syslog", "log_facility": "local3", "control_socket": "/run/vrrpd/other",
                  "control_group": "daemon", "metrics_listen": "127.0.0.1:9112", "state_directory": "/var/lib/other",
                  "realtime": "no", "lock_memory": "no"}
        lines = "".join(f"{key} = {value}\n" for key, value in others.items())
        (self.a.etc / "vrrpd.ini").write_text(f"[global]\n{lines}log_level = debug\n" + instance(priority=200),
                                              encoding="utf-8")
        said = "".join(f"warning: [global] {key} is another one now: needs a restart\n" for key in others)
        self.assertEqual(self.done(self.a, "reload"), said + "reloaded\n")

    def test_a_drain_outlives_the_absence_of_its_instance(self):
        self.start_daemon(self.a)
        file = self.a.etc / "vrrpd.ini"
        text = file.read_text(encoding="utf-8")
        second = instance("VI_2", virtual_router_id=52, virtual_ipaddress=f"{VIP_2}/24")
        for section in (second, ""):
            file.write_text(text + section, encoding="utf-8")
            self.assertEqual(self.done(self.a, "reload"), "reloaded\n")
            if section:
                self.wait_holder(VIP_2, self.a)
                self.done(self.a, "drain", "VI_2")
        mark = self.a.daemon.log.mark()
        file.write_text(text + second, encoding="utf-8")
        self.done(self.a, "reload")
        self.assertTrue(self.look(self.a, "VI_2")["drained"])
        self.a.daemon.process.wait_for_line(r"\(VI_2\) would be MASTER now, but waits: drained", PATIENCE, mark)
        self.assertEqual(self.lan.holders(VIP_2), [])
        self.done(self.a, "resume", "VI_2")
        self.wait_holder(VIP_2, self.a)


class MovedAddress(ControlCase):
    """VI_1 is MASTER on a, VI_2 on b; an address moves from one to the other."""

    MOVING = "192.168.30.18"

    def sections(self, host, owner):
        extra = {owner: f", {self.MOVING}/24"}
        return (instance(priority=self.PRIORITY[host.name], virtual_ipaddress=f"{VIP}/24{extra.get('VI_1', '')}") +
                instance("VI_2", virtual_router_id=52, priority=300 - self.PRIORITY[host.name],
                         virtual_ipaddress=f"{VIP_2}/24{extra.get('VI_2', '')}"))

    def reload(self, host, owner):
        (host.etc / "vrrpd.ini").write_text(GLOBAL + self.sections(host, owner), encoding="utf-8")
        return self.done(host, "reload")

    def setUp(self):
        super().setUp()
        for host in (self.a, self.b):
            host.daemon = Vrrpd(host, VRRPD, GLOBAL + self.sections(host, "VI_1"))
            host.daemon.start()
            self.addCleanup(host.daemon.stop)
        self.wait_holder(VIP, self.a)
        self.wait_holder(VIP_2, self.b)
        self.wait_until(self.a, lambda one: one["holder"] == "192.168.30.20", "the holder", "VI_2")
        self.wait_until(self.b, lambda one: one["holder"] == "192.168.30.10", "the holder")

    def wait_list(self, host, name):
        """Until the host has heard another list of addresses for that instance than its own."""
        self.wait_until(host, lambda one: any(warning["kind"] == "list_differs" for warning in one["warnings"]),
                        "another list", name)

    def test_who_loses_it_reloads_first(self):
        self.assertEqual(self.reload(self.a, "VI_2"),
                         f"warning: {self.MOVING}/24 moves from VI_1 to VI_2, and 192.168.30.20 is MASTER of VI_2: reload "
                         "it next, until then nobody has the address\nreloaded\n")
        self.wait_holder(self.MOVING, None)
        self.wait_list(self.b, "VI_1")
        self.assertEqual(self.reload(self.b, "VI_2"), "reloaded\n")
        self.wait_holder(self.MOVING, self.b)

    def test_in_the_wrong_order_it_is_said(self):
        self.assertEqual(self.reload(self.b, "VI_2"),
                         f"warning: {self.MOVING}/24 moves from VI_1 to VI_2, and 192.168.30.10 is MASTER of VI_1: it must "
                         "reload first. Reload it now, until then both have the address\nreloaded\n")
        self.wait_list(self.a, "VI_2")
        self.assertEqual(self.reload(self.a, "VI_2"), "reloaded\n")
        self.wait_holder(self.MOVING, self.b)
        self.assertEqual(self.roles(self.a.daemon), ["BACKUP", "MASTER"])

    def test_to_an_instance_that_is_new(self):
        new = instance("VI_3", virtual_router_id=53, virtual_ipaddress=f"{self.MOVING}/24")
        (self.b.etc / "vrrpd.ini").write_text(GLOBAL + self.sections(self.b, None) + new, encoding="utf-8")
        self.assertEqual(self.done(self.b, "reload"),
                         f"warning: {self.MOVING}/24 moves from VI_1 to VI_3, and 192.168.30.10 is MASTER of VI_1: it must "
                         "reload first. Reload it now, until then both have the address\nreloaded\n")


class Failovers(ControlCase):
    def test_there_and_back(self):
        self.start_both()
        self.refused(1, "^VI_1 is BACKUP here: only a MASTER can hand over$", self.b, "failover", "VI_1")
        self.assertEqual(self.done(self.a, "failover", "VI_1"), "192.168.30.20 serves now\n")
        self.wait_holder(VIP, self.b)
        seen = self.look(self.a)
        self.assertEqual((seen["state"], seen["failed_over"]), ("BACKUP", True))
        self.assertRegex(seen["hindrance"], "^failover: 192.168.30.20 serves")
        heard = seen["last_advert_heard"]
        self.wait_until(self.b, lambda one: one["in_state_seconds"] > 1, "a second of service")
        self.assertEqual(self.roles(self.b.daemon)[-1], "MASTER", f"preempted, having heard {heard}")
        self.assertEqual(self.done(self.b, "failover", "VI_1"), "192.168.30.10 serves now\n")
        self.wait_holder(VIP, self.a)

    def test_resume_takes_it_back(self):
        self.start_both()
        self.done(self.a, "failover", "VI_1")
        self.wait_holder(VIP, self.b)
        self.done(self.a, "resume", "VI_1")
        self.wait_holder(VIP, self.a)

    def test_the_death_of_the_new_holder_ends_it(self):
        self.start_both()
        self.done(self.a, "failover", "VI_1")
        self.wait_holder(VIP, self.b)
        self.lan.cut(self.b)
        self.wait_until(self.a, lambda one: one["state"] == "MASTER" and not one["failed_over"], "MASTER")

    def test_nobody_there(self):
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        self.refused(1, "^nobody took over: taken back$", self.a, "failover", "VI_1")
        self.wait_holder(VIP, self.a)
        self.assertEqual(self.roles(self.a.daemon)[-3:], ["MASTER", "BACKUP", "MASTER"])


class Drains(ControlCase):
    SECTIONS = (SECOND, GROUP)

    def wait_drained(self, drained):
        for name in ("VI_1", "VI_2"):
            self.wait_until(self.a, lambda one: one["drained"] == drained, f"drained: {drained}", name)

    def restart(self, way):
        """Ends the daemon of a in that way, and starts it again; returns the mark in its log."""
        process = self.a.daemon.process
        process.send_signal(way)
        process.wait(PATIENCE)
        mark = self.a.daemon.start()
        self.wait_role(self.a.daemon, "BACKUP", mark)
        return mark

    def test_the_whole_group_goes_and_stays_away_over_restarts(self):
        self.start_both()
        self.assertEqual(self.done(self.a, "drain", "VI_2"), "drained: VI_1, VI_2\n")
        self.wait_holder(VIP, self.b)
        self.wait_holder(VIP_2, self.b)
        for way in (signal.SIGTERM, signal.SIGKILL, signal.SIGUSR2):
            mark = self.restart(way)
            self.wait_drained(True)
            self.assertIn("held back", self.done(self.a, "status", "VI_1"))
            self.assertNotIn("MASTER", self.roles(self.a.daemon, mark))
        self.b.daemon.stop()
        self.wait_until(self.a, lambda one: "drained" in str(one["hindrance"]) and one["holder"] is None, "nobody")
        self.a.daemon.process.wait_for_line(r"would be MASTER now, but waits: .*drained", PATIENCE)
        self.assertEqual(self.lan.holders(VIP), [])
        self.assertEqual(self.done(self.a, "resume", "VI_1"), "resumed: VI_1, VI_2\n")
        self.wait_holder(VIP, self.a)
        self.restart(signal.SIGTERM)
        self.wait_drained(False)
        self.wait_holder(VIP, self.a)

    def test_without_a_name_all_of_the_host(self):
        self.start_both()
        self.done(self.a, "drain")
        self.wait_drained(True)
        self.wait_holder(VIP, self.b)
        self.done(self.a, "resume")
        self.wait_holder(VIP, self.a)

    def test_what_would_not_survive_is_refused(self):
        self.a.run(["touch", "/var/lib/vrrpd"])
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        self.refused(1, "^a drain would not survive a restart, so it is refused: /var/lib/vrrpd: ", self.a, "drain")
        self.assertIn("! no drain, and no history across restarts: /var/lib/vrrpd", self.done(self.a, "status"))
        self.wait_drained(False)

    def test_a_folder_that_vanished_is_noticed(self):
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        self.a.run(["rm", "-r", "/var/lib/vrrpd"])
        self.refused(1, "^a drain would not survive a restart, so it is refused: ", self.a, "drain")
        self.wait_drained(False)
        self.assertEqual(self.roles(self.a.daemon), ["BACKUP", "MASTER"])

    def test_history_goes_on_over_restarts(self):
        self.start_both()
        before = self.done(self.a, "history")
        self.restart(signal.SIGTERM)
        after = self.done(self.a, "history")
        self.assertTrue(after.startswith(before))
        self.assertIn("-> INIT   200  shutdown", after)
        self.restart(signal.SIGKILL)
        self.assertTrue(self.done(self.a, "history").startswith(after))


class Followers(ControlCase):
    SECTIONS = ("\n[check flag]\ntype = file\npath = /etc/vrrpd/flag\ninterval = 100ms\ntimeout = 100ms\n",)

    def start_daemon(self, host):
        (host.etc / "flag").write_text("0\n", encoding="ascii")
        super().start_daemon(host)

    def follow(self, host, name="events"):
        process = host.start(name, [VRRPCTL, "events"])
        process.wait_for_line('"event":"following"', PATIENCE)
        return process

    def test_several_see_what_happens(self):
        self.start_both()
        first, second = self.follow(self.a, "first"), self.follow(self.a, "second")
        self.done(self.a, "failover", "VI_1")
        self.done(self.a, "drain", "VI_1")
        for process in (first, second):
            process.wait_for_line('"command":"drain"', PATIENCE)
            events = [json.loads(line) for line in process.log.lines()]
            self.assertEqual({one["version"] for one in events}, {1})
            told = [(one["event"], one.get("command") or one.get("to")) for one in events]
            self.assertEqual(told[:3], [("following", None), ("operator", "failover"), ("transition", "BACKUP")])
            self.assertEqual(events[2]["reason"], "failover")

    def test_its_end_is_an_error(self):
        self.start_both()
        process = self.follow(self.a)
        self.a.daemon.stop()
        self.assertEqual(process.wait(PATIENCE), 3)
        self.assertIn("the connection was closed", process.log.text(0))


class SlowFollower(ControlCase):
    COUNT = 200
    SECTIONS = tuple(instance(f"VI_{n}", virtual_router_id=51 + n, priority="{0}", advert_int="1s",
                              virtual_ipaddress=f"192.168.30.{30 + n}/24") for n in range(2, COUNT + 1))
    ROUNDS = 40  # of an event for each instance: more than its socket and the daemon's list hold together

    def test_one_that_stands_still_costs_nothing_and_is_cut_off(self):
        """It is stopped while thousands of events happen; all the while adverts go on, and others follow."""
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        slow, quick = (self.a.start(name, [VRRPCTL, "events"]) for name in ("slow", "quick"))
        for process in (slow, quick):
            process.wait_for_line('"event":"following"', PATIENCE)
        slow.send_signal(signal.SIGSTOP)
        wire = self.watch(self.lan.switch, self.a.port)
        for _ in range(self.ROUNDS):
            self.assertEqual(control.ask(self.a, "resume").count("VI_"), self.COUNT)
        times = [one.time_ns for one in wire.adverts(vrid=51)]
        slow.send_signal(signal.SIGCONT)
        self.assertIn(slow.wait(PATIENCE), (1, 3))  # 3: it stood still for more than ten seconds
        self.assertRegex(slow.log.text(0), r"too slow: \d+ events were lost|the connection was closed")
        quick.log.until(lambda: quick.log.text().count('"operator"') == self.ROUNDS * self.COUNT, PATIENCE, "all events")
        self.assertLess(max(later - one for one, later in zip(times, times[1:])), 300_000_000)
        self.assertEqual(self.roles(self.a.daemon), ["BACKUP", "MASTER"])


class Scrapes(ControlCase):
    GLOBALS = GLOBAL + "metrics_listen = 192.168.30.10:9112\n"

    def scrape(self, text):
        with self.b.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
            client.settimeout(PATIENCE)
            client.connect(("192.168.30.10", 9112))
            client.sendall(text)
            answer = b""
            while piece := client.recv(65536):
                answer += piece
        head, _, body = answer.decode().partition("\r\n\r\n")
        return head.split("\r\n")[0], body

    def test_the_same_as_vrrpctl_metrics(self):
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        status, body = self.scrape(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertEqual(status, "HTTP/1.1 200 OK")
        ours, theirs = control.read_metrics(body), control.read_metrics(self.done(self.a, "metrics"))
        self.assertEqual(set(ours), set(theirs))
        self.assertEqual(control.value(ours, "vrrpd_instance_state", vrrp_instance="VI_1", state="MASTER"), 1)
        self.assertEqual(self.scrape(b"GET / HTTP/1.1\r\n\r\n")[0], "HTTP/1.1 404 Not Found")

    def test_promtool_has_nothing_to_say(self):
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        text = self.scrape(b"GET /metrics HTTP/1.1\r\n\r\n")[1]
        check = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
        self.assertEqual((check.returncode, check.stdout, check.stderr), (0, "", ""))

    def test_off_unless_asked_for(self):
        self.GLOBALS = GLOBAL
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        with self.assertRaises(ConnectionRefusedError):
            self.scrape(b"GET /metrics HTTP/1.1\r\n\r\n")


if __name__ == "__main__":
    unittest.main()
