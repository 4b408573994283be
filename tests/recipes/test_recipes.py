"""The recipes of docs/recipes with the real software: exactly the files of etc/recipes, what their pages say about each
fault, and what happens to open connections. Bounds are generous: tests/bench/recipes measures.
"""

import re
import shutil
import signal
import socket
import time
import unittest

from tests.lan.daemons import VIP, VIP_2, VIP_PORT
from tests.lan.settings import PATIENCE, PROBER, VRRPCTL, VRRPD, run_folder
from tests.lan.virtual_lan import Lan
from tests.recipes.data_deployments import install_hooks, install_stand_in
from tests.recipes.deployment import RECIPES, S1, S2, S4, S7, Deployment

PAGES = RECIPES.parents[1] / "docs" / "recipes"
QUIET_SECONDS = 5  # longer than a down timer (3.03 s) and than the checks of any recipe take


class RecipeCase(unittest.TestCase):
    """A running deployment, and a client of each address."""

    plan = None

    def setUp(self):
        self.deployment = self.enterContext(Deployment(self.plan, run_folder(type(self).__name__), VRRPD, PROBER))
        self.deployment.start()
        self.lan = self.deployment.lan
        self.a, self.b = self.deployment.daemons.values()
        self.prepare()
        self.probers = [self.deployment.probe(instance, vip=vip) for instance, (vip, _) in self.plan.homes.items()]
        self.assert_served()

    def prepare(self):
        """Before the client asks for anything."""

    def assert_served(self):
        since_ns = time.time_ns()
        for prober in self.probers:
            prober.wait_for_answers(PATIENCE, 20, since_ns)

    def assert_moves(self, daemon, since, vip=VIP, instance="VI_1"):
        """To this daemon: it has the address alone, alone answers ARP, and all clients are served."""
        daemon.wait_state("MASTER", PATIENCE, since, instance)
        self.lan.wait_for_holder(vip, daemon.host, PATIENCE)
        self.assert_served()
        self.assertEqual(self.lan.who_answers(vip, self.deployment.client), [daemon.host.name])

    def assert_nothing_moves(self, act, seconds=QUIET_SECONDS):
        """While `act` runs and for some seconds after it."""
        marks = {daemon: daemon.log.mark() for daemon in (self.a, self.b)}
        act()
        time.sleep(seconds)
        self.assertEqual({daemon.host.name: daemon.states(mark) for daemon, mark in marks.items()},
                         {self.a.host.name: [], self.b.host.name: []})
        self.assert_served()

    def proxies(self, daemon):
        return daemon.host.pids_of(self.plan.proxy)

    # The faults that look the same with every proxy.

    def check_killed_proxy(self):
        before = self.proxies(self.a)
        def kill():
            self.deployment.signal_proxy(self.a.host.name, signal.SIGKILL)
            self.assert_served()
        self.assert_nothing_moves(kill)
        self.assertEqual(len(self.proxies(self.a)), 1)
        self.assertNotEqual(self.proxies(self.a), before)

    def check_hung_proxy(self):
        mark_a, mark_b = self.a.log.mark(), self.b.log.mark()
        self.deployment.signal_proxy(self.a.host.name, signal.SIGSTOP)
        self.assert_moves(self.b, mark_b)
        self.a.wait_state("FAULT", PATIENCE, mark_a)
        self.a.log.until(lambda: not self.proxies(self.a), PATIENCE, "the end of the hung proxy")

    def check_lost_host(self):
        """And with nopreempt it waits when it is back."""
        mark_b = self.b.log.mark()
        self.deployment.cut(self.a.host.name)
        self.assert_moves(self.b, mark_b)
        self.assertEqual(self.lan.holders(VIP), [self.b.host.name])
        mark_a, mark_b = self.a.log.mark(), self.b.log.mark()
        self.deployment.restore(self.a.host.name)
        self.a.wait_state("BACKUP", PATIENCE, mark_a)
        time.sleep(QUIET_SECONDS)
        self.assertNotIn("MASTER", self.a.states(mark_a))
        self.assertEqual(self.b.states(mark_b), [])


