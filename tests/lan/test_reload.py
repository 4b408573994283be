"""Reloads: a daemon is given another file and SIGHUP, while a peer listens and a client asks the address.

RELOADS chooses how many `Repeated` does; the default is the short form.
"""

import os
import pathlib
import signal

from tests.lan.cases import GLOBAL, LanCase, instance
from tests.lan.daemons import VIP, VIP_PORT
from tests.lan.pair import Probe
from tests.lan.settings import PATIENCE, PROBER

OTHER, THIRD = "192.168.30.17", "192.168.30.18"
RELOADS = int(os.environ.get("RELOADS", "50"))


class ReloadCase(LanCase):
    def setUp(self):
        super().setUp()
        self.a = self.lan.host("a", "192.168.30.10")

    def master(self, *sections, name="VI_1"):
        daemon = self.start(self.a, *sections)
        self.wait_role(daemon, "MASTER", name=name)
        return daemon

    def reload(self, daemon, *sections):
        """The position in the log from which all of it follows."""
        daemon.configure(GLOBAL + "".join(sections))
        mark = daemon.log.mark()
        daemon.process.send_signal(signal.SIGHUP)
        daemon.process.wait_for_line(r" (not )?reloaded[:,]", PATIENCE, mark)
        return mark

    def expect(self, daemon, pattern, since):
        return daemon.process.wait_for_line(pattern, PATIENCE, since)

    def pid_of(self, host, command):
        pids = host.pids_of(command)
        self.assertEqual(len(pids), 1, command)
        return pids[0]


class Changes(ReloadCase):
    def test_a_bad_file_changes_nothing_and_says_why_L03(self):
        daemon = self.master(instance())
        mark = self.reload(daemon, instance(priority=300, advert_int="1ms"))
        self.expect(daemon, r"error .*vrrpd.ini:\d+: \[vrrp_instance VI_1\] priority: ", mark)
        self.expect(daemon, r"error .*\[vrrp_instance VI_1\] advert_int: ", mark)
        self.expect(daemon, "error not reloaded, what was in force goes on", mark)
        mark = self.reload(daemon, instance())
        self.expect(daemon, r"reloaded: instances changed=0 added=0 removed=0;", mark)
        self.assertEqual(self.roles(daemon), ["BACKUP", "MASTER"])
        self.assertIn(VIP, self.a.addresses())

    def test_another_priority_is_in_the_next_advert(self):
        wire = self.watch(self.lan.switch, self.a.port)
        daemon = self.master(instance(priority=200))
        mark = self.reload(daemon, instance(priority=150))
        wire.until_adverts(1, priority=150)
        self.assertEqual(self.roles(daemon, mark), [])
        self.assertEqual(wire.adverts(priority=0), [])

    def test_addresses_come_and_go_while_it_is_master(self):
        daemon = self.master(instance())
        mark = self.reload(daemon, instance(virtual_ipaddress=f"{VIP}/24, {OTHER}/24"))
        self.wait_holder(OTHER, self.a)
        self.assertIn(VIP, self.a.addresses())
        self.reload(daemon, instance(virtual_ipaddress=f"{OTHER}/24"))
        self.wait_holder(VIP, None)
        self.assertIn(OTHER, self.a.addresses())
        self.assertEqual(self.roles(daemon, mark), [])

    def test_a_new_instance_starts_and_a_removed_one_hands_over(self):
        second = instance("VI_2", virtual_router_id=52, virtual_ipaddress=f"{OTHER}/24")
        peer = self.lan.host("b", "192.168.30.55")
        daemon = self.master(instance(priority=200))
        self.start(peer, instance(priority=100), second)
        wire = self.watch(self.lan.switch, self.a.port)
        self.wait_holder(OTHER, peer)
        mark = self.reload(daemon, instance(priority=200),
                           instance("VI_2", virtual_router_id=52, priority=200, virtual_ipaddress=f"{OTHER}/24"))
        self.wait_role(daemon, "MASTER", mark, "VI_2")
        self.wait_holder(OTHER, self.a)
        self.reload(daemon, instance(priority=200))
        self.wait_holder(OTHER, peer)
        wire.until_adverts(1, vrid=52, priority=0, source="192.168.30.10")
        self.expect(daemon, r"\(VI_2\) Entering INIT STATE reason=\"removed from the configuration\"", mark)
        self.assertEqual(self.roles(daemon, mark), [])
        self.assertIn(VIP, self.a.addresses())

    def test_the_same_name_with_another_vrid_is_another_instance(self):
        daemon = self.master(instance())
        wire = self.watch(self.lan.switch, self.a.port)
        self.reload(daemon, instance(virtual_router_id=77))
        wire.until_adverts(1, vrid=51, priority=0)
        wire.until_adverts(2, vrid=77, priority=100)
        self.wait_holder(VIP, self.a)
        self.assertEqual(wire.adverts(vrid=51, since_ns=wire.adverts(vrid=77, priority=100)[-1].time_ns), [])

    def test_an_address_that_moves_between_two_never_leaves_the_link(self):
        def two(first, second):
            return (instance("VI_1", virtual_ipaddress=f"{first}"),
                    instance("VI_2", virtual_router_id=52, virtual_ipaddress=f"{second}"))
        daemon = self.master(*two(f"{VIP}/24, {OTHER}/24", f"{THIRD}/24"), name="VI_2")
        for address in (VIP, OTHER, THIRD):
            self.wait_holder(address, self.a)
        monitor = self.a.start("monitor", ["ip", "-o", "monitor", "address"])

        def listens():  # it does not say since when
            self.a.run(["ip", "address", "replace", "10.1.1.1/32", "dev", "lo"])
            return monitor.log.find("10.1.1.1", 0)
        monitor.log.until(listens, PATIENCE, "its first line", monitor.running)
        mark = self.reload(daemon, *two(f"{OTHER}/24", f"{VIP}/24, {THIRD}/24"))
        mark = min(mark, self.reload(daemon, *two(f"{OTHER}/24, {THIRD}/24", f"{VIP}/24")))
        # A removed one gives its address to one that stays.
        self.reload(daemon, instance("VI_1", virtual_ipaddress=f"{OTHER}/24, {THIRD}/24, {VIP}/24"))
        self.expect(daemon, r"\(VI_2\) Entering INIT STATE", mark)
        self.a.run(["ip", "address", "del", "10.1.1.1/32", "dev", "lo"])
        monitor.wait_for_line("Deleted.*10.1.1.1", PATIENCE)
        gone = [line for line in monitor.log.lines() if "Deleted" in line and "10.1.1.1" not in line]
        self.assertEqual(gone, [])
        self.assertEqual(self.roles(daemon, mark), [])
        self.assertLessEqual({VIP, OTHER, THIRD}, self.a.addresses())

    def test_what_cannot_change_while_it_runs_is_said(self):
        daemon = self.master(instance())
        daemon.configure("[global]\nlog_target = stderr\nlock_memory = no\n" + instance())
        daemon.process.send_signal(signal.SIGHUP)
        daemon.process.wait_for_line(r"warning \[global\] lock_memory is another one now: needs a restart", PATIENCE)


