"""Hooks in the life of two daemons: when each runs and with what, and that no advert waits for one.

The hook of the tests appends two lines to a file, when it begins and when it ends. It waits in between while a file
says so, fails where another one does, and looks at the address at its beginning.
"""

import re
import signal
import unittest

from tests.lan import control
from tests.lan.cases import LanCase, instance
from tests.lan.daemons import write_script
from tests.lan.settings import PATIENCE
from tests.lan.watched import Log

VIP, VIP_2 = "192.168.30.16", "192.168.30.17"
KINDS = ("before_master", "before_backup", "notify_master", "notify_backup", "notify_fault", "notify_stop", "notify",
         "notify_new_active")

_HOOK = f"""#!/bin/sh
who=$1 kind=$2; shift 2
case $(ip -4 -o addr show) in *{VIP}/*) vip=yes ;; *) vip=no ;; esac
say() {{ printf '%s %s.%s args=%s vip=%s prev=%s peer=%s vips=%s reason=%s\\n' "$1" "$who" "$kind" \\
    "$args" "$vip" "$VRRP_PREVIOUS_STATE" "$VRRP_PEER" "$(echo $VRRP_VIPS | tr ' ' ,)" "$VRRP_REASON" \\
    >> /etc/vrrpd/story; }}
args=$(echo "$*" | tr ' ' ,)
say begin
grep -E 'Cap(Eff|Amb|Prm)|^Uid' /proc/$$/status > /etc/vrrpd/caps
env > /etc/vrrpd/environment
[ ! -s /etc/vrrpd/hold.$kind ] || sleep 1000
while [ -e /etc/vrrpd/hold.$kind ]; do sleep 0.02; done
[ ! -e /etc/vrrpd/fail.$kind ] || exit 3
say end
"""


def all_hooks(who="VI_1", kinds=KINDS):
    return {kind: f"/etc/vrrpd/hook {who} {kind}" for kind in kinds}


class HookCase(LanCase):
    def setUp(self):
        super().setUp()
        self.a, self.b = (self.make_host(name, number) for name, number in (("a", 10), ("b", 20)))
        self.wire = self.watch(self.lan.switch, self.a.port)

    def make_host(self, name, number):
        host = self.lan.host(name, f"192.168.30.{number}")
        write_script(host.etc / "hook", _HOOK)
        for file in ("story", "caps", "environment"):
            (host.etc / file).touch()
            (host.etc / file).chmod(0o666)
        host.story = Log(host.etc / "story")
        return host

    def run_daemon(self, host, priority, **keys):
        host.daemon = self.start(host, instance(priority=priority, **(all_hooks() | keys)))
        return host.daemon

    def hold(self, host, kind, hang=False):
        """Until let_go, or for ever, with a child of its own."""
        (host.etc / f"hold.{kind}").write_text("hang\n" if hang else "", encoding="ascii")

    def let_go(self, host, kind):
        (host.etc / f"hold.{kind}").unlink()

    def wait_told(self, host, pattern, since=0):
        """The line of the story."""
        return host.story.wait(pattern, PATIENCE, since).string

    def story(self, host, since=0):
        """What began, in order, without arguments."""
        return [line.split()[1].split(".")[1] for line in host.story.lines(since) if line.startswith("begin")]

    def assert_never_two_at_once(self, host):
        running = None
        for line in host.story.lines():
            step, kind = line.split()[:2]
            if step == "begin":
                running = kind
            else:
                self.assertEqual(running, kind, "\n".join(host.story.lines()))