class Connections(RecipeCase):
    """Open connections learn of a planned move at once: the service goes first, the address after it. A client whose
    address went first would wait for its own timeout; it is PATIENCE here."""

    plan = S1
    server = "cache-a"  # the one that answers in peace

    def outcome(self, link):
        """What a client sees that waits for the next bytes: bytes, "eof", "reset" or "hangs"."""
        try:
            return link.recv(4096) or "eof"
        except ConnectionResetError:
            return "reset"
        except socket.timeout:
            return "hangs"

    def test_idle_and_waiting_clients_are_told(self):
        idle, asking, waiting = (self.enterContext(self.deployment.connect(VIP, VIP_PORT)) for _ in range(3))
        for link in (idle, asking, waiting):
            link.sendall(b"get before\r\n")
            self.assertEqual(link.recv(4096), b"END\r\n")
        asking.sendall(b"set half 0 0 10\r\nhal")  # not all of the request yet
        # An answer that is under way for ever: the server hangs.
        self.deployment.signal_server(self.server, signal.SIGSTOP)
        waiting.sendall(b"get never\r\n")
        mark = self.b.log.mark()
        self.deployment.stop_daemon(self.a.host.name)
        seen = {name: self.outcome(link) for name, link in
                (("idle", idle), ("asking", asking), ("waiting", waiting))}
        self.assertLessEqual(set(seen.values()), {"eof", "reset"}, seen)
        self.b.wait_state("MASTER", PATIENCE, mark)


class ConnectionsOfHaproxy(Connections):
    plan = S7
    server = "cache-1"


class MemcachedPair(RecipeCase):
    """S1. tests/lan/test_failover.py has the same faults with more to say about each."""

    plan = S1

    def test_hung_memcached_moves_and_does_not_bounce(self):
        mark_a, mark_b = self.a.log.mark(), self.b.log.mark()
        self.deployment.signal_server("cache-a", signal.SIGSTOP)
        self.assert_moves(self.b, mark_b)
        self.a.wait_state("FAULT", PATIENCE, mark_a)
        mark_a, mark_b = self.a.log.mark(), self.b.log.mark()
        self.deployment.signal_server("cache-a", signal.SIGCONT)
        self.a.wait_state("BACKUP", PATIENCE, mark_a)
        time.sleep(QUIET_SECONDS)
        self.assertEqual(self.a.states(mark_a), ["BACKUP"])
        self.assertEqual(self.b.states(mark_b), [])


class OtherVrid(unittest.TestCase):
    """The slip of S1's first users: VRID 51 on one host, 52 on the other."""

    def test_is_named(self):
        with Deployment(S1, run_folder("OtherVrid"), VRRPD, PROBER) as deployment:
            path = deployment.hosts["cache-b"].etc / "vrrpd.ini"
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace("virtual_router_id = 51", "virtual_router_id = 52"), encoding="utf-8")
            deployment.start_servers()
            for daemon in deployment.daemons.values():
                daemon.start()
            for daemon in deployment.daemons.values():
                daemon.process.wait_for_line(rf"warning .* advertises {VIP} under VRID \d+, ours is \d+: ", PATIENCE)


class Shards(RecipeCase):
    """S2: the shard that the check goes to is lost, with its process and with its host; then all of them."""

    plan = S2

    def prepare(self):
        """nutcracker asks one shard for `version`, always the same, and connects to a shard when it first needs it."""
        self.checked = []
        end = time.monotonic() + PATIENCE
        while not self.checked and time.monotonic() < end:
            time.sleep(0.05)
            self.checked = [name for name in self.plan.servers if self.proxy_connects_to(self.deployment.hosts[name])]
        self.assertEqual(len(self.checked), 1, "shards that the check goes to")

    def proxy_connects_to(self, host):
        return host.run(["ss", "-tnH", "state", "established", "sport", "= 11211"]) != ""

    def test_killed_shard_moves_nothing(self):
        self.assert_tolerated(lambda name: self.deployment.signal_server(name, signal.SIGKILL))

    def test_shard_whose_host_is_gone_moves_nothing(self):
        self.assert_tolerated(self.deployment.cut)

    def test_served_again_once_the_shards_are_back(self):
        marks = {daemon: daemon.log.mark() for daemon in (self.a, self.b)}
        for name in self.plan.servers:
            self.deployment.signal_server(name, signal.SIGKILL)
        for daemon, mark in marks.items():
            daemon.wait_state("FAULT", PATIENCE, mark)
        for name in self.plan.servers:
            self.deployment.start_server(name)
        self.assert_served()

    def assert_tolerated(self, strike):
        self.assert_nothing_moves(lambda: strike(self.checked[0]))