class StillGuarded(ReloadCase):
    def test_the_guard_knows_what_a_reload_has_put_on(self):
        daemon = self.master(instance())
        self.reload(daemon, instance(virtual_ipaddress=f"{VIP}/24, {OTHER}/24"),
                    instance("VI_2", virtual_router_id=52, virtual_ipaddress=f"{THIRD}/24"))
        for address in (VIP, OTHER, THIRD):
            self.wait_holder(address, self.a)
        daemon.process.send_signal(signal.SIGKILL)
        for address in (VIP, OTHER, THIRD):
            self.wait_holder(address, None)

    def test_a_shorter_interval_is_no_reason_for_the_guard_to_act(self):
        daemon = self.master(instance(advert_int="2s"))
        for interval in ("100ms", "2s", "100ms"):
            mark = self.reload(daemon, instance(advert_int=interval))
        wire = self.watch(self.lan.switch, self.a.port)
        wire.until_adverts(10)
        self.assertEqual(self.roles(daemon, mark), [])
        self.assertIsNone(daemon.log.find("is gone from", mark))
        self.assertIn(VIP, self.a.addresses())

    def test_a_successor_adopts_what_a_reload_has_put_on(self):
        daemon = self.master(instance(advert_int="1s"))
        self.reload(daemon, instance(advert_int="1s", virtual_ipaddress=f"{VIP}/24, {OTHER}/24"))
        self.wait_holder(OTHER, self.a)
        daemon.process.send_signal(signal.SIGUSR2)
        self.assertEqual(daemon.process.wait(PATIENCE), 0)
        mark = daemon.start()
        self.expect(daemon, r'Entering MASTER STATE reason="adopted"', mark)


def script(name, command, **keys):
    lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
    return f"[check {name}]\ntype = script\ncommand = {command}\ninterval = 200ms\ntimeout = 100ms\n{lines}"