class Orders(HookCase):
    def test_a_promotion_after_silence(self):
        """Adverts at once, then the hook, the address, the announcement, and then notify."""
        self.hold(self.a, "before_master")
        daemon = self.run_daemon(self.a, 200)
        line = self.wait_told(self.a, "begin VI_1.before_master")
        self.assertIn("args=INSTANCE,VI_1,MASTER,200 vip=no prev=BACKUP peer= ", line)
        self.wire.until_adverts(5, source="192.168.30.10", priority=200)
        self.assertEqual(self.lan.holders(VIP), [])
        self.assertEqual(self.wire.announcements(VIP), [])
        self.let_go(self.a, "before_master")
        self.wait_holder(VIP, self.a)
        line = self.wait_told(self.a, "begin VI_1.notify_master")
        self.assertIn("args=INSTANCE,VI_1,MASTER,200 vip=yes prev=BACKUP", line)
        self.assertIn("no advert heard for", line)
        self.wait_told(self.a, r"end VI_1.notify args=INSTANCE,VI_1,MASTER,200 vip=yes")
        self.assertEqual(self.story(self.a), ["notify_backup", "notify", "before_master", "notify_master", "notify"])
        self.assert_never_two_at_once(self.a)
        daemon.process.wait_for_line(r"Hook\(VI_1 notify\) succeeded state=MASTER duration=0\.\d{3}", PATIENCE)
        series = control.metrics(self.a)
        run = {"vrrp_instance": "VI_1", "hook": "before_master"}
        self.assertEqual(control.value(series, "vrrpd_hooks_total", **run, result="succeeded"), 1)
        self.assertEqual(control.value(series, "vrrpd_hooks_total", **run, result="failed"), 0)
        self.assertGreater(control.value(series, "vrrpd_hook_seconds_total", **run), 0)

    def test_a_planned_demotion(self):
        """before_backup while the address is there, notify_stop when it is not; the peers are told in between."""
        daemon = self.run_daemon(self.a, 200, hook_timeout="10s")
        self.wait_told(self.a, "end VI_1.notify args=INSTANCE,VI_1,MASTER")
        self.hold(self.a, "before_backup")
        mark = self.a.story.mark()
        daemon.process.send_signal(signal.SIGTERM)
        line = self.wait_told(self.a, "begin VI_1.before_backup", mark)
        self.assertIn("args=INSTANCE,VI_1,STOP,200 vip=yes prev=MASTER", line)
        seen = len(self.wire.adverts(source="192.168.30.10", priority=200))
        self.wire.until_adverts(seen + 3, source="192.168.30.10", priority=200)
        self.assertEqual(self.wire.adverts(priority=0), [])
        self.let_go(self.a, "before_backup")
        daemon.process.wait(PATIENCE)
        self.assertEqual(self.story(self.a, mark), ["before_backup", "notify_stop", "notify"])
        self.assertIn("args=INSTANCE,VI_1,STOP,200 vip=no prev=MASTER",
                      self.wait_told(self.a, "begin VI_1.notify_stop", mark))
        self.assertEqual(len(self.wire.until_adverts(2, priority=0)), 2)

    def test_a_planned_demotion_waits_a_second_and_no_longer(self):
        daemon = self.run_daemon(self.a, 200)
        self.wait_told(self.a, "end VI_1.notify args=INSTANCE,VI_1,MASTER")
        self.hold(self.a, "before_backup", hang=True)
        mark = self.a.story.mark()
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.wait(PATIENCE)
        self.assertEqual(self.story(self.a, mark), ["before_backup", "notify_stop", "notify"])
        daemon.log.wait(r'Hook\(VI_1 before_backup\) timed_out reason="no end within 1 s, killed"', PATIENCE)
        self.assertEqual(self.a.pids_of("sleep"), [])

    def test_a_fault(self):
        """No before_backup: nothing is planned about it."""
        daemon = self.run_daemon(self.a, 200)
        self.wait_told(self.a, "end VI_1.notify args=INSTANCE,VI_1,MASTER")
        mark = self.a.story.mark()
        self.lan.cut(self.a)
        line = self.wait_told(self.a, "begin VI_1.notify_fault", mark)
        self.assertIn("args=INSTANCE,VI_1,FAULT,200 vip=no prev=MASTER", line)
        self.assertIn("reason=interface eth0 has no carrier", line)
        self.wait_told(self.a, "end VI_1.notify ", mark)
        self.assertEqual(self.story(self.a, mark), ["notify_fault", "notify"])
        self.wait_role(daemon, "FAULT")

    def test_a_preemption_leaves_the_peer_serving_meanwhile(self):
        self.run_daemon(self.b, 100)
        self.wait_holder(VIP, self.b)
        self.hold(self.a, "before_master")
        daemon = self.run_daemon(self.a, 200)
        line = self.wait_told(self.a, "begin VI_1.before_master")
        self.assertIn("vip=no prev=BACKUP peer=192.168.30.20", line)
        seen = len(self.wire.adverts(source="192.168.30.20"))
        self.wire.until_adverts(seen + 10, source="192.168.30.20")
        self.assertEqual(self.wire.adverts(source="192.168.30.10"), [])
        self.assertEqual(self.lan.holders(VIP), ["b"])
        mark = self.b.story.mark()
        self.let_go(self.a, "before_master")
        self.wait_holder(VIP, self.a)
        self.assertIn("preempting 192.168.30.20", self.wait_role(daemon, "MASTER").string)
        self.assertIn("vip=no", self.wait_told(self.b, "begin VI_1.notify_backup", mark))
        self.assertIn("peer=192.168.30.10", self.wait_told(self.b, "begin VI_1.notify_new_active", mark))
        self.assertEqual(self.story(self.b, mark)[0], "notify_backup")

    def test_a_peer_that_dies_meanwhile_is_not_waited_for(self):
        self.run_daemon(self.b, 100)
        self.wait_holder(VIP, self.b)
        self.hold(self.a, "before_master")
        self.run_daemon(self.a, 200)
        self.wait_told(self.a, "begin VI_1.before_master")
        self.b.daemon.process.send_signal(signal.SIGKILL)
        self.wire.until_adverts(3, source="192.168.30.10", priority=200)
        self.assertNotIn(VIP, self.a.addresses())
        self.let_go(self.a, "before_master")
        self.wait_holder(VIP, self.a)
        self.assertEqual(self.story(self.a).count("before_master"), 1)

    def test_a_better_one_that_comes_meanwhile(self):
        """It backs off, and its hooks learn that nothing came of it."""
        self.run_daemon(self.b, 100)
        self.wait_holder(VIP, self.b)
        self.hold(self.a, "before_master")
        self.run_daemon(self.a, 200)
        self.wait_told(self.a, "begin VI_1.before_master")
        better = self.make_host("better", 30)
        self.start(better, instance(priority=250))
        self.wait_holder(VIP, better)
        self.let_go(self.a, "before_master")
        line = self.wait_told(self.a, "begin VI_1.notify_backup .*backed off")
        self.assertIn("args=INSTANCE,VI_1,BACKUP,200 vip=no prev=BACKUP peer=192.168.30.30", line)
        self.assertEqual(self.wire.adverts(source="192.168.30.10"), [])


