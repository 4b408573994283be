"""S5 and S6 with real redis servers and sentinels, exactly the files of etc/recipes, while a client counts through the
virtual address: what it was told to be written is there after each fault, or the page says that it may not be.
"""

import functools
import shutil
import signal
import unittest

from tests.lan.control import vrrpctl
from tests.lan.daemons import VIP
from tests.lan.settings import PATIENCE, PROBER, VRRPD, run_folder
from tests.recipes.data_deployments import S5, S6, RedisDeployment, SentinelDeployment
from tests.recipes.redis_servers import DATA, PORT, SENTINEL_PORT, Counter, ask, eventually, role, wait_follows


class RedisRecipe(unittest.TestCase):
    """A running deployment, and a client that counts."""

    plan, make = S5, RedisDeployment

    def setUp(self):
        self.deployment = self.enterContext(self.make(self.plan, run_folder(type(self).__name__), VRRPD, PROBER))
        self.deployment.start()
        self.a, self.b = (self.deployment.hosts[name] for name in ("redis-a", "redis-b"))
        self.counter = Counter(self.deployment.client)
        self.addCleanup(self.counter.close)
        self.counter.start()
        self.counter.wait_more()

    def daemon(self, host):
        return self.deployment.daemons[host.name]

    def assert_moved(self, to):
        """The address is there, its redis the master, and all that was acknowledged is in it."""
        self.deployment.lan.wait_for_holder(VIP, to, PATIENCE)
        self.counter.wait_more()
        self.assertEqual(role(to), ["master"])
        self.assertEqual(self.counter.lost(), [])

    def assert_same_data(self):
        """What the counter has come to is on both."""
        self.counter.close()
        last = self.counter.acknowledged[-1]
        for host in (self.a, self.b):
            eventually(lambda host=host: int(ask(host, "GET", "counter") or 0) >= last, f"{last} on {host.name}")


class PlannedMoves(RedisRecipe):
    def test_no_acknowledged_write_is_lost(self):
        idle = self.enterContext(self.deployment.connect(VIP, PORT))
        idle.sendall(b"PING\r\n")
        self.assertEqual(idle.recv(64), b"+PONG\r\n")

        self.assertEqual(vrrpctl(self.a, "failover", "VI_1").code, 0)
        self.assert_moved(self.b)
        self.assertEqual(idle.recv(64), b"", "an idle client is told")
        wait_follows(self.a, self.b)

        self.assertEqual(vrrpctl(self.b, "drain").code, 0)
        self.assert_moved(self.a)
        wait_follows(self.b, self.a)
        self.assertEqual(vrrpctl(self.b, "resume").code, 0)

        self.deployment.stop_daemon(self.a.name)
        self.assert_moved(self.b)
        self.daemon(self.a).process.wait(PATIENCE)
        wait_follows(self.a, self.b)  # nobody is left there that could have said so afterwards
        self.assert_same_data()


class RedisFaults(RedisRecipe):
    def test_a_killed_master_comes_back_as_the_replica(self):
        self.deployment.signal_server("redis-a", signal.SIGKILL)
        self.assert_moved(self.b)
        marks = {host: self.daemon(host).log.mark() for host in (self.a, self.b)}
        self.deployment.start_server("redis-a")
        wait_follows(self.a, self.b)
        self.assert_same_data()
        self.assertEqual(self.daemon(self.a).states(marks[self.a]), ["BACKUP"])
        self.assertEqual(self.daemon(self.b).states(marks[self.b]), [])

    def test_a_hung_master_comes_back_as_the_replica(self):
        self.deployment.signal_server("redis-a", signal.SIGSTOP)
        self.assert_moved(self.b)
        self.deployment.signal_server("redis-a", signal.SIGCONT)
        wait_follows(self.a, self.b)
        self.assert_same_data()


class EmptyRedis(RedisRecipe):
    def test_one_that_comes_back_empty_wipes_nothing(self):
        self.deployment.signal_server("redis-a", signal.SIGKILL)
        self.assert_moved(self.b)
        shutil.rmtree(self.a.etc / DATA)
        self.deployment.start_server("redis-a")
        self.assertEqual(ask(self.a, "DBSIZE"), "0")
        wait_follows(self.a, self.b)
        self.counter.wait_more()
        self.assert_same_data()
        self.assertEqual(self.counter.lost(), [])