class ShardedProxy(RecipeCase):
    """S2: the proxy itself, and its host."""

    plan = S2

    def test_killed_proxy_is_restarted_in_place(self):
        self.check_killed_proxy()

    def test_hung_proxy_moves(self):
        self.check_hung_proxy()

    def test_lost_host_moves(self):
        self.check_lost_host()


class TwoAddresses(RecipeCase):
    """S4, both directions."""

    plan = S4

    def prepare(self):
        """The host that started first had both addresses for a while."""
        self.wait_for_one_proxy(self.a)

    def wait_for_one_proxy(self, daemon):
        daemon.log.until(lambda: len(self.proxies(daemon)) == 1, PATIENCE, "the end of the proxy that moved home")

    def test_lost_hosts(self):
        for lost, other in ((self.a, self.b), (self.b, self.a)):
            with self.subTest(lost=lost.host.name):
                self.lose_and_return(lost, other)

    def lose_and_return(self, lost, other):
        instance, (vip, _) = next(item for item in self.plan.homes.items() if item[1][1] == lost.host.name)
        mark = other.log.mark()
        self.deployment.cut(lost.host.name)
        self.assert_moves(other, mark, vip, instance)
        self.assertEqual([self.deployment.holder(one) for one in (VIP, VIP_2)], [other.host.name] * 2)
        self.assertEqual(len(self.proxies(other)), 2)
        self.deployment.restore(lost.host.name)
        self.deployment.wait_at_home()
        self.wait_for_one_proxy(other)
        self.assert_served()

    def test_hung_proxy_moves_its_address_only(self):
        [pid] = self.proxies(self.a)
        marks = [daemon.log.mark() for daemon in (self.a, self.b)]
        self.deployment.signal_proxy("proxy-a", signal.SIGSTOP)
        self.assert_moves(self.b, marks[1])
        self.a.wait_state("FAULT", PATIENCE, marks[0])
        self.assertEqual(self.deployment.holder(VIP_2), "proxy-b")
        for daemon, mark in zip((self.a, self.b), marks):
            self.assertEqual(daemon.states(mark, "VI_2"), [])
        self.assertNotIn(pid, self.proxies(self.a))


class Haproxy(RecipeCase):
    """S7: the proxy itself."""

    plan = S7

    def test_killed_proxy_is_restarted_in_place(self):
        self.check_killed_proxy()

    def test_hung_proxy_moves(self):
        self.check_hung_proxy()


class AroundHaproxy(RecipeCase):
    """S7: its host, and what it has behind it."""

    plan = S7

    def test_lost_host_moves(self):
        self.check_lost_host()

    def test_dead_server_moves_nothing(self):
        self.assert_nothing_moves(lambda: self.deployment.signal_server("cache-1", signal.SIGKILL))


class Pages(unittest.TestCase):
    """What no LAN runs: sections in the pages that take the place of those in the files; and the files side by side."""

    def make_host(self, lan):
        """With all programs that the files name."""
        host = lan.host("host", "192.168.30.10")
        install_stand_in(host)
        install_hooks(host)
        for path in RECIPES.glob("*/*"):
            if path.suffix != ".ini":
                shutil.copy(path, host.etc)
        return host

    def test_the_hosts_of_each_recipe_fit_together(self):
        with Lan(run_folder("Pages")) as lan:
            host = self.make_host(lan)
            for folder in sorted(RECIPES.iterdir()):
                with self.subTest(recipe=folder.name):
                    host.run([VRRPCTL, "check", *sorted(folder.glob("*.ini"))])

    def test_the_sections_are_valid(self):
        with Lan(run_folder("Pages")) as lan:
            host = self.make_host(lan)
            for page in sorted(PAGES.glob("s*.md")):
                text = page.read_text(encoding="utf-8")
                blocks = re.findall(r"```ini\n(.*?)```", text, re.DOTALL)
                self.assertGreaterEqual(len(blocks), text.count("## With systemd"), page.name)
                for block in blocks:
                    with self.subTest(page=page.name):
                        self.check(host, sorted((RECIPES / page.name.split("-")[0]).glob("*.ini"))[0], block)

    def check(self, host, path, block):
        text = path.read_text(encoding="utf-8")
        for section in re.findall(r"^\[[^]]+\]", block, re.MULTILINE):
            text = re.sub(rf"(?ms)^{re.escape(section)}.*?(?=^\[|\Z)", "", text)
        (host.etc / "vrrpd.ini").write_text(f"{text}\n{block}", encoding="utf-8")
        host.run([VRRPD, "--check"])


if __name__ == "__main__":
    unittest.main()