class Mishaps(HookCase):
    def test_before_master_fails(self):
        """Priority 0 for the advert that had left, FAULT for fault_hold, and another try."""
        (self.a.etc / "fail.before_master").touch()
        daemon = self.run_daemon(self.a, 200, fault_hold="500ms")
        self.wait_faulty(daemon, "before_master: exit code 3")
        self.wire.until_adverts(2, source="192.168.30.10", priority=0)
        self.assertIn("vip=no", self.wait_told(self.a, "begin VI_1.notify_fault"))
        self.assertIsNone(daemon.log.find(r"Hook\(VI_1 notify_master\)"))
        (self.a.etc / "fail.before_master").unlink()
        self.wait_holder(VIP, self.a)

    def test_before_master_hangs(self):
        self.hold(self.a, "before_master", hang=True)
        daemon = self.run_daemon(self.a, 200, hook_timeout="300ms", fault_hold="1min")
        self.wait_faulty(daemon, r"before_master: no end within 0\.3 s, killed")
        self.wire.until_adverts(2, source="192.168.30.10", priority=0)
        # With all of its process group.
        self.wait_told(self.a, "end VI_1.notify args=INSTANCE,VI_1,FAULT")
        self.assertEqual(self.a.pids_of("sleep"), [])

    def test_one_that_cannot_be_started(self):
        (self.a.etc / "nothing").write_text("#!/no/such/interpreter\n", encoding="ascii")
        (self.a.etc / "nothing").chmod(0o755)
        daemon = self.run_daemon(self.a, 200, before_master=None, notify_master="/etc/vrrpd/nothing")
        daemon.process.wait_for_line(r'Hook\(VI_1 notify_master\) failed reason="could not be started: No such file',
                                     PATIENCE)
        self.wait_holder(VIP, self.a)

    def test_the_latest_state_wins(self):
        """While one hangs the states change; what was overtaken never runs, and is said."""
        self.hold(self.a, "notify_backup")
        daemon = self.run_daemon(self.a, 200, before_master=None)
        self.wait_told(self.a, "begin VI_1.notify_backup")
        self.wait_holder(VIP, self.a)
        self.lan.cut(self.a)
        self.wait_role(daemon, "FAULT")
        daemon.process.wait_for_line(r"Hook\(VI_1 notify_master\) skipped state=MASTER", PATIENCE)
        self.let_go(self.a, "notify_backup")
        self.wait_told(self.a, "end VI_1.notify args=INSTANCE,VI_1,FAULT")
        self.assertEqual(self.story(self.a), ["notify_backup", "notify", "notify_fault", "notify"])
        self.assert_never_two_at_once(self.a)

    def test_adverts_go_on_while_a_hook_hangs(self):
        self.hold(self.a, "notify_master")
        self.run_daemon(self.a, 200)
        self.wait_told(self.a, "begin VI_1.notify_master")
        seen = self.wire.adverts(source="192.168.30.10")
        later = self.wire.until_adverts(len(seen) + 20, source="192.168.30.10")[len(seen):]
        gaps = [(two.time_ns - one.time_ns) / 1e6 for one, two in zip(later, later[1:])]
        self.assertLess(max(gaps), 300, "a peer would have taken over")