class ChecksAndServices(ReloadCase):
    def test_a_changed_check_throws_nobody_out_and_is_asked_anew(self):
        daemon = self.master(instance(track_check="well"), script("well", "/bin/true"))
        mark = self.reload(daemon, instance(track_check="well, other weight 20"), script("well", "/bin/true", fall=3),
                           script("other", "/bin/true"))
        self.expect(daemon, r"VRRP_Script\(other\) succeeded", mark)
        self.assertEqual(self.roles(daemon, mark), [])
        mark = self.reload(daemon, instance(track_check="well"), script("well", "/bin/false"))
        self.wait_role(daemon, "FAULT", mark)
        mark = self.reload(daemon, instance())
        self.wait_role(daemon, "MASTER", mark)

    def test_a_check_that_did_not_change_is_left_alone(self):
        daemon = self.master(instance(track_check="well"), script("well", "/bin/true"))
        mark = self.reload(daemon, instance(track_check="well", priority=120), script("well", "/bin/true"))
        self.reload(daemon, instance(track_check="well"), script("well", "/bin/true"))
        self.assertIsNone(daemon.log.find("VRRP_Script", mark))

    def test_services_change_with_the_file(self):
        def service(seconds):
            return f"[service proxy]\ncommand = /usr/bin/sleep {seconds}\nuser = root\n"
        daemon = self.master(instance(service="proxy"), service(1000))
        self.expect(daemon, r"Service\(proxy\) ready", 0)
        first = self.pid_of(self.a, "sleep")
        mark = self.reload(daemon, instance(service="proxy", priority=120), service(1000))
        self.assertEqual(self.pid_of(self.a, "sleep"), first, "an unchanged one is left alone")
        mark = self.reload(daemon, instance(service="proxy"), service(2000))
        self.expect(daemon, r"Service\(proxy\) stopped", mark)
        self.expect(daemon, r"Service\(proxy\) ready", mark)
        self.assertNotEqual(self.pid_of(self.a, "sleep"), first)
        self.reload(daemon, instance())
        daemon.log.until(lambda: not self.a.pids_of("sleep"), PATIENCE, "the end of the service")
        self.assertEqual(self.roles(daemon, mark), [])
        mark = self.reload(daemon, instance(service="proxy"), service(3000))
        self.expect(daemon, r"Service\(proxy\) ready", mark)
        self.pid_of(self.a, "sleep")


class Hooks(ReloadCase):
    def test_hooks_come_and_go_with_the_file(self):
        def second(**hooks):
            return instance("VI_2", virtual_router_id=52, virtual_ipaddress=f"{OTHER}/24", **hooks)
        daemon = self.master(instance(), second(notify_stop="/bin/true"), name="VI_2")
        mark = self.reload(daemon, instance())
        self.expect(daemon, r"Hook\(VI_2 notify_stop\) succeeded", mark)
        mark = self.reload(daemon, instance(notify_fault="/bin/true"), second(notify_master="/bin/true"))
        self.expect(daemon, r"Hook\(VI_2 notify_master\) succeeded", mark)
        self.assertIsNone(daemon.log.find(r"Hook\(VI_1", mark))
        self.a.run(["ip", "link", "set", "eth0", "down"])
        self.expect(daemon, r"Hook\(VI_1 notify_fault\) succeeded", mark)


class Repeated(ReloadCase):
    def test_nobody_notices_many_reloads_L03(self):
        peer = self.lan.host("b", "192.168.30.55")
        client = self.lan.host("client", "192.168.30.99")
        for host in (self.a, peer):
            host.start("memcached", ["memcached", "-u", "nobody", "-p", str(VIP_PORT), "-U", "0", "-m", "16", "-t",
                                     "1"])
        daemon = self.master(instance(priority=200))
        other = self.start(peer, instance(priority=100))
        self.wait_role(other, "BACKUP")
        probe = Probe(client, PROBER, "prober", "--interval", "5")
        probe.wait_for_answers(PATIENCE)
        marks = daemon.log.mark(), other.log.mark()
        files = ([instance(priority=210)], [instance(priority=200, garp_interval="10ms")],
                 [instance(priority=200, virtual_ipaddress=f"{VIP}/24, {OTHER}/24")],
                 [instance(priority=200), instance("VI_2", virtual_router_id=52, virtual_ipaddress=f"{THIRD}/24")],
                 [instance(priority=200, track_check="well"), script("well", "/bin/true")])
        settled = None
        for number in range(RELOADS):
            self.reload(daemon, *files[number % len(files)])
            if number == RELOADS // 5:
                settled = self.usage(daemon)
        self.reload(daemon, instance(priority=200))
        self.wait_holder(THIRD, None)
        self.wait_holder(OTHER, None)
        attempts = probe.stop()
        lost = [one for one in attempts[:-1] if not one.answered]
        self.assertEqual((self.roles(daemon, marks[0]), self.roles(other, marks[1]), lost), ([], [], []))
        descriptors, memory = self.usage(daemon)
        self.assertLessEqual(descriptors, settled[0])
        self.assertLess(memory, settled[1] + 1024, "KiB")

    def usage(self, daemon):
        """Descriptors, and memory of its own in KiB: code is mapped as it is first used."""
        process = pathlib.Path(f"/proc/{daemon.process.pid}")
        status = (process / "status").read_text(encoding="ascii").split()
        return len(os.listdir(process / "fd")), int(status[status.index("RssAnon:") + 1])