class LostHost(RedisRecipe):
    def test_the_replica_serves_and_the_host_that_is_back_follows(self):
        self.deployment.cut("redis-a")
        self.assert_moved(self.b)
        self.deployment.restore("redis-a")
        wait_follows(self.a, self.b)
        self.assert_same_data()


class RestartedHosts(RedisRecipe):
    """Both lose their power, the replica before it has the last writes; the last master is not the better host."""

    def setUp(self):
        super().setUp()
        self.assertEqual(vrrpctl(self.a, "failover", "VI_1").code, 0)
        self.assert_moved(self.b)
        wait_follows(self.a, self.b)
        self.deployment.signal_server("redis-a", signal.SIGKILL)
        self.counter.wait_more()
        for name in ("redis-a", "redis-b"):
            self.deployment.crash(name)
        self.before = self.counter.acknowledged[-1]

    def assert_nothing_lost(self):
        self.counter.wait_more()
        self.assertGreater(self.counter.acknowledged[-1], self.before)
        self.assertEqual(self.counter.lost(), [])


class RestartedOneByOne(RestartedHosts):
    def test_the_last_master_wins_although_it_is_late(self):
        self.deployment.boot("redis-a")
        self.assertLess(int(ask(self.a, "GET", "counter")), self.before)
        self.daemon(self.a).process.wait_for_line(rf"redis-promote: {self.b.address} may have newer data", PATIENCE)
        self.assertEqual(self.deployment.lan.holders(VIP), [])
        self.deployment.boot("redis-b")
        self.assert_moved(self.b)
        self.assert_nothing_lost()
        self.daemon(self.b).process.wait_for_line(r"Entering MASTER STATE .* priority=253$", PATIENCE)
        wait_follows(self.a, self.b)
        self.assert_same_data()


class RestartedAtOnce(RestartedHosts):
    def test_the_last_data_win(self):
        """A replica that meets its master in time may be promoted: it has all that the master has then."""
        for name in ("redis-a", "redis-b"):
            self.deployment.boot(name)
        self.assert_nothing_lost()
        eventually(lambda: sorted(role(host) for host in (self.a, self.b)) == [["master"], ["slave"]], "one master")
        self.assert_same_data()


class SentinelRecipe(RedisRecipe):
    """S6: sentinel decides, the address follows, the agent promotes nothing."""

    plan, make = S6, functools.partial(SentinelDeployment, patience_ms=1000)


class SentinelsDecide(SentinelRecipe):
    def test_the_address_follows_the_master(self):
        self.deployment.signal_server("redis-a", signal.SIGKILL)
        self.assert_moved(self.b)
        marks = {host: self.daemon(host).log.mark() for host in (self.a, self.b)}
        self.deployment.start_server("redis-a")
        wait_follows(self.a, self.b)  # as sentinel had it
        self.counter.wait_more()
        self.assertEqual([self.daemon(host).states(marks[host]) for host in (self.a, self.b)], [[], []])
        self.assertEqual(self.deployment.holder(), "redis-b")


class SentinelsAreAsked(SentinelRecipe):
    def test_a_planned_move_loses_no_acknowledged_write(self):
        """The address first: sentinel leaves the old master what it is for some seconds."""
        self.assertEqual(vrrpctl(self.a, "drain").code, 0)
        self.deployment.lan.wait_for_holder(VIP, self.b, PATIENCE)
        self.assertEqual(ask(self.b, "SENTINEL", "FAILOVER", "cache", port=SENTINEL_PORT), "OK")
        self.assert_moved(self.b)
        self.assertIn("READONLY", self.counter.errors)
        wait_follows(self.a, self.b)
        self.assertEqual(vrrpctl(self.a, "resume").code, 0)
        self.assertEqual(self.counter.lost(), [])
        self.assert_same_data()


if __name__ == "__main__":
    unittest.main()