class Situations(HookCase):
    def test_no_capability_and_another_user(self):
        self.run_daemon(self.a, 200)
        self.wait_told(self.a, "end VI_1.notify args=INSTANCE,VI_1,MASTER")
        status = dict(re.findall(r"(\w+):\s+(\w+)", (self.a.etc / "caps").read_text(encoding="ascii")))
        self.assertNotEqual(status["Uid"], "0")
        for name in ("CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        names = set(re.findall(r"^(VRRP_\w+)=", (self.a.etc / "environment").read_text(encoding="utf-8"), re.MULTILINE))
        self.assertEqual(names, {"VRRP_INSTANCE", "VRRP_STATE", "VRRP_PREVIOUS_STATE", "VRRP_PRIORITY", "VRRP_VIPS",
                                 "VRRP_PEER", "VRRP_REASON"})

    def test_a_new_active_is_named(self):
        """Also after the start, and in FAULT."""
        self.run_daemon(self.b, 100)
        self.wait_holder(VIP, self.b)
        daemon = self.run_daemon(self.a, 50, virtual_ipaddress=f"{VIP}/24, {VIP_2}/24")
        line = self.wait_told(self.a, "begin VI_1.notify_new_active")
        self.assertIn("args=INSTANCE,VI_1,BACKUP,50 vip=no prev=BACKUP peer=192.168.30.20 "
                      f"vips={VIP},{VIP_2} reason=192.168.30.20 is MASTER", line)
        mark = self.a.story.mark()
        third = self.make_host("third", 30)
        self.start(third, instance(priority=150))
        self.assertIn("peer=192.168.30.30", self.wait_told(self.a, "begin VI_1.notify_new_active", mark))
        self.assertEqual(self.roles(daemon), ["BACKUP"])

    def test_a_healed_split(self):
        """The winner's notify_master runs again, after both have been MASTER."""
        for host, priority in ((self.a, 200), (self.b, 100)):
            self.run_daemon(host, priority)
        self.wait_told(self.a, "end VI_1.notify args=INSTANCE,VI_1,MASTER")
        self.wire.until_adverts(10, source="192.168.30.10", priority=200)
        self.lan.part(self.b)
        self.wait_told(self.b, "end VI_1.notify args=INSTANCE,VI_1,MASTER")
        mark_a, mark_b = self.a.story.mark(), self.b.story.mark()
        self.lan.join(self.b)
        line = self.wait_told(self.a, "begin VI_1.notify_master", mark_a)
        self.assertIn("args=INSTANCE,VI_1,MASTER,200 vip=yes prev=MASTER peer=192.168.30.20", line)
        self.assertIn("reason=192.168.30.20 was MASTER, too", line)
        self.wait_told(self.b, "begin VI_1.notify_backup", mark_b)
        self.wait_told(self.a, "end VI_1.notify args=INSTANCE,VI_1,MASTER", mark_a)
        self.assertEqual(self.story(self.a, mark_a), ["notify_master", "notify"])

    def test_an_adopted_instance_has_no_before_master(self):
        daemon = self.run_daemon(self.a, 200, advert_int="1s")
        self.wait_told(self.a, "end VI_1.notify args=INSTANCE,VI_1,MASTER")
        mark = self.a.story.mark()
        daemon.process.send_signal(signal.SIGUSR2)
        daemon.process.wait(PATIENCE)
        daemon.start()
        self.assertIn("prev=INIT", self.wait_told(self.a, "begin VI_1.notify_master .*reason=adopted", mark))
        self.wait_told(self.a, "end VI_1.notify args=INSTANCE,VI_1,MASTER", mark)
        self.assertEqual(self.story(self.a, mark), ["notify_master", "notify"])

    def test_a_group_prepares_together_S05(self):
        """No address of any member before the hooks of all; and the group has hooks of its own."""
        self.lan.link(self.a, 1, "192.168.31.10")
        self.hold(self.a, "before_master")
        second = instance("VI_2", interface="eth1", virtual_router_id=52, virtual_ipaddress="192.168.31.16/24",
                          priority=200)
        group = "\n".join(["\n[vrrp_sync_group VG_1]", "member = VI_1, VI_2",
                           *(f"{kind} = /etc/vrrpd/hook VG_1 {kind}" for kind in KINDS[2:7]), ""])
        self.a.daemon = self.start(self.a, instance(priority=200, **all_hooks()), second, group)
        self.wait_told(self.a, "begin VI_1.before_master")
        self.wire.until_adverts(3, vrid=51, priority=200)
        self.assertNotIn("192.168.31.16", self.a.addresses())
        self.let_go(self.a, "before_master")
        self.wait_holder(VIP, self.a)
        line = self.wait_told(self.a, "begin VG_1.notify_master")
        self.assertIn("args=GROUP,VG_1,MASTER,0 vip=yes prev=BACKUP", line)
        self.assertIn(f"vips={VIP},192.168.31.16", line)
        self.assertIn("192.168.31.16", self.a.addresses())
        self.a.daemon.stop()
        self.wait_told(self.a, "end VG_1.notify args=GROUP,VG_1,STOP")


if __name__ == "__main__":
    unittest.main()
